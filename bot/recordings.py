"""The folder of recorded calls: which there are, and which have to go."""

import json
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipelines.core.recording import ABOUT_NAME, FORMAT


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    days: float
    size: int
    """Bytes that all recordings may take."""


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
    def size(self) -> int:
        return sum(file.stat().st_size for file in self.folder.iterdir() if file.is_file())


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
    """Delete what is too old, then the oldest until the rest is small enough; not `keep`.

    Returns the names of those that are gone.
    """
    oldest = datetime.now(UTC) - timedelta(days=retention.days)
    candidates = [one for one in kept(folder) if one.folder not in keep]
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
