"""The outcome of a play, by its labels."""

from pathlib import Path

import numpy as np
import soundfile

from pipelines.core.ledger.budget import SEGMENTS
from replay.call_folder import from_sound
from replay.run import Marks, ReplayPlay
from replay.turns import ReplayTurn


def turn(number: int, transcript: str) -> ReplayTurn:
    nothing: dict[str, float] = dict.fromkeys(SEGMENTS, 0.0)
    return ReplayTurn(
        number=number, ended_s=number, ended_media_s=number, answered_s=number, v2v_s=0.0,
        waited=nothing, took={}, hidden=nothing, transcript=transcript, answer="",
    )  # fmt: skip


def test_words_of_a_turn_that_was_cut_into_count_together() -> None:
    heard = ("I am sorry.", "That is not a valley.", "Please try again.", "Goodbye.")
    turns = [turn(number, text) for number, text in enumerate(heard, start=1)]
    said = {2: "I'm sorry, that is not valid. Please try again.", 3: "Goodbye."}
    play = ReplayPlay(name="x", turns=turns, decisions=[], marks=Marks(references=said))
    assert play.word_errors == (2 + 2, 9 + 1)  # I'm, I am; valid, a valley


def test_what_was_never_heard_is_mistaken_in_every_word() -> None:
    marks = Marks(references={0: "Please try again."}, unheard=["And hang up."])
    play = ReplayPlay(name="x", turns=[turn(1, "Please try again.")], decisions=[], marks=marks)
    assert play.word_errors == (3, 6)


def test_a_sound_is_named_without_its_ending(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "hello.there.flac", np.zeros(1600, np.int16), 16_000)
    assert from_sound(tmp_path / "hello.there.flac").name == "hello.there"
