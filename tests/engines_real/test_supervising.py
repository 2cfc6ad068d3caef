"""An engine that is started, supervised and ended: a real llama-server, in all its failures."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

import bot
from bot.calls.limits import Limits
from bot.engines.recipe import EngineError, Recipe
from bot.engines.register import Entry, Register
from bot.engines.supervised import SupervisedEngine
from bot.engines.supervisor import Back, Down, News, Ready, StartProgress, Supervisor
from bot.settings import Settings, environment
from bot.wiring.own_engine import recipe_for
from client.caller import conductor
from client.caller.call import CallOptions, CallResult, place_call
from client.caller.conductor import Pacing, ScriptLine
from tests.engines_real import llama_server
from tests.engines_real.calling import WiredEngine, spoken
from tests.engines_real.llama_server import FAQ, free_port
from tests.engines_real.tiny_gemma3 import counting
from tests.patience import until
from tests.serving import serving

pytestmark = [pytest.mark.needs("llama-server"), pytest.mark.usefixtures("empty_folder")]


def recipe(**given: object) -> Recipe:
    settings = {
        "llm_engine_model": str(FAQ),
        "llm_engine_bin": llama_server.find(),
        "llm_engine_port": 0,
        "llm_engine_context": 512,
        "llm_engine_slots": 1,
        "llm_engine_start_s": 60,
    }
    return recipe_for(Settings.model_validate(settings | given), "llama.cpp")


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@asynccontextmanager
async def supervised(
    made: Recipe, register: Register, news: list[News], notices: list[News]
) -> AsyncIterator[None]:
    """In this process, until the body ends."""
    ready = asyncio.Event()

    def tell(one: News) -> None:
        news.append(one)
        if isinstance(one, Ready):
            ready.set()
        if isinstance(one, Down | Back):
            notices.append(one)

    supervisor = Supervisor(made, register, tell=tell)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(supervisor.run())
        await ready.wait()
        yield
        running.cancel()


def test_an_engine_that_is_killed_is_back_and_one_that_is_ended_leaves_nothing(
    tmp_path: Path,
) -> None:
    register, news, notices = Register(tmp_path), list[News](), list[News]()

    def entry() -> Entry:
        [found] = register.root.glob("*.json")
        return Entry(**json.loads(found.read_text()))

    async def scenario() -> None:
        made = recipe()
        async with supervised(made, register, news, notices):
            first = entry()
            assert (first.state, first.restarts) == ("ready", 0)
            assert isinstance(news[-1], Ready)
            assert news[-1].streams
            os.kill(first.engine, signal.SIGKILL)
            await until(lambda: entry().state == "ready" and entry().restarts == 1, 0.02)
            second = entry()
            assert second.engine != first.engine
            assert second.trouble == "it was killed by signal 9"
            async with httpx2.AsyncClient() as http:
                assert (await http.get(f"{made.root}/health")).status_code == 200
        assert not is_alive(second.engine)

    asyncio.run(scenario())
    assert list(register.all()) == []
    [down, back] = notices
    assert down == Down("it was killed by signal 9", 0.1)
    assert isinstance(back, Back)
    log = register.log("llama.cpp", os.getpid()).read_text()
    assert log.count("halfsecond: starting: ") == 2
    assert "llama.cpp is down: it was killed by signal 9; starting it again in 0.1 s" in log
    assert "llama.cpp is back after " in log


def failure(made: Recipe, tmp_path: Path) -> str:
    """The complaint about an engine that cannot be started."""
    with pytest.raises(EngineError) as error:
        asyncio.run(Supervisor(made, Register(tmp_path)).run())
    assert list(Register(tmp_path).all()) == []
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_port_in_use_is_seen_before_the_start_and_when_it_is_taken_meanwhile(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EngineError, match=rf"port {port} is in use .*LLM_ENGINE_PORT"):
            recipe(llm_engine_port=port)
    made = recipe()
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", made.port))
        assert failure(made, tmp_path).startswith(f"port {made.port} is in use: stop what listens")


@pytest.mark.parametrize("content", [FAQ.read_bytes()[:2_000_000], b"<html>404</html>" * 100])
def test_a_torn_file_and_one_that_is_none_are_told_by_their_name(
    tmp_path: Path, content: bytes
) -> None:
    torn = tmp_path / "torn.gguf"
    torn.write_bytes(content)
    said = failure(recipe(llm_engine_model=str(torn)), tmp_path)
    assert said.startswith(f"{torn} is torn, or no GGUF file: fetch it again")


def test_too_little_memory_is_told_with_the_limit(tmp_path: Path) -> None:
    made = recipe(
        llm_engine_context=1_000_000,
        llm_engine_slots=8,
        llm_engine_memory_gb=0.4,
        llm_engine_options="--fit,off",
    )
    said = failure(made, tmp_path)
    assert said.startswith(f"not enough memory for {FAQ} within the 0.4 GB of LLM_ENGINE_MEMORY_GB")


def test_it_goes_when_the_server_that_started_it_is_killed(tmp_path: Path) -> None:
    async def scenario() -> None:
        engine = SupervisedEngine(recipe(), tmp_path, environment({}))
        told: list[StartProgress] = []
        try:
            ready = await engine.open(told.append)
            assert ready.streams
            [entry] = register.all()
            assert is_alive(entry.engine)
        finally:
            await engine.close()
        assert not is_alive(entry.engine)
        assert not is_alive(entry.supervisor)

    register = Register(tmp_path)
    asyncio.run(scenario())
    assert list(register.all()) == []


def test_a_minder_that_is_killed_takes_its_engine_along(tmp_path: Path) -> None:
    async def scenario() -> None:
        engine = SupervisedEngine(recipe(), tmp_path, environment({}))
        try:
            await engine.open()
            [entry] = Register(tmp_path).all()
            os.kill(entry.supervisor, signal.SIGKILL)
            await until(lambda: not is_alive(entry.engine), 0.02)
            await until(lambda: not list(Register(tmp_path).all()), 0.02)
        finally:
            await engine.close()

    asyncio.run(scenario())


def halfsecond(home: Path, *words: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "bot", "llm", *words],
        env=environment(
            {"LLM_ENGINE_HOME": str(home), "PYTHONPATH": str(Path(bot.__file__).parents[1])}
        ),
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.soak
def test_up_status_logs_and_down_on_the_command_line(tmp_path: Path) -> None:
    port, program = free_port(), llama_server.find()
    assert program
    words = ["llama.cpp", "--model", str(FAQ), "--port", str(port), "--bin", program]
    try:
        code, said, complaint = halfsecond(tmp_path, "up", *words)
        assert code == 0, complaint
        assert f"LLM_BASE_URL=http://127.0.0.1:{port}/v1 LLM_MODEL=tiny-gemma3-faq" in said
        assert halfsecond(tmp_path, "up", *words)[0] == 1  # it is up already
        [entry] = Register(tmp_path).all()
        code, said, _ = halfsecond(tmp_path, "status")
        assert f"llama.cpp  ready  http://127.0.0.1:{port}/v1" in said
        code, said, _ = halfsecond(tmp_path, "logs", "llama.cpp")
        assert "halfsecond: starting: " in said
        assert "listening on" in said
    finally:
        code, said, _ = halfsecond(tmp_path, "down", "llama.cpp")
    assert (code, said) == (0, "llama.cpp is down\n")
    assert not is_alive(entry.engine)
    assert not is_alive(entry.supervisor)
    assert halfsecond(tmp_path, "down", "llama.cpp")[2] == "halfsecond: llama.cpp is not up\n"


@pytest.mark.soak
def test_killed_in_mid_call_it_is_back_and_the_caller_hears_an_apology_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conductor, "MISSED_S", 30.0)  # the machine may be busy with other tests

    async def scenario() -> CallResult:
        model = counting(tmp_path / "count.gguf", 1000, idle_layers=3)
        made = recipe(llm_engine_model=str(model), llm_engine_context=4096, llm_engine_slots=2)
        register, notices = Register(tmp_path), list[News]()
        given = {"llm_base_url": made.base_url, "llm_model": made.model, "llm_max_tokens": 60}
        engine = WiredEngine(**given)
        async with (
            supervised(made, register, [], notices),
            asyncio.TaskGroup() as tasks,
            serving(engine.as_engine(), limits=Limits(calls=4)) as served,
        ):
            tasks.create_task(kill_when_busy(register, made))
            asked = await spoken("Please count for me.", "Please count for me again.")
            lines = [ScriptLine(one) for one in asked]
            options = CallOptions(pacing=Pacing(until_quiet_s=2.0))
            result = await place_call(f"http://127.0.0.1:{served.port}", lines, options)
        assert len(notices) == 2, "down, and back"
        return result

    first, second = asyncio.run(scenario()).turns
    assert first.words.answer.startswith("Sure, counting: 1 2 3")
    assert "Sorry" in first.words.answer
    assert second.words.answer.startswith("Sure, counting: 1 2 3")
    assert "Sorry" not in second.words.answer


async def kill_when_busy(register: Register, made: Recipe) -> None:
    """In the middle of an answer: some tokens have come, and most are to come."""
    async with httpx2.AsyncClient(base_url=made.root) as http:
        decoded = 0
        while decoded < 8:
            decoded = max(await llama_server.decoding(http), default=0)
            await asyncio.sleep(0.01)
    [found] = register.root.glob("*.json")
    os.kill(json.loads(found.read_text())["engine"], signal.SIGKILL)


@pytest.mark.soak
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_server_starts_its_engine_answers_with_it_and_takes_it_along(
    tmp_path: Path, how: signal.Signals
) -> None:
    variables = {
        "LLM_ENGINE_HOME": str(tmp_path),
        "LLM_ENGINE_PORT": "0",
        "LLM_ENGINE_BIN": str(llama_server.find()),
        "PYTHONPATH": str(Path(bot.__file__).parents[1]),
    }
    words = ["-m", "bot", "serve", "--port", "0", "--llm", "llama.cpp", "--llm-model", str(FAQ)]

    async def scenario() -> None:
        server = await asyncio.create_subprocess_exec(
            sys.executable, *words, stdout=subprocess.PIPE, env=environment(variables), cwd=tmp_path
        )
        assert server.stdout is not None
        try:
            line = (await server.stdout.readline()).decode()
            url = line.removeprefix("Halfsecond is ready: ").strip()
            [entry] = Register(tmp_path).all()
            messages = [{"role": "user", "content": "thank you"}]
            async with httpx2.AsyncClient(base_url=url, timeout=30.0) as http:
                body = {"model": entry.model, "messages": messages, "temperature": 0}
                answer = (await http.post("/v1/chat/completions", json=body)).json()
            said = answer["choices"][0]["message"]["content"]
            assert said == "You are welcome. Is there anything else?"
        finally:
            server.send_signal(how)
            await server.communicate()
        await until(lambda: not is_alive(entry.engine) and not is_alive(entry.supervisor), 0.02)

    asyncio.run(scenario())
    assert list(Register(tmp_path).all()) == []
