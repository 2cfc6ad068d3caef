"""The parts of a turn's wait: the one definition behind every figure that is shown.

`docs/reference/latency.md` explains it to people. Inside, time is whole microseconds on the
server's monotonic clock, so that the segments add up to the wait without a remainder.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pipelines.core.events import Stage
from pipelines.core.ledger.budget import SEGMENTS, Budget, BudgetVerdict, Segment

Milestone: TypeAlias = Literal[
    "speech_ended",
    "pause_over",
    "transcript_final",
    "committed",
    "first_token",
    "first_clause",
    "first_audio",
    "sent",
    "played",
]
Kind: TypeAlias = Literal["busy", "wait", "filler"]
EndMeasuredAt: TypeAlias = Literal["client", "socket"]
Fact: TypeAlias = str | int | float | bool | None

_ENDS_WITH: Mapping[Segment, Milestone] = {
    "endpointing": "pause_over",
    "stt": "transcript_final",
    "turn": "committed",
    "llm_first_token": "first_token",
    "first_clause": "first_clause",
    "tts_first_audio": "first_audio",
    "send": "sent",
    "played": "played",
}
_WORK_OF: Mapping[Segment, Stage] = {
    "endpointing": "endpointing",
    "stt": "stt",
    "turn": "turn",
    "llm_first_token": "llm",
    "first_clause": "phrasing",
    "tts_first_audio": "tts",
    "send": "send",
    "played": "play",
}

_MARKS = 256
_SPANS = 256
"""Kept of one turn: the newest. A turn of a minute with back-to-back transcription has 200."""
_OPEN_TURNS = 8
"""A turn that nobody closed is forgotten when so many have begun since."""
_CLOSED_TURNS = 64
"""So many closed turns are remembered, to drop late news about them."""
_DRAWN_BEFORE_US = 1_000_000
"""Spans that were over this long before the end of speech explain nothing about the wait."""


@dataclass(frozen=True, slots=True)
class RowSpan:
    """A stage at work, or waiting on purpose; relative to the end of speech in a `LedgerRow`."""

    stage: Stage
    start_us: int
    end_us: int
    kind: Kind
    reply_id: int | None = None
    withdrawn: bool = False
    """It was done for a reply that was never heard."""

    def as_dict(self) -> dict[str, object]:
        return {
            "stage": self.stage,
            "start_s": self.start_us / 1e6,
            "end_s": self.end_us / 1e6,
            "kind": self.kind,
            "withdrawn": self.withdrawn,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One turn. There is no word in it that anyone said."""

    turn: int
    segments_us: Mapping[Segment, int]
    """All of `SEGMENTS`, in order; none negative."""
    hidden_us: Mapping[Segment, int]
    """The time that each would have added to the wait, had it not been done behind another."""
    unattributed_us: int
    """The part of the wait in which no stage was busy, nor waited on purpose."""
    spans: tuple[RowSpan, ...]
    verdict: BudgetVerdict
    end_measured_at: EndMeasuredAt
    facts: Mapping[str, Fact]

    @property
    def voice_to_voice_us(self) -> int:
        return sum(self.segments_us.values())

    def as_dict(self) -> dict[str, object]:
        """For JSON; seconds, exact to the microsecond."""
        return {
            "turn": self.turn,
            "voice_to_voice_s": self.voice_to_voice_us / 1e6,
            "segments": {name: us / 1e6 for name, us in self.segments_us.items()},
            "hidden": {name: us / 1e6 for name, us in self.hidden_us.items()},
            "unattributed_s": self.unattributed_us / 1e6,
            "spans": [span.as_dict() for span in self.spans],
            "verdict": self.verdict.as_dict(),
            "end_measured_at": self.end_measured_at,
            "facts": dict(self.facts),
        }


@dataclass(frozen=True, slots=True)
class _Mark:
    milestone: Milestone
    at_us: int
    reply_id: int | None


@dataclass(slots=True)
class _Turn:
    marks: deque[_Mark] = field(default_factory=lambda: deque(maxlen=_MARKS))
    spans: deque[RowSpan] = field(default_factory=lambda: deque(maxlen=_SPANS))
    facts: dict[str, Fact] = field(default_factory=dict)

    def of_reply(self, reply_id: int | None) -> "_Turn":
        """The turn without what was done for other replies."""
        kept = (None, reply_id)
        return _Turn(
            deque(m for m in self.marks if reply_id is None or m.reply_id in kept),
            deque(s for s in self.spans if reply_id is None or s.reply_id in kept),
        )

    def first(self, milestone: Milestone) -> int | None:
        return next((m.at_us for m in self.marks if m.milestone == milestone), None)

    def last(self, milestone: Milestone, before_us: int) -> int | None:
        found = (m.at_us for m in reversed(self.marks) if m.milestone == milestone)
        return next((at_us for at_us in found if at_us <= before_us), None)


