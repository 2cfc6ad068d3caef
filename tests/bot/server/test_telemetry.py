import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import loguru
import pytest
import structlog

from bot.server.telemetry import LostLines, Metrics, configure_logs
from pipelines.core.exchange import AnswerMeasured, Caption, TurnMeasured

ROW = {
    "voice_to_voice_s": 0.45,
    "segments": {"endpointing": 0.2, "stt": 0.05, "llm_first_token": 0.2},
    "verdict": {"stage": "llm_first_token", "over_s": 0.05, "text": "50 ms over"},
    "transcript": "my number is four",
    "parts": [{"heard": "Well"}],
}


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    yield io.StringIO()
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    root.handlers[:], root.level = before
    loguru.logger.remove()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def sample(metrics: Metrics, line: str) -> float:
    [value] = [
        one.removeprefix(line).strip()
        for one in metrics.text().decode().splitlines()
        if one.startswith(line + " ")
    ]
    return float(value)


def test_a_callers_words_stay_out_of_the_log(stream: io.StringIO) -> None:
    configure_logs(stream, log_format="json")

    structlog.get_logger().info("turn measured", turn=1, row=ROW, text="four seven", words=None)

    [line] = lines(stream)
    assert line["event"] == "turn measured"
    assert line["turn"] == 1
    assert line["row"]["segments"]["stt"] == 0.05
    assert line["row"]["transcript"] == "[17 withheld]"
    assert line["row"]["parts"] == [{"heard": "[4 withheld]"}]
    assert "four" not in stream.getvalue()


def test_a_callers_words_are_logged_where_that_was_asked_for(stream: io.StringIO) -> None:
    configure_logs(stream, log_format="json", words=True)
    structlog.get_logger().info("turn measured", text="four seven")
    assert lines(stream)[0]["text"] == "four seven"


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_line_holds_no_locals_of_a_failed_function(stream: io.StringIO, log_format: Any) -> None:
    configure_logs(stream, log_format=log_format)
    heard = "four " + "seven"
    try:
        raise ValueError("no words")
    except ValueError:
        structlog.get_logger().exception("a call failed")
    assert "no words" in stream.getvalue()
    assert heard not in stream.getvalue()


def test_libraries_warnings_come_the_same_way(stream: io.StringIO) -> None:
    configure_logs(stream, log_format="json")

    logging.getLogger("uvicorn.error").info("chatter")
    logging.getLogger("uvicorn.error").warning("trouble in %s", "paradise")
    loguru.logger.info("chatter")
    loguru.logger.warning("said: four seven")

    first, second = lines(stream)
    assert (first["level"], first["library"], first["detail"]) == (
        "warning",
        "uvicorn.error",
        "trouble in paradise",
    )
    assert second["text"] == "[16 withheld]"


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("four seven")


@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.parametrize("value", [Unprintable(), {"a": [Unprintable()]}, {("a", 1): 2}, "\ud83d"])
def test_a_line_that_cannot_be_made_raises_nothing(
    stream: io.StringIO, log_format: Any, value: object
) -> None:
    configure_logs(stream, log_format=log_format)
    structlog.get_logger().info("a call began", value=value)
    structlog.get_logger().info("a call ended")
    first, second = stream.getvalue().splitlines()
    assert "a call began" in first or "a log line failed" in first
    assert "a call ended" in second


def test_a_librarys_line_whose_arguments_do_not_fit_raises_nothing(stream: io.StringIO) -> None:
    configure_logs(stream, log_format="json")
    logging.getLogger("library").warning("%d calls", "many")
    [line] = lines(stream)
    assert line["detail"] == "%d calls (TypeError)"


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_line_holds_the_password_of_an_address(stream: io.StringIO, log_format: Any) -> None:
    configure_logs(stream, log_format=log_format)
    address = "http://user:CANARY@host:8000/v1?key=CANARY"
    log = structlog.get_logger()
    log.info("asking", at=address, deep={"at": [f"'{address}'", f"see {address}."]})
    logging.getLogger("httpx").warning("HTTP Request: POST %s", address)
    loguru.logger.warning(f"cannot reach {address}")
    try:
        raise ValueError(f"no answer from {address}")
    except ValueError:
        log.exception("it failed")
    assert "CANARY" not in stream.getvalue()
    assert stream.getvalue().count("http://host:8000/v1") >= 5


