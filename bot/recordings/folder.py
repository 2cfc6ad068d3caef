"""The folder of recorded calls: which there are, and which have to go."""

import fcntl
import json
import os
import re
import shutil
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, Final, Literal, TextIO, TypeAlias, cast

import structlog

from pipelines.core.recording import ABOUT_NAME, EVENTS_NAME, FORMAT, SOUND_NAME, VOICE_NAME

State: TypeAlias = Literal["ended", "running", "cut off"]

PRIVATE_FOLDER: Final = 0o700
PRIVATE_FILE: Final = 0o600
UNFINISHED: Final = ".new"
"""The end of a file's name until it is whole."""
NAME_BEGINS: Final = "%Y%m%dT%H%M%S"
"""When the call began, in UTC; the rest of its folder's name follows after a hyphen."""
_NAME = re.compile(r"(\d{8}T\d{6})-")
_FILES = frozenset({ABOUT_NAME, EVENTS_NAME, SOUND_NAME, VOICE_NAME})
_BEGINS_WITHIN = timedelta(seconds=10)
"""A folder as young as this, without events, may be that of a call that begins just now."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    days: float
    size: int = 2_048_000_000
    """Bytes that all recordings may take; the oldest go first."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One recorded call."""

    folder: Path
    about: dict[str, Any]
    """As `call.json` has it; no more than `began` where that was never written whole."""

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def began(self) -> datetime:
        return datetime.fromisoformat(self.about["began"])

    @property
    def state(self) -> State:
        """`cut off`: the process that wrote it died, or could not go on."""
        if self.about.get("ended_s") is not None:
            return "ended"
        return "running" if _is_held(self.folder / EVENTS_NAME) else "cut off"

    @property
    def lasts_s(self) -> float | None:
        """Until now, of one that is running; None where it is not known."""
        if self.state == "running":
            return (datetime.now(UTC) - self.began).total_seconds()
        ended_s = self.about.get("ended_s")
        return None if ended_s is None else float(ended_s)

    @property
    def size(self) -> int:
        return sum(file.stat().st_size for file in self.folder.iterdir() if file.is_file())


def mark_as_running(events: IO[str]) -> None:
    """For as long as this file is open. The kernel takes the mark back, however a process ends."""
    with suppress(OSError):  # a file system without locks: the recording then seems cut off
        fcntl.flock(events, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_held(events: Path) -> bool:
    try:
        with events.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def write_private(path: Path) -> TextIO:
    """A new text file that its owner alone can read."""
    return open(path, "w", encoding="utf-8", errors="backslashreplace", opener=privately)


def privately(path: str, flags: int) -> int:
    """An opener for a file that its owner alone can read."""
    return os.open(path, flags, PRIVATE_FILE)


def kept(folder: Path) -> list[Kept]:
    """All there are, the oldest first; folders that are no recordings are not looked at."""
    return sorted(_found(folder), key=lambda one: one.began)


def _found(folder: Path) -> Iterator[Kept]:
    for place in folder.glob("*/"):
        with suppress(OSError):  # it has gone in the meantime, or may not be read
            about = _about(place)
            if about is not None:
                yield Kept(place, about)


def _about(place: Path) -> dict[str, Any] | None:
    """None of a folder that is no recording."""
    try:
        document = json.loads((place / ABOUT_NAME).read_text())
        is_ours = document["format"] == FORMAT
        if is_ours and datetime.fromisoformat(document["began"]).tzinfo is not None:
            return cast(dict[str, Any], document)
    except (OSError, ValueError, KeyError, TypeError):
        is_ours = True
    began = _begun_at(place) if is_ours else None
    return None if began is None else {"began": began.isoformat()}


def _begun_at(place: Path) -> datetime | None:
    """When a recording began that says nothing of itself: the writer was killed, or had no room."""
    found = _NAME.match(place.name)
    if found is None:
        return None
    try:
        began = datetime.strptime(found[1], NAME_BEGINS).replace(tzinfo=UTC)
    except ValueError:
        return None
    names = {file.name.removesuffix(UNFINISHED) for file in place.iterdir()}
    is_begun = (place / EVENTS_NAME).exists() or datetime.now(UTC) - began > _BEGINS_WITHIN
    return began if is_begun and names <= _FILES else None


def size_beside(folder: Path, those: Collection[Path]) -> int:
    """Bytes of all recordings but `those`."""
    return sum(one.size for one in kept(folder) if one.folder not in those)


def prune(
    folder: Path, retention: Retention, keep: Collection[Path] = (), reserved: int = 0
) -> list[str]:
    """Delete what is too old, then the oldest until the rest is small enough beside `reserved`.

    Not `keep`, and no call that is running, be it another server's. What cannot be deleted
    stays, and counts. Returns the names of those that are gone.
    """
    oldest = datetime.now(UTC) - timedelta(days=retention.days)
    candidates = [one for one in kept(folder) if one.folder not in keep and one.state != "running"]
    sizes = {one.name: one.size for one in candidates}
    total = reserved + sum(sizes.values())
    gone = []
    for one in candidates:
        if one.began >= oldest and total <= retention.size:
            break
        try:
            delete(one)
        except OSError as error:
            _log.error(
                "an old recording stays", recording=one.name, reason=str(error.strerror or error)
            )
            continue
        total -= sizes[one.name]
        gone.append(one.name)
    return gone


def delete(one: Kept) -> None:
    """For good. Raises OSError where something of it is left."""
    shutil.rmtree(one.folder)
