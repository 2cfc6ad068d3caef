"""Hears the caller: voice activity at once, transcription and the turn model beside it."""

import asyncio
from collections.abc import Callable

import numpy as np
import structlog
from pipecat.frames.frames import Frame, InputAudioRawFrame
from pipecat.processors.frame_processor import (
    FrameDirection,
    FrameProcessor,
    FrameProcessorSetup,
)

from pipelines.core.commands import ScoreTurn, Transcribe
from pipelines.core.events import (
    SoundHeard,
    Span,
    TranscriptionCame,
    TranscriptionFailed,
    TurnScored,
)
from pipelines.core.hearing.signal import EarSignal, Pieces, dbfs
from pipelines.services.protocols import (
    Samples,
    ServiceError,
    SpeechToText,
    TranscriptionJob,
    TurnModel,
    VoiceActivity,
)

ANSWER_WITHIN_S = 8.0
"""Ears that take longer than this hang: the turn ends without them."""
LONGEST_HEARD = 2048
"""Characters of one answer of the ears, and tokens: half a minute has some 500."""
MOST_ALTERNATIVES = 8
STARVE_EVERY_S = 0.02
NO_SPEECH, SETTLED_CHUNKS = 0.1, 8
"""After 256 ms under this probability the VAD has long fallen: Silero's own model is cleared so."""
LOOKED_AT_S = 8.0
"""The turn model looks at so much sound."""

log = structlog.get_logger(__name__)


class Hearing(FrameProcessor):
    def __init__(
        self,
        signal: EarSignal,
        vad: VoiceActivity,
        stt: SpeechToText,
        turn: TurnModel,
        tell: Callable[
            [SoundHeard | TranscriptionCame | TranscriptionFailed | TurnScored | Span], None
        ],
    ) -> None:
        super().__init__(enable_direct_mode=True)
        self._signal = signal
        self._vad, self._stt, self._turn = vad, stt, turn
        self._tell = tell
        self._job: asyncio.Task[None] | None = None
        self._scoring: asyncio.Task[None] | None = None
        self._unscored: float | None = None
        """The pause to ask the turn model about next, with the sound that is there by then."""
        self._starving: asyncio.Task[None] | None = None
        self._came = asyncio.Event()
        self._unheard = 0
        """Chunks in a row that we made up, and in which the VAD heard nothing."""

    async def setup(self, setup: FrameProcessorSetup) -> None:  # type: ignore[override]
        await super().setup(setup)
        self._starving = self.create_task(self._fill_stalls())

    async def cleanup(self) -> None:
        for task in (self._starving, self._job, self._scoring):
            if task is not None and not task.done():
                await self.cancel_task(task)
        await super().cleanup()  # type: ignore[no-untyped-call]

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            self._take(frame)
        else:
            await self.push_frame(frame, direction)

    def obey(self, command: Transcribe | ScoreTurn) -> None:
        match command:
            case Transcribe():
                if command.lost_s > 0:
                    lost_s = command.lost_s
                    log.warning("the ears are late: speech was lost", service="stt", lost_s=lost_s)
                if self._job is not None and not self._job.done():
                    self._job.cancel()
                self._job = self.create_task(self._transcribe(command))
            case ScoreTurn(paused_s):
                self._unscored = paused_s
                if self._scoring is None or self._scoring.done():
                    self._scoring = self.create_task(self._score_all())

    # ---- sound ----

    def _take(self, frame: InputAudioRawFrame) -> None:
        media_s = None if frame.pts is None else frame.pts / 1e9
        pieces = self._signal.take(np.frombuffer(frame.audio, "<i2"), self._now(), media_s)
        self._came.set()
        self._hear(pieces)

    async def _fill_stalls(self) -> None:
        """A caller whose audio stops is silent, not for ever in the middle of a word."""
        await self._came.wait()
        while True:  # not woken by each frame: what comes only puts the deadline off
            deadline = self._signal.intake.deadline() or 0.0
            await asyncio.sleep(max(STARVE_EVERY_S, deadline - self._now()))
            self._hear(self._signal.starve(self._now()))

    def _hear(self, pieces: list[Pieces]) -> None:
        for piece in pieces:
            if not piece.made_up:
                self._unheard = 0
            chances = tuple(self._probability(chunk, piece.made_up) for chunk in piece.chunks)
            self._tell(SoundHeard(piece.levels, chances))

    def _probability(self, chunk: Samples, made_up: bool) -> float:
        """The VAD is not asked about silence that goes on and that we have made up."""
        if self._unheard >= SETTLED_CHUNKS:
            return 0.0
        probability = self._vad.probability(chunk)
        if made_up:
            self._unheard = self._unheard + 1 if probability < NO_SPEECH else 0
        return probability

    # ---- models ----

    async def _transcribe(self, command: Transcribe) -> None:
        started_s = self._now()
        audio = self._signal.between(command.start_s, command.end_s)
        if dbfs(audio) < command.background_dbfs:
            self._tell(TranscriptionCame(command.job, "", (), started_s))
            return
        job = TranscriptionJob(audio, command.draft, command.final, command.start_s)
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                answer = await self._stt.transcribe(job)
        except TimeoutError:
            log.warning("the ears do not answer", service="stt")
            self._tell(TranscriptionFailed(command.job, False, started_s))
        except ServiceError as error:
            log.warning("the ears failed", service=error.service, error=str(error))
            self._tell(TranscriptionFailed(command.job, error.retryable, started_s))
        except Exception:
            log.exception("the ears broke")  # and the turn has an end all the same
            self._tell(TranscriptionFailed(command.job, False, started_s))
        else:
            heard = answer.text[:LONGEST_HEARD], answer.tokens[:LONGEST_HEARD]
            others = tuple(
                (text[:LONGEST_HEARD], share)
                for text, share in answer.alternatives[:MOST_ALTERNATIVES]
            )
            self._tell(TranscriptionCame(command.job, *heard, started_s, others))

    async def _score_all(self) -> None:
        """One after another: all that was asked meanwhile is one question, on the newest pause."""
        while (paused_s := self._unscored) is not None:
            self._unscored = None
            await self._score(paused_s)

    async def _score(self, paused_s: float) -> None:
        started_s = self._now()
        end_s = self._signal.media_s
        audio = self._signal.between(end_s - LOOKED_AT_S, end_s)
        try:
            probability = await self._turn.probability(audio)
        except ServiceError as error:
            log.warning("the turn model failed", service=error.service, error=str(error))
            return
        self._tell(Span("turn", started_s, self._now()))
        self._tell(TurnScored(probability, paused_s))

    def _now(self) -> float:
        return self.get_event_loop().time()
