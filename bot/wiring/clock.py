"""Which clock the model and its tools are told the day and time by."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import tzlocal

from bot.settings import Settings, SettingsError

_HINT = "set TIME_ZONE to a name like Europe/Berlin, or UTC"


def zone_for(settings: Settings) -> ZoneInfo:
    """TIME_ZONE, or else this machine's own. Raises SettingsError where that has no name."""
    if settings.time_zone is not None:
        return ZoneInfo(settings.time_zone)
    try:
        # Not its own default, which it may have read before TZ was changed.
        zone = tzlocal.reload_localzone()
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise SettingsError(f"this machine's time zone cannot be told: {_HINT}") from None
    name = str(getattr(zone, "key", None) or "")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise SettingsError(f"this machine's time zone has no IANA name: {_HINT}") from None


def clock_for(settings: Settings) -> Callable[[], datetime]:
    """Raises SettingsError."""
    zone = zone_for(settings)
    return lambda: datetime.now(zone)
