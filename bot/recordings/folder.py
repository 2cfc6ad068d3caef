"""The folder of recorded calls: which there are, and which have to go."""

import fcntl
import json
import shutil
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, Literal, TypeAlias

from pipelines.core.recording import ABOUT_NAME, EVENTS_NAME, FORMAT

State: TypeAlias = Literal["ended", "running", "cut off"]


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
    """As `call.json` has it."""

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


def kept(folder: Path) -> list[Kept]:
    """All there are, the oldest first; folders that are no recordings are not looked at."""
    return sorted(_found(folder), key=lambda one: one.began)


def _found(folder: Path) -> Iterator[Kept]:
    for about in folder.glob(f"*/{ABOUT_NAME}"):
        try:
            document = json.loads(about.read_text())
            one = Kept(about.parent, document)
            if document["format"] == FORMAT and one.began.tzinfo is not None:
                yield one
        except (OSError, ValueError, KeyError, TypeError):
            continue


def prune(folder: Path, retention: Retention, keep: Collection[Path] = ()) -> list[str]:
    """Delete what is too old, then the oldest until the rest is small enough.

    Not `keep`, and no call that is running, be it another server's.
    Returns the names of those that are gone.
    """
    oldest = datetime.now(UTC) - timedelta(days=retention.days)
    candidates = [one for one in kept(folder) if one.folder not in keep and one.state != "running"]
    sizes = {one.name: one.size for one in candidates}
    total = sum(sizes.values())
    gone = []
    for one in candidates:
        if one.began >= oldest and total <= retention.size:
            break
        delete(one)
        total -= sizes[one.name]
        gone.append(one.name)
    return gone


def delete(one: Kept) -> None:
    shutil.rmtree(one.folder, ignore_errors=True)
