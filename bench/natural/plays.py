"""One natural turn at one server, judged: which pauses the bot took for the end, and the wait."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.natural.speech import NaturalTurn
from bench.plays import places_of
from client.caller.measure import MISSED_S, NOTICED_S, stretches
from client.caller.player import Sound


@dataclass(frozen=True, slots=True)
class CutIn:
    """The bot's voice before the turn was over."""

    at_s: float
    """Seconds into the turn's sound."""
    pause: int | None
    """Which of the turn's pauses it took for the end; None where the person was speaking."""
    heard_s: float
    """The audible seconds of it in all, before and after the person went on."""

    @property
    def noticed(self) -> bool:
        return self.heard_s > NOTICED_S


@dataclass(frozen=True, slots=True, kw_only=True)
class NaturalPlay:
    """One turn at one server."""

    server: str
    turn: NaturalTurn
    v2v_s: float = MISSED_S
    missed: bool = False
    cut_ins: tuple[CutIn, ...] = ()
    wasted: int | None = None
    """LLM requests of which nothing was heard; None where they were counted for a whole call,
    and stand at its first turn."""
    asked: str | None = None
    """The person's words in the call's last LLM request, at the call's last turn."""
    reference: str | None = None
    """The person's words in the whole call, likewise."""
    late_s: float = 0.0
    """How long after its time the last sample of the speech left: the doubt in its wait."""
    failed: str | None = None
    """Why there was no call; the turn counts as missed."""

    @property
    def cut_into(self) -> bool:
        return bool(self.cut_ins)

    @property
    def noticeably_cut_into(self) -> bool:
        return any(one.noticed for one in self.cut_ins)

    def as_json(self) -> dict[str, Any]:
        turn, cut_ins = self.turn, [[one.at_s, one.pause, one.heard_s] for one in self.cut_ins]
        return {
            "server": self.server,
            "turn": turn.id,
            "source": turn.source,
            "speaker": turn.speaker,
            "end": turn.end,
            "sure": turn.sure,
            "v2v_s": self.v2v_s,
            "missed": self.missed,
            "cut_ins": cut_ins,
            "wasted": self.wasted,
            "asked": self.asked,
            "reference": self.reference,
            "late_s": self.late_s,
            "failed": self.failed,
        }


def cut_ins(turn: NaturalTurn, sounds: Sequence[Sound]) -> tuple[CutIn, ...]:
    """One for each place in the turn where the bot began to speak.

    `sounds`: what was audible of the bot, in seconds of the turn's sound. Pauses whose labels do
    not count are left out with what was said in them.
    """
    runs = [(at, s) for at, s in stretches(sounds) if turn.start_s < at < turn.end_s]
    places = places_of([at for at, _ in runs], turn.pauses)
    found: dict[int | None, CutIn] = {}
    for (at, heard_s), place in zip(runs, places, strict=True):
        if place is not None and not turn.pauses[place].counts:
            continue
        before = found.get(place, CutIn(at, place, 0.0))
        found[place] = CutIn(before.at_s, place, round(before.heard_s + heard_s, 4))
    return tuple(found.values())
