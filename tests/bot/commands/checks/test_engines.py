"""The doctor's findings about the voice and an LLM's endpoint."""

import asyncio
from pathlib import Path

import pytest

from bot.commands.checks import engines
from bot.commands.checks.finding import CheckVerdict, Finding
from bot.settings import Settings
from tests.pipelines.services.scripted_endpoint import Reply, ScriptedEndpoint

pytestmark = pytest.mark.usefixtures("empty_folder")


def settings(**given: object) -> Settings:
    return Settings.model_validate(given)


@pytest.mark.parametrize(
    ("engine", "words"), [("espeak", "espeak-ng"), ("stub", "the stub"), ("auto", "hibari's heart")]
)
def test_the_voice_is_heard(engine: str, words: str) -> None:
    finding = asyncio.run(engines.check_voice(settings(tts_engine=engine)))
    assert finding.verdict is CheckVerdict.PASS
    assert finding.found.startswith(words)
    assert ": first sound after " in finding.found


def test_a_voice_that_is_not_here_is_told_with_what_to_run(tmp_path: Path) -> None:
    finding = asyncio.run(
        engines.check_voice(settings(tts_engine="piper", models_dir=str(tmp_path)))
    )
    assert finding.verdict is CheckVerdict.FAIL
    assert "./run models download piper-" in finding.found


def test_a_voice_server_that_does_not_answer_is_told(tmp_path: Path) -> None:
    server = settings(tts_engine="openai", tts_base_url="http://127.0.0.1:9/v1", tts_model="m")
    finding = asyncio.run(engines.check_voice(server))
    assert finding.verdict is CheckVerdict.FAIL
    assert "TTS_BASE_URL" in finding.mend


def text(words: str, finish: str | None = None) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": {"content": words}, "finish_reason": finish}]}


STREAMED = Reply([text("one "), text("two "), text("three"), text("", "stop"), "[DONE]"])
AT_ONCE = Reply([text("one two three", "stop"), "[DONE]"])


def asked(reply: Reply, **given: object) -> Finding:
    async def scenario() -> Finding:
        async with ScriptedEndpoint([reply]) as endpoint:
            return await engines.check_llm(settings(llm_base_url=endpoint.url, **given))

    return asyncio.run(scenario())


def test_an_endpoint_that_streams_in_time_is_well() -> None:
    finding = asked(STREAMED, budget_llm_first_token_ms=10_000)
    assert finding.verdict is CheckVerdict.PASS
    assert finding.found.endswith("3 pieces")


def test_one_that_is_slow_or_does_not_stream_is_to_be_looked_at() -> None:
    assert asked(STREAMED, budget_llm_first_token_ms=0.001).verdict is CheckVerdict.WARN
    whole = asked(AT_ONCE, budget_llm_first_token_ms=10_000)
    assert whole.verdict is CheckVerdict.WARN
    assert "does not stream" in whole.found


@pytest.mark.parametrize(
    ("status", "mend"), [(401, "LLM_API_KEY"), (404, "LLM_MODEL"), (429, "limits"), (500, "runs")]
)
def test_one_that_refuses_fails_with_its_mend(status: int, mend: str) -> None:
    finding = asked(Reply([{"error": {"message": "no"}}], status), llm_api_key="canary-key")
    assert finding.verdict is CheckVerdict.FAIL
    assert mend in finding.mend
    assert "canary-key" not in finding.found


def test_one_that_is_not_there_fails() -> None:
    finding = asyncio.run(engines.check_llm(settings(llm_base_url="http://127.0.0.1:1/v1")))
    assert finding.verdict is CheckVerdict.FAIL


def test_the_demo_is_no_language_model() -> None:
    finding = asyncio.run(engines.check_llm(settings()))
    assert finding.verdict is CheckVerdict.WARN
    assert "LLM_BASE_URL" in finding.mend


def test_an_engine_that_is_started_with_the_server_is_looked_at_before(tmp_path: Path) -> None:
    def found(**given: object) -> Finding:
        own = {"llm_engine": "llama.cpp", "llm_engine_port": 0} | given
        return asyncio.run(engines.check_llm(settings(**own)))

    (tmp_path / "tiny.gguf").write_bytes(b"GGUF")
    program = tmp_path / "llama-server"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    given = {"llm_engine_model": "tiny.gguf", "llm_engine_bin": program}
    assert found(**given).found == f"llama.cpp with {tmp_path}/tiny.gguf is started with the server"
    missing = found(llm_engine_model="nowhere.gguf", llm_engine_bin=program)
    assert missing.verdict is CheckVerdict.FAIL
    assert "llm fetch" in missing.mend


@pytest.mark.parametrize("named", ["model-401", "a404b", "llama: 429 tuned"])
def test_a_status_is_not_read_out_of_a_name(named: str) -> None:
    finding = asked(Reply([{"error": {"message": "403"}}], 500), llm_model=named)
    assert finding.verdict is CheckVerdict.FAIL
    assert finding.mend.startswith("see that it runs")


@pytest.mark.parametrize("port", [4010, 4290])
def test_a_status_is_not_read_out_of_a_port(port: int) -> None:
    url = f"http://127.0.0.1:{port}/v1"
    finding = asyncio.run(engines.check_llm(settings(llm_base_url=url)))
    assert finding.mend.startswith("see that it runs")


@pytest.mark.parametrize("file", ["mine.gguf", "my: own.gguf"])
def test_an_engine_s_missing_model_is_a_cause_and_a_mend(file: str, tmp_path: Path) -> None:
    finding = asyncio.run(
        engines.check_llm(
            settings(
                llm_engine="llama.cpp",
                llm_engine_model=str(tmp_path / file),
                llm_engine_port=0,
                models_dir=str(tmp_path),
            )
        )
    )
    assert finding.found == f"there is no file {tmp_path / file}"
    assert finding.mend.startswith("give a GGUF")
