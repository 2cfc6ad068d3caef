"""A FLAC file whose head always says how long it is, however its writer ends."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from bot.recordings.folder import UNFINISHED

Pcm = NDArray[np.int16]

BLOCK: Final = 1152
"""Samples in a frame at `_LEVEL`; a crash loses what is in two of them."""
_LEVEL: Final = 0.2
_LENGTH_AT, _LENGTH_BYTES = 18, 8
"""The last 36 of these bits count the samples; 0 is "unknown", and stock readers refuse it.
From RFC 9639, section 8.2: STREAMINFO follows "fLaC" and a head of four bytes."""
_LENGTH_BITS: Final = 36
_DIGEST_AT, _DIGEST_BYTES = 26, 16
"""MD5 of all samples; zeros are "unknown", which is no fault."""


class FlacFile:
    """Written by one thread. There is no file until there is a whole frame to read in it."""

    def __init__(self, path: Path, rate_hz: int, channels: int) -> None:
        """`path`: nothing is there yet."""
        self._path = path
        self._half = path.with_name(path.name + UNFINISHED)
        self._rate_hz = rate_hz
        self._channels = channels
        self._waiting: list[Pcm] = []
        self._file: soundfile.SoundFile | None = None
        self._head = -1
        self._samples = 0
        self._certain = 0
        """Samples that can be read again, as the head says."""

    def write(self, pcm: Pcm) -> None:
        """`pcm`: shape (n,) or (n, channels). Raises OSError and SoundFileRuntimeError."""
        if not len(pcm):
            return
        self._samples += len(pcm)
        if self._file is not None:
            self._file.write(pcm)
            self._note_length()
            return
        self._waiting.append(pcm)
        if self._whole:
            self._begin()
            self._note_length()
            self._half.replace(self._path)

    def close(self) -> None:
        """The rest, and the end. Raises as `write` does."""
        is_new = self._file is None
        if is_new and self._waiting:
            self._begin()
        if self._file is not None:
            self._file.close()
            if is_new:
                self._half.replace(self._path)
            self._let_go()

    def abandon(self) -> None:
        """Leave what can be read of it: the disk is full, or its samples are wrong."""
        if self._file is None:
            return
        with suppress(OSError, soundfile.SoundFileRuntimeError):
            self._file.close()  # it may claim samples that never came to the disk
        with suppress(OSError):
            if self._certain:
                self._write_length(self._certain)
                os.pwrite(self._head, bytes(_DIGEST_BYTES), _DIGEST_AT)
            else:
                self._half.unlink(missing_ok=True)
        self._let_go()

    def _begin(self) -> None:
        self._head = os.open(self._half, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        self._file = soundfile.SoundFile(
            self._half, "w", self._rate_hz, self._channels, "PCM_16",
            format="FLAC", compression_level=_LEVEL,
        )  # fmt: skip
        self._file.write(np.concatenate(self._waiting))
        self._waiting.clear()

    @property
    def _whole(self) -> int:
        """Samples in frames that the encoder has let go of; it keeps a sample to look ahead."""
        return (self._samples - 1) // BLOCK * BLOCK

    def _note_length(self) -> None:
        if self._whole > self._certain:
            self._certain = self._whole
            self._write_length(self._certain)

    def _write_length(self, samples: int) -> None:
        bits = int.from_bytes(os.pread(self._head, _LENGTH_BYTES, _LENGTH_AT), "big")
        bits = bits >> _LENGTH_BITS << _LENGTH_BITS | samples
        os.pwrite(self._head, bits.to_bytes(_LENGTH_BYTES, "big"), _LENGTH_AT)

    def _let_go(self) -> None:
        self._file = None
        os.close(self._head)
