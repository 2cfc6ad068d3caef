"""Steps that do not hang on each other."""

from collections.abc import Callable
from contextlib import ExitStack


def each(*steps: Callable[[], object]) -> None:
    """Takes every step, in order, also where one before it has raised.

    Raises what the last of those that raised did, with the others as its context.
    """
    with ExitStack() as stack:  # takes the last one first
        for step in reversed(steps):
            stack.callback(step)
