"""When each recording is played: it listens to the bot as a polite person would, or does not."""

import enum
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from client.caller.measure import MISSED_S, SentTurn, onsets
from client.caller.microphone import FRAME_SAMPLES, MICROPHONE_RATE_HZ, CallerMicrophone
from client.caller.player import Loudspeaker
from client.caller.speech_file import Recording, SpokenTurn

KEY_S = 0.25


@dataclass(frozen=True, slots=True)
class ScriptLine:
    """A recording, and how it is brought in."""

    recording: Recording
    barge_in_after_s: float | None = None
    """Begin this long after the previous line's answer became audible, instead of after it."""
    expects_answer: bool = True
    """False for a back-channel or a cough: nobody waits for an answer to it."""
    digits: str = ""
    """Keys pressed during it, KEY_S apart, the last one at its end."""


def keyed(digits: str) -> ScriptLine:
    """Keys pressed in silence, as a turn of its own."""
    lasts_s = len(digits) * KEY_S
    pcm = np.zeros(round(lasts_s * MICROPHONE_RATE_HZ), dtype=np.int16)
    spoken = Recording(f"keys {digits}", pcm, (SpokenTurn(0.0, lasts_s),), labelled=True)
    return ScriptLine(spoken, digits=digits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pacing:
    lead_in_s: float = 0.5
    """Silence before the first recording, once the bot is ready and quiet."""
    until_quiet_s: float = 1.0
    """The bot's answer is over when it has been silent for this long."""
    gap_s: float | None = None
    """A fixed schedule: from a recording's last sample to the next one, whatever the bot does."""
    answer_limit_s: float = 60.0
    """The next line begins at the latest this long after the labelled end."""
    hear_s: float | None = None
    """So much of an answer is listened to, unless the next line interrupts it; None: all."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """A line as it went out."""

    line: ScriptLine
    first_sample: int
    """The recording's first sample, on the microphone's tape."""
    interrupts: bool


class CallerStage(enum.Enum):
    WAITING = enum.auto()
    SPEAKING = enum.auto()
    AWAITING = enum.auto()
    ANSWERED = enum.auto()
    DONE = enum.auto()


@dataclass(frozen=True, slots=True)
class CallProgress:
    line: int
    """Index of the recording that is being played or answered; -1 before the first."""
    stage: CallerStage
    played_s: float
    """Seconds of all the recordings together that have gone out."""


class Conductor:
    """Ask it before every frame; it lays the next recording into the microphone in time.

    WAITING -> SPEAKING -> AWAITING -> ANSWERED -> SPEAKING -> ... -> DONE
                              '--------- missed ------^
    """

    def __init__(
        self,
        lines: Sequence[ScriptLine],
        microphone: CallerMicrophone,
        speaker: Loudspeaker,
        pacing: Pacing,
    ) -> None:
        self._lines = lines
        self._microphone = microphone
        self._speaker = speaker
        self._pacing = pacing
        self._stage = CallerStage.WAITING
        self._ready_s: float | None = None
        self._answered_s = 0.0
        self.delivered: list[Delivered] = []

    @property
    def stage(self) -> CallerStage:
        return self._stage

    def ready(self, now: float) -> None:
        """The handshake is done."""
        self._ready_s = now

    def tick(self, now: float) -> None:
        """Move on if the moment has come. Call it before each frame."""
        _RULES[self._stage](self, now)

    def keys(self) -> str:
        """Those pressed in the frame that is taken next."""
        if not self.delivered:
            return ""
        latest, key = self.delivered[-1], round(KEY_S * MICROPHONE_RATE_HZ)
        first = (self._microphone.position - latest.first_sample) // key
        last = (self._microphone.position + FRAME_SAMPLES - latest.first_sample) // key
        return latest.line.digits[first:last]

    def progress(self) -> CallProgress:
        done = [one.line.recording.pcm.size for one in self.delivered[:-1]]
        if self.delivered:
            latest = self.delivered[-1]
            sent = self._microphone.position - latest.first_sample
            done.append(min(sent, latest.line.recording.pcm.size))
        return CallProgress(len(self.delivered) - 1, self._stage, sum(done) / MICROPHONE_RATE_HZ)

    def said(self, until_s: float) -> list[tuple[Delivered, list[SentTurn]]]:
        """Each delivered line with its turns as sent; the call ended at `until_s`.

        A line that the call's end cut short is not among them.
        """
        whole = [one for one in self.delivered if self._is_sent(one)]
        starts = [self._heard(one, one.line.recording.turns[0].start_s) for one in whole]
        ends = [*starts[1:], until_s][: len(whole)]
        return [(one, self._turns_of(one, next_s)) for one, next_s in zip(whole, ends, strict=True)]

    def _is_sent(self, one: Delivered) -> bool:
        last_sample = one.line.recording.turns[-1].end_s * MICROPHONE_RATE_HZ
        return self._microphone.position >= one.first_sample + last_sample

    def _turns_of(self, one: Delivered, next_s: float) -> list[SentTurn]:
        turns = one.line.recording.turns
        nexts = [*(self._heard(one, turn.start_s) for turn in turns[1:]), next_s]
        return [
            SentTurn(
                start_s=self._heard(one, turn.start_s),
                end_s=self._heard(one, turn.end_s),
                next_s=nexts[index],
                interrupts=one.interrupts and index == 0,
                expects_answer=one.line.expects_answer,
            )
            for index, turn in enumerate(turns)
        ]

    def _heard(self, one: Delivered, offset_s: float) -> float:
        return self._microphone.heard_s(one.first_sample + offset_s * MICROPHONE_RATE_HZ)

    @property
    def _end_s(self) -> float:
        """The labelled end of the latest line."""
        latest = self.delivered[-1]
        return self._heard(latest, latest.line.recording.turns[-1].end_s)

    def _quiet(self, now: float) -> bool:
        return now - self._speaker.quiet_since() >= self._pacing.until_quiet_s

    def _wait(self, now: float) -> None:
        settled = self._ready_s is not None and now - self._ready_s >= self._pacing.lead_in_s
        self._next_when(settled and self._quiet(now))

    def _speak(self, now: float) -> None:
        """To the end of the last turn: the room's own sound may go on, and be hung up on."""
        if self._is_sent(self.delivered[-1]):
            self._stage = CallerStage.AWAITING
            self._await(now)

    def _await(self, now: float) -> None:
        heard = self._speaker.sounds_after(self._end_s)
        answers = [at for at in onsets(heard) if self._end_s <= at <= now]
        if self._scheduled_s is not None:
            self._next_when(now >= self._scheduled_s)
        elif answers:
            self._answered_s = answers[0]
            self._stage = CallerStage.ANSWERED
        elif self._gave_up(now):
            self._next_when(self._quiet(now) or self._too_long(now))

    def _listen(self, now: float) -> None:
        after_s = self._upcoming.barge_in_after_s if self._upcoming else None
        if after_s is not None and now >= self._answered_s + after_s:
            self._next(interrupts=True)
        else:
            enough = after_s is None and self._heard_enough(now)
            self._next_when(enough or self._quiet(now) or self._too_long(now))

    @property
    def _scheduled_s(self) -> float | None:
        """When the next line is due, if it is not the bot that decides."""
        if self._pacing.gap_s is None or self._upcoming is None:
            return None
        latest = self.delivered[-1]
        last_sample = latest.first_sample + latest.line.recording.pcm.size
        if self._microphone.position < last_sample:
            return math.inf
        return self._microphone.heard_s(last_sample) + self._pacing.gap_s

    def _gave_up(self, now: float) -> bool:
        expects = self.delivered[-1].line.expects_answer
        return now >= self._end_s + (MISSED_S if expects else self._pacing.until_quiet_s)

    def _heard_enough(self, now: float) -> bool:
        hear_s = self._pacing.hear_s
        return hear_s is not None and now >= self._answered_s + hear_s

    def _too_long(self, now: float) -> bool:
        return now >= self._end_s + self._pacing.answer_limit_s

    @property
    def _upcoming(self) -> ScriptLine | None:
        index = len(self.delivered)
        return self._lines[index] if index < len(self._lines) else None

    def _next_when(self, is_time: bool) -> None:
        if is_time:
            self._next(interrupts=False)

    def _next(self, *, interrupts: bool) -> None:
        line = self._upcoming
        if line is None:
            self._stage = CallerStage.DONE
            return
        first = self._microphone.play(line.recording.pcm)
        self.delivered.append(Delivered(line, first, interrupts))
        self._stage = CallerStage.SPEAKING


_RULES: dict[CallerStage, Callable[[Conductor, float], None]] = {
    CallerStage.WAITING: Conductor._wait,
    CallerStage.SPEAKING: Conductor._speak,
    CallerStage.AWAITING: Conductor._await,
    CallerStage.ANSWERED: Conductor._listen,
    CallerStage.DONE: lambda conductor, now: None,
}
