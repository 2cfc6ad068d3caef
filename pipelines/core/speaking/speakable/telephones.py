"""Telephone numbers, in any country's form: figure by figure, a breath between their groups."""

import re

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

from pipelines.core.speaking.speakable.figures import cardinal, digits, groups
from pipelines.core.speaking.speakable.finding import (
    END,
    OTHER,
    QUANTITY,
    Finder,
    after,
    before,
    finder,
)

REGIONS = "US GB IN AU DE FR JP ES IT NL BR MX CA IE NZ CH AT PL SE ZA CN KR SG".split()
"""Whose forms are known where no country is said. Their rules are loaded with this module; the
others are files of their own, which a call must not wait for."""

CUES = "phone|telephone|tel|mobile|cell|fax|whatsapp|hotline|helpline|landline|callback|toll-free"
_CUE = re.compile(
    rf"(?i)\b(?:{CUES}|call|dial|ring|text|sms|contact|reach|number|line|support|us|at|or|and)\b"
    r"[\w\s:.,’'-]{0,40}$"
)
_LONGEST, _SHORTEST = 15, 7
"""Figures, by ITU-T E.164 and by the shortest local numbers that are written in groups."""

for _region in REGIONS:
    phonenumbers.PhoneMetadata.metadata_for_region(_region)


def _telephone(found: re.Match[str]) -> str | None:
    written = found[0].replace("(0)", "")
    count = sum(map(str.isdigit, written))
    if not _SHORTEST <= count <= _LONGEST:
        return None
    if written.startswith("+"):
        return f"plus {_international(written)}"
    if not (_is_grouped(written) or _is_known(found, written)):
        return None
    parts = re.findall(r"\d+", written)
    return _said(parts if len(parts) > 1 else _national(written) or parts)


def _international(written: str) -> str:
    parts = re.findall(r"\d+", written)
    if len(parts) > 1:
        return _said(parts)
    number = _parsed(written, None)
    if number is None:
        return groups(written)
    form = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    return _said(re.findall(r"\d+", form))


def _parsed(written: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    """A number that exists in one of `REGIONS`."""
    try:
        number = phonenumbers.parse(written, region)
    except NumberParseException:
        return None
    home = phonenumbers.region_code_for_country_code(number.country_code or 0)
    return number if home in REGIONS and phonenumbers.is_valid_number(number) else None


def _is_grouped(written: str) -> bool:
    """True if no amount is written so: "020 7946 0958", "555-0199", "98765 43210"."""
    parts = re.findall(r"\d+", written)
    if len(parts) == 1:
        return False
    if re.match(r"\(?0", written) or "(" in written or "/" in written:
        return True
    if "-" in written or "." in written:
        return re.fullmatch(r"(?:1[-. ])?(?:\d{3}[-. ])?\d{3}[-.]\d{4}", written) is not None
    thousands = len(parts[0]) < 4 and all(len(part) == 3 for part in parts[1:])
    return not thousands and len("".join(parts)) > 7 and min(map(len, parts)) > 1


def _is_known(found: re.Match[str], written: str) -> bool:
    """True if the words before speak of a telephone, and there is such a number."""
    if not _CUE.search(before(found, 60)):
        return False
    return any(_parsed(written, region) for region in REGIONS[:4])


def _national(written: str) -> list[str]:
    for region in REGIONS[:4]:
        if number := _parsed(written, region):
            form = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
            return re.findall(r"\d+", form)
    return []


def _said(parts: list[str]) -> str:
    """ "eight hundred" is said so, within a number."""
    return ", ".join(
        cardinal(int(part))
        if at and re.fullmatch("[1-9]00", part) and len(parts) > 2
        else digits(part)
        for at, part in enumerate(parts)
    )


def _vanity(found: re.Match[str]) -> str:
    parts = re.split(r"[-\s.]+", found[0])
    return ", ".join(
        part if part.isalpha() else cardinal(800) if part == "800" else digits(part)
        for part in parts
    )


def _emergency(found: re.Match[str]) -> str | None:
    is_end = re.match(
        r"(?:$|[.,;!?)]| (?:for|if|and|or|now|right|at|in|when|immediately)\b)", after(found)
    )
    return re.sub(r"\d+", lambda number: digits(number[0]), found[0]) if is_end else None


_EDGE = rf"(?<![\w.,/+{QUANTITY}{OTHER}-])"

TELEPHONES: list[Finder] = [
    finder(
        rf"{_EDGE}(?:1[-\s.])?8\d\d[-\s.](?=[A-Z])(?:[A-Z]{{2,}}|\d{{1,4}})(?:-(?:[A-Z]{{2,}}|\d{{1,4}})){{0,3}}(?!\w)",
        _vanity,
    ),
    finder(
        rf"{_EDGE}(?:\+?\d{{1,15}}|\(\+?\d{{1,5}}\))(?:(?:[\s.-]\(?|\(|(?<=\)))\d{{1,14}}\)?){{0,7}}"
        r"(?![\w/]|[-.,]\w)",
        _telephone,
    ),
    finder(rf"{_EDGE}0\d{{2,5}}\s?/\s?\d{{2,9}}(?:[\s-]\d{{2,5}}){{0,3}}(?!\w)", _telephone),
    finder(
        rf"(?:(?<=[Cc]all )|(?<=[Dd]ial )|(?<=[Rr]ing ))\d{{3}}(?:(?:,? or |, )\d{{3}})*{END}",
        _emergency,
    ),
]
