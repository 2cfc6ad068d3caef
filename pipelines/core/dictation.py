"""What to transcribe next, and what the turn's transcript is so far.

A turn is a row of stretches. The last one is open: its audio is transcribed again and again as
it grows, one job at a time, newest audio wins. A stretch that has grown long is closed at a
pause and its words are settled: so the end of a long utterance costs no more than that of a
short one.
"""

from dataclasses import dataclass

from pipelines.core.wording import words


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
    """A stretch this long is closed at its longest pause so far, however short that was."""
    patience: float = 4.0
    """Partial jobs wait this many times as long as the last one took: they give way first."""
    kept_words: int = 2
    """So many words, once heard, are not unheard because a later look at them is unclear."""
    final_tries: int = 3
    """A final job that fails is asked again: somebody waits for those words."""


@dataclass(frozen=True, slots=True)
class Job:
    """Transcribe the audio between two media times."""

    start_s: float
    end_s: float
    final: bool
    draft: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Pause:
    """A place at which a stretch can be closed: what was said before it is known."""

    text: str
    ended_s: float
    length_s: float


class Dictation:
    """Feed it what the voice did; ask it for the `next_job`; give it the `result`."""

    def __init__(self, policy: DictationPolicy) -> None:
        self._policy = policy
        self._settled: list[str] = []
        self._text = ""
        self._draft: tuple[int, ...] = ()
        self._start_s: float | None = None
        self._onset_s = 0.0
        self._floor_s = 0.0
        self._paused_s: float | None = None
        self._longest_pause: _Pause | None = None
        self._heard_upto_s = 0.0
        self._final_done = False
        self._failures = 0
        self._given_up = False
        self._job: Job | None = None
        self._not_before_s = 0.0

    @property
    def text(self) -> str:
        """Of the whole turn so far."""
        return " ".join(part for part in (*self._settled, self._text) if part)

    @property
    def complete(self) -> bool:
        """The person is silent and every word has been listened to."""
        return self._final_done

    @property
    def unheard(self) -> bool:
        """The person has said something, and the ears could not tell a word of it."""
        return self._final_done and self._given_up and not self.text

    def speech_started(self, media_s: float) -> None:
        self._onset_s = media_s
        if self._start_s is None:
            self._start_s = max(media_s - self._policy.lead_in_s, self._floor_s)
            self._heard_upto_s = media_s
        elif self._final_done and self._paused_s is not None:
            self._go_on(_Pause(self._text, media_s, media_s - self._paused_s))
        self._paused_s = None
        self._final_done = False

    def speech_paused(self, media_s: float) -> None:
        self._paused_s = media_s
        self._final_done = False

    def next_job(self, media_s: float) -> Job | None:
        """What to transcribe now, given the clock. At most one job is under way.

        A final one takes the place of a partial one under way: the caller cancels that.
        """
        if self._start_s is None or self._final_done:
            return None
        if self._paused_s is not None:
            end_s = min(self._paused_s + self._policy.tail_s, media_s)
            if self._job is not None and self._job.final and self._job.end_s >= self._paused_s:
                return None
            return self._begin(Job(self._start_s, end_s, True, self._draft))
        grown = media_s - self._heard_upto_s >= self._policy.step_s
        if self._job is not None or not grown or media_s < self._not_before_s:
            return None
        return self._begin(Job(self._start_s, media_s, False, self._draft))

    def result(self, job: Job, text: str, tokens: tuple[int, ...], took_s: float) -> bool:
        """Take an answer; False if nobody waits for it any more."""
        if job is not self._job:
            return False
        self._job, self._failures, self._given_up = None, 0, False
        unclear = not text and len(words(self._text)) >= self._policy.kept_words
        if not unclear:
            self._text, self._draft = text, tokens
        self._heard_upto_s = max(self._heard_upto_s, job.end_s)
        self._not_before_s = job.end_s + self._policy.patience * took_s
        if job.final and self._paused_s is not None and job.end_s >= self._paused_s:
            self._final_done = True
        elif not job.final and job.end_s - job.start_s >= self._policy.longest_s:
            self._settle(self._longest_pause)
        return True

    def failed(self, job: Job, *, again: bool = True) -> bool:
        """The ears could not answer; after the last try what was heard before has to do.

        `again`: it is worth another try.
        """
        if job is not self._job or not job.final:
            return self.result(job, self._text, self._draft, 0.0)
        self._failures += 1
        if not again or self._failures >= self._policy.final_tries:
            wanted = self.result(job, self._text, self._draft, 0.0)
            self._given_up = True
            return wanted
        self._job = None
        return False

    def forget(self, upto_s: float) -> None:
        """The words up to there are dealt with; speech that goes on begins a new transcript."""
        goes_on = self._start_s is not None and self._paused_s is None
        self._settled, self._text, self._draft = [], "", ()
        self._floor_s = upto_s
        self._start_s = max(self._onset_s - self._policy.lead_in_s, upto_s) if goes_on else None
        self._job, self._final_done, self._longest_pause = None, False, None
        self._failures = 0
        self._paused_s = None

    def _begin(self, job: Job) -> Job:
        self._job = job
        return job

    def _go_on(self, pause: _Pause) -> None:
        longest = self._longest_pause
        if longest is None or pause.length_s >= longest.length_s:
            self._longest_pause = pause
        assert self._start_s is not None
        long_enough = pause.ended_s - self._start_s >= self._policy.settle_s
        if long_enough and pause.length_s >= self._policy.pause_s:
            self._settle(pause)

    def _settle(self, pause: _Pause | None) -> None:
        """Close the stretch at a pause; what came after it is the new one."""
        if pause is None:
            return
        if pause.text:
            self._settled.append(pause.text)
        self._text, self._draft, self._longest_pause = "", (), None
        lead_in_s = min(self._policy.lead_in_s, pause.length_s / 2)
        self._start_s = self._heard_upto_s = pause.ended_s - lead_in_s
