"""What the benchmark plays: the suite's recordings, their pauses, and what they interrupt."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from client.caller.conductor import Line
from client.caller.recording import Recording, RecordingError, load

SUITE = Path(__file__).parent / "suite" / "turns"
INDEX = "suite.json"

Kind: TypeAlias = Literal["hanging", "clause", "sentence"]
KINDS: tuple[Kind, ...] = ("hanging", "clause", "sentence")
Role: TypeAlias = Literal["turn", "interruption", "back-channel"]
Half: TypeAlias = Literal["held-out", "fit"]

BARGE_IN_AFTER_S = 1.2
"""Into the answer: it is well under way, and the LLM's stream too."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence inside a turn, in seconds of its recording."""

    start_s: float
    duration_s: float
    kind: Kind
    origin: str

    @property
    def end_s(self) -> float:
        return self.start_s + self.duration_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One call's worth: a turn, or an opening turn whose answer is spoken over."""

    name: str
    role: Role
    half: Half
    source: str
    """What it was made from: items of one source are not independent."""
    recording: Recording
    pauses: tuple[Pause, ...]
    opening: Recording | None = None

    @property
    def lines(self) -> list[Line]:
        if self.opening is None:
            return [Line(self.recording)]
        expects = self.role == "interruption"
        return [Line(self.opening), Line(self.recording, BARGE_IN_AFTER_S, expects)]

    @property
    def duration_s(self) -> float:
        opening_s = self.opening.duration_s + 2 * BARGE_IN_AFTER_S if self.opening else 0.0
        return opening_s + self.recording.duration_s


def read_suite(folder: Path = SUITE) -> list[Item]:
    """Every item of the suite, in its own order. Raises RecordingError."""
    index = folder / INDEX
    try:
        labels = json.loads(index.read_text())["recordings"]
        return list(_items(folder, labels))
    except OSError as exc:
        raise RecordingError(f"{index}: cannot be read ({exc.strerror})") from exc
    except (ValueError, KeyError, TypeError) as exc:
        raise RecordingError(f"{index}: not a suite ({exc!r})") from exc


def _items(folder: Path, labels: Sequence[Mapping[str, Any]]) -> Iterator[Item]:
    openings = _openings(folder, labels)
    for label in labels:
        role, half = _role(label), _half(label)
        yield Item(
            name=Path(label["file"]).stem,
            role=role,
            half=half,
            source=_source(label),
            recording=load(folder / label["file"], label),
            pauses=tuple(
                Pause(pause["start_s"], pause["duration_s"], pause["kind"], pause["origin"])
                for pause in label.get("pauses", ())
            ),
            opening=None if role == "turn" else openings[half],
        )


def _role(label: Mapping[str, Any]) -> Role:
    match label.get("what"):
        case "interruption":
            return "interruption"
        case "back-channel":
            return "back-channel"
        case _:
            return "turn"


def _half(label: Mapping[str, Any]) -> Half:
    return "fit" if label.get("half") == "fit" else "held-out"


def _source(label: Mapping[str, Any]) -> str:
    sources = label.get("sources") or [label["source"]]
    return str(sources[0])


def _openings(folder: Path, labels: Sequence[Mapping[str, Any]]) -> dict[Half, Recording]:
    """For each half the shortest turn without a pause: what is said before an interruption."""
    plain = [one for one in labels if _role(one) == "turn" and not one.get("pauses")]
    found: dict[Half, Recording] = {}
    for label in sorted(plain, key=lambda one: (one["turns"][-1]["end_s"], one["file"])):
        found.setdefault(_half(label), load(folder / label["file"], label))
    return found
