"""Speech whose pauses are cut out, through dictation and Moonshine: no word is lost or doubled."""

import math

import jiwer
import numpy as np
import pytest

from bench.stt_corpus import recordings
from pipelines.audio.tape import Tape
from pipelines.core.hearing.dictation import Dictation, DictationPolicy
from pipelines.core.turn.wording import words
from pipelines.services.protocols import EAR_RATE_HZ, Samples, TranscriptionJob
from pipelines.services.stt.moonshine import Moonshine
from pipelines.services.stt.stt_moonshine import transcribe

WINDOW = EAR_RATE_HZ // 100
QUIET = 10 ** (-45 / 20)
LONG = ("austen", "cities")
"""Names of recordings whose speakers read on."""


def without_pauses(audio: Samples) -> Samples:
    """At most 30 ms of each silence stay."""
    windows = audio[: len(audio) // WINDOW * WINDOW].reshape(-1, WINDOW)
    quiet, kept = 0, []
    for window in windows:
        quiet = quiet + 1 if np.abs(window).mean() < QUIET else 0
        if quiet <= 3:
            kept.append(window)
    return np.concatenate(kept)


def dictated(model: Moonshine, audio: Samples) -> str:
    """As a call hears it, of which 12 s are kept; looks at it once a second, to be quick."""
    dictation = Dictation(DictationPolicy(step_s=1.0))
    tape = Tape(EAR_RATE_HZ, 12.0)
    dictation.speech_started(0.0)
    windows = audio[: len(audio) // WINDOW * WINDOW].reshape(-1, WINDOW)
    for number, window in enumerate(windows, start=1):
        now = number / 100
        tape.append(window)
        dictation.level(10 * math.log10(float(window @ window) / WINDOW + 1e-12), now)
        if number == len(windows):
            dictation.speech_paused(now)
        while (job := dictation.next_job(now)) is not None:
            assert job.start_s >= tape.start_s
            piece = tape.between(job.start_s, job.end_s)
            question = TranscriptionJob(piece, job.draft)
            found = transcribe(model, question, lambda: False)
            dictation.result(job, found.text, found.tokens, 0.1)
    assert dictation.complete
    return dictation.text


@pytest.fixture(scope="module")
def model() -> Moonshine:
    return Moonshine()


def test_speech_without_a_pause_is_heard_whole(model: Moonshine) -> None:
    chosen = [one for one in recordings() if one.name.startswith(LONG)]
    said = " ".join(one.transcript for one in chosen)
    speech = without_pauses(np.concatenate([one.speech for one in chosen]))

    heard = dictated(model, speech)

    assert len(speech) > 24 * EAR_RATE_HZ
    assert jiwer.wer(" ".join(words(said)), " ".join(words(heard))) < 0.1, heard
