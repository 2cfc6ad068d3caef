"""The models' questions and answers in a recorded call, with their times."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from pipelines.core.recording import Model
from replay.call_folder import Line

Key: TypeAlias = tuple[object, ...]

SAME_MOMENT_S = 0.01
TAKEN_WITHIN_S = 0.03
_TAKEN: Mapping[str, Model] = {"Transcribed": "stt", "TurnScored": "turn"}
"""The fact that tells that an answer of the ears was taken."""
NEAR_S = 3.0
"""An answer to other words is taken from this near, and not from another turn."""


@dataclass(slots=True)
class Past:
    """One question, and what came of it."""

    asked: Line
    pieces: list[Line] = field(default_factory=list)
    end: Line | None = None
    """`Answered` or `Failed`; None where it was called off, or the recording ends before."""
    off_s: float | None = None
    """When it was called off."""
    used: bool = False

    @property
    def at_s(self) -> float:
        return float(self.asked["t"])

    @property
    def is_whole(self) -> bool:
        return self.end is not None and self.end["type"] == "Answered"

    def due_s(self, moment_s: float, asked_s: float) -> float:
        """When what came at `moment_s` comes to one who asks at `asked_s`.

        At its own time, if that is as good as when it was asked: virtual time loses none between
        a sound and the question about it, and what is asked next depends on such moments.
        """
        if self.at_s - SAME_MOMENT_S <= asked_s <= self.at_s:
            return moment_s
        return asked_s + moment_s - self.at_s


def key_of(asked: Line) -> Key:
    """The key of a question: its stretch of sound, its moment, or its words."""
    match asked["of"]:
        case "stt":
            return stretch(asked["start_s"], asked["end_s"], asked["final"])
        case "turn":
            return (round(asked["media_s"], 3),)
        case "llm":
            return (asked["messages"][-1][1],)
        case _:
            return (asked["text"],)


def stretch(start_s: float, end_s: float, final: bool) -> Key:
    return round(start_s, 3), round(end_s, 3), bool(final)


class Memory:
    """The memory of one recorded call. Each question is given once, in order; then the last one
    again.
    """

    def __init__(self, events: Iterable[Line]) -> None:
        self.voiced: list[float] = []
        """The VAD's answers, one for each chunk."""
        self._all: dict[Model, list[Past]] = defaultdict(list)
        self._by_key: dict[tuple[Model, Key], list[Past]] = defaultdict(list)
        open_: dict[int, Past] = {}
        latest: dict[str, Past] = {}
        for line in events:
            if line["k"] == "model":
                self._take(line, open_)
                if line["type"] == "Answered":
                    latest[line["of"]] = open_[line["question"]]
            elif (past := latest.pop(_TAKEN.get(line["type"], ""), None)) is not None:
                _came_through(past, line["t"])

    def was_asked(self, of: Model) -> bool:
        return bool(self._all[of])

    def find(self, of: Model, key: Key) -> Past | None:
        """The next such question that was not given yet, rather one with a whole answer."""
        same = self._by_key.get((of, key), [])
        unused = [past for past in same if not past.used]
        found = next(iter(unused), None) or next((p for p in reversed(same) if p.is_whole), None)
        if found is not None:
            found.used = True
        return found

    def near(self, of: Model, at_s: float) -> Past | None:
        """The whole answer to what was asked at about that time."""
        whole = [past for past in self._all[of] if past.is_whole]
        nearest = min(whole, key=lambda past: abs(past.at_s - at_s), default=None)
        return nearest if nearest is not None and abs(nearest.at_s - at_s) < NEAR_S else None

    def cost_s(self, of: Model, size: float = 0.0) -> float | None:
        """The cost of such a question: to the first sound, the first token, the whole transcript.

        `size` is seconds of sound to transcribe. None if it was never asked.
        """
        whole = [past for past in self._all[of] if past.is_whole]
        if not whole:
            return None
        took = [_first_s(past) - past.at_s for past in whole]
        if of == "stt" and len(whole) > 2:
            sizes = [past.asked["end_s"] - past.asked["start_s"] for past in whole]
            if np.ptp(sizes) > 0.2:
                slope, base = np.polyfit(sizes, took, 1)
                return float(max(min(took), base + max(slope, 0.0) * size))
        return float(np.median(took))

    def between_s(self, of: Model) -> float:
        """The usual time from one piece of an answer to the next."""
        gaps = [
            later["t"] - earlier["t"]
            for past in self._all[of]
            for earlier, later in zip(past.pieces, past.pieces[1:], strict=False)
        ]
        return float(np.median(gaps)) if gaps else 0.0

    def _take(self, line: Line, open_: dict[int, Past]) -> None:
        if line["type"] == "Voiced":
            self.voiced.append(line["probability"])
            return
        number = line["question"]
        if line["type"] == "Asked":
            past = open_[number] = Past(line)
            self._all[line["of"]].append(past)
            self._by_key[line["of"], key_of(line)].append(past)
        elif line["type"] == "Came":
            open_[number].pieces.append(line)
        elif line["type"] == "CalledOff":
            open_[number].off_s = line["t"]
        else:
            open_[number].end = line


def _came_through(past: Past, at_s: float) -> None:
    """When the ears had taken an answer: how long it took them decides what they ask next."""
    if past.end is not None and at_s - past.end["t"] < TAKEN_WITHIN_S:
        past.end = {**past.end, "t": at_s}


def _first_s(past: Past) -> float:
    """When the first of the answer came."""
    assert past.end is not None
    first = past.pieces[0] if past.pieces else past.end
    return float(first["first_s"] if "first_s" in first else first["t"])
