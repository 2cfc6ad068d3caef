"""Reads a recorded call, also one whose end was never written."""

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from pipelines.core.exchange import AudioIn, FromCaller
from pipelines.core.recording import (
    ABOUT_NAME,
    EVENTS_NAME,
    FORMAT,
    FROM_CALLER,
    SOUND_NAME,
    VERSION,
    VOICE_NAME,
    audio_of,
)

Line: TypeAlias = dict[str, Any]
"""One of `events.jsonl`."""
Pcm: TypeAlias = NDArray[np.int16]

_BLOCK = 1152
ROOM_S = 5.5
"""Seconds of silence after a sound that is played: an answer that takes longer is missed."""


class UnreadableError(Exception):
    """It is no recording, or cannot serve for what is wanted; the message names it."""


@dataclass(frozen=True)
class RecordedCall:
    folder: Path
    about: Line
    """As `call.json` has it."""
    events: tuple[Line, ...]
    """In the order in which they happened; `t` is seconds from the recording's beginning."""
    given: Pcm | None = None
    """Shape (n, 2). In place of what is in the folder."""

    @property
    def name(self) -> str:
        return self.folder.name if self.given is None else self.folder.stem

    @property
    def is_full(self) -> bool:
        return bool(self.about["level"] == "full")

    @property
    def duration_s(self) -> float:
        return max((float(line["t"]) for line in self.events), default=0.0)

    @property
    def caller_rate_hz(self) -> int:
        return int(self.about["caller_rate_hz"])

    @cached_property
    def sound(self) -> Pcm:
        """Shape (n, 2) at the caller's rate: the caller, the bot."""
        return _sound_at(self.folder / SOUND_NAME, 2) if self.given is None else self.given

    @cached_property
    def voice(self) -> Pcm:
        """Shape (n,) at the voice's rate: all that it said, heard or not."""
        if self.given is not None:
            return np.zeros(0, np.int16)
        return _sound_at(self.folder / VOICE_NAME, 1)[:, 0]

    def from_caller(self, *, listened: bool = False) -> Iterator[tuple[float, FromCaller]]:
        """Everything that came in, and when; up to where the sound ends.

        With `listened`, sound has the time at which the ears had taken it: on a busy machine that
        is milliseconds later, and what is asked of the models depends on it.
        Raises UnreadableError where words and sound were not kept.
        """
        times = self._listened_s() if listened else {}
        came_s = 0.0
        if not self.is_full:
            raise UnreadableError(f"{self.name}: has times only; replays need RECORD_CALLS=full")
        for at, line in enumerate(self.events):
            if line["k"] != "in":
                continue
            came_s = max(came_s, times.get(at, float(line["t"])))
            if line["type"] == "AudioIn":
                pcm = self._pcm(line)
                if len(pcm) < line["samples"]:
                    return
                yield came_s, AudioIn(pcm.astype("<i2").tobytes(), line.get("media_s"))
            elif (made := FROM_CALLER.get(line["type"])) is not None:
                names = {field.name for field in fields(made)}
                given = {name: value for name, value in line.items() if name in names}
                yield came_s, made(**given)

    def _listened_s(self) -> dict[int, float]:
        """By the place of each line of sound: when the ears said that they had come on."""
        times: dict[int, float] = {}
        waiting: deque[int] = deque()
        for at, line in enumerate(self.events):
            if line["type"] == "AudioIn":
                waiting.append(at)
            elif line["type"] == "Listened" and waiting:  # else it was silence that was put in
                times[waiting.popleft()] = line["t"]
        return times

    def _pcm(self, line: Line) -> Pcm:
        if "late" in line:
            return audio_of(line["late"])
        start = line["from"]
        return self.sound[start : start + line["samples"], 0]


def calls_at(path: Path) -> list[Path]:
    """The recorded calls of a folder of recordings, oldest first; any other path as it is."""
    if (path / ABOUT_NAME).exists() or not path.is_dir():
        return [path]
    return sorted(about.parent for about in path.glob(f"*/{ABOUT_NAME}")) or [path]


def load(folder: Path) -> RecordedCall:
    """Raises UnreadableError."""
    try:
        about = json.loads((folder / ABOUT_NAME).read_text())
    except FileNotFoundError:
        raise UnreadableError(f"{folder}: no recorded call (no {ABOUT_NAME})") from None
    except (OSError, ValueError):
        raise UnreadableError(f"{folder}: its {ABOUT_NAME} cannot be read") from None
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise UnreadableError(f"{folder}: not a recorded call")
    if about.get("version") != VERSION:
        raise UnreadableError(
            f"{folder}: version {about.get('version')} of the format; this reads {VERSION}"
        )
    return RecordedCall(folder, about, tuple(_lines(folder / EVENTS_NAME)))


def from_sound(path: Path) -> RecordedCall:
    """A caller of whom there is only the sound, mono, at a telephone's or a page's rate.

    It comes in 20 ms frames, each on time, with silence after it for an answer. No model was
    asked anything, so all of them are asked. Raises UnreadableError.
    """
    sound = read_sound(path)[:, 0]
    rate_hz = soundfile.info(path).samplerate
    if rate_hz not in (8_000, 16_000):
        sound = soxr.resample(sound, rate_hz, 16_000)
        rate_hz = 16_000
    frame = rate_hz // 50
    frames = -(-len(sound) // frame) + round(ROOM_S * 50)
    both = np.zeros((frames * frame, 2), np.int16)
    both[: len(sound), 0] = sound
    about = {
        "level": "full", "caller_rate_hz": rate_hz, "voice_rate_hz": 0, "settings": {},
        "bot_rate_hz": 8_000 if rate_hz == 8_000 else 24_000, "lead_s": 0.2,
        "reports_playout": True, "ended_s": frames / 50,
    }  # fmt: skip
    events = (
        {"t": (at + 1) / 50, "k": "in", "type": "AudioIn", "samples": frame, "from": at * frame}
        for at in range(frames)
    )
    return RecordedCall(path, about, tuple(events), both)


def _lines(path: Path) -> Iterator[Line]:
    """Whole ones: the last may have been torn off."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        raise UnreadableError(f"{path}: cannot be read") from None
    for line in text.splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            return


def _sound_at(path: Path, channels: int) -> Pcm:
    """Shape (n, channels); none of it where there was not a whole frame to write."""
    return read_sound(path) if path.exists() else np.zeros((0, channels), np.int16)


def read_sound(path: Path) -> Pcm:
    """Shape (n, channels), as far as it was written: a torn file has no length in its head."""
    blocks: list[Pcm] = []
    try:
        with soundfile.SoundFile(path) as file:
            try:
                while len(block := file.read(_BLOCK, dtype="int16", always_2d=True)):
                    blocks.append(block)
            except soundfile.SoundFileRuntimeError:
                pass  # the last frame is not whole
            empty: Pcm = np.zeros((0, file.channels), np.int16)
    except (OSError, soundfile.SoundFileRuntimeError):
        raise UnreadableError(f"{path}: cannot be read as sound") from None
    return np.concatenate(blocks) if blocks else empty
