"""Which engines are up, where two of one name can be; and how long a log may grow."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
import typer
from typer.testing import CliRunner, Result

from bot.__main__ import command_line
from bot.commands.engine import engine_named
from bot.engines.recipe import Recipe
from bot.engines.register import (
    Entry,
    LogBounds,
    Register,
    bound,
    command_by_proc,
    command_by_ps,
    is_supervisor,
)
from bot.engines.supervisor import News, Ready, Supervisor
from bot.settings import Settings
from tests.engines_real.llama_server import free_port
from tests.patience import until


@contextmanager
def supervisor() -> Iterator[int]:
    """A process that passes for one, once it has begun: before, it has no command line."""
    program = "import sys; print(flush=True); sys.stdin.read()"
    waits = [sys.executable, "-c", program, "bot.engines.supervisor"]
    with subprocess.Popen(waits, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process.pid
        finally:
            process.stdin.close()


def entry(pid: int, *, served: bool) -> Entry:
    return Entry(
        name="demo", supervisor=pid, engine=0, state="ready", base_url=f"http://127.0.0.1:{pid}/v1",
        model="m", shown="m", since="2026-11-20T12:00:00+00:00", served=served,
    )  # fmt: skip


def begun(register: Register, pid: int, *, served: bool) -> None:
    register.begin("demo", pid).write_text(f"{pid} says so")
    register.write(entry(pid, served=served))


def halfsecond(*words: str) -> Result:
    return CliRunner().invoke(command_line(words), words)


def test_an_engine_of_ones_own_and_one_of_a_server_do_not_touch_each_other(tmp_path: Path) -> None:
    register = Register(tmp_path)
    with supervisor() as served, supervisor() as own:
        begun(register, served, served=True)
        assert register.own("demo") is None
        begun(register, own, served=False)
        assert list(register.all()) == [entry(own, served=False), entry(served, served=True)]
        assert register.log("demo", served).read_text() == f"{served} says so"
        register.remove("demo", own)
        assert list(register.all()) == [entry(served, served=True)]


def test_who_was_killed_leaves_its_last_words_until_the_next_is_started(tmp_path: Path) -> None:
    register = Register(tmp_path)
    with supervisor() as dead:
        begun(register, dead, served=False)
    assert list(register.all()) == []
    assert [file.name for file in register.root.iterdir()] == [f"demo.{dead}.log"]
    assert register.latest_log("demo") == register.log("demo", dead)
    with supervisor() as alive:
        begun(register, alive, served=False)
        assert register.latest_log("demo") == register.log("demo", alive)
        assert not register.log("demo", dead).exists()


def test_an_engine_of_a_server_is_not_taken_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LLM_ENGINE_HOME", str(tmp_path))
    with supervisor() as served:
        begun(Register(tmp_path), served, served=True)
        done = halfsecond("llm", "down", "demo")
        assert done.exit_code == 1
        assert "goes with the server that has started it" in done.output
        assert f"supervised by {served}, for a server" in halfsecond("llm", "status").output
        assert is_supervisor(served)


SMALL = LogBounds(most_bytes=1000, kept_bytes=100, every_s=0.01)


def test_a_log_that_grew_too_long_keeps_its_end_and_whoever_writes_goes_on_behind_it(
    tmp_path: Path,
) -> None:
    log = tmp_path / "log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"a" * 1000)
        bound(log, SMALL)
        assert log.stat().st_size == 1000
        writer.write(b"b")
        bound(log, SMALL)
        writer.write(b"c")
    assert log.read_text() == "a" * 99 + "bc"


TALKER = """
from http.server import BaseHTTPRequestHandler, HTTPServer
import sys

class Talker(BaseHTTPRequestHandler):
    def do_GET(self):
        print("x" * 5000, flush=True)
        self.send_response(200)
        self.end_headers()
    do_POST = do_GET

HTTPServer(("127.0.0.1", int(sys.argv[1])), Talker).serve_forever()
"""


def test_an_engine_that_talks_without_end_does_not_fill_the_disk(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-c", TALKER, str(port)]
    recipe = Recipe(name="demo", command=command, port=port, model="m", shown="m")

    async def scenario() -> None:
        ready = asyncio.Event()
        register = Register(tmp_path)

        def tell(news: News) -> None:
            if isinstance(news, Ready):
                ready.set()

        supervisor = Supervisor(recipe, register, tell=tell, bounds=SMALL)
        async with asyncio.TaskGroup() as tasks, httpx2.AsyncClient(base_url=recipe.root) as http:
            running = tasks.create_task(supervisor.run())
            await ready.wait()
            for _ in range(5):
                assert (await http.get("/health")).status_code == 200
            log = register.log("demo", os.getpid())
            await until(lambda: log.stat().st_size <= 1000, 0.01)
            running.cancel()

    asyncio.run(scenario())


def test_a_minder_is_known_by_its_command_where_there_is_no_proc() -> None:
    with supervisor() as pid:
        assert b"bot.engines.supervisor" in command_by_ps(pid)
        assert b"bot.engines.supervisor" in command_by_proc(pid)
    assert command_by_ps(pid) == command_by_proc(pid) == b""
    assert b"bot.engines.supervisor" not in command_by_ps(os.getpid())


@pytest.mark.parametrize(
    ("written", "name"),
    [("llamacpp", "llama.cpp"), ("llama-cpp", "llama.cpp"), ("llama.cpp", "llama.cpp")]
    + [("vllm", "vllm"), ("demo", "demo")],
)
def test_an_engine_may_be_named_as_others_write_it(written: str, name: str) -> None:
    assert engine_named(written) == name
    assert Settings.model_validate({"llm_engine": written}).llm_engine == name


def test_an_engine_that_there_is_not_is_told_with_those_that_there_are() -> None:
    with pytest.raises(typer.BadParameter, match=r"'ollama' is not one of vllm, llama\.cpp, demo"):
        engine_named("ollama")
