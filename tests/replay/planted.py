"""Changes for the worse, to see whether they are found."""

import asyncio
from collections import deque
from dataclasses import dataclass, field, replace

from pipelines.cascade import Policies, Services
from pipelines.core.speaking.phrasing import Phraser
from pipelines.services.protocols import (
    Samples,
    SpeechToText,
    Transcription,
    TranscriptionJob,
    VoiceActivity,
)

STT_S, VAD_S = 0.080, 0.100
NEAR_S = 0.015
"""A planted delay is named within so much of its true size."""


@dataclass
class SlowerEars:
    inner: SpeechToText

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def transcribe(self, job: TranscriptionJob) -> Transcription:
        answer = await self.inner.transcribe(job)
        await asyncio.sleep(STT_S)
        return answer


@dataclass
class LingeringVad:
    """Says speech for a quarter of a second more, so that the level alone ends it."""

    inner: VoiceActivity
    last: deque[float] = field(default_factory=lambda: deque(maxlen=9))

    def probability(self, chunk: Samples) -> float:
        self.last.append(self.inner.probability(chunk))
        return max(self.last)

    def reset(self) -> None:
        self.inner.reset()


class WholeSentences:
    """An aggregator that waits for the full stop."""

    def __init__(self) -> None:
        self._phraser = Phraser()
        self._held = ""

    def feed(self, text: str) -> list[str]:
        self._held += text
        if not self._held.rstrip().endswith((".", "?", "!")):
            return []
        held, self._held = self._held, ""
        return self._phraser.feed(held + " ")

    def finish(self) -> list[str]:
        return [*self._phraser.feed(self._held), *self._phraser.finish()]


def slower_ears(services: Services, policies: Policies) -> tuple[Services, Policies]:
    return replace(services, stt=SlowerEars(services.stt)), policies


def later_vad(services: Services, policies: Policies) -> tuple[Services, Policies]:
    voicing = policies.voicing
    slower = replace(
        voicing, lull_s=voicing.lull_s + VAD_S, noisy_lull_s=voicing.noisy_lull_s + VAD_S
    )
    vad = LingeringVad(services.new_vad())
    return replace(services, new_vad=lambda: vad), replace(policies, voicing=slower)
