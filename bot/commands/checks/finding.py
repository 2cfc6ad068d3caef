"""A check's result, and its mend."""

from dataclasses import dataclass
from enum import StrEnum

from pipelines.addresses import printable_in


class CheckVerdict(StrEnum):
    PASS = "pass"
    WARN = "warn"
    """It will run, less well or less safely than it could."""
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    name: str
    verdict: CheckVerdict
    found: str
    mend: str = ""
    """The mend; empty for a pass."""


def good(name: str, found: str) -> Finding:
    return Finding(name, CheckVerdict.PASS, printable_in(found))


def poor(name: str, found: str, mend: str) -> Finding:
    return Finding(name, CheckVerdict.WARN, printable_in(found), mend)


def bad(name: str, found: str, mend: str) -> Finding:
    return Finding(name, CheckVerdict.FAIL, printable_in(found), mend)
