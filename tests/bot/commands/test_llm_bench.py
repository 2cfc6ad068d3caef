"""The bench of an LLM endpoint: what it asks, what it finds, and what it says of it."""

import asyncio
import json
import math
import random
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from bot.__main__ import command_line
from bot.commands.llm_bench.asking import AskError, LoadTarget, TimedAnswer
from bot.commands.llm_bench.figures import (
    MillisecondPercentiles,
    caution,
    document,
    profile,
    row,
    summary,
    verdict,
)
from bot.commands.llm_bench.load import LoadLevel, LoadPlan, Measured, plan
from bot.commands.llm_bench.picture import draw
from bot.engines.demo import MODEL
from bot.engines.demo_process import DemoProcess
from bot.settings.latency_profile import PROFILES, read_profile
from tests.pipelines.services.scripted_endpoint import TEAR, Reply, ScriptedEndpoint

A100 = PROFILES["a100"]


pytestmark = pytest.mark.usefixtures("empty_folder")


def text(words: str | None, finish: str | None = None) -> dict[str, Any]:
    delta = {"role": "assistant", "content": words}
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


USAGE = {"choices": [], "usage": {
    "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 100}
}}  # fmt: skip
ANSWER = Reply([text(None), text(""), text("One"), text(" two three"), text("", "stop"), USAGE])


def loaded(
    replies: list[Reply], levels: list[LoadLevel]
) -> tuple[list[Measured], ScriptedEndpoint]:
    async def scenario() -> tuple[list[Measured], ScriptedEndpoint]:
        async with ScriptedEndpoint(replies) as endpoint:
            asked = LoadTarget(endpoint.url, "m", "key", max_tokens=7)
            return await LoadPlan(asked, 1, lambda level: told.append(level)).run(levels), endpoint

    told: list[LoadLevel] = []
    return asyncio.run(scenario())


def test_a_cold_prompt_has_never_been_seen_and_a_warm_one_but_for_its_end() -> None:
    levels = [LoadLevel(2, "cold", 4), LoadLevel(2, "warm", 4)]
    measured, endpoint = loaded([ANSWER] * 11, levels)
    assert [len(one.answers) for one in measured] == [4, 4]
    prompts = [
        (r["messages"][0]["content"], r["messages"][-1]["content"]) for r in endpoint.requests
    ]
    assert len(prompts) == 1 + 4 + 2 + 4, "one to begin with, and one each to warm"
    assert len({question for _, question in prompts}) == len(prompts)
    assert len({system for system, _ in prompts[:5]}) == 5
    assert len({system for system, _ in prompts[5:]}) == 2
    assert {system for system, _ in prompts[5:7]} == {system for system, _ in prompts[7:]}
    assert not {system for system, _ in prompts[:5]} & {system for system, _ in prompts[5:]}
    first = endpoint.requests[0]
    assert (first["model"], first["max_tokens"], first["stream"]) == ("m", 7, True)
    assert "authorization: bearer key" in endpoint.headers[0].lower()


def test_a_role_is_no_first_token_and_tokens_are_as_the_endpoint_counts_them() -> None:
    [measured], _ = loaded([ANSWER] * 2, [LoadLevel(1, "cold", 1)])
    [answer] = measured.answers
    assert len(answer.gaps_s) == 1
    assert (answer.tokens, answer.cached_tokens) == (5, 100)
    assert answer.between_s == pytest.approx(answer.gaps_s[0] / 4)
    found = row(measured, 150.0)
    assert found.between_tokens_ms.p50 == pytest.approx(1000 * answer.gaps_s[0] / 4, abs=0.06)
    assert found.cached_share == 1.0


@pytest.mark.parametrize(
    "reply",
    [
        Reply([{"error": {"message": "no such model"}}], 404),
        Reply([text("One"), TEAR]),
        Reply(["data: {torn\n\n"]),
        Reply([{"error": {"message": "overloaded"}}]),
        Reply([text(""), text("", "stop")]),
    ],
)
def test_a_failure_is_counted_unless_it_is_the_first_request(reply: Reply) -> None:
    [measured], _ = loaded([ANSWER, ANSWER, reply], [LoadLevel(1, "cold", 2)])
    assert (len(measured.answers), len(measured.failures)) == (1, 1)
    assert "\n" not in measured.failures[0]
    assert row(measured, 150.0).verdict == "50 % fail: see to the endpoint first"
    with pytest.raises(AskError):
        loaded([reply], [LoadLevel(1, "cold", 2)])


def drawn(count: int, callers: int = 1) -> Measured:
    """As a perfect stopwatch would have it of the demo engine."""
    rng = random.Random(7)
    measured = Measured(LoadLevel(callers, "warm", count), took_s=1.0)
    for _ in range(count):
        answer = TimedAnswer(A100.first_token_s(rng), (A100.between_s,) * 9, 10, None)
        measured.answers.append(answer)
    return measured


def assert_a100(measured: Measured, within: float) -> None:
    found = row(measured, 150.0)
    assert found.first_token_ms.p50 == pytest.approx(150, rel=within)
    assert found.first_token_ms.p95 == pytest.approx(300, rel=within)
    assert found.between_tokens_ms.p50 == pytest.approx(35, rel=within)
    assert found.verdict == "fits with speculation"


