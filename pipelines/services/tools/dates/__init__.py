"""Dates and times as people say them, in English, resolved against a given moment.

`resolve` is the only entry; nothing in here reads a clock. It refuses a phrase that it does not
know as a whole, and names the other reading of one that people use in two ways.
"""

from pipelines.services.tools.dates.resolving import ResolvedDate, resolve
from pipelines.services.tools.dates.words import UnclearDateError

__all__ = ["ResolvedDate", "UnclearDateError", "resolve"]
