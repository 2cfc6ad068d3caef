"""start.sh with stand-ins for vLLM and the bot: neither outlives the other."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

START = Path(__file__).parents[2] / "runpod" / "start.sh"

VLLM = """#!{python}
import http.server, os, signal, sys
told = open(os.environ["TOLD"], "a", buffering=1)
print("vllm", *sys.argv[1:], file=told)
if os.environ.get("VLLM_FAILS"):
    sys.exit(7)
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print("asked", self.path, file=told)
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_): ...
def leave(*_):
    print("vllm leaves", file=told)
    os._exit(0)
signal.signal(signal.SIGTERM, leave)
port = int(sys.argv[sys.argv.index("--port") + 1])
http.server.HTTPServer(("127.0.0.1", port), Health).serve_forever()
"""
BOT = """#!{python}
import os, signal, sys
told = open(os.environ["TOLD"], "a", buffering=1)
names = ("LLM_BASE_URL", "LLM_MODEL", "HOST", "PUBLIC_BASE_URL")
said = [os.environ.get(name, "-") for name in names]
print("bot", *sys.argv[1:], *said, file=told)
if os.environ.get("BOT_FAILS"):
    sys.exit(3)
def leave(*_):
    print("bot leaves", file=told)
    os._exit(0)
signal.signal(signal.SIGTERM, leave)
print("up", flush=True)
signal.pause()
"""


class Pod:
    def __init__(self, folder: Path, port: int) -> None:
        self._told = folder / "told"
        self._told.touch()
        for name, script in (("vllm", VLLM), ("bot", BOT)):
            (folder / name).write_text(script.format(python=sys.executable))
            (folder / name).chmod(0o755)
        self.environment = {
            "PATH": f"{folder}:{os.environ['PATH']}",  # noqa: TID251
            "BOT_PYTHON": str(folder / "bot"),
            "PYTHON": sys.executable,
            "TOLD": str(self._told),
            "MODEL_NAME": "google/gemma-3-27b-it",
            "ACCESS_TOKEN": "canary",
            "VLLM_PORT": str(port),
            "POLL_S": "0.05",
        }

    @contextmanager
    def running(self, **settings: str) -> Iterator[subprocess.Popen[str]]:
        with subprocess.Popen(
            [START],
            env=self.environment | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.terminate()

    def told(self) -> list[str]:
        return self._told.read_text().splitlines()


@pytest.fixture
def pod(tmp_path: Path, free_port: int) -> Pod:
    return Pod(tmp_path, free_port)


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def test_the_bot_starts_once_vllm_is_well_and_leaves_first(pod: Pod) -> None:
    with pod.running(RUNPOD_POD_ID="abc", QUANTIZATION="fp8") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 143
    port = pod.environment["VLLM_PORT"]
    assert pod.told() == [
        f"vllm serve google/gemma-3-27b-it --host 127.0.0.1 --port {port} --max-model-len 8192 "
        "--gpu-memory-utilization 0.88 --dtype bfloat16 --tensor-parallel-size 1 "
        "--quantization fp8",
        "asked /health",
        f"bot -P -m bot serve http://127.0.0.1:{port}/v1 google/gemma-3-27b-it 0.0.0.0 "
        "https://abc-7860.proxy.runpod.net",
        "bot leaves",
        "vllm leaves",
    ]


def test_when_vllm_cannot_start_the_bot_does_not(pod: Pod) -> None:
    with pod.running(VLLM_FAILS="1") as process:
        _, said = process.communicate()
    assert process.returncode == 1
    assert "vLLM ended with 7 before it was ready" in said
    assert [line.split()[0] for line in pod.told()] == ["vllm"]


def test_when_the_bot_ends_vllm_does_too(pod: Pod) -> None:
    with pod.running(BOT_FAILS="1") as process:
        _, said = process.communicate()
    assert process.returncode == 3
    assert "the bot ended with 3" in said
    assert pod.told()[-1] == "vllm leaves"


@pytest.mark.parametrize("missing", ["MODEL_NAME", "ACCESS_TOKEN"])
def test_what_must_be_set_is_named(pod: Pod, missing: str) -> None:
    del pod.environment[missing]
    with pod.running() as process:
        _, said = process.communicate()
    assert process.returncode != 0
    assert missing in said
    assert pod.told() == []
