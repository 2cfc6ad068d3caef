"""The language model's opinion that a turn is incomplete: when it is asked for, how long it counts.

It can be wrong, and some models give it always. So it holds a turn for a bounded time, words of
which it was given are not put to the model for it again, and after a few opinions in a row that
the person's silence has refuted nobody asks for another in this call.
"""

from pipelines.core.turn.wording import gist, same_words

MOST_REFUTED = 3


class Opinion:
    def __init__(self, *, is_wanted: bool, limit_s: float) -> None:
        """`limit_s`: so long after the person's last sample of speech it counts."""
        self._is_wanted = is_wanted
        self._limit_s = limit_s
        self._until_s = float("-inf")
        self._text = ""
        """The words that are said to be incomplete; "" for none."""
        self._refuted = 0
        """In a row."""

    def paused(self, media_s: float) -> None:
        """The person fell silent."""
        self._until_s = media_s + self._limit_s

    def nothing_more_comes(self) -> None:
        """The microphone is closed, or the person has typed: the turn is over."""
        self._until_s = float("-inf")

    def came(self, text: str) -> None:
        self._text = text

    def went_on(self, text: str) -> None:
        """The person speaks again after these words."""
        if self.is_of(text):
            self._refuted = 0

    def committed(self, text: str) -> None:
        """The turn is over with these words."""
        if self.is_of(text):
            self._refuted += 1

    def is_of(self, text: str) -> bool:
        return bool(self._text) and same_words(gist(self._text), gist(text))

    def counts(self, media_s: float) -> bool:
        return media_s < self._until_s

    def is_asked_for(self, text: str, media_s: float) -> bool:
        trusted = self._is_wanted and self._refuted < MOST_REFUTED
        return trusted and self.counts(media_s) and not self.is_of(text)