def test_what_is_found_of_a_profile_is_that_profile_and_can_be_played_back() -> None:
    measured = drawn(2000)
    assert_a100(measured, 0.05)
    again = read_profile(profile(measured))
    rng = random.Random(8)
    draws = [again.first_token_s(rng) for _ in range(2000)]
    played = Measured(LoadLevel(1, "warm", 2000), took_s=1.0)
    played.answers += [TimedAnswer(first, (again.between_s,) * 9, 10, None) for first in draws]
    assert_a100(played, 0.10)


@pytest.mark.parametrize(
    ("first_ms", "between_ms", "said"),
    [
        ((60, 120, 150), (13, 15, 20), "fits"),
        ((150, 300, 380), (35, 40, 50), "fits with speculation"),
        ((300, 700, 900), (35, 40, 50), "take the smaller model: first token over 400 ms"),
        ((60, 120, 150), (180, 200, 250), "take the smaller model: it speaks faster than"),
    ],
)
def test_the_verdict_is_in_words(
    first_ms: tuple[float, ...], between_ms: tuple[float, ...], said: str
) -> None:
    assert verdict(
        MillisecondPercentiles(*first_ms), MillisecondPercentiles(*between_ms), 0.0, 150.0
    ).startswith(said)


def test_the_summary_says_for_how_many_it_fits() -> None:
    slower = Measured(LoadLevel(4, "warm", 20), took_s=1.0)
    slower.answers += [TimedAnswer(1.0, (0.035,) * 9, 10, None)] * 20
    rows = [row(drawn(200), 400.0), row(drawn(200, callers=2), 150.0), row(slower, 150.0)]
    assert summary(rows) == "Fits up to 1 at once, with speculation up to 2."
    assert summary(rows[1:]) == "Fits with speculation up to 2."
    assert summary(rows[2:]) == "4 at once: take the smaller model: first token over 400 ms."
    written = document({"model": "m"}, [drawn(200)], rows[:1])
    assert json.loads(json.dumps(written))["rows"][0]["callers"] == 1
    assert len(written["profile"]["first_token_ms"]) == 21  # type: ignore[index]


def test_a_machine_that_was_late_itself_says_so() -> None:
    measured = drawn(200)
    measured.late_s += [0.001] * 99
    assert caution([row(measured, 150.0)]) == ""
    measured.late_s += [0.030] * 99
    assert caution([row(measured, 150.0)]).startswith("This machine was up to 30 ms late itself")
    [real], _ = loaded([ANSWER, Reply([0.1, *ANSWER.steps])], [LoadLevel(1, "cold", 1)])
    assert len(real.late_s) >= 1


def test_the_picture_has_a_point_for_each_row_and_percentile() -> None:
    rows = [row(drawn(50, callers), 150.0) for callers in (1, 4, 16)]
    drawing = ElementTree.fromstring(draw(rows, "one & two", 150.0))
    circles = drawing.findall("{http://www.w3.org/2000/svg}circle")
    assert len(circles) == 6
    assert all(math.isfinite(float(circle.attrib["cy"])) for circle in circles)
    assert ElementTree.fromstring(draw(rows[:1], "only one", 150.0)) is not None


def test_every_number_of_callers_is_asked_cold_and_warm() -> None:
    assert plan([1, 16], 24) == [
        LoadLevel(1, "cold", 24),
        LoadLevel(1, "warm", 24),
        LoadLevel(16, "cold", 32),
        LoadLevel(16, "warm", 32),
    ]


def typed(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(command_line(words), words)
    return result.exit_code, result.stdout, result.stderr


def test_the_command_says_what_it_lacks_in_one_line() -> None:
    code, _, said = typed("llm", "bench")
    assert (code, said.count("\n")) == (2, 1)
    assert "--url" in said
    assert typed("llm", "bench", "--url", "http://127.0.0.1:1/v1", "--callers", "1,x")[0] == 2
    code, _, said = typed("llm", "bench", "--url", "http://127.0.0.1:1/v1")
    assert (code, said.strip().count("\n")) == (1, 0)
    assert "see to LLM_BASE_URL" in said


def test_the_command_writes_a_table_a_picture_and_a_profile(tmp_path: Path) -> None:
    engine, loop = DemoProcess("fixed-150"), asyncio.new_event_loop()
    try:
        url = loop.run_until_complete(engine.open())
        words = ["--url", url, "--model", MODEL, "--callers", "1", "--requests", "2"]
        files = ["--json", str(tmp_path / "b.json"), "--picture", str(tmp_path / "b.svg")]
        code, said, complaint = typed("llm", "bench", *words, "--tokens", "2", *files)
        assert code == 0, complaint
    finally:
        loop.run_until_complete(engine.close())
        loop.close()
    assert re.search(r"│\s+1 │\s+warm │", said)
    written = json.loads((tmp_path / "b.json").read_text())
    assert [one["failed"] for one in written["rows"]] == [0, 0]
    assert min(written["profile"]["first_token_ms"]) >= 150
    assert read_profile(written["profile"]).first_token_median_s >= 0.150
    assert (tmp_path / "b.svg").read_text().startswith("<svg")


@pytest.mark.soak
def test_against_the_demo_engine_it_finds_the_profile_that_it_was_given() -> None:
    async def scenario() -> list[Measured]:
        engine = DemoProcess("a100")
        try:
            endpoint = LoadTarget(await engine.open(), MODEL, "EMPTY", max_tokens=8)
            load = LoadPlan(endpoint, 1, lambda level: None)
            return await load.run([LoadLevel(8, "cold", 600), LoadLevel(8, "warm", 600)])
        finally:
            await engine.close()

    for measured in asyncio.run(scenario()):
        assert_a100(measured, 0.10)
