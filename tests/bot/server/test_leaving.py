"""A process that is told to leave ends, whatever holds it. These start one."""

import signal
import subprocess
import sys
import time

import pytest

HELD = """
import asyncio, re, signal, time
from bot.server.leaving import end_within

def leave(number, frame):
    end_within(0.3)

signal.signal(signal.SIGTERM, leave)

async def hold():
    print("ready", flush=True)
    {hold}

asyncio.run(hold())
"""
HOLDS = {
    "python": "while True: pass",
    "a pattern": "re.match(r'(a+)+$', 'a' * 60 + 'b')",
    "a call that waits": "time.sleep(600)",
    "a loop that swallows": """
    while True:
        try:
            time.sleep(600)
        except BaseException:
            pass""",
    "nothing": "await asyncio.sleep(600)",
}


def ended(code: str) -> tuple[int, float]:
    """The exit code, and seconds from SIGTERM to it."""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        told_s = time.monotonic()
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(20.0), time.monotonic() - told_s
        finally:
            process.kill()


@pytest.mark.parametrize("hold", HOLDS.values(), ids=HOLDS)
def test_a_process_ends_within_its_time_whatever_its_loop_does(hold: str) -> None:
    code, after_s = ended(HELD.replace("{hold}", hold))
    assert code == -signal.SIGALRM
    assert 0.2 <= after_s < 15.0


def test_a_second_signal_does_not_put_the_end_off() -> None:
    twice = HELD.replace("end_within(0.3)", "end_within(0.3); end_within(60)")
    code, after_s = ended(twice.replace("{hold}", "while True: pass"))
    assert code == -signal.SIGALRM
    assert after_s < 15.0
