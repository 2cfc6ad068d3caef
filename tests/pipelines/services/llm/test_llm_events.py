"""The objects of a body, whatever form a server gives it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.services.llm.llm_events import LONGEST_BODY, EventReader

ONE, TWO = {"n": 1}, {"n": 2}


def read(*pieces: bytes) -> list[object]:
    reader = EventReader()
    found: list[object] = []
    for piece in pieces:
        found += reader.feed(piece)
    return [*found, *reader.finish()]


@pytest.mark.parametrize(
    "body",
    [
        b'data: {"n": 1}\n\ndata: {"n": 2}\n\ndata: [DONE]\n\n',
        b'data:{"n":1}\r\n\r\ndata:{"n":2}\r\n\r\n',
        b'data: {"n": 1}\ndata: {"n": 2}\n',
        b'data: {"n": 1}\r\rdata: {"n": 2}\r',
        b'\xef\xbb\xbfdata: {"n": 1}\n\ndata: {"n": 2}',
        b': ping\n\ndata: {"n": 1}\n\nevent: x\nid: 7\ndata: {"n": 2}\n\n',
        b'data: : PROCESSING\n\ndata: {"n": 1}\n\ndata:\n\ndata: ping\n\ndata: {"n": 2}\n\n',
        b'data: {\ndata: "n": 1}\n\ndata: {"n": 2}\n\n',
        b'{"n": 1}\n{"n": 2}\n',
        b'[{"n": 1},\n{"n": 2}]',
        b'data: data: {"n": 1}\n\ndata: data: {"n": 2}\n\ndata: data: [DONE]\n\n',
        b'data: {"n": 1}\n\ndata: {"n": 2}\n\ndata: [DONE]\n\ndata: {"n": 3}\n\n',
    ],
)
def test_every_form_holds_the_same_objects(body: bytes) -> None:
    assert read(body) == [ONE, TWO]
    assert read(*(bytes([byte]) for byte in body)) == [ONE, TWO]


@pytest.mark.parametrize(
    "body",
    [b'{"n":\n 1}', b'{\n  "n": 1\n}\n', b'data: {"n": 1}\n\n<html>\n', b"\n\n" + b'{"n": 1}'],
)
def test_a_body_may_be_one_object(body: bytes) -> None:
    assert read(body) == [ONE]


@pytest.mark.parametrize("body", [b"data: {torn\n\n", b"{torn", b'data: {"n": 1', b"{" * 100_000])
def test_what_is_torn_is_an_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(body)


def test_a_body_that_never_ends_is_an_error() -> None:
    line = b"nothing in particular" * 1000 + b"\n"
    with pytest.raises(ValueError, match="without an end"):
        read(*[line] * (LONGEST_BODY // len(line) + 2))


def test_the_end_is_told_at_once() -> None:
    reader = EventReader()
    assert list(reader.feed(b'data: {"n": 1}\n\ndata: [DONE]\n')) == [ONE]
    assert reader.is_done


@given(st.binary(max_size=200), st.integers(1, 7))
def test_junk_is_read_or_refused_alike_however_it_is_cut(body: bytes, size: int) -> None:
    def outcome(*pieces: bytes) -> object:
        try:
            return read(*pieces)
        except ValueError:
            return None

    assert outcome(body) == outcome(*(body[at : at + size] for at in range(0, len(body), size)))
