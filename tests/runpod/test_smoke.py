"""smoke.py against endpoints on loopback, some of which are not well."""

import asyncio
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
import typer
from typer.testing import CliRunner, Result

from bot.engines.demo import DemoEngine
from bot.server.access import AccessPolicy
from bot.settings.latency_profile import PROFILES
from tests.bot.engines.test_demo import serving
from tests.bot.texts.texting import MODEL, texting
from tests.serving import TOKEN

SMOKE = Path(__file__).parents[2] / "runpod" / "smoke.py"


@pytest.fixture(scope="module")
def smoke() -> ModuleType:
    spec = importlib.util.spec_from_file_location("smoke", SMOKE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(smoke: ModuleType, url: str, *options: str) -> Result:
    app = typer.Typer()
    app.command()(smoke.main)
    return CliRunner().invoke(app, ["--base-url", url, *options])


def test_an_endpoint_that_is_well_is_measured(smoke: ModuleType) -> None:
    async def scenario() -> Result:
        async with texting(access=AccessPolicy(token=TOKEN, listens_beyond_loopback=True)) as on:
            wrong = await asyncio.to_thread(run, smoke, on.base_url, "--key", "wrong")
            assert (wrong.exit_code, wrong.stderr) == (1, "smoke: the key is wrong: LLM_API_KEY\n")
            other = await asyncio.to_thread(run, smoke, on.base_url, "--key", TOKEN)
            assert "gemma-3-27b-it is not there; it has tiny" in other.stderr
            asked = ("--key", TOKEN, "--model", MODEL, "-n", "3")
            result = await asyncio.to_thread(run, smoke, on.base_url, *asked)
            assert len(on.llm.requests) == 5
            return result

    result = asyncio.run(scenario())
    assert result.exit_code == 0, result.output
    assert "ok: tiny is there" in result.output
    assert re.search(r"3 more: first token \d+ ms, p95 \d+; \d+\.\d ms between", result.output)
    assert "cold start" not in result.output


def test_an_endpoint_without_words_or_streaming_is_found_out(smoke: ModuleType) -> None:
    async def scenario(reply: str) -> str:
        engine = DemoEngine(PROFILES["none"], reply=lambda _: reply)
        async with serving(engine) as client:
            url = str(client.base_url)
            asked = ("--model", "halfsecond-demo")
            result = await asyncio.to_thread(run, smoke, url, *asked)
        assert result.exit_code == 1
        return result.stderr

    assert "without a word" in asyncio.run(scenario(""))
    assert "it does not stream" in asyncio.run(scenario("Everything-at-once."))


def test_where_nobody_answers_it_says_so(smoke: ModuleType) -> None:
    result = run(smoke, "http://127.0.0.1:9/v1")
    assert result.stderr == "smoke: nobody answers there: LLM_BASE_URL\n"
