"""A recorded question played at a server in real time: does it hear, answer and speak?"""

import asyncio
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryFile

import client.caller
from bot.commands.checks.finding import Finding, bad, good, poor
from bot.commands.checks.network import at_home
from bot.settings import Settings, environment
from bot.terminal.program import program
from client.caller.call import CallOptions, CallResult, place_call
from client.caller.conductor import ScriptLine
from client.caller.door import CallError, PageDoor
from client.caller.speech_file import load
from client.caller.waiting import READY_WITHIN_S, until_ready
from client.caller.wording import count_word_errors
from pipelines.services.minding import end_within

RECORDING = Path(client.caller.__file__).with_name("outgoing_call.wav")
SAID = "Press four to place an outgoing call."
START_WITHIN_S = 180.0
"""A server that starts a language model of its own can take minutes."""
STOP_WITHIN_S = 15.0
_READY = "Halfsecond is ready: "


class ServerStartError(Exception):
    """The server did not start; the message is the last line that it said."""


async def check_call(settings: Settings) -> Finding:
    """At the server that runs with these settings, else at one that is started and ended for it."""
    token = settings.access_token
    door = PageDoor(token=token.get_secret_value() if token else None)
    try:
        if (url := await at_home(settings)) is not None:
            return await _called(url, door, url)
        async with own_server() as url:
            return await _called(url, door, "a server that was started for it")
    except CallError as error:
        return bad("call", str(error), f"see what {program()} serve prints")
    except ServerStartError as error:
        return bad("call", f"no server started: {error}", f"see what {program()} serve prints")


async def _called(url: str, door: PageDoor, at: str) -> Finding:
    """Raises CallError."""
    await until_ready(url, READY_WITHIN_S, lambda why: None)
    return judged(await place_call(url, [ScriptLine(load(RECORDING))], CallOptions(door=door)), at)


def judged(result: CallResult, at: str) -> Finding:
    """`at`: the server, in words."""
    if result.faults:
        return bad("call", f"{at} says: {result.faults[0]}", "mend that, and call again")
    if not result.turns or (turn := result.turns[0]).wait.missed:
        return bad("call", f"no answer from {at}", f"see what {program()} serve prints")
    heard = turn.words.transcript
    answered = f"answered after {1000 * turn.wait.v2v_s:.0f} ms by {at}"
    if count_word_errors(SAID, heard).errors:
        return poor(
            "call",
            f'"{SAID}" was heard as "{heard}", and {answered}',
            "other ears are one setting away (STT_ENGINE)",
        )
    return good("call", f'"{heard}" was heard, and {answered}')


@asynccontextmanager
async def own_server() -> AsyncIterator[str]:
    """The address of a server at any free port of this machine, until the body ends.

    Raises ServerStartError.
    """
    words = ["-u", "-P", "-m", "bot", "serve", "--host", "127.0.0.1", "--port", "0"]
    plain = environment({"TLS_CERT": "", "TLS_KEY": ""})  # its certificate is for another name
    with TemporaryFile() as said:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *words,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=said,
            env=plain,
        )
        assert process.stdout is not None
        try:
            try:
                async with asyncio.timeout(START_WITHIN_S):
                    line = (await process.stdout.readline()).decode().strip()
            except TimeoutError:
                raise ServerStartError(f"not within {START_WITHIN_S:.0f} s") from None
            if not line.startswith(_READY):
                said.seek(0)
                last = said.read().decode(errors="replace").strip().rpartition("\n")[2]
                raise ServerStartError(last or line or "it ended without a word")
            yield line.removeprefix(_READY)
        finally:
            await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGTERM)
    await end_within(process, STOP_WITHIN_S)
