"""Listens while the person speaks: voice activity, transcription and the turn model at work."""

import asyncio
import math
from collections import deque

import numpy as np
import structlog
from numpy.typing import NDArray
from pipecat.frames.frames import Frame
from pipecat.processors.frame_processor import (
    FrameDirection,
    FrameProcessor,
    FrameProcessorSetup,
)

from pipelines.audio.highpass import HighPass
from pipelines.audio.resample import Resampler
from pipelines.audio.tape import Tape
from pipelines.core.commands import ForgetSpeech, ScoreTurn
from pipelines.core.events import (
    LedgerFact,
    Listened,
    Milestone,
    SayAsked,
    Span,
    SpeechPaused,
    SpeechStarted,
    Transcribed,
    TurnFact,
    TurnScored,
)
from pipelines.core.exchange import AudioIn, Muted
from pipelines.core.hearing.dictation import Dictation, DictationJob
from pipelines.core.hearing.intake import Intake
from pipelines.core.hearing.microphone import Microphone
from pipelines.core.hearing.voicing import WINDOW_S, Voicing
from pipelines.services.protocols import (
    EAR_RATE_HZ,
    VAD_CHUNK,
    Samples,
    ServiceError,
    SpeechToText,
    Transcription,
    TranscriptionJob,
    TurnModel,
    VoiceActivity,
)
from pipelines.stages.frames import (
    CallerFrame,
    CommandFrame,
    FactFrame,
    SilencedFrame,
    SpokenFrame,
)
from pipelines.words import ENGLISH
from pipelines.words.phrases import Phrases

KEEP_S = 40.0
"""Audio kept per call. Stretches are at most 12 s long, the turn model looks at 8 s: the rest is
for ears that are late or hang."""
ANSWER_WITHIN_S = 8.0
"""Ears that take longer than this hang: the turn ends without them."""
UNHEARD_EVERY_S = 8.0
"""What says it may come back through the microphone, to ears that still fail."""
STARVE_EVERY_S = 0.02
WINDOW = round(EAR_RATE_HZ * WINDOW_S)
VOICE_STEP = math.gcd(WINDOW, VAD_CHUNK)
"""The VAD's chunks are no whole windows: one that waited for its last window would come 32 ms late
while the bot speaks, for then sound comes in blocks of that length."""

log = structlog.get_logger(__name__)


class Ears:
    """The parts of `Hearing`; all but the models belong to one call."""

    def __init__(
        self,
        vad: VoiceActivity,
        stt: SpeechToText,
        turn: TurnModel,
        *,
        in_rate_hz: int,
        out_rate_hz: int,
    ) -> None:
        """`out_rate_hz`: of the bot's own voice, which the ears must know again."""
        self.vad, self.stt, self.turn = vad, stt, turn
        self.in_rate_hz, self.out_rate_hz = in_rate_hz, out_rate_hz


