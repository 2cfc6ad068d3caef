"""The numbers of docs/reference/limits.md: `python -m tests.docs.limits` writes them from the code.

A row says where its limit is held. Its number is written as before: in bytes where it was so
("64 KiB", "100 bytes"), else with the same word after it ("8,192 characters", "2 s").
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "limits.md"
_ROW = re.compile(
    r"^\| (?P<name>[^|]+) \| (?P<most>[^|]+) \| (?P<told>[^|]+) \| `(?P<place>[\w.]+)` \|$",
    re.MULTILINE,
)
_BYTES = re.compile(r"bytes|[KM]iB")


@dataclass(frozen=True, slots=True)
class LimitRow:
    name: str
    most: str
    """As it is written."""
    told: str
    place: str
    """A module's constant, or the default of a class's field."""

    @property
    def value(self) -> float:
        """Raises ImportError or AttributeError for a place that is not there."""
        owner, _, name = self.place.rpartition(".")
        kept = resolve_name(owner)
        default = getattr(kept, "__dataclass_fields__", {}).get(name)
        return float(getattr(kept, name) if default is None else default.default)

    @property
    def as_it_is(self) -> str:
        unit = self.most.partition(" ")[2]
        return in_bytes(self.value) if _BYTES.fullmatch(unit) else in_units(self.value, unit)


def in_bytes(value: float) -> str:
    for size, name in ((2**20, "MiB"), (2**10, "KiB")):
        if value >= size and value % size == 0:
            return f"{value / size:,.0f} {name}"
    return f"{value:,.0f} bytes"


def in_units(value: float, unit: str) -> str:
    return f"{value:{',.6g' if value < 1e6 else ',.0f'}} {unit}".rstrip()


def rows(page: str) -> Iterator[LimitRow]:
    for found in _ROW.finditer(page):
        yield LimitRow(**found.groupdict())


def with_numbers(page: str) -> str:
    for row in rows(page):
        page = page.replace(
            f"| {row.name} | {row.most} | {row.told} |",
            f"| {row.name} | {row.as_it_is} | {row.told} |",
        )
    return page


if __name__ == "__main__":
    PAGE.write_text(with_numbers(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
