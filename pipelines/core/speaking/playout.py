"""Playout: the audio of a reply that was sent, was heard, and is sent next.

Positions count samples of the reply's own audio, so that a reply can be paused, its unheard
part thrown away at the other side, and gone on with from what was heard. On the wire they count
since the last flush: `_origin` is where the reply's first sample would stand there.
"""

import enum
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.core.events import PlayoutWord
from pipelines.core.speaking.skew import Skew

FRAME_S = 0.02
LETTER_S = 0.06
"""A letter's share of speech at 165 words a minute: tells how long a clause will be before all of
its audio is there.
"""
_SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？", "؟")
_CLOSING = "\"'”’»)]*_"
NEAR_S = 2.0
"""How far from a place a sentence may end that is told of beside it."""
GRACE_S = 1.0
"""A client that reports is waited for this long beyond the end that the clock foretells."""


class PlayoutState(enum.Enum):
    IDLE = enum.auto()
    PLAYING = enum.auto()
    PAUSED = enum.auto()
    STOPPED = enum.auto()
    """Silent for good; what was heard of it may still be reported."""


@dataclass(frozen=True, slots=True)
class SpeechDue:
    """One frame for the wire."""

    place: int
    """The position of its first sample in the reply."""
    samples: int
    generation: int
    start: int
    """The position of its first sample on the wire."""
    plays_at_s: float
    """By the clock, as if the way took no time."""


@dataclass(frozen=True, slots=True)
class ClauseDue:
    """The frame after this one begins a clause."""

    text: str


@dataclass(frozen=True, slots=True)
class HeardText:
    text: str
    whole: bool
    """All that the reply will ever say has been heard."""
    estimated: bool


@dataclass(slots=True)
class _Clause:
    text: str
    start: int
    words: tuple[PlayoutWord, ...]


