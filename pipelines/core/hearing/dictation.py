"""Dictation: the next audio to transcribe, and the turn's transcript so far.

A turn is a row of stretches. The last one is open: its audio is transcribed again and again as
it grows, one job at a time, newest audio wins. A stretch that has grown long is closed at a
pause and its words are settled: so the end of a long utterance costs no more than that of a
short one. Speech that does not pause is closed where it is quietest, by a job of its own that hears
some of what follows; the next stretch hears some of what was before, and the words are joined.
So no job is longer than `most_s`, however long somebody speaks and however late the ears are.
"""

from dataclasses import dataclass, replace

from pipelines.core.hearing.levels import Levels
from pipelines.core.hearing.seam import joined, pieces_in
from pipelines.core.turn.wording import words


@dataclass(frozen=True, slots=True, kw_only=True)
class DictationPolicy:
    step_s: float = 0.16
    """New speech that is worth another partial job."""
    lead_in_s: float = 0.2
    """Audio before the onset that belongs to the first word."""
    tail_s: float = 0.1
    """Audio after the last sample of speech that a final job is given."""
    settle_s: float = 4.0
    """A stretch this long is closed at its next pause of `pause_s`."""
    pause_s: float = 0.25
    longest_s: float = 9.0
    """A stretch this long is closed where it was quietest."""
    overlap_s: float = 0.8
    """Heard on either side of such a place, in both stretches: three words or so. Of 208 s without
    a pause Moonshine gets 4.5 % of the words wrong; with 0.5 s it is 5.7, without any 8.5, and
    4.7 where the speaker pauses."""
    most_s: float = 12.0
    """A final job this long is short enough to be asked whole."""
    patience: float = 4.0
    """Partial jobs wait this many times as long as the last one took: they give way first."""
    kept_words: int = 2
    """So many words, once heard, are not unheard because a later look at them is unclear."""
    final_tries: int = 3
    """A final job that fails is asked again: somebody waits for those words."""
    wordless_s: float = 3.5
    """After the end of speech, ears that have told no word are waited for no longer, however many
    tries that is: something is to be heard within 4 s, and an apology is quickly said."""
    worded_s: float = 2.5
    """The same where words are known: the model's answer to them is to come in that time, too."""
    slow: float = 3.0
    """... but so many times as long as their last answer took: ears on a busy machine are slow, not
    hung, and all the words late are better than half of them in time."""
    longest_patience_s: float = 8.0


@dataclass(frozen=True, slots=True)
class DictationJob:
    """Transcribe the audio between two media times."""

    start_s: float
    end_s: float
    final: bool
    draft: tuple[int, ...]
    boundary_s: float | None = None
    """The stretch is closed there: the job hears to its end what was said before."""
    lost_s: float = 0.0
    """Speech before it that is gone without having been heard: the ears are too late."""


@dataclass(frozen=True, slots=True)
class _Unbroken:
    """The text before the open stretch, which begins within it."""

    text: str = ""
    shared: float = 0.0
    """So many words, or about, are in the open stretch too."""


