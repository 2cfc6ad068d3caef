"""Pipecat processors between our stages: Pipecat's own filter of text, and one for sound.

PROCESSORS=examples.stock_processors:between ./run serve
"""

from collections.abc import Mapping, Sequence

import numpy as np
from pipecat.frames.frames import Frame, TTSAudioRawFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.processors.text_transformer import StatelessTextTransformer

VOLUME = 0.5


class Softer(FrameProcessor):
    """Written as any processor of sound: it makes new frames, and knows nothing of replies."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, TTSAudioRawFrame):
            pcm = (np.frombuffer(frame.audio, "<i2") * VOLUME).astype("<i2")
            frame = TTSAudioRawFrame(pcm.tobytes(), frame.sample_rate, frame.num_channels)
        await self.push_frame(frame, direction)


def polite(text: str) -> str:
    return text.replace("damned", "dear")


def between() -> Mapping[str, Sequence[FrameProcessor]]:
    """By the stage that they stand behind; made anew for each call."""
    filter_of_text = StatelessTextTransformer(polite)
    return {"thinking": [filter_of_text], "speaking": [Softer()]}
