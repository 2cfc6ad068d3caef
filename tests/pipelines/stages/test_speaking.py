"""A model that says more than a voice can come to."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncGenerator
from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs

from pipelines.core.exchange import AnswerMeasured, Typed
from pipelines.services.protocols import ServiceError, SpeechChunk
from pipelines.stages import speaking
from tests.pipelines.services.scripted import paced
from tests.pipelines.stages.rehearsal import FIRST_LEVEL, RATE_HZ, LevelVoice, does, rehearse, says

NUMBERS = "one two three four five six seven eight nine ten eleven twelve".split()
ENDLESS = " ".join(f"This is sentence number {number}." for number in NUMBERS)


def test_an_answer_without_end_is_cut_off_and_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first is spoken while three wait; the voice is back before the model has ended."""
    monkeypatch.setattr(speaking, "MOST_CLAUSES", 3)

    with capture_logs() as logs:
        done = rehearse(
            does(1.0, Typed("Go on.")),
            does(28.0, Typed("And now?")),
            answers=lambda messages: paced(
                ENDLESS if messages[-1].content == "Go on." else "I am still here.", between_s=0.1
            ),
            tts_first_s=2.5,
            microphone=False,
            until_s=40.0,
        )

    cut, *rest = [line for role, line in done.lines if role == "assistant"]
    spoken = cut.rstrip(".").split(". ")
    assert spoken == ENDLESS.rstrip(".").split(". ")[: len(spoken)]
    assert 4 <= len(spoken) < len(NUMBERS)
    assert rest == ["I am still here."]
    assert done.states[-1] == "listening"
    warned = [line for line in logs if line["event"] == "an answer without end is cut off"]
    assert [line["clauses"] for line in warned] == [3]


def test_a_model_that_rambles_on_is_let_go_of_and_the_person_has_the_floor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(speaking, "MOST_CLAUSES", 3)
    ramble = itertools.cycle(paced(ENDLESS, first_s=0.1, between_s=0.1))

    done = rehearse(
        does(1.0, Typed("Go on.")),
        answers=lambda messages: ramble,
        tts_first_s=2.5,
        microphone=False,
        until_s=40.0,
    )

    (cut,) = [line for role, line in done.lines if role == "assistant"]
    assert cut.startswith("This is sentence number one.")
    assert cut in ENDLESS
    assert done.states == ["thinking", "speaking", "listening"]
    assert (done.streams_open, done.llm.closed_early) == (0, 1)
    measured = [item for _, item in done.sent if isinstance(item, AnswerMeasured)]
    assert len(measured) == 1


def test_the_end_is_said_at_the_cut_where_a_place_is_kept_for_it_and_once() -> None:
    clauses = speaking._Clauses(1)
    given = [speaking._Clause(f"clause {at}", False) for at in range(speaking.MOST_CLAUSES + 9)]
    added = [clauses.add(clause) for clause in given]
    assert added.index(False) == speaking.MOST_CLAUSES
    assert added.count(False) == 1

    waiting = clauses._queue
    said = [waiting.get_nowait() for _ in range(waiting.qsize())]
    assert [one.text for one in said[:-1] if one] == [
        f"clause {at}" for at in range(speaking.MOST_CLAUSES)
    ]
    assert said[-1] is None
    clauses.end()
    clauses.add(speaking._Clause("and another thing", False))
    assert waiting.empty()


def test_silence_that_was_cut_off_around_the_first_clause_stands_in_its_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = LevelVoice.synthesise

    async def trimmed(
        self: LevelVoice, text: str, *, first: bool = False
    ) -> AsyncGenerator[SpeechChunk, None]:
        yield SpeechChunk(np.zeros(0, np.int16), trimmed_s=0.3)
        async for chunk in plain(self, text, first=first):
            yield chunk
        yield SpeechChunk(np.zeros(160, np.int16), trimmed_s=0.25)

    monkeypatch.setattr(LevelVoice, "synthesise", trimmed)
    done = rehearse(
        says(1.0, "what comes first?"),
        answers=lambda messages: paced("First comes this. Then comes that.", between_s=0.1),
    )
    (row,) = done.rows
    assert isinstance(row["facts"], dict)
    assert row["facts"]["tts_trimmed_s"] == 0.55


# ---- a voice that never waits ----

PIECE = round(0.02 * RATE_HZ)


def sound(samples: int, pieces: int, level: int = FIRST_LEVEL) -> list[SpeechChunk]:
    return [SpeechChunk(np.full(samples, level, np.int16))] * pieces


class HastyVoice(LevelVoice):
    """Has all that it will ever have at once, and notes the turn of the event loop each time."""

    def __init__(self, made: list[SpeechChunk], *scene: Any) -> None:
        super().__init__(*scene)
        self.words = [("word", PIECE)]
        self._made = made
        self._turn = 0
        self.at_turns: list[int] = []

    async def synthesise(
        self, text: str, *, first: bool = False
    ) -> AsyncGenerator[SpeechChunk, None]:
        self._note()
        if self._fails(text):
            raise ServiceError("tts", "scripted", retryable=False)
        for chunk in self._made:
            yield chunk
            self._note()

    def _note(self) -> None:
        self.at_turns.append(self._turn)
        asyncio.get_running_loop().call_soon(self._begin_turn, self._turn)

    def _begin_turn(self, before: int) -> None:
        self._turn = before + 1


@pytest.mark.parametrize(
    ("made", "fails"),
    [
        (sound(PIECE, 100), False),
        (sound(1, 100), False),
        (sound(PIECE, 100, level=0), False),
        (sound(0, 100), False),
        (sound(PIECE, 1), False),
        ([], False),
        ([], True),
    ],
    ids=["pieces", "samples", "silence", "empty pieces", "one piece", "nothing", "failures"],
)
def test_others_have_turns_between_the_pieces_of_a_voice_that_never_waits(
    made: list[SpeechChunk], *, fails: bool
) -> None:
    done = rehearse(
        does(1.0, Typed("Go on.")),
        answers=lambda _: [(0.1, ENDLESS)],
        voice=lambda *scene: HastyVoice(made, *scene),
        tts_fails=lambda text: fails,
        microphone=False,
        until_s=40.0,
    )

    assert isinstance(done.voice, HastyVoice)
    assert len(done.voice.at_turns) >= len(NUMBERS)
    assert max(Counter(done.voice.at_turns).values()) <= 4  # an apology is of three clauses
    assert done.states[-1] == "listening"
