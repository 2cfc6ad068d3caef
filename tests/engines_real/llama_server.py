"""A real llama-server for the tests: found on the path, or where `.ci/run` has put it."""

import asyncio
import shutil
import socket
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

ROOT = Path(__file__).parents[2]
CACHED = ROOT / ".cache" / "llama-server" / "llama-server"
"""`tests/engines_real/get_llama_server.sh .cache/llama-server` puts one there."""
FAQ = Path(__file__).parent / "models" / "tiny-gemma3-faq.gguf"
READY = b"listening on "
START_LIMIT_S = 30.0


def find() -> str | None:
    return shutil.which("llama-server") or (str(CACHED) if CACHED.is_file() else None)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


@dataclass(frozen=True)
class LlamaServer:
    url: str
    """Up to and including /v1."""
    http: httpx2.AsyncClient
    pid: int

    async def until_idle(self) -> None:
        while await decoding(self.http):  # noqa: ASYNC110 - it is another process: there is no event
            await asyncio.sleep(0.02)


@asynccontextmanager
async def running(
    model: Path, *, slots: int = 2, context: int = 8192
) -> AsyncIterator[LlamaServer]:
    """`context` is all slots' together."""
    program, port = find(), free_port()
    assert program, "marked with needs('llama-server')"
    words = ["-m", str(model), "-np", str(slots), "-c", str(context), "--port", str(port)]
    process = await asyncio.create_subprocess_exec(
        program, *words, "-t", "1", "--fit", "off", "--no-webui",
        stdin=DEVNULL, stdout=PIPE, stderr=STDOUT,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_LIMIT_S):
            while (line := await process.stdout.readline()) and READY not in line:
                pass
        assert line, "llama-server did not start"
        root = f"http://127.0.0.1:{port}"
        async with asyncio.TaskGroup() as tasks, httpx2.AsyncClient(base_url=root) as http:
            tasks.create_task(_drain(process.stdout))
            yield LlamaServer(f"{root}/v1", http, process.pid)
            process.terminate()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def decoding(http: httpx2.AsyncClient) -> list[int]:
    """The tokens that each slot at work has made so far, as it says itself."""
    slots = (await http.get("/slots")).json()
    busy = [slot.get("next_token") or [{}] for slot in slots if slot["is_processing"]]
    return [next_token[0].get("n_decoded", 0) for next_token in busy]


async def _drain(log: asyncio.StreamReader) -> None:
    while await log.read(65536):
        pass
