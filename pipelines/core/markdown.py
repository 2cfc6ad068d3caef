"""What of a written text is said aloud: marks, links' targets, code and emoji are not.

It reads one character at a time, so how a text was cut into tokens cannot change the result.
"""

import enum
import re

_LINE_MARKS = frozenset("#>-*+•=~`_|: \t")
"""What may stand before the first word of a line, or of a table's cell, and is not said."""

_SCHEMES = ("https://", "http://")

_TAG_LIMIT = 80
"""Characters after which an unclosed `<` was no tag."""

_UNSPOKEN = re.compile(
    r"[\\"
    "\u2190-\u21ff\u2300-\u23ff\u25a0-\u27bf\u2b00-\u2bff\u3030\u303d\U0001f000-\U0001faff"  # emoji
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
        self._last = "\n"
        """What came out last."""
        self._before_cell = ""
        self._brackets = 0
        self._depth = 0
        """Of the parentheses in a link's target."""
        self._fence_mark = "`"
        self._fence_run = 0
        self._fence_width = 3

    def feed(self, text: str) -> str:
        return "".join(map(self._step, text))

    def finish(self) -> str:
        """What was held back for want of a next character."""
        return self._step("\n").rstrip("\n")

    def _step(self, char: str) -> str:
        match self._place:
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
        self._last = said[-1:] or self._last
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
        lead, sign = self._before_cell, self._held[-2:-1]
        if char.isdigit() and sign and sign in "-+#":
            lead += sign
        self._held = self._before_cell = ""
        self._place = _Place.TEXT
        return self._say(lead) + self._plain(char)

    def _text(self, char: str) -> str:
        """Say what was held, now that its next character is known, and go on."""
        held, self._held = self._held, ""
        if held + char == "```":
            return self._open_fence(char)
        if held and self._continues(held, char):
            return ""
        return self._say(self._explained(held, char)) + self._plain(char)

    def _continues(self, held: str, char: str) -> bool:
        """Whether `char` belongs to the same mark as `held`, and neither is said."""
        longer = held + char
        if longer == "](":
            self._place, self._depth = _Place.LINK_TARGET, 1
        elif held == "<" and (char.isalpha() or char in "/!"):
            self._place, self._held = _Place.TAG, char
        elif longer == "``" or any(scheme.startswith(longer) for scheme in _SCHEMES):
            self._held = longer
        else:
            return False
        return True

    def _explained(self, held: str, char: str) -> str:
        before, said = self._last, ""
        match held:
            case "*" if (before + char).isdigit() or before + char == "  ":
                said = " times "
            case "_" if before.isalnum() and char.isalnum():
                said = " "
            case ".." if char.isalnum():
                said = " "
            case "~" if char.isdigit():
                said = "about "
            case "#" if char.isalnum():
                said = "#"
            case "!" if char == "[":
                said = ""
            case "*" | "_" | ".." | "~" | "#" | "]" | "`" | "``" | "https://" | "http://":
                said = ""
            case _:
                said = held
        return said

    def _plain(self, char: str) -> str:
        """Of a character in the text, with nothing held before it."""
        said = ""
        after_space = self._last.isspace()
        if char == "\n":
            self._place, self._brackets, said = _Place.LINE_START, 0, "\n"
        elif char.isspace():
            said = "" if after_space else " "
        elif char in "*_~<`" or (char in "!#" and after_space) or self._may_be_address(char):
            self._held = char
        elif char in "[]|":
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
        elif char == "[":
            self._brackets += 1
            return " " if self._last.isalnum() else ""
        elif self._brackets:
            self._brackets -= 1
            self._held = char
        return ""

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
        if char != ">":
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


def speakable(text: str) -> str:
    """`text` on one line, as it is to be said; empty where there is nothing to say."""
    unmarker = Unmarker()
    return tidy(unmarker.feed(text) + unmarker.finish())


def tidy(plain: str) -> str:
    """One space between words; the same text, or nothing if no word is in it."""
    lines = (line for line in plain.split("\n") if has_words(line))
    return re.sub(r"\s+(?=[,.;:!?](?:\s|$))", "", " ".join(" ".join(lines).split()))


def has_words(plain: str) -> bool:
    return any(map(str.isalnum, plain))
