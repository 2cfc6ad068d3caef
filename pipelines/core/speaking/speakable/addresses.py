"""Addresses: of pages, people, machines and houses, and the names of files."""

import re

from pipelines.core.speaking.speakable.figures import cardinal, count, digits, house, ordinal
from pipelines.core.speaking.speakable.finding import (
    BEGIN,
    OTHER,
    QUANTITY,
    Finder,
    after,
    before,
    finder,
)
from pipelines.core.speaking.speakable.words import POINTS, SPOKEN_LABELS, STREETS, any_of

_SIGNS = {
    ".": "dot",
    "@": "at",
    "/": "slash",
    "-": "dash",
    "_": "underscore",
    "+": "plus",
    ":": "colon",
}
_TITLES = frozenset("a.k.a p.s u.s u.k e.u u.n d.c".split())


def _address(found: re.Match[str]) -> str | None:
    """An e-mail's or a page's: what a person reads out of it. A query is not read."""
    plain = re.sub(r"^@|^(?:[a-z][a-z+]*://)?(?:www\.)?", "", found[0], flags=re.IGNORECASE)
    plain = re.split(r"[?#]", plain)[0].rstrip("/")
    parts = re.findall(r"[^\W\d_]+|\d+|[.@/_+:-]", plain)
    said = [
        _SIGNS.get(part) or _label(part, at > 0 and parts[at - 1] == ".")
        for at, part in enumerate(parts)
    ]
    return " ".join(said)


def _bare_address(found: re.Match[str]) -> str | None:
    """A word with dots in it: no two sentences without a space, no initials."""
    host = found["host"]
    end = host.rpartition(".")[2]
    is_name = end.islower() or end.isdigit() or (end.isupper() and "." in host and found["path"])
    if host.lower() in _TITLES or not is_name or not end.isalnum():
        return None
    return _address(found)


def _label(part: str, after_dot: bool) -> str:
    if part.isdecimal():
        return cardinal(int(part)) if len(part) < 3 and part[0] != "0" else digits(part)
    if after_dot and part.lower() not in SPOKEN_LABELS and len(part) < 4:
        return " ".join(part.upper())
    return part


def _dotted(found: re.Match[str]) -> str | None:
    """A version, or the address of a machine."""
    parts = found["dotted"].split(".")
    if (
        found["v"] is None
        and len(parts) != 4
        and re.fullmatch(r"\d{1,3}(?:\.\d{3})+", found["dotted"])
    ):
        return count(found["dotted"])
    v = "version " if found["v"] else ""
    port = f" colon {digits(found['port'])}" if found["port"] else ""
    return v + (" dot " if len(parts) == 4 else " point ").join(map(_part, parts)) + port


def _part(figures: str) -> str:
    return (
        cardinal(int(figures))
        if len(figures) < 4 and (figures == "0" or figures[0] != "0")
        else digits(figures)
    )


def _handle(found: re.Match[str]) -> str:
    return f"at {_address(found)}"


def _tag(found: re.Match[str]) -> str:
    words = re.findall(r"\d+|[A-Z]?[a-z]+|[^\W\d_]+", found["tag"])
    return " ".join(["hashtag", *(count(word) if word.isdecimal() else word for word in words)])


def _street(found: re.Match[str]) -> str:
    words = [POINTS.get(word.rstrip("."), word) for word in found["street"].split()]
    words = [
        ordinal(int(number[1])) if (number := re.fullmatch(r"(\d+)(?:st|nd|rd|th)", word)) else word
        for word in words
    ]
    kind = found["kind"]
    letter = f" {found['letter']}" if found["letter"] else ""
    end = "." if found[0].endswith(".") and not after(found).strip() else ""
    street = re.sub(r"\d+", lambda figures: count(figures[0]), " ".join(words))
    street = re.sub(r"\bSt\.?(?=\s)", "Saint", street)
    return f"{house(found['house'])}{letter} {street} {STREETS.get(kind, kind)}{end}"


def _saint(found: re.Match[str]) -> str:
    """A street, after a name or before nothing that could be a saint's."""
    rest = after(found)
    street = re.search(r"[A-Z]\w+ $|(?:st|nd|rd|th) $", before(found, 30)) or not re.match(
        r"\s[A-Z]", rest
    )
    return ("Street" if street else "Saint") + ("" if rest.strip() or "." not in found[0] else ".")


_HOST = r"[A-Za-z\d](?:[\w-]{0,62})(?:\.[A-Za-z\d][\w-]{0,62}){1,8}"
_PATH = r"(?:/[^\s<>()\"'’”,;]{0,300}[\w/])?"
_START = rf"(?<![\w.@/{QUANTITY}{OTHER}-])"

NETWORK: list[Finder] = [
    finder(rf"{_START}[\w.+-]{{1,64}}@[A-Za-z\d][\w-]{{0,62}}(?:\.[\w-]{{1,63}}){{1,8}}", _address),
    finder(r"(?<!\w)(?:[A-Za-z][a-z+]{1,9}://|www\.)[^\s<>()\"'’”]{0,500}[\w/]", _address),
    finder(rf"{_START}localhost(?::\d{{2,5}})?{_PATH}(?!\w)", _address),
    finder(
        rf"{BEGIN}(?P<v>v\.?\s?)?(?P<dotted>\d{{1,6}}(?:\.\d{{1,6}}){{2,8}})(?::(?P<port>\d{{2,5}}))?(?!\w|[.,]\w)",
        _dotted,
    ),
    finder(rf"{BEGIN}(?P<v>v)(?P<dotted>\d{{1,6}}(?:\.\d{{1,6}}){{0,8}})(?P<port>)(?!\w)", _dotted),
    finder(
        rf"{_START}(?P<host>(?=[\w.-]{{0,300}}\.[A-Za-z]{{2,}}(?![\w.]\w)){_HOST})(?::\d{{2,5}})?(?P<path>{_PATH})(?![\w@])",
        _bare_address,
    ),
    finder(r"(?<![\w.])@(?=[A-Za-z_])(?:\w[\w.]{0,60}\w|\w)", _handle),
    finder(rf"(?<![\w&{QUANTITY}])#(?![A-Z]{{1,4}}-?\d)(?P<tag>[A-Za-z]\w{{0,60}})", _tag),
]

_KINDS = [*STREETS, *STREETS.values(), "Way", "Parade", "Terrace", "Crescent", "Close"]

HOUSES: list[Finder] = [
    finder(
        rf"(?<![\w.,$/{QUANTITY}{OTHER}-])(?P<house>\d{{1,5}})(?P<letter>[A-Z])?\s"
        r"(?P<street>(?:[NSEW]\.?\s)?(?:(?:[A-Z][\w']{0,30}|\d{1,3}(?:st|nd|rd|th)|St\.)\s){1,3})"
        rf"(?P<kind>{any_of(_KINDS)})"
        r"(?!\w)(?:\.(?=\s?[,a-z]|\s[A-Z]|$))?",
        _street,
    ),
    finder(r"(?<![\w.])St(?:\.(?=\s|[,;:!?]|$)|(?=\s[A-Z]))", _saint),
]
