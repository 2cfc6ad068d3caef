"""The committed suite agrees with itself, and holds what a bench of turns needs."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bench.suite.edges import (
    CLEAR_DB,
    Samples,
    SoundStretch,
    above_rumble,
    levels_db,
    silences,
    speech_bounds,
    threshold_db,
)
from bench.suite.halves import halves
from bench.suite.load import FOLDER, SuiteTurn, overlap_sound, overlaps, sound, turns
from bench.suite.noise import speech_rms
from bench.suite.pauses import kind_of_pause
from bench.suite.sources import is_free_to_use, origin

REPEATS = 2
NEAREST_S = 0.03  # how near a word and a silence must agree

clean = [turn for turn in turns() if turn.noise is None]


def labelled(turn: SuiteTurn) -> tuple[Samples, int]:
    """The sound that the labels are measured on."""
    samples, rate_hz = soundfile.read(FOLDER / turn.file, dtype="float64")
    return above_rumble(samples, rate_hz), rate_hz


def distinct(half: str) -> Counter[str]:
    places = {(p.kind, p.origin, p.place) for turn in turns(half) for p in turn.pauses}
    counted: Counter[str] = Counter(kind for kind, _, _ in places)
    counted.update(how for _, how, _ in places)
    return counted


def test_the_held_out_half_has_sixty_hanging_pauses_and_two_hundred_turns_with_repeats() -> None:
    assert distinct("held")["hanging"] >= 60
    assert len(turns("held")) * REPEATS >= 200


@pytest.mark.parametrize("half", ["fit", "held"])
def test_a_third_of_the_pauses_are_natural_in_either_half(half: str) -> None:
    counted = distinct(half)
    assert 3 * counted["natural"] >= counted["natural"] + counted["made"]
    assert all(counted[kind] >= 15 for kind in ("hanging", "clause", "sentence"))
    played = Counter(pause.origin for turn in turns(half) for pause in turn.pauses)
    assert 3 * played["natural"] >= played.total()


@pytest.mark.parametrize("half", ["fit", "held"])
def test_each_half_has_every_kind_of_turn_both_bands_and_three_speakers(half: str) -> None:
    here = turns(half)
    assert {turn.what for turn in here} == {
        "sentence", "sentences", "question", "numbers", "hanging", "clause",
    }  # fmt: skip
    assert {turn.rate_hz for turn in here} == {8000, 16000}
    assert len({turn.speaker for turn in here}) >= 3
    assert {turn.noise.snr_db for turn in here if turn.noise} == {10, 20}
    lengths = [turn.end_s - turn.start_s for turn in here]
    assert min(lengths) < 2
    assert max(lengths) > 15


def test_made_hanging_pauses_are_of_every_length_from_200_to_1000_ms() -> None:
    for half in ("fit", "held"):
        lengths = [
            pause.duration_s
            for turn in turns(half)
            if turn.noise is None
            for pause in turn.pauses
            if pause.kind == "hanging" and pause.origin == "made"
        ]
        steps, _ = np.histogram(lengths, bins=[0.2, 0.4, 0.6, 0.8, 1.05])
        assert np.all(steps >= 8)
        assert min(lengths) >= 0.2
        assert max(lengths) <= 1.05


def test_the_halves_are_parted_by_source_and_only_asterisks_voice_is_in_both() -> None:
    speakers = {}
    for half in ("fit", "held"):
        names = {name for turn in turns(half) for name in turn.sources}
        assert names <= {name for name, where in halves().items() if where == half}
        speakers[half] = {turn.speaker for turn in turns(half)}
    assert speakers["fit"] & speakers["held"] == {"allison-smith"}


def test_no_recording_that_is_kept_apart_is_used() -> None:
    names = [name for turn in turns() for name in turn.sources]
    names += [name for over in overlaps() for name in over.sources]
    assert names
    assert all(is_free_to_use(name) for name in names)
    assert not is_free_to_use("asterisk/auth-thankyou")


def test_every_sound_has_a_label_and_every_label_a_sound() -> None:
    named = {turn.file for turn in turns()} | {over.file for over in overlaps()}
    named |= {turn.noise.file for turn in turns() if turn.noise}
    assert {path.name for path in FOLDER.glob("*.flac")} == named
    assert len({turn.id for turn in turns()}) == len(turns())


def test_each_turn_is_what_its_label_says(subtests: pytest.Subtests) -> None:
    for turn in clean:
        with subtests.test(turn.id):
            samples, rate_hz = labelled(turn)
            levels = levels_db(samples, rate_hz)
            check_sound(turn, samples, rate_hz, levels)
            check_words(turn)
            check_pauses(turn, silences(samples, rate_hz, 0.2), levels)


def check_sound(turn: SuiteTurn, samples: Samples, rate_hz: int, levels: Samples) -> None:
    assert rate_hz == turn.rate_hz == {"telephone": 8000, "wide": 16000}[turn.band]
    assert len(samples) / rate_hz == pytest.approx(turn.duration_s, abs=1e-4)
    assert turn.licences == tuple(sorted({origin(name).licence for name in turn.sources}))
    assert {origin(name).speaker for name in turn.sources} == {turn.speaker}
    assert 0.9 <= turn.end_s - turn.start_s <= 20.5
    assert levels[round(turn.end_s * 100) - 1] > threshold_db(levels)
    bounds = speech_bounds(samples, rate_hz)
    assert bounds.start_s == pytest.approx(turn.start_s, abs=0.005)
    assert bounds.end_s == pytest.approx(turn.end_s, abs=0.005)
    assert turn.duration_s - turn.end_s >= 0.3


def check_words(turn: SuiteTurn) -> None:
    """They are in order inside the turn, and make its transcript."""
    assert " ".join(word for word, _, _ in turn.words) == turn.transcript
    for (_, start_s, end_s), (_, next_s, _) in pairwise(turn.words):
        assert start_s < end_s <= next_s + 0.011
    assert (turn.words[0][1], turn.words[-1][2]) == (turn.start_s, turn.end_s)


def check_pauses(turn: SuiteTurn, gaps: list[SoundStretch], levels: Samples) -> None:
    """They are silent between their words, and of the kind that the text gives."""
    quiet = {(round(gap.start_s, 2), round(gap.duration_s, 2)) for gap in gaps}
    for pause in turn.pauses:
        assert (pause.start_s, pause.duration_s) in quiet
        inside = levels[
            round(pause.start_s * 100) : round((pause.start_s + pause.duration_s) * 100)
        ]
        assert np.median(inside) < threshold_db(levels) - CLEAR_DB + 0.1
        assert np.mean(inside < threshold_db(levels)) > 0.9
        (before, _, end_s), (after, start_s, _) = turn.words[pause.after : pause.after + 2]
        assert pause.kind == kind_of_pause(before, after)
        assert end_s <= pause.start_s + NEAREST_S
        assert pause.start_s + pause.duration_s <= start_s + NEAREST_S


def test_a_noisy_turn_is_the_clean_one_with_noise_as_loud_as_it_says() -> None:
    noisy = [turn for turn in turns() if turn.noise]
    for turn in noisy[::6]:
        assert turn.noise is not None
        own, _ = soundfile.read(FOLDER / turn.file, dtype="float64")
        bed = sound(turn) / 32768 - own
        ratio = speech_rms(own, turn.rate_hz) / np.sqrt(np.mean(bed**2))
        assert 20 * np.log10(ratio) == pytest.approx(turn.noise.snr_db, abs=2.5)
        same = next(t for t in clean if t.file == turn.file)
        assert (turn.end_s, turn.pauses) == (same.end_s, same.pauses)


def test_a_turn_comes_at_any_rate_with_its_room_after_it_and_always_the_same() -> None:
    turn = next(turn for turn in clean if turn.rate_hz == 8000)
    longer = sound(turn, 16000, tail_s=1.0)
    assert len(longer) / 16000 == pytest.approx(turn.duration_s + 1.0, abs=0.01)
    assert np.array_equal(longer, sound(turn, 16000, tail_s=1.0))
    tail = longer[-12000:] / 32768
    assert 0 < np.sqrt(np.mean(tail**2)) < 0.003


def test_there_is_something_of_every_kind_to_say_over_the_bot() -> None:
    found = Counter(over.what for over in overlaps())
    assert min(found[kind] for kind in ("backchannel", "stop", "goes_on")) >= 6
    assert found["noise"] >= 2
    for over in overlaps():
        assert over.synthetic == (not over.sources)
        samples = above_rumble(overlap_sound(over) / 32768, over.rate_hz)
        assert 0 <= over.start_s < over.end_s <= len(samples) / over.rate_hz
        assert speech_bounds(samples, over.rate_hz).end_s == pytest.approx(over.end_s, abs=0.005)


def test_the_page_of_sources_names_every_licence_and_speaker() -> None:
    page = (Path(FOLDER) / "SOURCES.md").read_text()
    for name in ("CC BY-SA 3.0", "Allison Smith", "public domain", "BSD-2-Clause", "CC0 1.0"):
        assert name in page
    assert all(turn.speaker in page for turn in turns())
