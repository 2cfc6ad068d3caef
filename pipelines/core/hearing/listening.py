"""Listens to one call: when the person speaks, what is transcribed next, and what was said."""

from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from pipelines.core.commands import Transcribe
from pipelines.core.events import (
    Listened,
    Milestone,
    SayAsked,
    SoundHeard,
    Span,
    SpeechPaused,
    SpeechStarted,
    Transcribed,
    TranscriptionCame,
    TranscriptionFailed,
)
from pipelines.core.hearing.dictation import Dictation, DictationJob
from pipelines.core.hearing.rates import EAR_RATE_HZ, KEEP_S, VAD_CHUNK, WINDOW
from pipelines.core.hearing.voicing import Voicing

CHUNK_S = VAD_CHUNK / EAR_RATE_HZ
UNHEARD_EVERY_S = 8.0
"""Seconds between two such apologies: each may come back through the microphone."""

BURST_S = 0.1
BURST_AHEAD_S = 0.25
"""Sound comes in a burst while `BURST_S` bring so much more of it than one piece: more is there
already, and a pause in it is none in which the person waits.
"""

Noticed: TypeAlias = (
    Listened | SpeechStarted | SpeechPaused | Transcribed | SayAsked | Milestone | Span | Transcribe
)


class Listener:
    def __init__(
        self,
        voicing: Voicing,
        dictation: Dictation,
        unheard: str,
        tell: Callable[[Noticed], None],
    ) -> None:
        """`tell` is told what was noticed, and what is to be transcribed, as it comes up.

        `unheard`: said to a person of whom the ears could not tell a word.
        """
        self._voicing = voicing
        self._dictation = dictation
        self._unheard = unheard
        self._tell = tell
        self._windows = 0
        self._chunks = 0
        self._arrivals: deque[tuple[float, float]] = deque(maxlen=256)
        self._job: tuple[int, DictationJob] | None = None
        self._jobs = 0
        self._apologise_from_s = 0.0
        self._spoken_to_s = self._silent_s = 0.0
        """The last sample of speech: its media time, and when it came in."""
        self._came_on_s = 0.0
        """When the ears last were done with a part of speech too long for one look."""

    def deadline(self) -> float | None:
        """When the ears have had their time."""
        patience_s = self._dictation.patience_s
        since_s = max(self._silent_s, self._came_on_s)
        return None if patience_s is None else since_s + patience_s

    def due(self, now: float) -> None:
        deadline = self.deadline()
        if deadline is not None and now >= deadline - 1e-6:
            self._dictation.give_up()
            self._learn(self._spoken_to_s, self._silent_s, now)

    @property
    def media_s(self) -> float:
        return self._windows * WINDOW / EAR_RATE_HZ

    def hear(self, sound: SoundHeard, now: float) -> None:
        """A chunk is judged once the window has been in which it ends."""
        chances = deque(sound.probabilities)
        for dbfs in sound.levels:
            self._windows += 1
            self._dictation.level(dbfs, self.media_s)
            for fact in self._voicing.level(dbfs, self.media_s):
                self._voice(fact, now)
            while chances and (self._chunks + 1) * CHUNK_S <= self.media_s + 1e-6:
                self._hear_chunk(chances.popleft(), now)
        while chances:
            self._hear_chunk(chances.popleft(), now)
        self._arrivals.append((self.media_s, now))
        self._tell(Listened(self.media_s, self._is_burst(now) or None))
        self._transcribe_next()

    def _is_burst(self, now: float) -> bool:
        longest_s, before_s = 0.0, self.media_s
        for media_s, at in reversed(self._arrivals):
            longest_s, before_s = max(longest_s, before_s - media_s), media_s
            if at < now - BURST_S:
                break
        return self.media_s - before_s > longest_s + BURST_AHEAD_S

    def microphone_closed(self, now: float) -> None:
        for fact in self._voicing.stop():
            self._voice(fact, now)
        self._transcribe_next()

    def transcribed(self, came: TranscriptionCame, now: float) -> None:
        job = self._current(came.job)
        heard = came.text, came.tokens, now - came.started_s, came.alternatives
        if job is not None and job.boundary_s is not None:
            self._came_on_s = now
        if job is not None and self._dictation.result(job, *heard):
            self._learn(job.end_s, came.started_s, now)

    def failed(self, failed: TranscriptionFailed, now: float) -> None:
        job = self._current(failed.job)
        if job is not None and self._dictation.failed(job, again=failed.again):
            self._learn(job.end_s, failed.started_s, now)

    def forget(self, upto_s: float) -> None:
        """The words up to there are dealt with."""
        self._dictation.forget(upto_s)

    def _hear_chunk(self, probability: float, now: float) -> None:
        start_s = self._chunks * CHUNK_S
        self._chunks += 1
        for fact in self._voicing.probability(probability, start_s, start_s + CHUNK_S):
            self._voice(fact, now)

    def _voice(self, fact: SpeechStarted | SpeechPaused, now: float) -> None:
        if isinstance(fact, SpeechStarted):
            self._dictation.speech_started(fact.media_s)
        else:
            self._dictation.speech_paused(fact.media_s)
            self._spoken_to_s = fact.media_s
            self._silent_s = self._arrived(fact.media_s, now)
            self._tell(Milestone("speech_ended", self._silent_s))
        self._tell(fact)

    def _arrived(self, media_s: float, now: float) -> float:
        """When the sample at a media time came in: with the frame that brought it."""
        return next((at for end_s, at in self._arrivals if end_s >= media_s - 1e-6), now)

    def _transcribe_next(self) -> None:
        oldest_s = max(0.0, self.media_s - KEEP_S)
        job = self._dictation.next_job(self.media_s, oldest_s)
        if job is None:
            return
        self._jobs += 1
        self._job = self._jobs, job
        self._tell(
            Transcribe(
                job=self._jobs,
                start_s=job.start_s,
                end_s=job.end_s,
                final=job.final,
                draft=job.draft,
                background_dbfs=self._voicing.background_dbfs,
                lost_s=job.lost_s,
            )
        )

    def _current(self, number: int) -> DictationJob | None:
        """The job of that number; None if another has taken its place."""
        if self._job is None or self._job[0] != number:
            return None
        return self._job[1]

    def _learn(self, end_s: float, started_s: float, now: float) -> None:
        dictation = self._dictation
        complete, unheard = dictation.complete, dictation.unheard
        if complete:
            self._tell(Span("stt", started_s, now))
            self._tell(Milestone("transcript_final", now))
        self._tell(Transcribed(dictation.text, end_s, complete, dictation.alternatives))
        if unheard and self.media_s >= self._apologise_from_s:
            self._apologise_from_s = self.media_s + UNHEARD_EVERY_S
            self._tell(SayAsked(self._unheard))