class Hearing(FrameProcessor):
    def __init__(
        self,
        ears: Ears,
        voicing: Voicing,
        dictation: Dictation,
        phrases: Phrases = ENGLISH,
    ) -> None:
        super().__init__(enable_direct_mode=True)
        self._unheard = phrases.unheard
        self._ears = ears
        self._voicing = voicing
        self._dictation = dictation
        self._intake = Intake(ears.in_rate_hz)
        self._resampler = Resampler(ears.in_rate_hz, EAR_RATE_HZ)
        self._tape = Tape(EAR_RATE_HZ, KEEP_S)
        self._microphone = Microphone(EAR_RATE_HZ)
        self._own_voice = Resampler(ears.out_rate_hz, EAR_RATE_HZ)
        self._voice_pass = HighPass(EAR_RATE_HZ, VOICE_STEP)
        self._words_pass = HighPass(EAR_RATE_HZ, WINDOW)
        self._voice_in: Samples = np.zeros(0, np.float32)
        self._words_in: Samples = np.zeros(0, np.float32)
        self._chunk: Samples = np.zeros(0, np.float32)
        self._chunks = 0
        self._arrivals: deque[tuple[float, float]] = deque(maxlen=256)
        self._job: asyncio.Task[None] | None = None
        self._scoring: asyncio.Task[None] | None = None
        self._starving: asyncio.Task[None] | None = None
        self._came = asyncio.Event()
        self._listened_s: float | None = None
        """When the last sample came."""
        self._apologise_from_s = 0.0

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
        match frame:
            case CallerFrame(event=AudioIn(pcm, media_s)):
                await self._take(np.frombuffer(pcm, "<i2"), media_s)
            case CallerFrame(event=Muted(muted=True)):
                for fact in self._voicing.stop():
                    await self._voice(fact)
                await self._transcribe_next()
                await self.push_frame(frame, direction)
            case SpokenFrame():
                self._hear_bot(frame)
            case SilencedFrame():
                self._microphone.flushed(self._ahead(self._now()))
            case CommandFrame(command=ForgetSpeech(upto_s)):
                self._dictation.forget(upto_s)
            case CommandFrame(command=ScoreTurn(paused_s)):
                self._score(paused_s)
            case _:
                await self.push_frame(frame, direction)

    # ---- audio in ----

    async def _take(self, pcm: NDArray[np.int16], media_s: float | None) -> None:
        heard_all = not self._intake.dropped
        placement = self._intake.place(len(pcm), self._now(), media_s)
        self._came.set()
        if heard_all and placement.skip:
            seconds = round(placement.skip / self._ears.in_rate_hz, 3)
            log.warning("audio that came too late is dropped", seconds=seconds)
        if placement.silence:
            await self._listen(np.zeros(placement.silence, np.int16))
        if placement.skip < len(pcm):
            await self._listen(pcm[placement.skip :])

    async def _fill_stalls(self) -> None:
        """A caller whose audio stops is silent, not for ever in the middle of a word."""
        await self._came.wait()
        while True:  # not woken by each frame: what comes only puts the deadline off
            deadline = self._intake.deadline() or 0.0
            await asyncio.sleep(max(STARVE_EVERY_S, deadline - self._now()))
            due = self._intake.starve(self._now())
            if due:
                await self._listen(np.zeros(due, np.int16))

    async def _listen(self, pcm: NDArray[np.int16]) -> None:
        self._listened_s = self._now()
        sound = self._microphone.hear(self._resampler.feed(pcm).astype(np.float32) / 32768.0)
        self._gather(sound.voice)
        self._words_in = np.concatenate((self._words_in, sound.words))
        while len(self._words_in) >= WINDOW:
            words, self._words_in = self._words_in[:WINDOW], self._words_in[WINDOW:]
            await self._hear_window(self._words_pass.feed(words))
            await self._hear_chunks(self._tape.end_s)
        await self._hear_chunks(math.inf)
        self._arrivals.append((self._tape.end_s, self._now()))
        await self._tell(Listened(self._tape.end_s))
        await self._transcribe_next()

    def _gather(self, voice: Samples) -> None:
        waiting = np.concatenate((self._voice_in, voice))
        whole = len(waiting) // VOICE_STEP * VOICE_STEP
        steps = waiting[:whole].reshape(-1, VOICE_STEP)
        self._voice_in = waiting[whole:]
        self._chunk = np.concatenate((self._chunk, *(self._voice_pass.feed(s) for s in steps)))

    async def _hear_window(self, words: Samples) -> None:
        """10 ms. Its level is of the sound as it came: what holds the echo down holds a person
        down too.
        """
        self._tape.append(words)
        dbfs = _dbfs(words)
        self._dictation.level(dbfs, self._tape.end_s)
        for fact in self._voicing.level(dbfs, self._tape.end_s):
            await self._voice(fact)

    async def _hear_chunks(self, upto_s: float) -> None:
        """The VAD's answer for each full chunk that ends by then, in media time."""
        length_s = VAD_CHUNK / EAR_RATE_HZ
        while len(self._chunk) >= VAD_CHUNK and (self._chunks + 1) * length_s <= upto_s + 1e-6:
            chunk, self._chunk = self._chunk[:VAD_CHUNK], self._chunk[VAD_CHUNK:]
            start_s = self._chunks * length_s
            self._chunks += 1
            probability = self._ears.vad.probability(chunk)
            for fact in self._voicing.probability(probability, start_s, start_s + length_s):
                await self._voice(fact)

    def _hear_bot(self, frame: SpokenFrame) -> None:
        """The bot's voice comes back through the microphone from now on: know it again."""
        pcm = self._own_voice.feed(np.frombuffer(frame.pcm, "<i2")).astype(np.float32) / 32768.0
        self._microphone.played(pcm, self._ahead(frame.plays_at_s))

    def _ahead(self, at_s: float) -> int:
        """How far a moment is from the last sample heard: a client may send long pieces."""
        since_s = self._now() if self._listened_s is None else self._listened_s
        return round((at_s - since_s) * EAR_RATE_HZ)

    async def _voice(self, fact: SpeechStarted | SpeechPaused) -> None:
        if isinstance(fact, SpeechStarted):
            self._dictation.speech_started(fact.media_s)
        else:
            self._dictation.speech_paused(fact.media_s)
            at = self._arrived(fact.media_s)
            await self._tell(Milestone("speech_ended", at))
        await self._tell(fact)

    def _arrived(self, media_s: float) -> float:
        """When the sample at a media time came in: the frame that brought it."""
        for end_s, at in self._arrivals:
            if end_s >= media_s - 1e-6:
                return at
        return self._now()

    # ---- what was said ----

    async def _transcribe_next(self) -> None:
        job = self._dictation.next_job(self._tape.end_s, self._tape.start_s)
        if job is None:
            return
        if job.lost_s > 0:
            log.warning("the ears are late: speech was lost", service="stt", lost_s=job.lost_s)
        if self._job is not None and not self._job.done():
            self._job.cancel()
        self._job = self.create_task(self._transcribe(job))

    async def _transcribe(self, job: DictationJob) -> None:
        started = self._now()
        audio = self._tape.between(job.start_s, job.end_s)
        question = TranscriptionJob(audio, job.draft, job.final, job.start_s)
        wanted = await self._ask(job, question, started)
        if not wanted:
            return
        complete, unheard = self._dictation.complete, self._dictation.unheard
        if complete:
            await self._tell(Span("stt", started, self._now()))
            await self._tell(Milestone("transcript_final", self._now()))
        heard = self._dictation
        await self._tell(Transcribed(heard.text, job.end_s, complete, heard.alternatives))
        if unheard and self._tape.end_s >= self._apologise_from_s:
            self._apologise_from_s = self._tape.end_s + UNHEARD_EVERY_S
            await self._tell(SayAsked(self._unheard))

    async def _ask(self, job: DictationJob, question: TranscriptionJob, started: float) -> bool:
        if self._voicing.is_background(_dbfs(question.audio)):
            return self._dictation.result(job, "", (), 0.0)
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                answer: Transcription = await self._ears.stt.transcribe(question)
        except TimeoutError:
            log.warning("the ears do not answer", service="stt")
            return self._dictation.failed(job, again=False)
        except ServiceError as error:
            log.warning("the ears failed", service=error.service, error=str(error))
            return self._dictation.failed(job, again=error.retryable)
        took_s = self._now() - started
        return self._dictation.result(job, answer.text, answer.tokens, took_s, answer.alternatives)

    def _score(self, paused_s: float) -> None:
        """At most one question at a time: the next is asked when the silence has grown."""
        if self._scoring is None or self._scoring.done():
            self._scoring = self.create_task(self._ask_turn_model(paused_s))

    async def _ask_turn_model(self, paused_s: float) -> None:
        started = self._now()
        audio = self._tape.between(self._tape.end_s - 8.0, self._tape.end_s)
        try:
            probability = await self._ears.turn.probability(audio)
        except ServiceError as error:
            log.warning("the turn model failed", service=error.service, error=str(error))
            return
        await self._tell(Span("turn", started, self._now()))
        await self._tell(TurnScored(probability, paused_s))

    async def _tell(self, fact: TurnFact | LedgerFact) -> None:
        await self.push_frame(FactFrame(fact))

    def _now(self) -> float:
        return self.get_event_loop().time()


def _dbfs(samples: Samples) -> float:
    return 10 * math.log10(float(samples @ samples) / max(1, len(samples)) + 1e-12)
