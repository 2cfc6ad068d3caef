"""One play of a recording at a server, judged: the benchmark's raw row."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from bench.playlist import Kind, PlaylistItem, PlaylistPause, Role
from bench.servers import Requests
from client.caller.call import CallResult, TurnResult
from client.caller.measure import MISSED_S, BargeIn

LEAST_REACTION_S = 0.1
"""Sound that begins sooner into a silence was not brought on by it."""
GOES_ON_WITHIN_S = 0.5
"""After a back-channel the bot is silent for no longer than this."""
LATEST_REACTION_S = 1.5
"""Sound that begins later after a pause's end is put down to something else."""


@dataclass(frozen=True, slots=True)
class PauseHeard:
    """A labelled pause, and whether the bot took it for the end."""

    start_s: float
    duration_s: float
    kind: Kind
    origin: str
    place: str
    cut_in: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """All seconds are of the recording where nothing else is said."""

    server: str
    item: str
    role: Role
    what: str
    noise: str | None
    source: str
    repeat: int
    calls: int
    """At once."""
    v2v_s: float
    missed: bool
    failed: str | None = None
    """Why there was no call; it counts as missed."""
    cut_ins_s: tuple[float, ...] = ()
    pauses: tuple[PauseHeard, ...] = ()
    cut_in_elsewhere: int = 0
    """Sounds that began while the person spoke, at no labelled pause."""
    barge_in: BargeIn | None = None
    """None where the bot was not speaking when it was to be spoken over."""
    went_on: bool | None = None
    """After a back-channel: it did not stop, or was audible again within GOES_ON_WITHIN_S."""
    opened: int | None = None
    """LLM requests. Those of all calls at once are on the first; None on the others."""
    finished: int | None = None
    cancelled: int | None = None
    asked: str | None = None
    """All that the last LLM request said the person had said; None of calls at once."""
    reference: str | None = None
    transcript: str = ""
    ledger: Mapping[str, Any] | None = None
    """The server's own row, where it sends one."""
    late_s: float = 0.0
    """How long after its time the last sample of the speech left: the doubt in its wait."""

    @property
    def answers(self) -> int:
        """How many could be heard: the one after the end, and one at each place of a cut-in."""
        cut_in = sum(pause.cut_in for pause in self.pauses) + self.cut_in_elsewhere
        return cut_in + (not self.missed)

    @property
    def cut_in(self) -> bool:
        return bool(self.cut_ins_s)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class PlayConditions:
    """Under which circumstances a play took place."""

    server: str
    repeat: int
    calls: int


def judge(
    item: PlaylistItem, result: CallResult, run: PlayConditions, requests: Requests | None
) -> Play:
    """The outcome for the item's own turn: for the interruption, not for the turn that it
    interrupts.
    """
    turn = result.turns[-1]
    cut_ins_s = tuple(round(turn.turn.start_s + at, 4) for at in turn.wait.cut_ins_s)
    places = places_of(cut_ins_s, item.pauses)
    return Play(
        **_who(item, run),
        v2v_s=turn.wait.v2v_s,
        missed=turn.wait.missed,
        cut_ins_s=cut_ins_s,
        pauses=_heard(item.pauses, places),
        cut_in_elsewhere=places.count(None),
        barge_in=turn.wait.barge_in,
        went_on=_went_on(turn) if item.role == "back-channel" else None,
        opened=requests.opened if requests else None,
        finished=requests.finished if requests else None,
        cancelled=requests.cancelled if requests else None,
        asked=_asked(requests) if run.calls == 1 else None,
        reference=turn.turn.transcript,
        transcript=turn.words.transcript,
        ledger=turn.words.row,
        late_s=turn.late_s,
    )


def failure(item: PlaylistItem, reason: str, run: PlayConditions) -> Play:
    """There was no call: the turn was missed, and its pauses were not cut into."""
    return Play(
        **_who(item, run),
        v2v_s=MISSED_S,
        missed=True,
        failed=reason,
        pauses=_heard(item.pauses, []),
        reference=item.recording.turns[-1].transcript,
    )


class Silence(Protocol):
    """A pause, in seconds of its recording."""

    @property
    def start_s(self) -> float: ...

    @property
    def end_s(self) -> float: ...


def places_of(cut_ins_s: Sequence[float], pauses: Sequence[Silence]) -> list[int | None]:
    """For each sound that began too early, the pause that it took for the end, or None.

    It is the latest pause that began at least LEAST_REACTION_S before, if that ended at most
    LATEST_REACTION_S before: an answer that was on its way may come when the person has gone on.
    """
    found: list[int | None] = []
    for at in cut_ins_s:
        begun = [i for i, one in enumerate(pauses) if one.start_s + LEAST_REACTION_S <= at]
        last = max(begun, key=lambda i: pauses[i].start_s, default=None)
        in_time = last is not None and at <= pauses[last].end_s + LATEST_REACTION_S
        found.append(last if in_time else None)
    return found


def _heard(pauses: Sequence[PlaylistPause], places: Sequence[int | None]) -> tuple[PauseHeard, ...]:
    return tuple(
        PauseHeard(one.start_s, one.duration_s, one.kind, one.origin, one.place, index in places)
        for index, one in enumerate(pauses)
    )


def _who(item: PlaylistItem, run: PlayConditions) -> dict[str, Any]:
    return {
        "server": run.server,
        "item": item.name,
        "role": item.role,
        "what": item.what,
        "noise": item.noise,
        "source": item.source,
        "repeat": run.repeat,
        "calls": run.calls,
    }


def _asked(requests: Requests | None) -> str | None:
    return requests.asked[-1] if requests and requests.asked else None


def _went_on(turn: TurnResult) -> bool:
    told = turn.wait.barge_in
    if told is None:
        return False
    heard_s = turn.said.next_s - turn.said.start_s  # what was heard of it, to the call's end
    next_sound_s = heard_s if told.next_sound_s is None else told.next_sound_s
    return next_sound_s - told.silent_s <= GOES_ON_WITHIN_S
