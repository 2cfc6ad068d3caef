"""What of a written text is said aloud: marks, links' targets, code and emoji are not.

It reads one character at a time, so how a text was cut into tokens cannot change the result.
"""

import enum
import re

_LINE_MARKS = frozenset("#>-*+•=~`_|: \t")
"""What may stand before the first word of a line or a table's cell without being said."""

_SCHEMES = ("https://", "http://")
_TAG_LIMIT = 80
"""Characters after which an unclosed `<` was no tag."""

_EMOJI = re.compile(
    "[\U0001f000-\U0001faff\U000e0020-\U000e007f\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff"
    "\u2190-\u21ff\u25a0-\u25ff\u3030\u303d\ufe0e\ufe0f\u200b-\u200f\u20e3\ufeff]"
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

    What comes out has single newlines where something ends without a mark of its own (a
    heading, a list's item, a table's row): there, a voice must pause. Code in fences is left
    out, a table's cells are joined by commas, a link is its text, an address loses its scheme.
    """

    def __init__(self) -> None:
        self._place = _Place.LINE_START
        self._held = ""
        """Marks that the next character will explain."""
        self._last = "\n"
        """What came out last."""
        self._between_cells = ""
        self._run = 0
        """Fence marks seen in a row."""
        self._depth = 0
        self._brackets = 0

    def feed(self, text: str) -> str:
        return "".join(map(self._step, text))

    def finish(self) -> str:
        """What was held back for want of a next character."""
        rest = self._step("\n")
        return rest.rstrip("\n")

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
        if said:
            self._last = said[-1]
        return said

    def _line_start(self, char: str) -> str:
        if char == "\n":
            self._held = self._between_cells = ""
            return "" if self._last == "\n" else "\n"
        self._held += char
        if self._held.endswith(("```", "~~~")):
            return self._open_fence()
        if char in _LINE_MARKS or char.isspace():
            return ""
        held, self._held = self._held[:-1], ""
        lead, self._between_cells = self._between_cells, ""
        if char.isdigit() and held.endswith(("-", "+", "#")):
            lead += held[-1]
        self._place = _Place.TEXT
        self._last = lead[-1:] or self._last
        return lead + self._text(char)

    def _text(self, char: str) -> str:
        if not self._held:
            return self._plain(char)
        held, self._held = self._held, ""
        match held:
            case "*":
                between = self._last + char
                if between.isdigit() or between == "  ":
                    return f" times {char}" if char != " " else "times "
                said = ""
            case "_":
                said = " " if self._last.isalnum() and char.isalnum() else ""
            case "~":
                said = "about " if char.isdigit() else ""
            case "!":
                said = "" if char == "[" else "!"
            case "]" if char == "(" and self._brackets >= 0:
                self._place, self._depth = _Place.LINK_TARGET, 1
                return ""
            case "]" | "`" | "``":
                said = ""
            case _:
                return self._held_word(held, char)
        return self._then(said, char)

    def _held_word(self, held: str, char: str) -> str:
        """`held` is a `<`, or the beginning of an address's scheme."""
        if held == "<":
            if char.isalpha() or char in "/!":
                self._place, self._held = _Place.TAG, char
                return ""
            return self._then("<", char)
        word = held + char.lower()
        if word in _SCHEMES:
            return ""
        if any(scheme.startswith(word) for scheme in _SCHEMES):
            self._held = held + char
            return ""
        return self._then(held, char)

    def _then(self, said: str, char: str) -> str:
        self._last = said[-1:] or self._last
        return said + self._plain(char)

    def _plain(self, char: str) -> str:
        if char == "\n":
            self._place, self._brackets = _Place.LINE_START, 0
            return "\n"
        if char.isspace():
            return "" if self._last.isspace() else " "
        if char in "*_~<]" or (char == "!" and self._last.isspace()):
            self._held = char
            self._brackets -= char == "]"
            return ""
        if char == "`":
            return self._backtick()
        if char == "h" and not self._last.isalnum():
            self._held = char
            return ""
        if char == "[":
            self._brackets += 1
            return " " if self._last.isalnum() else ""
        if char == "|":
            return self._next_cell()
        return self._letter(char)

    def _letter(self, char: str) -> str:
        if char == "\\" or _EMOJI.match(char):
            return ""
        if char in ".!?" and self._last in ".!?":
            return " " if char == "." else ""  # an ellipsis ends its word; "?!" is a "?"
        return char

    def _backtick(self) -> str:
        """One or two are inline code, three open a fence."""
        self._run = self._run + 1 if self._held else 1
        self._held = "`"
        return ""

    def _next_cell(self) -> str:
        self._place = _Place.LINE_START
        self._between_cells = "" if self._last == "\n" else ", "
        return ""

    def _open_fence(self) -> str:
        self._place, self._run = _Place.FENCE_OPENING, 0
        self._fence_mark, self._held = self._held[-1], ""
        return "" if self._last == "\n" else "\n"

    def _fence(self, char: str) -> str:
        if char == self._fence_mark:
            self._run += 1
            return ""
        closed = self._place is _Place.FENCE and self._run >= 3
        self._place, self._run = _Place.FENCE, 0
        if closed:
            self._place = _Place.LINE_START
            return self._line_start(char)
        return ""

    def _link_target(self, char: str) -> str:
        self._depth += (char == "(") - (char == ")")
        if char == "\n":
            self._place = _Place.TEXT
            return self._plain(char)
        if self._depth == 0:
            self._place = _Place.TEXT
        return ""

    def _tag(self, char: str) -> str:
        if char == "\n" or char == "<" or len(self._held) >= _TAG_LIMIT:
            held, self._held, self._place = self._held, "", _Place.TEXT
            return self._then("<" + held, char)
        if char != ">":
            self._held += char
            return ""
        tag, self._held, self._place = self._held, "", _Place.TEXT
        if "@" in tag or "://" in tag:
            return tag.rpartition("://")[2].removeprefix("mailto:")
        if tag.lower().startswith(("br", "p", "/p", "li", "/li")):
            return "\n"
        return ""
