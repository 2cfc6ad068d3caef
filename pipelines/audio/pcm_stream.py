"""16 bit samples out of a stream of bytes that is torn anywhere: raw PCM, or WAV."""

import struct

import numpy as np
from numpy.typing import NDArray

LONGEST_HEADER = 1 << 16
"""Bytes before a WAV's samples."""
_PCM, _EXTENSIBLE = 1, 0xFFFE
_OTHERS = {b"ID3": "MP3", b"\xff\xfb": "MP3", b"\xff\xf3": "MP3", b"OggS": "Ogg", b"fLaC": "FLAC",
           b"{": "JSON", b"<": "HTML"}  # fmt: skip
"""Formats that servers send instead of PCM, by their beginning; no PCM of a voice begins so."""


class PcmStream:
    """Feed bytes, take samples. Raises ValueError where it is no 16 bit mono PCM."""

    def __init__(self, rate_hz: int) -> None:
        """`rate_hz`: of raw PCM, which does not say it."""
        self.rate_hz = rate_hz
        self._buffer = b""
        self._begun = False
        self._left: int | None = None
        """Bytes of the WAV's samples that are still to come; None for all that comes."""

    def feed(self, data: bytes) -> NDArray[np.int16]:
        """Shape (n,): the whole samples that are there now."""
        self._buffer += data
        if not self._begun and not self._begin():
            return np.zeros(0, np.int16)
        end = len(self._buffer) if self._left is None else min(self._left, len(self._buffer))
        end -= end % 2
        taken, self._buffer = self._buffer[:end], self._buffer[end:]
        if self._left is not None:
            self._left -= end
        return np.frombuffer(taken, "<i2").astype(np.int16)

    def finish(self) -> NDArray[np.int16]:
        """The bytes held back because it might have been the beginning of a header."""
        if self._begun or self._buffer.startswith(b"RIFF"):
            return np.zeros(0, np.int16)
        self._begun = True
        return self.feed(b"")

    def _begin(self) -> bool:
        """True if it is known by now what it is, and where its samples begin."""
        head = self._buffer[:12]
        if len(head) < 12:
            return False
        if head[:4] == b"RIFF" and head[8:] == b"WAVE":
            return self._read_header()
        for mark, name in _OTHERS.items():
            if head.startswith(mark):
                raise ValueError(f"{name} instead of PCM")
        self._begun = True
        return True

    def _read_header(self) -> bool:
        at = 12
        while at + 8 <= len(self._buffer):
            name, size = struct.unpack_from("<4sI", self._buffer, at)
            at += 8
            if name == b"data":
                # A server that streams does not know the size: it writes 0 or as much as it can.
                self._left = size if 0 < size < 0x7FFFFF00 else None
                self._buffer, self._begun = self._buffer[at:], True
                return True
            if name == b"fmt " and at + 16 <= len(self._buffer):
                self._read_format(at)
            at += size + size % 2
        if len(self._buffer) > LONGEST_HEADER:
            raise ValueError("a WAV without samples")
        return False

    def _read_format(self, at: int) -> None:
        tag, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", self._buffer, at)
        if tag not in (_PCM, _EXTENSIBLE) or bits != 16 or channels != 1:
            raise ValueError(f"WAV of format {tag}, {bits} bits, {channels} channels")
        self.rate_hz = rate_hz
