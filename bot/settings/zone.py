"""Names of time zones: whether there is such a one, and which one was meant."""

import difflib
from zoneinfo import available_timezones

_CLOSE = 0.75
"""difflib's ratio from which another name is offered."""


def zone_named(name: str) -> str:
    """The name as IANA writes it. Raises ValueError, with the nearest ones in the message."""
    known = available_timezones()
    if name in known:
        return name
    raise ValueError(f"is no IANA time zone: {_meant(name, known)}")


def _meant(name: str, known: set[str]) -> str:
    """Europe/Berlin for berlin, europe/berlin, Europe/Berln and Germany/Berlin."""
    wanted = name.strip().replace(" ", "_").casefold()
    city = wanted.rpartition("/")[2]
    whole = {zone.casefold(): zone for zone in sorted(known)}
    cities = {zone.casefold().rpartition("/")[2]: zone for zone in sorted(known) if "/" in zone}
    near = difflib.get_close_matches(wanted, whole, n=1, cutoff=_CLOSE)
    near_city = difflib.get_close_matches(city, cities, n=1, cutoff=_CLOSE)
    found = whole.get(wanted) or cities.get(city)
    found = found or (whole[near[0]] if near else cities[near_city[0]] if near_city else None)
    return f"did you mean {found}?" if found else "write it like Europe/Berlin, or UTC"