def test_lines_that_were_dropped_are_counted() -> None:
    metrics = Metrics()
    metrics.include(LostLines(lambda: 7))
    assert sample(metrics, "halfsecond_log_lines_dropped_total") == 7


def test_a_turn_feeds_the_histograms() -> None:
    metrics = Metrics()

    metrics.observe(TurnMeasured(ROW))
    metrics.observe(TurnMeasured(ROW))

    assert sample(metrics, "halfsecond_voice_to_voice_seconds_sum") == pytest.approx(0.9)
    assert sample(metrics, 'halfsecond_stage_seconds_count{stage="stt"}') == 2
    assert sample(metrics, 'halfsecond_stage_seconds_sum{stage="endpointing"}') == pytest.approx(
        0.4
    )

    assert sample(metrics, 'halfsecond_turns_over_budget_total{stage="llm_first_token"}') == 2


def test_a_turns_log_line_says_where_the_time_went(stream: io.StringIO) -> None:
    configure_logs(stream, log_format="json")

    Metrics().observe(TurnMeasured(ROW))

    [line] = lines(stream)
    assert (line["event"], line["voice_to_voice_s"]) == ("turn measured", 0.45)
    assert (line["segments"], line["overspent"]) == (ROW["segments"], "llm_first_token")


def test_a_turn_without_an_answer_counts_for_nothing() -> None:
    metrics = Metrics()
    metrics.observe_turn({"voice_to_voice_s": None, "segments": None})
    assert sample(metrics, "halfsecond_voice_to_voice_seconds_count") == 0


def test_only_answers_that_were_cut_off_are_barge_ins() -> None:
    metrics = Metrics()
    metrics.observe(Caption("bot", "Well, it is noon", final=True, turn=1, heard="Well,"))
    metrics.observe(Caption("bot", "Well, it is noon", final=True, turn=2))
    metrics.observe(Caption("user", "Stop.", final=True, turn=3))
    assert sample(metrics, "halfsecond_barge_ins_total") == 1


def test_calls_are_counted_while_they_last_and_by_how_they_ended() -> None:
    metrics = Metrics()

    metrics.call_began("browser")
    metrics.call_began("browser")
    metrics.call_ended("browser", "left")

    assert sample(metrics, 'halfsecond_calls_active{door="browser"}') == 1
    assert sample(metrics, 'halfsecond_calls_total{door="browser",outcome="left"}') == 1


def test_each_app_counts_for_itself() -> None:
    one, other = Metrics(), Metrics()
    one.refused("full")
    one.dropped_audio(0.5, "too early")
    assert sample(one, 'halfsecond_calls_refused_total{reason="full"}') == 1
    assert sample(one, 'halfsecond_dropped_audio_seconds_total{reason="too early"}') == 0.5
    assert b'reason="full"' not in other.text()


def test_answers_are_counted_by_the_endpoint_that_gave_them() -> None:
    metrics = Metrics()
    facts: dict[str, str | int | float | bool | None] = {
        "turn": 1,
        "llm_endpoint": "gemma@gpu:8000",
        "llm_first_token_s": 0.06,
        "llm_tokens_per_s": 75.0,
        "llm_requests": 2,
        "llm_hedges": 1,
        "llm_cached_tokens": 90,
        "llm_failed": True,
    }
    metrics.observe(AnswerMeasured(facts))
    metrics.observe(AnswerMeasured({**facts, "llm_cached_tokens": 10}))
    figures = metrics.text().decode()
    for line in (
        'halfsecond_llm_first_token_seconds_bucket{endpoint="gemma@gpu:8000",le="0.06"} 2.0',
        'halfsecond_llm_tokens_per_second_count{endpoint="gemma@gpu:8000"} 2.0',
        'halfsecond_llm_requests_total{endpoint="gemma@gpu:8000"} 4.0',
        'halfsecond_llm_hedges_total{endpoint="gemma@gpu:8000"} 2.0',
        'halfsecond_llm_cached_tokens_total{endpoint="gemma@gpu:8000"} 100.0',
        'halfsecond_llm_failed_total{endpoint="gemma@gpu:8000"} 2.0',
    ):
        assert line in figures


def test_the_tasks_of_the_loop_are_counted_where_there_is_one() -> None:
    metrics = Metrics()
    assert sample(metrics, "halfsecond_tasks") == 0

    async def scenario() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(asyncio.sleep(0))
            assert sample(metrics, "halfsecond_tasks") == 2

    asyncio.run(scenario())
