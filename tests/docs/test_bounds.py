"""The page of what each party can cost: its figures are the code's, and its tests are there."""

import re
from pathlib import Path

import pytest

from bot.browser.door import RESUME_KEY_LIMIT
from bot.calls.connection import OUTBOX_BYTES
from bot.engines.demo_replies import LONGEST_TURN as DEMO_TURN
from bot.phone.door import BODY_LIMIT as FORM_LIMIT
from bot.phone.door import FIELDS_LIMIT
from bot.phone.waiting import UNSIGNED_PER_ADDRESS, UNSIGNED_START_S, UNSIGNED_WAITING
from bot.recordings.folder import Retention
from bot.recordings.recorder import SHARES
from bot.server.access import TICKETS_LIMIT
from bot.server.lag import STUCK_S
from bot.server.leaving import LAST_S
from bot.texts.door import BODY_LIMIT
from bot.texts.request import VALUES_LIMIT
from pipelines.core.memory.conversation import MOST_LINES, MOST_TOKENS
from pipelines.core.memory.entry import CHARACTERS_A_TOKEN
from pipelines.core.speaking.phrasing import LONGEST_CLAUSE
from pipelines.core.turn.policy import LONGEST_TURN
from pipelines.core.turn.wording import LONGEST_GIST
from pipelines.services.llm.llm_answer import LONGEST_ALOUD, LONGEST_ANSWER, PIECE
from pipelines.services.openai_client import LONGEST_LINE
from pipelines.services.tts.postprocessor import CHARACTER_S, LEAST_SOUND_S
from pipelines.stages.hearing import LONGEST_HEARD
from pipelines.stages.playing import KEPT_S, MOST_AHEAD_S

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "bounds.md").read_text(encoding="utf-8")
ROWS = [
    tuple(cell.strip() for cell in line.strip("|").split(" | "))
    for line in PAGE.splitlines()
    if line.startswith("| ") and "---" not in line
][1:]
KIB, MIB = 1024, 1024 * 1024
KEPT_AT_ONCE_S = MOST_AHEAD_S + 2 * KEPT_S
SOUND_BYTES = KEPT_AT_ONCE_S * 24_000 * 2
"""16 bit, at the rate of the page."""
CHARACTER_BYTES = 4
"""The most that Python takes for one."""

FIGURES = {
    "what is kept of a resume key": f"{RESUME_KEY_LIMIT} characters, {TICKETS_LIMIT:,} times",
    "a form that is parsed before its signature is known": (
        f"{FIELDS_LIMIT} fields, {FORM_LIMIT // KIB} KiB"
    ),
    "a media socket that says nothing": (
        f"{UNSIGNED_START_S:.0f} s, {UNSIGNED_PER_ADDRESS} from one address, "
        f"{UNSIGNED_WAITING} in all"
    ),
    "the words of one turn": f"{LONGEST_TURN:,} characters",
    "words that are remembered": f"{MOST_TOKENS:,} tokens in {MOST_LINES:,} lines: 1 MiB",
    "messages that it does not read": f"{OUTBOX_BYTES // MIB} MiB",
    "the look at a pause, every 20 ms": (
        f"the same after {LONGEST_TURN:,} characters as after {3 * LONGEST_GIST:,}"
    ),
    "one request, parsed": f"{VALUES_LIMIT:,} values of {BODY_LIMIT // MIB} MiB",
    "complaints about one request": "8",
    "one line": f"{LONGEST_LINE // MIB} MiB, worked on {PIECE} characters at a time",
    "one answer": f"{LONGEST_ANSWER:,} characters; {LONGEST_ALOUD:,} aloud",
    "the demo engine's work on one text": f"{DEMO_TURN:,} characters",
    "one answer of the ears": (
        f"{LONGEST_LINE // MIB} MiB, of which {LONGEST_HEARD:,} characters are taken"
    ),
    f"sound for a clause of {LONGEST_CLAUSE} characters": (
        f"{LEAST_SOUND_S + CHARACTER_S * LONGEST_CLAUSE:.0f} s"
    ),
    "sound of a reply that waits, and that was played": (
        f"{KEPT_AT_ONCE_S:.0f} s: {SOUND_BYTES / MIB:.1f} MiB"
    ),
    "what it would unpack to": "nothing: it is refused",
    "all recordings": f"{Retention(days=1).size // 10**6:,} MB, during a call as well",
    "one recording": f"{Retention(days=1).size // SHARES // 10**6} MB",
    "the end of the process": f"`DRAIN_S` and {LAST_S:.0f} s after SIGTERM",
    "silence about it": f"{STUCK_S:.0f} s",
}


def test_each_line_has_the_codes_figures() -> None:
    assert {row[1]: row[2] for row in ROWS} == FIGURES


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1])
def test_each_line_is_held_by_a_test_that_is_there(row: tuple[str, ...]) -> None:
    [test] = re.findall(r"`(tests/[a-z_/]+\.py)`", row[3])
    assert (ROOT / test).is_file()


def test_a_caller_costs_no_more_than_sixteen_megabytes() -> None:
    remembered = MOST_TOKENS * CHARACTERS_A_TOKEN * CHARACTER_BYTES
    assert remembered <= MIB
    turn = LONGEST_TURN * CHARACTER_BYTES
    assert remembered + turn + OUTBOX_BYTES + SOUND_BYTES <= 16 * 10**6
