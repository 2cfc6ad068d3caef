"""The answer that the bot waits for: the kind that it was told of, else the one that its last words
ask for.
"""

from collections.abc import Callable

from pipelines.core.turn.expectation import NOTHING, Expectation, expected_after


class AwaitedAnswer:
    """An expectation that was told stands for one answer, and outranks the bot's words."""

    def __init__(self, last_heard: Callable[[], str]) -> None:
        """`last_heard`: the bot's newest words, as far as the person has heard them."""
        self._last_heard = last_heard
        self._told: Expectation | None = None
        self._answered: tuple[int, Expectation] | None = None
        """The turn that was taken for the answer, which may yet go on."""

    @property
    def expectation(self) -> Expectation:
        return self._told or expected_after(self._last_heard())

    def expect(self, expectation: Expectation) -> None:
        """`NOTHING` leaves it to the bot's words again."""
        self._told = None if expectation == NOTHING else expectation

    def answered(self, turn_id: int) -> None:
        """A turn of the person's is over."""
        if self._told is not None:
            self._answered, self._told = (turn_id, self._told), None

    def reopened(self, turn_id: int) -> None:
        """It goes on after all."""
        if self._answered is not None and self._answered[0] == turn_id:
            self._told = self._told or self._answered[1]
