"""The outcome of a replay: one folder, with `run.json` and, where wanted, what was heard."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from bot.terminal.program import program
from client.caller.measure import NOTICED_S
from client.caller.wording import count_word_errors
from replay.call_folder import Pcm, RecordedCall, UnreadableError, load
from replay.turns import ReplayTurn, decisions_of, turns_of

FORMAT, VERSION, NAME = "halfsecond-run", 1, "run.json"
PEAKS_A_SECOND = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """How one play of a recording did by its labels; empty where it has none."""

    references: dict[int, str] = field(default_factory=dict)
    """The words up to the end of a turn, since the one before it in here; by the turn's place in
    `ReplayPlay.turns`: a person who was cut into says one thing in several turns.
    """
    unheard: list[str] = field(default_factory=list)
    """Words that were said, and are in no turn."""
    cut_ins_s: list[float] = field(default_factory=list)
    """The times of answers that began before the person was done, in seconds of the recording."""
    cut_ins_heard_s: list[float] = field(default_factory=list)
    """The seconds that each was audible."""
    missed_s: list[float] = field(default_factory=list)
    """Ends of turns that were owed an answer and had none within 5 s."""
    late_stops_s: list[float] = field(default_factory=list)
    """The times at which the bot should have been silent, and was not."""

    @property
    def noticed_cut_ins(self) -> int:
        """Cut-ins that a person would notice; none of a run that was kept before that was known."""
        return sum(heard_s > NOTICED_S for heard_s in self.cut_ins_heard_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayPlay:
    """One play of one recording."""

    name: str
    repeat: int = 0
    turns: list[ReplayTurn]
    decisions: list[str]
    again: dict[str, int] = field(default_factory=dict)
    """How often the models were asked again, by the reason."""
    marks: Marks = field(default_factory=Marks)
    lasts_s: float = 0.0
    peaks: tuple[str, str] = ("", "")
    """The loudest of each 20 ms of the caller and of the bot, a byte each, in base64."""
    sound: str | None = None
    """A file of the run's folder: two channels, the caller and the bot."""
    failed: str | None = None
    """Why it could not be played."""

    @property
    def word_errors(self) -> tuple[int, int]:
        """Mistaken words, and words of the references."""
        first = 0
        counts = [count_word_errors(text, "") for text in self.marks.unheard]
        for at, text in sorted(self.marks.references.items()):
            heard = " ".join(turn.transcript for turn in self.turns[first : at + 1])
            counts.append(count_word_errors(text, heard))
            first = at + 1
        return sum(count.errors for count in counts), sum(count.words for count in counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRun:
    name: str
    made: dict[str, Any]
    """When, with which code, mode and settings."""
    played: list[ReplayPlay]
    folder: Path | None = None

    @property
    def turns(self) -> list[ReplayTurn]:
        return [turn for one in self.played for turn in one.turns]

    def as_json(self) -> dict[str, Any]:
        plays = [asdict(one) for one in self.played]
        return {
            "format": FORMAT,
            "version": VERSION,
            "name": self.name,
            "made": self.made,
            "played": plays,
        }

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / NAME).write_text(json.dumps(self.as_json(), ensure_ascii=False) + "\n")


def load_run(path: Path) -> ReplayRun:
    """A run's folder or its `run.json`; or a recorded call, as it went. Raises UnreadableError."""
    file = path / NAME if path.is_dir() else path
    if not file.exists() and path.is_dir():
        return as_it_went(load(path))
    try:
        document = json.loads(file.read_text())
    except (OSError, ValueError):
        raise UnreadableError(f"{file}: cannot be read as a run") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise UnreadableError(f"{file}: is no run of {program()} replay")
    if document.get("version") != VERSION:
        raise UnreadableError(f"{file}: version {document.get('version')} of the format")
    played = [_played(one) for one in document["played"]]
    return ReplayRun(
        name=document["name"], made=document["made"], played=played, folder=file.parent
    )


def _played(document: Mapping[str, Any]) -> ReplayPlay:
    marks = dict(document["marks"])
    marks["references"] = {int(at): text for at, text in marks["references"].items()}
    return ReplayPlay(
        **{
            **document,
            "turns": [ReplayTurn(**turn) for turn in document["turns"]],
            "marks": Marks(**marks),
            "peaks": tuple(document["peaks"]),
        }
    )


def as_it_went(call: RecordedCall) -> ReplayRun:
    """The recording itself, as a run."""
    sound = call.sound if call.is_full else None
    played = play_of(call.name, call.events, sound, call.caller_rate_hz)
    made = {"mode": "recorded", "code": call.about.get("code"), "at": call.about.get("began")}
    return ReplayRun(name=call.name, made=made, played=[played], folder=call.folder)


def play_of(
    name: str, events: Sequence[Mapping[str, Any]], sound: Pcm | None, rate_hz: int
) -> ReplayPlay:
    """`sound` has shape (n, 2)."""
    return ReplayPlay(
        name=name,
        turns=turns_of(events),
        decisions=decisions_of(events),
        lasts_s=max((line["t"] for line in events), default=0.0),
        peaks=("", "") if sound is None else (peaks(sound, 0, rate_hz), peaks(sound, 1, rate_hz)),
    )


def peaks(sound: Pcm, channel: int, rate_hz: int) -> str:
    """The loudest sample of each 20 ms on a scale of 0 to 255, in base64."""
    width = rate_hz // PEAKS_A_SECOND
    loud = np.abs(sound[: len(sound) // width * width, channel].astype(np.int32))
    return base64.b64encode((loud.reshape(-1, width).max(1) >> 7).astype(np.uint8)).decode()


def save_sound(path: Path, sound: Pcm, rate_hz: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, sound, rate_hz, "PCM_16", format="FLAC")
