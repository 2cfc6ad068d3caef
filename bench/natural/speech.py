"""A folder of labelled natural speech: its turns, what was said before each, and their sound.

Three tables describe the recordings: `index.json` has the files with their channels and speakers,
`pauses.json` every silence of one person, `turns.json` the turns, with their pauses' places in it.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import soundfile
from numpy.typing import NDArray

from bench.suite.load import pcm
from bench.suite.room import join, room_tone

FOLDER = Path(__file__).parents[3] / "shared" / "speech"
"""Beside the checkout: the speech is not part of the project."""

Kind: TypeAlias = Literal["hanging", "number", "clause", "sentence"]
KINDS: tuple[Kind, ...] = ("hanging", "number", "clause", "sentence")
End: TypeAlias = Literal["end-of-turn", "end-of-call", "end-of-recording"]
ENDS: tuple[End, ...] = ("end-of-turn", "end-of-call", "end-of-recording")

SURE = 0.7
"""Labels below this are left out."""
VERY_SURE = 0.8
"""Labels from here on make the headline figures."""
LOUDEST_SHARE = 0.1
"""A pause with more other sound in it counts neither for nor against anybody."""
LONGEST_PAUSE_S = 3.0
"""After a longer pause anybody may speak."""
LEAD_S = 0.4
OWN_TAIL_S = 1.0
"""Seconds of the channel itself after the turn, before room tone made of it."""
TAIL_S = 5.5
BEFORE_THE_NEXT_S = 0.1


class SpeechError(Exception):
    """The folder is missing, or not of this form; the message names it."""


@dataclass(frozen=True, slots=True)
class NaturalPause:
    """Silence inside a turn, in seconds of its sound."""

    start_s: float
    duration_s: float
    kind: Kind
    counts: bool = True
    """Its label can be trusted, and it is no longer than LONGEST_PAUSE_S."""

    @property
    def end_s(self) -> float:
        return self.start_s + self.duration_s


@dataclass(frozen=True, slots=True)
class Said:
    """One person's words before a turn."""

    by_bot: bool
    """True for the other person, whose place the bot takes."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NaturalTurn:
    """One turn of one person. Times are seconds of its sound, but for `first_s`."""

    id: str
    file: Path
    channel: int
    alone: bool
    """Nobody else is in this channel."""
    source: str
    speaker: str
    sure: float
    text: str
    first_s: float
    """The place in the file at which its sound begins."""
    start_s: float
    end_s: float
    next_s: float | None
    """When this channel's next turn begins."""
    end: End
    pauses: tuple[NaturalPause, ...]
    history: tuple[Said, ...] = ()

    @property
    def dialogue(self) -> str:
        """The same for all turns of one person in one recording."""
        return f"{self.file.stem}/{self.channel}/{self.speaker}"

    @property
    def asked(self) -> str:
        """The other person's last words before it; empty where there are none."""
        return self.history[-1].text if self.history and self.history[-1].by_bot else ""


def load(folder: Path = FOLDER, sure: float = SURE) -> list[NaturalTurn]:
    """Every turn whose label is at least so `sure`, in the order of the folder's tables.

    Raises SpeechError.
    """
    if not folder.is_dir():
        raise SpeechError(f"{folder}: no such folder; name one of natural speech with --speech")
    try:
        index, pauses, turns = (
            json.loads((folder / name).read_text())
            for name in ("index.json", "pauses.json", "turns.json")
        )
        files = {told["file"]: told for told in index}
        segments = {told["file"]: _segments(folder, told) for told in index}
        return [
            _turn(folder, told, files[told["file"]], pauses, turns, segments[told["file"]])
            for told in turns
            if told["sure"] >= sure
        ]
    except (OSError, ValueError, KeyError, IndexError, TypeError) as exc:
        raise SpeechError(f"{folder}: not a folder of natural speech ({exc!r})") from exc


def sound(turn: NaturalTurn, rate_hz: int) -> NDArray[np.int16]:
    """The turn with LEAD_S before it, at `rate_hz`, and TAIL_S of its own room after it.

    The same for every call with the same arguments. Raises SpeechError.
    """
    try:
        samples, own_hz = soundfile.read(turn.file, dtype="float64", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as exc:
        raise SpeechError(f"{turn.file}: cannot be read") from exc
    own_tail_s = OWN_TAIL_S if turn.alone else 0.0
    if turn.next_s is not None:
        own_tail_s = min(own_tail_s, max(0.0, turn.next_s - BEFORE_THE_NEXT_S - turn.end_s))
    first = round(turn.first_s * own_hz)
    last = round((turn.first_s + turn.end_s + own_tail_s) * own_hz)
    cut = samples[first:last, turn.channel]
    missing = round((turn.end_s + TAIL_S) * own_hz) - len(cut)
    try:
        tone = room_tone(cut, own_hz, missing, zlib.crc32(turn.id.encode()))
    except ValueError:  # no silence to make it of
        tone = np.zeros(missing)
    return pcm(join(cut, tone, own_hz), own_hz, rate_hz)


def _turn(
    folder: Path,
    told: Mapping[str, Any],
    file: Mapping[str, Any],
    pauses: Sequence[Mapping[str, Any]],
    turns: Sequence[Mapping[str, Any]],
    segments: Sequence[Mapping[str, Any]],
) -> NaturalTurn:
    first_s = max(0.0, told["start_s"] - LEAD_S)
    later = [
        other["start_s"] - first_s
        for other in turns
        if (other["file"], other["channel"]) == (told["file"], told["channel"])
        and other["start_s"] > told["start_s"]
    ]
    return NaturalTurn(
        id=f"{Path(told['file']).stem}/{told['channel']}/{told['start_s']:.2f}",
        file=folder / told["file"],
        channel=told["channel"],
        alone=len(file["speakers"]) == file["channels"],
        source=file["source"],
        speaker=told["speaker"],
        sure=told["sure"],
        text=told["text"],
        first_s=first_s,
        start_s=round(told["start_s"] - first_s, 3),
        end_s=round(told["end_s"] - first_s, 3),
        next_s=min(later, default=None),
        end=pauses[told["end"]]["event"],
        pauses=tuple(_pause(pauses[place], first_s) for place in told["pauses"]),
        history=_history(told, segments),
    )


def _pause(told: Mapping[str, Any], first_s: float) -> NaturalPause:
    counts = (
        told["sure"] >= SURE
        and told.get("loud_share", 0.0) <= LOUDEST_SHARE
        and told["duration_s"] <= LONGEST_PAUSE_S
    )
    start_s = round(told["silence_start_s"] - first_s, 3)
    return NaturalPause(start_s, told["duration_s"], told["kind"], counts)


def _segments(folder: Path, file: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    if file["transcript"] is None:
        return []
    transcript = json.loads((folder / file["transcript"]).read_text())
    return sorted(transcript.get("segments", []), key=lambda one: float(one["start_s"]))


def _history(told: Mapping[str, Any], segments: Sequence[Mapping[str, Any]]) -> tuple[Said, ...]:
    """Both people's words before the turn, a stretch of one person's as one."""
    found: list[Said] = []
    for segment in segments:
        text = segment["text"].strip()
        if segment["start_s"] >= told["start_s"] or not text:
            continue
        by_bot = segment["speaker"] != told["speaker"]
        if found and found[-1].by_bot == by_bot:
            text = f"{found.pop().text} {text}"
        found.append(Said(by_bot, text))
    return tuple(found)
