"""The good callers: four people who play the same recordings, first alone and then under attack."""

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.attack.target import SIGNS_WITH, TOKEN
from bench.attack.verdict import Turn
from client.caller.call import CallOptions, place_call
from client.caller.conductor import Pacing, ScriptLine
from client.caller.door import CallError, Door, PageDoor
from client.caller.speech_file import LABELS_NAME, Recording, load
from client.caller.telephone import TelephoneCaller

DOORS: tuple[Door, ...] = (
    PageDoor(token=TOKEN),
    PageDoor(token=TOKEN),
    TelephoneCaller(auth_token=SIGNS_WITH),
    TelephoneCaller(auth_token=SIGNS_WITH),
)
LINES = 3
"""Recordings in a call."""
CALL_S = 24.0
"""About how long such a call takes."""
SPACING_S = 1.5
"""Between the first calls of two callers."""
LONGEST_S = 4.5
"""The longest recording that is played."""
PACING = Pacing(lead_in_s=0.8, until_quiet_s=0.8)

_RECORDINGS = Path(__file__).parents[2] / "tests" / "recordings"


def recordings() -> list[Recording]:
    """Those of a single short turn, in the order of their labels. Raises RecordingError."""
    labels = json.loads((_RECORDINGS / LABELS_NAME).read_text())["recordings"]
    short = [one for one in labels if len(one["turns"]) == 1 and one["duration_s"] <= LONGEST_S]
    return [load(_RECORDINGS / one["file"]) for one in short]


def calls_in(seconds: float) -> int:
    """How many calls each caller makes one after another."""
    return max(1, round(seconds / CALL_S))


async def call_all(
    url: str, calls: int, spoken: Sequence[Recording], tell: Callable[[int], None]
) -> list[Turn]:
    """All callers at once, `calls` calls each. `tell` gets the number of turns that are over."""

    async def one(number: int, door: Door) -> list[Turn]:
        await asyncio.sleep(SPACING_S * number)
        turns: list[Turn] = []
        for call in range(calls):
            first = LINES * (number + len(DOORS) * call)
            said = [spoken[(first + line) % len(spoken)] for line in range(LINES)]
            turns += await _call(url, door, f"{number}/{call}", said)
            tell(LINES)
        return turns

    every = await asyncio.gather(*(one(number, door) for number, door in enumerate(DOORS)))
    return [turn for turns in every for turn in turns]


async def _call(url: str, door: Door, name: str, said: Sequence[Recording]) -> list[Turn]:
    lines = [ScriptLine(recording) for recording in said]
    try:
        result = await place_call(url, lines, CallOptions(door=door, pacing=PACING))
    except CallError as error:
        return [Turn(f"{name}/{line}", None, str(error)) for line in range(len(said))]
    return [
        Turn(f"{name}/{line}", None if turn.wait.missed else turn.wait.v2v_s)
        for line, turn in enumerate(result.turns)
    ]
