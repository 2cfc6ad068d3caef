"""The two tools that come in the box: hang up, and the time."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from pipelines.core.tools import Afterwards, Tool, ToolError, tool


def hang_up(end_call: Callable[[], None]) -> Tool:
    """For one call."""

    async def hang_up() -> Afterwards:
        """End this call. Use it once the person has said goodbye or wants to stop."""
        return Afterwards("The call ends when your next words were heard: say goodbye.", end_call)

    return tool(hang_up)


def current_time(now: Callable[[ZoneInfo | None], datetime] | None = None) -> Tool:
    """`now`: the wall clock, of a place or of this machine."""
    clock = now or _now

    async def current_time(time_zone: str | None = None) -> str:
        """Tell the time and date, here or in an IANA time zone such as Europe/Paris."""
        try:
            zone = ZoneInfo(time_zone) if time_zone else None
        except (KeyError, ValueError, OSError):
            raise ToolError(f"there is no time zone {time_zone!r}") from None
        return clock(zone).strftime("%A, %d %B %Y, %H:%M")

    return tool(current_time)


def _now(zone: ZoneInfo | None) -> datetime:
    return datetime.now(zone).astimezone(zone)