class Ledger:
    """Rows of one call: facts in as they come, in any order, and a row for every answered turn."""

    def __init__(self, budget: Budget | None = None) -> None:
        self._budget = budget or Budget()
        self._open: dict[int, _Turn] = {}
        self._closed: deque[int] = deque(maxlen=_CLOSED_TURNS)

    def mark(
        self, turn_id: int, milestone: Milestone, at_s: float, reply_id: int | None = None
    ) -> None:
        """The turn, or its reply `reply_id`, has come this far.

        It may have done so before the turn was committed, or even before speech ended: that
        work was hidden. It may come so far again, with another reply or after another pause:
        of what came before the answer was sent, the last counts. Of `sent` and `played` the
        first of a reply counts: its first audible sample.
        """
        if turn := self._turn(turn_id):
            turn.marks.append(_Mark(milestone, _us(at_s), reply_id))

    def span(
        self,
        turn_id: int,
        stage: Stage,
        start_s: float,
        end_s: float,
        kind: Kind = "busy",
        reply_id: int | None = None,
    ) -> None:
        """A stage was busy, waited on purpose, or played something to bridge the wait.

        A filler is drawn, but explains no wait: the person is still waiting.
        """
        if turn := self._turn(turn_id):
            start_us = _us(start_s)
            turn.spans.append(RowSpan(stage, start_us, max(start_us, _us(end_s)), kind, reply_id))

    def note(self, turn_id: int, name: str, value: Fact) -> None:
        """Keep a fact in the row: a model's name, a count. Never words of the person or bot."""
        if turn := self._turn(turn_id):
            turn.facts[name] = value

    def close(self, turn_id: int) -> LedgerRow | None:
        """The turn's row; None if nothing was said, or nothing was answered. Forgets the turn."""
        turn = self._open.pop(turn_id, None)
        if turn is None:
            return None
        self._closed.append(turn_id)
        return _row(turn_id, turn, self._budget)

    def _turn(self, turn_id: int) -> _Turn | None:
        if turn_id in self._closed:
            return None
        if turn_id not in self._open:
            while len(self._open) >= _OPEN_TURNS:
                self._closed.append(next(iter(self._open)))
                del self._open[self._closed[-1]]
            self._open[turn_id] = _Turn()
        return self._open[turn_id]


def _us(seconds: float) -> int:
    return round(seconds * 1e6)


def _row(turn_id: int, turn: _Turn, budget: Budget) -> LedgerRow | None:
    answers = [m for m in turn.marks if m.milestone in ("sent", "played")]
    if not answers:
        return None
    reply_id = answers[-1].reply_id
    kept = turn.of_reply(reply_id)
    heard_us = kept.first("played")
    sent_us = kept.first("sent")
    end_us = max(us for us in (sent_us, heard_us) if us is not None)
    released_us = end_us if sent_us is None else sent_us
    start_us = kept.last("speech_ended", released_us)
    if start_us is None:
        return None
    reached = {
        segment: end_us if milestone == "played" else kept.last(milestone, released_us)
        for segment, milestone in _ENDS_WITH.items()
    }
    begins = _begins(start_us, reached)
    ends = [*(begins[segment] for segment in SEGMENTS[1:]), end_us]
    segments = {segment: end - begins[segment] for segment, end in zip(SEGMENTS, ends, strict=True)}
    lost = {m.reply_id for m in turn.marks} | {s.reply_id for s in turn.spans}
    return LedgerRow(
        turn=turn_id,
        segments_us=segments,
        hidden_us={
            segment: _hidden(kept.spans, _WORK_OF[segment], reached[segment], begins[segment])
            for segment in SEGMENTS
        },
        unattributed_us=_uncovered(kept.spans, start_us, end_us),
        spans=_drawn(turn.spans, start_us, reply_id),
        verdict=budget.judge(segments),
        end_measured_at="socket" if heard_us is None else "client",
        facts={**turn.facts, "withdrawn_replies": len(lost - {reply_id, None})},
    )


def _begins(start_us: int, reached: Mapping[Segment, int | None]) -> dict[Segment, int]:
    """Each segment begins where the one before ends: at the running maximum."""
    begins: dict[Segment, int] = {}
    latest_us = start_us
    for segment in SEGMENTS:
        begins[segment] = latest_us
        reached_us = reached[segment]
        if reached_us is not None:
            latest_us = max(latest_us, reached_us)
    return begins


def _hidden(spans: Iterable[RowSpan], stage: Stage, reached_us: int | None, begins_us: int) -> int:
    """How long the work that led to a milestone had gone on before its segment began.

    That is the last of the stage's busy spans to begin before the milestone: of transcriptions
    one after the other, each makes the one before superfluous.
    """
    if reached_us is None:
        return 0
    work = [s for s in spans if s.stage == stage and s.kind == "busy" and s.start_us < reached_us]
    if not work:
        return 0
    led = max(work, key=lambda span: span.start_us)
    return max(0, min(led.end_us, reached_us, begins_us) - led.start_us)


def _uncovered(spans: Iterable[RowSpan], start_us: int, end_us: int) -> int:
    explained = sorted((s.start_us, s.end_us) for s in spans if s.kind != "filler")
    uncovered_us, upto_us = 0, start_us
    for begin_us, over_us in explained:
        if begin_us >= end_us:
            break
        uncovered_us += max(0, begin_us - upto_us)
        upto_us = max(upto_us, over_us)
    return uncovered_us + max(0, end_us - upto_us)


def _drawn(spans: Iterable[RowSpan], start_us: int, reply_id: int | None) -> tuple[RowSpan, ...]:
    return tuple(
        RowSpan(
            span.stage,
            span.start_us - start_us,
            span.end_us - start_us,
            span.kind,
            span.reply_id,
            reply_id is not None and span.reply_id not in (None, reply_id),
        )
        for span in sorted(spans, key=lambda span: (span.start_us, span.end_us))
        if span.end_us >= start_us - _DRAWN_BEFORE_US
    )
