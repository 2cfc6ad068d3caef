"""Which turns of a folder are played, what was said before them, and their sound."""

from pathlib import Path

import numpy as np
import pytest

from bench.natural import speech
from bench.natural.speech import LEAD_S, TAIL_S, Said, SpeechError, load, sound
from tests.bench.natural.folder import RATE_HZ, made


def test_turns_of_unsure_labels_are_left_out(tmp_path: Path) -> None:
    turns = load(made(tmp_path))

    assert [turn.speaker for turn in turns] == ["ann", "cat"]
    assert [turn.speaker for turn in load(tmp_path, sure=0.8)] == ["ann"]


def test_times_are_seconds_of_the_turns_own_sound(tmp_path: Path) -> None:
    turn = load(made(tmp_path))[0]

    assert turn.start_s == LEAD_S
    assert turn.end_s == pytest.approx(3.0 + LEAD_S)
    assert turn.pauses[0].start_s == pytest.approx(1.0 + LEAD_S)
    assert turn.end == "end-of-turn"


def test_unsure_noisy_and_endless_pauses_do_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = load(made(tmp_path))

    assert [pause.counts for pause in first.pauses] == [True, False]
    assert [pause.counts for pause in second.pauses] == [False]
    monkeypatch.setattr(speech, "LONGEST_PAUSE_S", 0.4)
    assert not load(tmp_path)[0].pauses[0].counts


def test_the_other_persons_words_before_a_turn_are_what_was_asked(tmp_path: Path) -> None:
    turn, unknown = load(made(tmp_path))

    assert turn.history == (Said(False, "hello"), Said(True, "hi there which street"))
    assert turn.asked == "hi there which street"
    assert unknown.asked == ""


def test_a_turn_is_followed_by_its_own_room(tmp_path: Path) -> None:
    turn = load(made(tmp_path))[0]
    pcm = sound(turn, RATE_HZ).astype(np.float64) / 32768
    after = pcm[round((turn.end_s + 0.05) * RATE_HZ) :]

    assert len(pcm) == pytest.approx((turn.end_s + TAIL_S) * RATE_HZ, abs=RATE_HZ * 0.01)
    assert 0 < np.sqrt(np.mean(after**2)) < 0.01


def test_where_two_people_share_a_channel_the_next_one_is_not_heard(tmp_path: Path) -> None:
    turn = load(made(tmp_path))[1]
    pcm = sound(turn, RATE_HZ).astype(np.float64) / 32768

    assert np.abs(pcm[round((turn.end_s + 0.05) * RATE_HZ) :]).max() < 0.05


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpeechError, match="nowhere: no such folder; name one"):
        load(tmp_path / "nowhere")


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpeechError, match="not a folder of natural speech"):
        load(tmp_path)
