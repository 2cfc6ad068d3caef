import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from client.caller.speech_file import Recording, RecordingError, SpokenTurn, load, recording
from pipelines.audio.pcm import Pcm
from tests.client.caller.loopback import tone


def speech_in(lead_s: float, speech_s: float, tail_s: float, rate_hz: int = 16_000) -> Pcm:
    silence = np.zeros(round(rate_hz * max(lead_s, tail_s)), dtype=np.int16)
    parts = [silence[: round(rate_hz * lead_s)], tone(speech_s, rate_hz)]
    return np.concatenate([*parts, silence[: round(rate_hz * tail_s)]])


def written(path: Path, pcm: Any, rate_hz: int) -> Path:
    soundfile.write(path, pcm, rate_hz)
    return path


def test_speech_is_measured_where_there_is_no_label() -> None:
    one = recording("a.wav", speech_in(0.305, 1.0, 0.5))

    assert not one.labelled
    [turn] = one.turns
    assert [turn.start_s, turn.end_s] == pytest.approx([0.305, 1.305], abs=1e-3)


def test_steady_noise_is_not_taken_for_speech() -> None:
    noise = np.random.default_rng(1).normal(0, 300, 32_000)
    pcm = (speech_in(0.5, 1.0, 0.5) + noise).astype(np.int16)

    [turn] = recording("noisy.wav", pcm).turns

    assert [turn.start_s, turn.end_s] == pytest.approx([0.5, 1.5], abs=0.011)


def test_a_faint_recording_is_measured_by_its_own_loudness() -> None:
    faint = (speech_in(0.5, 1.0, 0.5) / 300).astype(np.int16)

    [turn] = recording("faint.wav", faint).turns

    assert turn.end_s == pytest.approx(1.5, abs=0.011)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100, 48_000])
def test_any_rate_becomes_sixteen_thousand(tmp_path: Path, rate_hz: int) -> None:
    path = written(tmp_path / "a.wav", speech_in(0.2, 1.0, 0.3, rate_hz), rate_hz)

    one = load(path)

    assert one.duration_s == pytest.approx(1.5, abs=0.001)
    assert one.pcm.dtype == np.int16
    assert one.turns[0].end_s == pytest.approx(1.2, abs=0.011)


def test_two_channels_become_one(tmp_path: Path) -> None:
    mono = speech_in(0.2, 0.5, 0.2)
    path = written(tmp_path / "a.flac", np.stack([mono, mono], axis=1), 16_000)

    assert np.abs(load(path).pcm.astype(int) - mono).max() <= 1


def labelled(folder: Path, **label: object) -> Recording:
    path = written(folder / "a.wav", speech_in(0.25, 1.0, 1.0), 16_000)
    (folder / "labels.json").write_text(json.dumps({"recordings": [{"file": "a.wav", **label}]}))
    return load(path)


def test_a_label_beside_the_recording_says_where_its_turns_are(tmp_path: Path) -> None:
    turns = [
        {"start_s": 0.2, "end_s": 0.6, "transcript": "Hello."},
        {"start_s": 0.9, "end_s": 1.2},
    ]
    one = labelled(tmp_path, turns=turns)

    assert one.labelled
    assert one.turns == (SpokenTurn(0.2, 0.6, "Hello."), SpokenTurn(0.9, 1.2))


def test_a_recording_that_its_neighbours_label_does_not_name_is_measured(tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text('{"recordings": [{"file": "other.wav"}]}')

    assert not load(written(tmp_path / "a.wav", speech_in(0.1, 1.0, 0.1), 16_000)).labelled


@pytest.mark.parametrize(
    "edges", [[], [(0.2, 2.3)], [(-0.1, 1.0)], [(1.0, 0.5)], [(0.6, 1.0), (0.2, 0.5)]]
)
def test_turns_that_are_not_within_the_recording_are_refused(
    tmp_path: Path, edges: list[tuple[float, float]]
) -> None:
    with pytest.raises(RecordingError, match=r"a\.wav: the turns of its label are not within it"):
        labelled(tmp_path, turns=[{"start_s": start, "end_s": end} for start, end in edges])


@pytest.mark.parametrize("label", [{}, {"turns": [{}]}, {"turns": 3}, {"turns": ["x"]}])
def test_a_label_without_turns_is_refused(tmp_path: Path, label: dict[str, Any]) -> None:
    with pytest.raises(RecordingError, match="does not say where its turns are"):
        labelled(tmp_path, **label)


def test_labels_that_are_not_labels_are_refused(tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text("[1, 2]")

    with pytest.raises(RecordingError, match="not a set of labels"):
        load(written(tmp_path / "a.wav", tone(1.0, 16_000), 16_000))


def test_a_file_that_is_not_audio_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_text("hello")

    with pytest.raises(RecordingError, match="cannot be read as audio"):
        load(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    for path, why in ((tmp_path, "is a folder"), (tmp_path / "missing.wav", "no such file")):
        with pytest.raises(RecordingError, match=why):
            load(path)


def test_silence_is_refused() -> None:
    with pytest.raises(RecordingError, match="nothing but silence"):
        recording("a.wav", np.zeros(16_000, dtype=np.int16))
