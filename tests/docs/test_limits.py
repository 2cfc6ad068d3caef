"""The table of limits is that of the code, and lacks none of its constants."""

import re
from pathlib import Path

import pytest

from bot.wiring.limits_table import PAGE, TABLE, LimitRow, table, with_table, written

ROOT = Path(__file__).parents[2]
ROWS = [row for rows in TABLE.values() for row in rows]
ROOMS = (
    *("bot/browser", "bot/calls", "bot/phone", "bot/texts", "bot/server"),
    *("pipelines/services", "pipelines/stages", "pipelines/audio", "pipelines/core/thinking"),
    *("pipelines/core/memory", "pipelines/cascade.py"),
)
_CONSTANT = re.compile(r"^((?:MOST|LONGEST)_[A-Z_]+|[A-Z_]+_LIMIT) = ", re.MULTILINE)
OTHERS = {
    "bot.phone.codec:MOST_MS": "a time stamp's range",
    "pipelines.services.llm.llm_openai:MOST_ADAPTATIONS": "our own requests",
    "pipelines.services.stt.moonshine:MOST_READINGS": "our own work",
    "pipelines.services.stt.stt_moonshine:LONGEST_S": "our own questions",
    "pipelines.services.stt.stt_whisper:LONGEST_S": "our own questions",
    "pipelines.services.stt.stt_whisper:MOST_REPETITION": "a threshold",
    "pipelines.services.stt.stt_restarting:MOST_DEATHS": "our own process",
    "pipelines.services.stt.repetition:LONGEST_WORD": "what is a word",
    "pipelines.services.stt.stt_pipecat:MOST_NEWS": "a service in this process",
    "pipelines.services.tts.tts_pipecat:MOST_NEWS": "a service in this process",
    "pipelines.services.tts.tts_process:MOST_JOBS": "our own process",
    "pipelines.services.tts.tts_process:MOST_REPLIES": "our own process",
    "pipelines.stages.tools:MOST_THREADS": "our own threads",
    "pipelines.audio.loudness:MOST_DB": "a volume",
    "pipelines.core.thinking.failover:LONGEST_REST_S": "our own patience",
    "pipelines.core.memory.preparation:MOST_POSTPONED": "our own work",
}
"""Constants that sound like limits, and limit nothing that arrives."""


def constants() -> set[str]:
    found = set()
    for room in ROOMS:
        path = ROOT / room
        for module in [path] if path.is_file() else path.rglob("*.py"):
            name = ".".join(module.relative_to(ROOT).with_suffix("").parts)
            found |= {f"{name}:{constant}" for constant in _CONSTANT.findall(module.read_text())}
    return found


def test_the_page_has_the_limits_as_the_code_has_them() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_table(page) == page, "write it anew: python -m bot.wiring.limits_table"


def test_no_limit_of_the_code_is_missing_from_the_table() -> None:
    there = {row.place for row in ROWS}
    assert constants() - there - OTHERS.keys() == set()
    assert OTHERS.keys() - constants() == set()


def test_each_limit_has_a_name_of_its_own_and_says_how_it_is_told() -> None:
    for rows in TABLE.values():
        assert len({row.name for row in rows}) == len(rows)
    assert [row for row in ROWS if not row.told or row.value <= 0] == []


def test_a_limit_is_written_for_people() -> None:
    place = "bot.browser.door:BODY_LIMIT"
    assert written(LimitRow("x", place, "B", "413")) == "64 KiB"
    assert written(LimitRow("x", place, "", "413")) == "65,536"
    assert written(LimitRow("x", "bot.calls.limits:Limits.audio_burst_s", "s", "1008")) == "10 s"


def test_a_page_without_a_place_for_the_table_is_an_error() -> None:
    with pytest.raises(ValueError, match="no place"):
        with_table("# Limits\n")
    assert table() in with_table("<!-- limits: here -->\n<!-- end of the limits -->")
