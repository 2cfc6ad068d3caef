"""The part of a written text that is said aloud: no marks, targets of links, code or emoji.

It reads one character at a time, so how a text was cut into tokens cannot change the result.
"""

import enum
import re

from pipelines.core.speaking.asides import (
    PAIRS,
    Aside,
    closed,
    closes,
    goes_on,
    lead_of,
    spoken_of_json,
)

_LINE_MARKS = frozenset("#>-*+•=~`_|: \t")
"""Marks that may stand before the first word of a line, or of a table's cell, and is not said."""

_SCHEMES = ("https://", "http://")

_TAG_LIMIT = 80
"""Characters after which an unclosed `<` was no tag."""
_LETTER = re.compile(r"[^\W_]")
_TAG = re.compile(
    r"/?[A-Za-z][\w:-]*(?:\s+[\w:-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'>]+))*\s*/?|!.*|[^\s@]+@[^\s@]+|\S+://\S+"
)

_QUOTES = "\"'“‘("
_KEYS = re.compile(
    r"(?i)\b(?:press(?:ing|ed)?|push|hit|dial|tap|type|keys?|followed by)\b"
    r"[^.!?:\n]*(?<!\d)[\s\"'“‘(]$"
)
_KEY_NAMES = {"*": "star", "#": "pound"}
"""The telephone's keys, as North America calls them."""

_JSON_LIMIT = 8000
_BARRED_FROM = 60
"""Characters in an aside without an end, from which on it is not looked for again at once."""

_PLAIN = {
    ord(odd): plain
    for odd, plain in [
        *zip("\u2010\u2011\u2043\ufe63\uff0d＆％＋＝＠＃＄／", "-----&%+=@#$/", strict=True),
        *zip("➔➜➝➞⟶⟹", "→→→→→→", strict=True),
    ]
} | {
    code: chr(code - 0xFEE0)
    for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))
}
"""Characters that are the same to a listener as these."""

_UNSPOKEN = re.compile(
    r"[\\"
    "\u2190\u2191\u2193\u2195-\u21d1\u21d3\u21d5-\u21ff\u2300-\u23ff\u25a0-\u27bf"  # arrows, emoji
    "\u2b00-\u2bff\u3030\u303d\U0001f000-\U0001faff"
    "\u200b-\u200f\u20e3\ufe0e\ufe0f\ufeff\U000e0020-\U000e007f"  # what joins and colours them
    "]"
)


class _Place(enum.Enum):
    LINE_START = enum.auto()
    TEXT = enum.auto()
    LINK_TARGET = enum.auto()
    TAG = enum.auto()
    FENCE_OPENING = enum.auto()
    FENCE = enum.auto()
    ASIDE = enum.auto()
    JSON = enum.auto()


