"""Mu-law against CPython's, which is Sun's reference code, and against the standard's own table."""

import audioop

import numpy as np

from pipelines.audio.mulaw import SILENCE, decode, encode

EVERY_SAMPLE = np.arange(-32768, 32768).astype(np.int16)
EVERY_CODE = bytes(range(256))

SEGMENT_STARTS = [32124, 15996, 7932, 3900, 1884, 876, 372, 120]
"""G.711, table 2a: what the first code of each segment stands for, from 0x80 on, on 16 bits."""


def test_every_sample_is_coded_as_the_reference_does() -> None:
    assert encode(EVERY_SAMPLE) == audioop.lin2ulaw(EVERY_SAMPLE.tobytes(), 2)


def test_every_code_is_decoded_as_the_reference_does() -> None:
    assert decode(EVERY_CODE).tobytes() == audioop.ulaw2lin(EVERY_CODE, 2)


def test_the_segments_begin_where_the_standard_says() -> None:
    decoded = decode(EVERY_CODE)
    assert decoded[0x80::16].tolist() == SEGMENT_STARTS
    assert decoded[0x00:0x80:16].tolist() == [-start for start in SEGMENT_STARTS]


def test_silence_is_the_code_of_zero() -> None:
    assert encode(np.zeros(3, np.int16)) == bytes([SILENCE] * 3)


def test_what_has_been_coded_is_coded_so_again() -> None:
    again = bytearray(encode(decode(EVERY_CODE)))
    again[0x7F] = 0x7F  # the negative zero, which no sample is
    assert bytes(again) == EVERY_CODE
