import io
import struct
import wave

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipelines.audio.pcm_stream import LONGEST_HEADER, PcmStream

SAMPLES = (np.arange(-500, 500) * 60).astype(np.int16)


def wav(rate_hz: int = 22_050, width: int = 2, channels: int = 1) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setparams((channels, width, rate_hz, 0, "NONE", ""))
        written.writeframes(SAMPLES.tobytes())
    return file.getvalue()


def streamed_wav(size: int) -> bytes:
    """As servers write it that do not know the length, with a chunk that means nothing."""
    whole = wav()
    more = b"LIST" + struct.pack("<I", 5) + b"INFO!\0"
    return whole[:36] + more + b"data" + struct.pack("<I", size) + whole[44:]


def read(data: bytes, cuts: list[int]) -> tuple[NDArray[np.int16], int]:
    stream = PcmStream(24_000)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    taken = [stream.feed(data[a:b]) for a, b in zip(edges, edges[1:], strict=False)]
    return np.concatenate([*taken, stream.finish()]), stream.rate_hz


@given(st.lists(st.integers(0, 2100), max_size=8))
@pytest.mark.parametrize(
    ("data", "rate_hz"),
    [
        (SAMPLES.tobytes(), 24_000),
        (wav(), 22_050),
        (wav() + b"LIST\x04\0\0\0junk", 22_050),
        (streamed_wav(0xFFFFFFFF), 22_050),
        (streamed_wav(0), 22_050),
    ],
)
def test_samples_come_out_whole_wherever_the_stream_is_torn(
    data: bytes, rate_hz: int, cuts: list[int]
) -> None:
    samples, found_hz = read(data, cuts)

    assert np.array_equal(samples, SAMPLES)
    assert found_hz == rate_hz


@pytest.mark.parametrize("data", [b"", b"\1", b"\1\0", b"\1\0\2\0\3", b"RIFF", wav()[:30]])
def test_the_shortest_streams_end_too(data: bytes) -> None:
    samples, _ = read(data, [1])
    expected = 0 if data.startswith(b"RIFF") else len(data) // 2
    assert len(samples) == expected


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"ID3\4" + bytes(20), "MP3"),
        (b"OggS" + bytes(20), "Ogg"),
        (b'{"error": "no such voice"}', "JSON"),
        (wav(width=1), "8 bits"),
        (wav(channels=2), "2 channels"),
        (wav()[:36] + b"LIST\xff\xff\xff\xff" + bytes(LONGEST_HEADER), "without samples"),
    ],
)
def test_what_is_no_pcm_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read(data, [])
