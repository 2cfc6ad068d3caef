"""Text made speakable is understood: the voice's figures, heard by our own ears."""

import asyncio

import jiwer
import numpy as np
import pytest

from pipelines.audio.resample import Resampler
from pipelines.core.speaking.speakable import aloud, as_written
from pipelines.core.turn.wording import words
from pipelines.services.protocols import EAR_RATE_HZ, Samples, TranscriptionJob
from pipelines.services.stt.moonshine import Moonshine
from pipelines.services.stt.stt_moonshine import transcribe
from pipelines.services.tts.postprocessor import AudioPostprocessor, Read
from pipelines.services.tts.tts_espeak import espeak_voice

SENTENCES = """
Your order comes to $12.50.
The flight leaves at 3:45 pm on March 5, 2025.
Please call (555) 123-4567 for help.
You can read more at www.example.com/pricing.
Write to john.smith@example.com.
It is 25°C with wind at 10 km/h.
The office is at 123 Main St. in Springfield.
About 10-20% of people agree.
We have 1,250,000 users.
The meeting is on 2025-03-14 at 9:00.
Dr. Smith will see you on Tues. at 10 a.m.
The price went from €3.5 million to €4.2 million.
She lives at 1205 N 5th Ave.
Mix 1/2 cup of sugar with 3/4 cup of milk.
It weighs 2 kg, i.e. 4.4 lbs.
The score was 3-2.
Call 911 now.
The rent is $1,200/month.
We are open 9am-5pm.
It is the 21st of May.
""".strip().splitlines()


async def spoken(read: Read) -> list[Samples]:
    postprocessor = AudioPostprocessor(espeak_voice(), read=read)
    await postprocessor.open()
    try:
        said = []
        for text in SENTENCES:
            resampler = Resampler(postprocessor.rate_hz, EAR_RATE_HZ)
            pcm = [resampler.feed(chunk.pcm) async for chunk in postprocessor.synthesise(text)]
            whole = np.pad(np.concatenate([*pcm, resampler.flush()]), EAR_RATE_HZ // 10)
            said.append((whole / 32768).astype(np.float32))
        return said
    finally:
        await postprocessor.close()


def in_words(text: str) -> str:
    """Figures in words, whoever wrote them."""
    return " ".join(words(" ".join(piece.said for piece in aloud(text))))


def word_errors(read: Read) -> float:
    model = Moonshine()
    heard = [
        transcribe(model, TranscriptionJob(audio), lambda: False).text
        for audio in asyncio.run(spoken(read))
    ]
    return float(jiwer.wer([*map(in_words, SENTENCES)], [*map(in_words, heard)]))


@pytest.mark.soak
def test_figures_that_are_put_into_words_are_understood_twice_as_well() -> None:
    """Measured: 40 % of the words wrong as written, 18 % as they are put into words."""
    assert word_errors(aloud) < 0.25
    assert word_errors(aloud) < 0.6 * word_errors(as_written)
