"""Steps that code takes over a text, counted: no clock, so a busy machine changes nothing.

A step is a line of Python, or a character that a method of `str` or a pattern may have looked at.
Patterns count where they are attributes of a module. A pattern that is anchored counts what it
matched; loops within other C code (`sum`, `map`, slices) count as their line.
"""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import pytest

ROOT = str(Path(__file__).parents[1])


_SHORT = ("startswith", "endswith", "find", "isspace", "isalnum", "lower")
"""Methods that end where they find something, or that are called for a character or a word."""


class Steps:
    def __init__(self) -> None:
        self.taken = 0

    def line(self, frame: FrameType, event: str, _: object) -> Any:
        if not frame.f_code.co_filename.startswith(ROOT):
            return None
        self.taken += event == "line"
        return self.line

    def call(self, _: FrameType, event: str, called: object) -> None:
        text = getattr(called, "__self__", None)
        if event == "c_call" and isinstance(text, str):
            self.taken += 1 if called.__name__ in _SHORT else len(text)  # type: ignore[attr-defined]


class CountedPattern:
    def __init__(self, pattern: re.Pattern[str], steps: Steps) -> None:
        self._pattern, self._steps = pattern, steps

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pattern, name)

    def search(self, text: str, at: int = 0) -> re.Match[str] | None:
        found = self._pattern.search(text, at)
        self._steps.taken += (len(text) if found is None else found.end()) - at
        return found

    def _anchored(self, found: re.Match[str] | None) -> re.Match[str] | None:
        self._steps.taken += 1 if found is None else 1 + len(found[0])
        return found

    def match(self, text: str, at: int = 0) -> re.Match[str] | None:
        return self._anchored(self._pattern.match(text, at))

    def fullmatch(self, text: str, at: int = 0) -> re.Match[str] | None:
        return self._anchored(self._pattern.fullmatch(text, at))

    def finditer(self, text: str, at: int = 0) -> Iterator[re.Match[str]]:
        self._steps.taken += len(text) - at
        return self._pattern.finditer(text, at)

    def findall(self, text: str, at: int = 0) -> list[Any]:
        self._steps.taken += len(text) - at
        return self._pattern.findall(text, at)

    def split(self, text: str, *how: int) -> list[str | Any]:
        self._steps.taken += len(text)
        return self._pattern.split(text, *how)

    def sub(self, new: Any, text: str, *how: int) -> str:
        self._steps.taken += len(text)
        return self._pattern.sub(new, text, *how)


@contextmanager
def counted(*modules: ModuleType) -> Iterator[Callable[[Callable[[], object]], int]]:
    """A function that counts the steps of another; the modules' patterns count meanwhile."""
    steps = Steps()

    def count(run: Callable[[], object]) -> int:
        steps.taken = 0
        before = sys.gettrace(), sys.getprofile()
        sys.settrace(steps.line)
        sys.setprofile(steps.call)
        try:
            run()
        finally:
            sys.settrace(before[0])
            sys.setprofile(before[1])
        return steps.taken

    with pytest.MonkeyPatch.context() as patch:
        for module in modules:
            for name, value in vars(module).items():
                if isinstance(value, re.Pattern):
                    patch.setattr(module, name, CountedPattern(value, steps))
        yield count