class Unmarker:
    """Markdown in, plain text out; one for each text.

    Newlines are left where something ends without a mark of its own (a heading, an item of a
    list, a row of a table): there, a voice must pause. Code in fences is left out, a table's
    cells are joined by commas, a link is its text, an address loses its scheme.
    """

    def __init__(self) -> None:
        self._place = _Place.LINE_START
        self._held = ""
        """Marks that the next character will explain."""
        self._tail = "\n"
        """The last output."""
        self._opener = ""
        self._inside = ""
        """The text of an aside, so far."""
        self._bulleted = False
        """Hyphens between blanks are the bullets of a list on one line."""
        self._begun = False
        self._barred = ""
        """An opener that had no other end; it is not waited for again before that comes."""
        self._before_cell = ""
        self._brackets = 0
        self._depth = 0
        """How many parentheses are open in a link's target."""
        self._fence_mark = "`"
        self._fence_run = 0
        self._fence_width = 3

    def feed(self, text: str) -> str:
        return "".join(map(self._step, text.translate(_PLAIN)))

    def finish(self) -> str:
        """The characters held back for want of a next character."""
        said = self._give_up() if self._place is _Place.JSON else ""
        return said + self._step("\n").rstrip("\n")

    @property
    def _last(self) -> str:
        return self._tail[-1]

    def _step(self, char: str) -> str:
        if not self._begun and not char.isspace():
            self._begun = True
            if char == "{":
                self._place, self._inside = _Place.JSON, ""
        match self._place:
            case _Place.ASIDE:
                return self._aside(char)
            case _Place.JSON:
                return self._json(char)
            case _Place.LINE_START:
                said = self._line_start(char)
            case _Place.TEXT:
                said = self._text(char)
            case _Place.LINK_TARGET:
                said = self._link_target(char)
            case _Place.TAG:
                said = self._tag(char)
            case _Place.FENCE_OPENING | _Place.FENCE:
                said = self._fence(char)
        return self._say(said)

    def _say(self, said: str) -> str:
        self._tail = (self._tail + said)[-40:]
        return said

    def _line_start(self, char: str) -> str:
        if char == "\n":
            self._held = self._before_cell = ""
            return "" if self._last == "\n" else "\n"
        self._held = (self._held + char)[-4:]
        if self._held.endswith(("```", "~~~")):
            return self._open_fence(char)
        if char in _LINE_MARKS or char.isspace():
            return ""
        lead, sign, marks = self._before_cell, self._held[-2:-1], self._held[:-1]
        if (char.isdigit() or char in "$€£¥₹.") and sign and sign in "-+#":
            lead += sign
        self._held = self._before_cell = ""
        self._place = _Place.TEXT
        if sign == "*" and not marks.endswith("**") and char.isalpha():
            return self._say(lead) + self._open("*", char)
        return self._say(lead) + self._plain(char)

    def _text(self, char: str) -> str:
        """Say what was held, now that its next character is known, and go on."""
        held, self._held = self._held, ""
        if held + char == "```":
            return self._open_fence(char)
        if held and self._continues(held, char):
            return ""
        is_key = held in _KEY_NAMES and _names_key(self._tail, char)
        said = _KEY_NAMES[held] if is_key else self._explained(held, char)
        return self._say(said) + self._plain(char)

    def _continues(self, held: str, char: str) -> bool:
        """True if `char` belongs to the same mark as `held`, and neither is said."""
        longer = held + char
        if longer == "](":
            self._place, self._depth = _Place.LINK_TARGET, 1
        elif held == "<" and (char.isalpha() or char in "/!"):
            self._place, self._held = _Place.TAG, char
        elif held == "*" and char.isalpha() and self._begins_sentence:
            self._open("*", char)
        elif longer in ("\\(", "\\[", "$$"):
            self._open(longer)
        elif held == "$" and not char.isdigit() and not char.isspace():
            self._open("$", char)
        elif longer == "``" or any(scheme.startswith(longer) for scheme in _SCHEMES):
            self._held = longer
        else:
            return False
        return True

    def _explained(self, held: str, char: str) -> str:
        before, said = self._last, ""
        match held:
            case "*" if (before + char).isdigit():
                said = " times "
            case "*" | "•" if before + char == "  " or held == "•":
                said = self._bullet(may_multiply=held == "*")
            case "-" if before + char == "  " and (self._bulleted or self._tail.endswith(": ")):
                said = self._bullet(may_multiply=False)
            case "_" if before.isalnum() and char.isalnum():
                said = "_"
            case ".." if char.isalnum():
                said = " "
            case "~" if char.isdigit():
                said = "about "
            case "#" if char.isalnum():
                said = "#"
            case "!" if char == "[":
                said = ""
            case "*" | "_" | ".." | "~" | "#" | "]" | "`" | "``" | "\\" | "https://" | "http://":
                said = ""
            case _:
                said = held
        return said

    def _plain(self, char: str) -> str:
        """Reads a character of the text, with nothing held before it."""
        said = ""
        after_space = self._last.isspace()
        if char in "])\n】":
            self._barred = ""
        if char == "\n":
            self._place, self._brackets, self._bulleted, said = _Place.LINE_START, 0, False, "\n"
        elif char.isspace():
            said = "" if after_space else " "
        elif (
            char in "*_~<`$\\•"
            or (char in "!#-" and (after_space or self._last in _QUOTES))
            or self._may_be_address(char)
        ):
            self._held = char
        elif char in "[(【&":
            return self._open(char)
        elif char in "]|":
            said = self._bracket_or_cell(char)
        elif char == "." and self._last == ".":
            self._held = ".."
        elif _UNSPOKEN.match(char) or (char in ".!?" and self._last in ".!?"):
            said = ""  # "?!" is a question
        else:
            said = char
        return said

    def _may_be_address(self, char: str) -> bool:
        return char == "h" and not self._last.isalnum()

    def _bracket_or_cell(self, char: str) -> str:
        if char == "|":
            self._place = _Place.LINE_START
            self._before_cell = "" if self._last == "\n" else ", "
        elif self._brackets:
            self._brackets -= 1
            self._held = char
        return ""

    # ---- what is held until its other end has come ----

    @property
    def _begins_sentence(self) -> bool:
        return self._tail.rstrip()[-1:] in ("", *".!?…:")

    def _bullet(self, *, may_multiply: bool) -> str:
        """Between two items of a list on one line; or "times" between two factors."""
        before = self._tail.split()[-1:] or [""]
        if may_multiply and (before[0][-1:].isdigit() or len(before[0].strip("()")) == 1):
            return " times "
        self._bulleted = True
        return "" if not before[0] or before[0][-1] in ":,;." else ", "

    def _open(self, opener: str, first: str = "") -> str:
        self._held = ""
        if opener == self._barred:
            self._brackets += opener == "["
            return self._say(lead_of(opener, self._tail))
        self._place, self._opener, self._inside = _Place.ASIDE, opener, ""
        return self._aside(first) if first else ""

    def _aside(self, char: str) -> str:
        self._inside += char
        opener, inside = self._opener, self._inside
        if closes(opener, inside):
            self._place = _Place.TEXT
            aside = closed(opener, inside.removesuffix(PAIRS[opener]), self._tail)
            if opener == "[":
                self._brackets += bool(aside.again)
                self._held = "" if aside.again else "]"
            return self._read(aside)
        return "" if goes_on(opener, inside) else self._give_up()

    def _give_up(self) -> str:
        """It is what it looks like."""
        opener, inside, place = self._opener, self._inside, self._place
        self._place = _Place.TEXT
        if place is _Place.JSON:
            return self._read(Aside("", inside))
        self._barred = opener if len(inside) >= _BARRED_FROM else self._barred
        self._brackets += opener == "["
        return self._read(Aside(lead_of(opener, self._tail), inside))

    def _read(self, aside: Aside) -> str:
        apart = " " if aside.lead[:1].isspace() and not self._last.isspace() else ""
        said = self._say(apart + aside.lead.strip())
        return said + "".join(map(self._step, aside.again))

    def _json(self, char: str) -> str:
        """An object that is the whole answer."""
        self._inside += char
        is_other = len(self._inside) < 9 and self._inside[1:].lstrip()[:1] not in ("", '"')
        if is_other or len(self._inside) > _JSON_LIMIT:
            return self._give_up()
        if char != "}" or self._inside.count("{") > self._inside.count("}"):
            return ""
        answer = spoken_of_json(self._inside)
        if answer is None:
            return self._give_up()
        self._place, self._inside = _Place.LINE_START, ""
        return "".join(map(self._step, answer))

    def _link_target(self, char: str) -> str:
        self._depth += (char == "(") - (char == ")")
        if char != "\n" and self._depth:
            return ""
        self._place = _Place.TEXT
        return self._plain(char) if char == "\n" else ""

    def _tag(self, char: str) -> str:
        tag = self._held
        if char not in "<>\n" and len(tag) < _TAG_LIMIT:
            self._held += char
            return ""
        self._held, self._place = "", _Place.TEXT
        if char != ">" or not _TAG.fullmatch(tag):
            return self._say("<") + "".join(map(self._step, tag + char))
        if "@" in tag or "://" in tag:
            return tag.rpartition("://")[2].removeprefix("mailto:")
        return self._plain("\n") if tag.strip("/ ").lower() in ("br", "p", "li") else ""

    def _open_fence(self, mark: str) -> str:
        self._place, self._fence_mark, self._fence_run, self._held = (
            _Place.FENCE_OPENING,
            mark,
            0,
            "",
        )
        return "" if self._last == "\n" else "\n"

    def _fence(self, char: str) -> str:
        if char == self._fence_mark:
            self._fence_run += 1
            return ""
        if self._place is _Place.FENCE and self._fence_run >= self._fence_width:
            self._place = _Place.LINE_START
            return self._line_start(char)
        if self._place is _Place.FENCE_OPENING:
            self._place, self._fence_width = _Place.FENCE, 3 + self._fence_run
        self._fence_run = 0
        return ""


def _names_key(before: str, char: str) -> bool:
    """True if a mark between `before` and `char` is a key: it stands alone there."""
    is_alone = char.isspace() or char in ",.;:!?)\"'”’"
    return is_alone and _KEYS.search(before) is not None


def speakable(text: str) -> str:
    """`text` on one line, as it is to be said; empty where there is nothing to say."""
    unmarker = Unmarker()
    return tidy(unmarker.feed(text) + unmarker.finish())


def tidy(plain: str) -> str:
    """One space between words; the same text, or nothing if no word is in it."""
    lines = (line for line in plain.split("\n") if has_words(line))
    return re.sub(r"\s+(?=[,.;:!?](?:\s|$))", "", " ".join(" ".join(lines).split()))


def has_words(plain: str) -> bool:
    return _LETTER.search(plain) is not None