class Playout:
    def __init__(self, rate_hz: int, lead_s: float, *, reports: bool) -> None:
        """`reports`: the client obeys a flush and says what it has played."""
        self._rate = rate_hz
        self._frame = round(rate_hz * FRAME_S)
        self._lead_s = lead_s
        self._reports = reports
        self._generation = 0
        self._wire_sent = 0
        self._reset(None)

    def _reset(self, reply_id: int | None) -> None:
        self.reply_id = reply_id
        self.state = PlayoutState.IDLE if reply_id is None else PlayoutState.PLAYING
        self._length = 0
        self._clauses: list[_Clause] = []
        self._announced = 0
        self._ended = False
        self._sent = 0
        self._origin = self._wire_sent
        self._old_origin = 0
        self._reported: tuple[int, float] | None = None
        self._confirmed = 0
        self._estimated = True
        self._anchor: tuple[int, float] | None = None
        self._skew = Skew()
        self.audible_from: int | None = None

    # ---- what the reply brings ----

    def begin(self, reply_id: int) -> None:
        """A reply is let go: whatever was playing before it is over."""
        self._reset(reply_id)

    def say(self, text: str, words: Sequence[PlayoutWord]) -> None:
        """A clause begins with the sound that is added next; without a text, `words` go on.

        They count from the clause's first sample.
        """
        if text:
            self._clauses.append(_Clause(text, self._length, tuple(words)))
        elif words and self._clauses:
            last = self._clauses[-1]
            last.words = (*last.words, *words)

    def add(self, samples: int, audible_at: int | None) -> None:
        """Sound for the end of the reply, and where in it the first audible sample is."""
        if self.audible_from is None and audible_at is not None:
            self.audible_from = self._length + audible_at
        self._length += samples

    def take_back(self) -> None:
        """The reply begins anew: drops what has not been sent yet."""
        kept = [clause for clause in self._clauses if clause.start < self._sent]
        if kept and self._length > self._sent:
            last, _ = self._words_heard(len(kept) - 1, self._sent)
            kept[-1].text, kept[-1].words = last, kept[-1].words[: len(last.split())]
        self._clauses = kept
        self._length = self._sent
        if self.audible_from is not None and self.audible_from >= self._sent:
            self.audible_from = None

    def end(self) -> None:
        """The reply has no more to say."""
        self._ended = True

    @property
    def rate_hz(self) -> int:
        return self._rate

    @property
    def sent(self) -> int:
        """Samples of the reply that have been sent."""
        return self._sent

    # ---- what to send ----

    def due(self, now: float) -> list[SpeechDue | ClauseDue]:
        """Everything that should be on the wire by now."""
        out: list[SpeechDue | ClauseDue] = []
        while self.state is PlayoutState.PLAYING and self._sendable(now):
            if self._anchor is None or self._position(now) >= self._sent:
                self._anchor = (self._sent, now)
            n = min(self._frame, self._length - self._sent)
            unannounced = self._clauses[self._announced :]
            starts = [c for c in unannounced if c.start < self._sent + n]
            if starts:  # a voice may have next to no sound for some of them
                out.append(ClauseDue(" ".join(c.text for c in starts)))
            self._announced += len(starts)
            at, since = self._anchor
            plays_at_s = since + (self._sent - at) / self._rate
            out.append(SpeechDue(self._sent, n, self._generation, self._wire_sent, plays_at_s))
            self._sent += n
            self._wire_sent += n
        return out

    def deadline(self) -> float | None:
        """When to call `due` and `over` again, or None while only new audio matters."""
        if self.state is not PlayoutState.PLAYING or self._anchor is None:
            return None
        at, since = self._anchor
        left = self._length - self._sent
        if 0 < left < self._frame and not self._ended:
            return since + (self._sent - at) / self._rate
        if left > 0:
            return since + (self._sent - at + self._frame) / self._rate - self._lead_s
        if self._ended:
            grace = GRACE_S if self._reports else 0.0
            return since + (self._sent - at) / self._rate + grace
        return None

    def over(self, now: float) -> bool:
        """The listener has heard all of it."""
        if self.state is not PlayoutState.PLAYING or not self._ended or self._sent < self._length:
            return False
        if self._reports and self._reported is not None and self._reported[0] >= self._sent:
            return True
        deadline = self.deadline()
        return deadline is None or now >= deadline - 1e-6

    def _sendable(self, now: float) -> bool:
        left = self._length - self._sent
        if left <= 0:
            return False
        ahead_s = max(0, self._sent - self._position(now)) / self._rate
        if left < self._frame and not self._ended:
            return ahead_s <= 1e-6
        return self._anchor is None or ahead_s + FRAME_S <= self._lead_s + 1e-6

    def _position(self, now: float) -> float:
        """The loudspeaker's position by the clock, as if the way took no time."""
        if self._anchor is None:
            return 0.0
        at, since = self._anchor
        return at + (now - since) * self._rate

    # ---- what was heard ----

    def played(self, generation: int, samples: int, now: float) -> int | None:
        """The client's report. Returns the reply's position heard, None if it is old news."""
        if self.reply_id is None:
            return None
        if generation == self._generation and self.state is PlayoutState.PLAYING:
            heard = min(samples - self._origin, self._sent)
        elif generation == self._generation - 1 and self.state is not PlayoutState.PLAYING:
            heard = min(samples - self._old_origin, self._sent)
        else:
            return None
        if heard < self._confirmed:  # nobody unhears: a client that counts from nothing again
            return None
        if self._anchor is not None and self.state is PlayoutState.PLAYING:
            lag_s = (self._position(now) - heard) / self._rate
            at, since = self._anchor
            self._anchor = (at, since + self._skew.correction_s(lag_s, now))
        self._confirmed = heard
        self._reported = (heard, now)
        self._estimated = False
        return heard

    def heard_samples(self, now: float) -> int:
        """The reply's position that the listener has heard by now."""
        by_clock = self._sent if self._anchor is None else int(self._position(now))
        if self.state is not PlayoutState.PLAYING:
            by_clock = self._sent
        if self._reported is None:
            return max(0, min(self._sent, by_clock))
        at, since = self._reported
        if self.state is not PlayoutState.PLAYING:
            return at
        return max(at, min(self._sent, by_clock, at + int((now - since) * self._rate)))

    def heard(self, now: float) -> HeardText:
        samples = self.heard_samples(now)
        whole = self._ended and samples >= self._length
        heard = [self._words_heard(index, samples) for index in range(len(self._clauses))]
        text = " ".join(spoken for spoken, _ in heard if spoken)
        estimated = self._estimated or any(guessed for _, guessed in heard)
        return HeardText(text, whole, estimated=estimated)

    def _words_heard(self, index: int, samples: int) -> tuple[str, bool]:
        """The heard words of one clause, and whether they are a guess; a word counts when half has
        been heard.
        """
        clause = self._clauses[index]
        if samples < clause.start:
            return "", False
        tokens = clause.text.split()
        if not tokens:
            return "", False
        end, complete = self._clause_end(index)
        if samples >= end and complete:
            return clause.text, False
        timed = len(clause.words) == len(tokens)
        starts = self._word_starts(clause, tokens, end)
        middles = [(a + b) / 2 for a, b in zip(starts, [*starts[1:], end], strict=True)]
        guessed = not timed or any(word.estimated for word in clause.words)
        guessed = guessed and samples > clause.start
        return " ".join(tokens[: bisect_right(middles, samples)]), guessed

    def _clause_end(self, index: int) -> tuple[int, bool]:
        """The sample after its last, and whether that is known: an estimate while it is made."""
        clause, is_last = self._clauses[index], index + 1 == len(self._clauses)
        end = self._length if is_last else self._clauses[index + 1].start
        complete = not is_last or self._ended
        timed = len(clause.words) == len(clause.text.split())
        if not timed and not complete:
            end = max(end, clause.start + round(LETTER_S * self._rate * (len(clause.text) + 1)))
        return end, complete

    def _word_starts(self, clause: _Clause, tokens: list[str], end: int) -> list[float]:
        """The voice's word times where they fit the text, else by proportion of letters."""
        if len(clause.words) == len(tokens):
            return [clause.start + word.start for word in clause.words]
        weights = [len(token) + 1 for token in tokens]
        ends = np.cumsum([0, *weights]) / max(1, sum(weights))
        return [clause.start + share * (end - clause.start) for share in ends[:-1]]

    # ---- the place ----

    @property
    def is_confirmed(self) -> bool:
        """The client has said that all that was sent was heard."""
        return not self._estimated and self._confirmed >= self._sent

    def left_s(self, now: float) -> float | None:
        """Seconds that the listener has still to hear; None while more of the reply may come."""
        return (self._length - self.heard_samples(now)) / self._rate if self._ended else None

    def around(self, now: float) -> tuple[tuple[str, float], ...]:
        """The sentences that end within `NEAR_S` of the place heard by now, and in how many
        seconds from there: less than 0 for those that have been heard.
        """
        heard, said = self.heard_samples(now), ""
        ends: list[tuple[str, float]] = []
        for token, end in self._token_ends():
            said = f"{said} {token}".lstrip()
            if token.rstrip(_CLOSING).endswith(_SENTENCE_ENDS):
                ends.append((said, (end - heard) / self._rate))
                said = ""
        if said:
            ends.append((said, (self._length - heard) / self._rate))
        return tuple((text, round(at_s, 3)) for text, at_s in ends if abs(at_s) <= NEAR_S)

    def _token_ends(self) -> Iterator[tuple[str, float]]:
        for index, clause in enumerate(self._clauses):
            end, _ = self._clause_end(index)
            tokens = clause.text.split()
            yield from zip(tokens, [*self._word_starts(clause, tokens, end)[1:], end], strict=True)

    # ---- pausing ----

    def pause(self, now: float) -> int | None:
        """Be silent: returns the generation to flush to, None if nothing was playing."""
        if self.state is not PlayoutState.PLAYING:
            return None
        heard = self.heard_samples(now)
        self.state = PlayoutState.PAUSED
        self._old_origin = self._origin
        if self._reports:
            self._reported = (heard, now)
        self._generation += 1
        self._wire_sent = 0
        return self._generation

    def drop(self, now: float) -> int:
        """The listener is cut off: be silent. Returns the generation to begin again with."""
        if self.state is PlayoutState.IDLE:
            self._generation += 1
            self._wire_sent = 0
        self.pause(now)
        return self._generation

    def resume(self) -> None:
        """Go on from the word that was being heard."""
        if self.state is not PlayoutState.PAUSED:
            return
        if self._reported is not None:
            self._sent = self._reported[0]
        self._origin = self._wire_sent - self._sent
        self._anchor = None
        self._skew = Skew()
        self._reported = None
        self.state = PlayoutState.PLAYING

    def stop(self, now: float) -> tuple[int | None, HeardText]:
        """It is over: the generation to flush to (None if already flushed) and what was heard."""
        generation = self.pause(now)
        if self.state is PlayoutState.PAUSED:
            self.state = PlayoutState.STOPPED
        return generation, self.heard(now)

    def clear(self) -> None:
        """Forget the reply; its late reports mean nothing any more."""
        self._reset(None)
