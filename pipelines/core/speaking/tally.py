"""Facts about a text that grows: kept up character by character, not looked for again."""

from pipelines.core.speaking.unspaced import weight

_OPENINGS = {
    "“": "”",
    "(": ")",
    "「": "」",
    "『": "』",
    "（": "）",
    "《": "》",
    "【": "】",
    "〈": "〉",
}
_PARTNERS = {closing: opening for opening, closing in _OPENINGS.items()}
_SINGLE_QUOTES = "'‘"


class ClauseTally:
    """It is given each character of a text once, in order."""

    def __init__(self, text: str = "") -> None:
        self.dense = 0.0
        """The length, in words, of what is written without blanks."""
        self.letters = 0
        """And figures."""
        self.pieces = 0
        """Between blanks."""
        self.worded = 0
        """Pieces that have a letter in them."""
        self.first = ""
        """The first of these."""
        self._piece, self._is_worded = "", False
        self._depths = dict.fromkeys(_OPENINGS, 0)
        self._has_half_quote = False
        self._is_single_quoted = False
        self._last_two = "  "
        for char in text:
            self.add(char)

    def add(self, char: str) -> None:
        self.dense += weight(char)
        self._count_piece(char)
        if char in self._depths:
            self._depths[char] += 1
        elif char in _PARTNERS:
            self._depths[_PARTNERS[char]] -= 1
        elif char == '"':
            self._has_half_quote = not self._has_half_quote
        before, quote = self._last_two[0], self._last_two[1]
        begins_word = before.isspace() and (char.isalnum() or char == "_")
        self._is_single_quoted |= begins_word and quote in _SINGLE_QUOTES
        self._last_two = quote + char

    def _count_piece(self, char: str) -> None:
        if char.isspace():
            return
        if self._last_two[1].isspace():
            self.pieces += 1
            self._piece, self._is_worded = "", False
        if self.worded - self._is_worded == 0:
            self._piece += char
        if char.isalnum():
            self.letters += 1
            self.worded += not self._is_worded
            self._is_worded = True
        if self.worded == 1 and self._is_worded:
            self.first = self._piece

    @property
    def has_words(self) -> bool:
        return self.letters > 0

    def depth(self, opening: str) -> int:
        """Brackets of a kind that are open, less those that closed none."""
        return self._depths[opening]

    @property
    def is_open(self) -> bool:
        """A quote or a bracket is still to be closed: it may close behind the next mark."""
        return (
            self._has_half_quote
            or self._is_single_quoted
            or any(depth > 0 for depth in self._depths.values())
        )