class Dictation:
    """Feed it what the voice did; ask it for the `next_job`; give it the `result`."""

    def __init__(self, policy: DictationPolicy) -> None:
        self._policy = policy
        self._settled: list[str] = []
        self._unbroken = _Unbroken()
        self._levels = Levels()
        self._text = ""
        self._draft: tuple[int, ...] = ()
        self._alternatives: tuple[tuple[str, float], ...] = ()
        self._start_s: float | None = None
        self._onset_s = 0.0
        self._floor_s = 0.0
        self._paused_s: float | None = None
        self._heard_upto_s = 0.0
        self._final_done = False
        self._failures = 0
        self._given_up = False
        self._took_s = 0.0
        self._job: DictationJob | None = None
        self._not_before_s = 0.0

    @property
    def text(self) -> str:
        """The transcript of the whole turn so far."""
        return self._whole(self._text)

    @property
    def alternatives(self) -> tuple[tuple[str, float], ...]:
        """Other transcripts that it may have been, with their probabilities."""
        return tuple((self._whole(text), chance) for text, chance in self._alternatives)

    def _whole(self, text: str) -> str:
        """The turn so far, with this text of the open stretch."""
        since_pause = joined(self._unbroken.text, text, self._unbroken.shared)
        return " ".join(part for part in (*self._settled, since_pause) if part)

    @property
    def _since_pause(self) -> str:
        return joined(self._unbroken.text, self._text, self._unbroken.shared)

    @property
    def complete(self) -> bool:
        """The person is silent and every word has been listened to."""
        return self._final_done

    @property
    def patience_s(self) -> float | None:
        """The time that the ears have after the end of speech; None where nothing is wanted."""
        if self._start_s is None or self._paused_s is None or self._final_done:
            return None
        hung_s = self._policy.worded_s if self.text else self._policy.wordless_s
        slow_s = min(self._policy.slow * self._took_s, self._policy.longest_patience_s)
        return max(hung_s, slow_s)

    @property
    def unheard(self) -> bool:
        """The person has said something, and the ears could not tell a word of it."""
        return self._final_done and self._given_up and not self.text

    def level(self, dbfs: float, media_s: float) -> None:
        """How loud the sound was that ends there."""
        self._levels.add(dbfs, media_s)

    def speech_started(self, media_s: float) -> None:
        self._onset_s = media_s
        self._failures = 0  # the ears have all their tries for what is said now
        if self._start_s is None:
            self._start_s = max(media_s - self._policy.lead_in_s, self._floor_s)
            self._heard_upto_s = media_s
        elif self._final_done and self._paused_s is not None:
            self._go_on(media_s, media_s - self._paused_s)
        self._paused_s = None
        self._final_done = False

    def speech_paused(self, media_s: float) -> None:
        self._paused_s = media_s
        self._final_done = False

    def next_job(self, media_s: float, oldest_s: float = 0.0) -> DictationJob | None:
        """The next job, given the clock. At most one job is under way.

        A final one takes the place of a partial one under way: the caller cancels that.
        `oldest_s`: sound from before it is gone.
        """
        job = self._wanted(media_s)
        if job is not None and job.start_s < oldest_s:
            lost_s = oldest_s - job.start_s
            self._close_at_pause(oldest_s)
            job = replace(self._wanted(media_s) or job, lost_s=lost_s)
        if job is not None:
            self._job = job
        return job

    def _wanted(self, media_s: float) -> DictationJob | None:
        if self._start_s is None or self._final_done:
            return None
        if self._paused_s is not None:
            return self._last_job(min(self._paused_s + self._policy.tail_s, media_s))
        if self._job is not None:
            return None
        if media_s - self._start_s >= self._policy.longest_s:
            return self._closing(self._start_s, final=False)
        if media_s - self._heard_upto_s < self._policy.step_s or media_s < self._not_before_s:
            return None
        return DictationJob(self._start_s, media_s, False, self._draft)

    def _last_job(self, end_s: float) -> DictationJob | None:
        """The job for speech that is over, for now."""
        assert self._start_s is not None
        assert self._paused_s is not None
        job = self._job
        if end_s - self._start_s > self._policy.most_s:
            is_closing = job is not None and job.boundary_s is not None
            return None if is_closing else self._closing(self._start_s, final=True)
        if job is not None and job.final and job.end_s >= self._paused_s:
            return None
        return DictationJob(self._start_s, end_s, True, self._draft)

    def _closing(self, start_s: float, *, final: bool) -> DictationJob:
        policy = self._policy
        latest_s = start_s + policy.longest_s - policy.overlap_s
        boundary_s = self._levels.quietest_s(start_s + policy.settle_s, latest_s)
        return DictationJob(start_s, boundary_s + policy.overlap_s, final, self._draft, boundary_s)

    def result(
        self,
        job: DictationJob,
        text: str,
        tokens: tuple[int, ...],
        took_s: float,
        alternatives: tuple[tuple[str, float], ...] = (),
    ) -> bool:
        """Take an answer; False if it is nothing to tell: outdated, or the first part of more."""
        if job is not self._job:
            return False
        self._job, self._failures, self._given_up = None, 0, False
        self._took_s = took_s
        self._not_before_s = job.end_s + self._policy.patience * took_s
        unclear = not text and len(words(self._text)) >= self._policy.kept_words
        if not unclear:
            self._text, self._draft, self._alternatives = text, tokens, alternatives
        if job.boundary_s is not None:
            self._close(job, job.boundary_s)
            return False
        self._heard_upto_s = max(self._heard_upto_s, job.end_s)
        if job.final and self._paused_s is not None and job.end_s >= self._paused_s:
            self._final_done = True
        return True

    def failed(self, job: DictationJob, *, again: bool = True) -> bool:
        """The ears could not answer; after the last try what was heard before has to do.

        `again`: it is worth another try.
        """
        if job is not self._job or not (job.final or job.boundary_s is not None):
            return self.result(job, self._text, self._draft, 0.0, self._alternatives)
        self._failures += 1
        if not again or self._failures >= self._policy.final_tries:
            wanted = self.result(job, self._text, self._draft, 0.0, self._alternatives)
            self._given_up = True
            return wanted
        self._job = None
        return False

    def give_up(self) -> None:
        """The ears have had their time: what was heard before has to do. A late answer is none."""
        self._job, self._failures = None, 0
        self._final_done = self._given_up = True

    def forget(self, upto_s: float) -> None:
        """The words up to there are dealt with; speech that goes on begins a new transcript."""
        goes_on = self._start_s is not None and self._paused_s is None
        self._settled, self._unbroken = [], _Unbroken()
        self._text, self._draft, self._alternatives = "", (), ()
        self._floor_s = upto_s
        self._start_s = max(self._onset_s - self._policy.lead_in_s, upto_s) if goes_on else None
        self._job, self._final_done = None, False
        self._failures = 0
        self._paused_s = None

    def _go_on(self, media_s: float, paused_s: float) -> None:
        """A long stretch is closed at the pause; what comes after it is the new one."""
        assert self._start_s is not None
        policy = self._policy
        if media_s - self._start_s < policy.settle_s or paused_s < policy.pause_s:
            return
        self._close_at_pause(media_s - min(policy.lead_in_s, paused_s / 2))

    def _close_at_pause(self, next_s: float) -> None:
        if self._since_pause:
            self._settled.append(self._since_pause)
        self._unbroken = _Unbroken()
        self._begin_stretch(next_s)

    def _close(self, job: DictationJob, boundary_s: float) -> None:
        """The stretch ends in mid-speech; the next one begins before that."""
        next_s = boundary_s - self._policy.overlap_s
        share = (job.end_s - next_s) / (job.end_s - job.start_s)
        self._unbroken = _Unbroken(self._since_pause, share * pieces_in(self._text))
        self._begin_stretch(next_s)

    def _begin_stretch(self, start_s: float) -> None:
        self._text, self._draft, self._alternatives = "", (), ()
        self._start_s = self._heard_upto_s = start_s
