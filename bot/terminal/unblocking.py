"""Standard output and error that hold nobody up: a thread of their own writes what is printed."""

import io
import os
import select
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TextIO, cast

LIMIT_CHARACTERS: Final = 256 * 1024
"""Not yet written; what comes then is dropped. A pipe holds 64 KB more."""
END_S: Final = 1.0
"""Seconds for what is left when the program ends."""


def ignore(lines: int) -> None: ...


class UnblockingStream(io.TextIOBase):
    """Drops and counts lines where the reader has gone, the disk is full, or nobody reads on."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(
        self,
        descriptor: int,
        *,
        limit: int = LIMIT_CHARACTERS,
        tell: Callable[[int], None] = ignore,
    ) -> None:
        """`tell` hears, on the stream's own thread, how many lines were lost before it went on."""
        self.dropped = 0
        """Lines, since the start."""
        self._descriptor = descriptor
        self._limit = limit
        self._tell = tell
        self._told = 0
        self._waiting: deque[str] = deque()
        self._size = 0
        self._over = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="output", daemon=True)
        self._thread.start()

    def write(self, text: str) -> int:
        """Raises TypeError for bytes, by which typer knows a stream of text."""
        if not isinstance(text, str):
            raise TypeError(f"a text, not {type(text).__name__}")
        with self._changed:
            if self._over or self._size + len(text) > self._limit:
                self.dropped += 1
            else:
                self._waiting.append(text)
                self._size += len(text)
                self._changed.notify()
        return len(text)

    def writable(self) -> bool:
        return True

    def flush(self) -> None:
        """Waits for nothing."""

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def fileno(self) -> int:
        return self._descriptor

    def end(self, within_s: float = END_S) -> None:
        """Write what is left, as far as it goes in that time, and nothing after it."""
        with self._changed:
            self._over = True
            self._changed.notify()
        self._thread.join(within_s)

    def _work(self) -> None:
        while (text := self._next()) is not None:
            try:
                _write_all(self._descriptor, text.encode(self.encoding, self.errors))
            except OSError:
                with self._changed:
                    self.dropped += 1
            else:
                self._tell_of_lost()

    def _next(self) -> str | None:
        """None at the end."""
        with self._changed:
            while not self._waiting:
                if self._over:
                    return None
                self._changed.wait()
            text = self._waiting.popleft()
            self._size -= len(text)
            return text

    def _tell_of_lost(self) -> None:
        lost, self._told = self.dropped - self._told, self.dropped
        if lost:
            self._tell(lost)


class Output:
    """Both streams of the program, or those of them that are files of the system's."""

    def __init__(self, streams: list[UnblockingStream]) -> None:
        self._streams = streams

    @property
    def dropped(self) -> int:
        """Lines, since the start."""
        return sum(stream.dropped for stream in self._streams)


@contextmanager
def unblocking_output(tell: Callable[[int], None] = ignore) -> Iterator[Output]:
    """In its body `sys.stdout` and `sys.stderr` never block and never fail."""
    before = sys.stdout, sys.stderr
    made = [_unblocking(stream, tell) for stream in before]
    sys.stdout, sys.stderr = (
        cast(TextIO, new or old) for new, old in zip(made, before, strict=True)
    )
    streams = [stream for stream in made if stream is not None]
    try:
        yield Output(streams)
    finally:
        sys.stdout, sys.stderr = before
        for stream in streams:
            stream.end()


def _unblocking(stream: TextIO | None, tell: Callable[[int], None]) -> UnblockingStream | None:
    """None for one that a test has put there; one that was closed is written nowhere."""
    if stream is None:
        return UnblockingStream(os.open(os.devnull, os.O_WRONLY))
    try:
        return UnblockingStream(stream.fileno(), tell=tell)
    except (OSError, ValueError):
        return None


def _write_all(descriptor: int, data: bytes) -> None:
    """Raises OSError. Another program may have made the pipe or the terminal non-blocking."""
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:
            select.select([], [descriptor], [])
