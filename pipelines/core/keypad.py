"""Keys pressed one after the other: when they are all there, and what the conversation is told."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class KeypadPolicy:
    pause_s: float = 2.0
    """Without another key, what was pressed is complete."""
    terminator: str = "#"
    """The key that completes it at once, and is not told; empty: there is none."""
    most: int = 32
    """Keys after which it is complete."""


class Keypad:
    def __init__(self, policy: KeypadPolicy) -> None:
        self._policy = policy
        self._pressed = ""
        self._deadline: float | None = None

    def press(self, digit: str, now: float) -> str:
        """One key. Returns what is complete with it, which may be nothing."""
        if digit == self._policy.terminator:
            return self._take() or digit
        self._pressed += digit
        self._deadline = now + self._policy.pause_s
        return self._take() if len(self._pressed) >= self._policy.most else ""

    def deadline(self) -> float | None:
        """When to ask `due`, if no key is pressed before."""
        return self._deadline

    def due(self, now: float) -> str:
        """Keys that have become complete by waiting."""
        waited = self._deadline is not None and now >= self._deadline - 1e-6
        return self._take() if waited else ""

    def _take(self) -> str:
        pressed, self._pressed, self._deadline = self._pressed, "", None
        return pressed


def in_words(pressed: str) -> str:
    """As the person's side of the conversation, for the model: read key by key."""
    return f"(pressed on the telephone's keypad: {' '.join(pressed)})"
