"""Which clock the model and its tools are told the day and time by."""

import struct
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import tzlocal

from bot.settings import Settings

UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class WallClock:
    zone: ZoneInfo
    in_words: str
    """For the operator."""
    is_guess: bool = False
    """It is UTC, for want of a zone that this machine could name."""

    def __call__(self) -> datetime:
        return datetime.now(self.zone)


def clock_for(settings: Settings) -> WallClock:
    """By TIME_ZONE, or else by this machine's zone, or else by UTC."""
    if settings.time_zone is not None:
        return WallClock(ZoneInfo(settings.time_zone), settings.time_zone)
    zone = _hosts()
    if zone is None:
        return WallClock(UTC, f"{UTC} (TIME_ZONE)", is_guess=True)
    return WallClock(zone, f"{zone}, this machine's (TIME_ZONE)")


def _hosts() -> ZoneInfo | None:
    """None where it has no name, or one that the zones' data does not have.

    TZ may be a bare rule (`EST5EDT,M3.2.0,M11.1.0`), /etc/localtime a copy of a zone's file, a link
    to nowhere, or cut short: none of that keeps a server from starting.
    """
    try:
        # Not its own default, which it may have read before TZ was changed.
        zone = tzlocal.reload_localzone()
        return ZoneInfo(str(getattr(zone, "key", None) or ""))
    except (LookupError, ValueError, OSError, EOFError, struct.error):
        return None
