"""Settings of recordings: the level, the folder, and the time that they are kept."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from bot.settings.group import Group


class RecordingSettings(Group):
    record_calls: Literal["off", "timing", "full"] = "off"
    """timing keeps when what happened, no words, no sound; full keeps all: tell your callers."""

    record_folder: Path = Path("recordings")
    """Each call is a folder in there."""

    record_days: float = Field(14.0, gt=0, le=3650)
    """Recordings older than this are deleted."""
