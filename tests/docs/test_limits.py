"""The page of limits has the numbers of the code, and lacks none of its constants."""

import re
from pathlib import Path

import pytest

from tests.docs.limits import PAGE, LimitRow, rows, with_numbers

ROOT = Path(__file__).parents[2]
WRITTEN = PAGE.read_text(encoding="utf-8")
ROWS = list(rows(WRITTEN))
ROOMS = (
    *("bot/browser", "bot/calls", "bot/phone", "bot/texts", "bot/server"),
    *("pipelines/services", "pipelines/stages", "pipelines/audio", "pipelines/core/thinking"),
    *("pipelines/core/memory", "pipelines/cascade.py"),
)
_CONSTANT = re.compile(r"^((?:MOST|LONGEST)_[A-Z_]+|[A-Z_]+_LIMIT) = ", re.MULTILINE)
OTHERS = {
    "bot.phone.codec.MOST_MS": "a time stamp's range",
    "pipelines.services.llm.llm_openai.MOST_ADAPTATIONS": "our own requests",
    "pipelines.services.stt.moonshine.MOST_READINGS": "our own work",
    "pipelines.services.stt.stt_moonshine.LONGEST_S": "our own questions",
    "pipelines.services.stt.stt_whisper.LONGEST_S": "our own questions",
    "pipelines.services.stt.stt_whisper.MOST_REPETITION": "a threshold",
    "pipelines.services.stt.stt_restarting.MOST_DEATHS": "our own process",
    "pipelines.services.stt.repetition.LONGEST_WORD": "what is a word",
    "pipelines.services.stt.stt_pipecat.MOST_NEWS": "a service in this process",
    "pipelines.services.tts.tts_pipecat.MOST_NEWS": "a service in this process",
    "pipelines.services.tts.tts_process.MOST_JOBS": "our own process",
    "pipelines.services.tts.tts_process.MOST_REPLIES": "our own process",
    "pipelines.stages.tools.MOST_THREADS": "our own threads",
    "pipelines.audio.loudness.MOST_DB": "a volume",
    "pipelines.core.thinking.failover.LONGEST_REST_S": "our own patience",
    "pipelines.core.memory.preparation.MOST_POSTPONED": "our own work",
}
"""Constants that sound like limits, and limit nothing that arrives."""


def constants() -> set[str]:
    found = set()
    for room in ROOMS:
        path = ROOT / room
        for module in [path] if path.is_file() else path.rglob("*.py"):
            name = ".".join(module.relative_to(ROOT).with_suffix("").parts)
            found |= {f"{name}.{constant}" for constant in _CONSTANT.findall(module.read_text())}
    return found


def test_the_page_has_the_numbers_of_the_code() -> None:
    assert with_numbers(WRITTEN) == WRITTEN, "write them anew: python -m tests.docs.limits"


def test_no_limit_of_the_code_is_missing_from_the_page() -> None:
    there = {row.place for row in ROWS}
    assert constants() - there - OTHERS.keys() == set()
    assert OTHERS.keys() - constants() == set()


def test_each_limit_stands_once_and_limits_something() -> None:
    assert len({(row.name, row.place) for row in ROWS}) == len(ROWS) > 70
    assert [row for row in ROWS if row.value <= 0] == []


@pytest.mark.parametrize(
    ("most", "place", "as_it_is"),
    [
        ("1 KiB", "bot.browser.door.BODY_LIMIT", "64 KiB"),
        ("7 bytes", "bot.browser.door.BODY_LIMIT", "64 KiB"),
        ("7", "bot.browser.door.BODY_LIMIT", "65,536"),
        ("7 s", "bot.calls.limits.Limits.audio_burst_s", "10 s"),
    ],
)
def test_a_number_that_is_not_the_codes_is_written_anew(
    most: str, place: str, as_it_is: str
) -> None:
    page = "| a | {} | 413 | `" + place + "` |\n"
    assert with_numbers(page.format(most)) == page.format(as_it_is)
    assert list(rows(page.format(most))) == [LimitRow("a", most, "413", place)]
