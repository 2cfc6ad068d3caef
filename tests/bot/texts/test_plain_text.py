"""The plain text stream, read back by the rules of server-sent events."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.texts.plain_text import FormatError, TextEvents, format_of


def heard(stream: bytes) -> list[tuple[str, str, str]]:
    """Name, data and id of each event, as an EventSource dispatches them (WHATWG HTML, 9.2.6)."""
    events, name, data, last = [], "message", list[str](), ""
    for line in re.split(r"\r\n|\r|\n", stream.decode()):
        field, colon, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                events.append((name, "\n".join(data), last))
            name, data = "message", []
        elif field == "data" and (colon or not value):
            data.append(value)
        elif field == "event":
            name = value
        elif field == "id":
            last = value
    return events


def spoken(*pieces: str) -> bytes:
    events = TextEvents()
    return b"".join(events.piece("", piece) for piece in pieces) + events.end("", "stop")


def test_a_piece_is_one_line_with_its_own_blanks_kept() -> None:
    stream = spoken("Machine", " learning", "  is", " ")
    assert stream == (
        b"data: Machine\n\ndata:  learning\n\ndata:   is\n\ndata:  \n\nevent: end\ndata:\n\n"
    )


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["one\ntwo"], "one\ntwo"),
        (["\n"], "\n"),
        (["a\n", "\n", "\nb"], "a\n\n\nb"),
        (["a\r\nb\rc"], "a\nb\nc"),
        (["a\r", "\nb"], "a\nb"),
        (["a\r", "b"], "a\nb"),
        (["a\r", "", "\nb"], "a\nb"),
        (["a\r", "\n", "\n"], "a\n\n"),
        (["data: x", "\n: not a comment", "\nevent: end"], "data: x\n: not a comment\nevent: end"),
        (["", "a", ""], "a"),
        (["\u2028\u0085\x0b\x0c", "é👍"], "\u2028\u0085\x0b\x0cé👍"),
    ],
)
def test_line_breaks_come_through_whole_however_they_are_cut(pieces: list[str], text: str) -> None:
    *events, last = heard(spoken(*pieces))
    assert last == ("end", "", "")
    assert {name for name, _, _ in events} == {"message"}
    assert "".join(data for _, data, _ in events) == text


@given(st.lists(st.text(st.sampled_from("ab \r\n:"), max_size=5), max_size=8))
def test_any_pieces_are_heard_as_the_text_that_they_make(pieces: list[str]) -> None:
    *events, _ = heard(spoken(*pieces))
    text = re.sub(r"\r\n|\r", "\n", "".join(pieces))
    assert "".join(data for _, data, _ in events) == text


def test_each_event_belongs_to_its_own_answer() -> None:
    events = TextEvents()
    stream = (
        events.piece("a", "One\r")
        + events.piece("b", "\nEins")
        + events.piece("a", "\ntwo")
        + events.end("a", "length")
        + events.error("b", "the language model failed")
    )
    assert heard(stream) == [
        ("message", "One\n", "a"),
        ("message", "\nEins", "b"),
        ("message", "two", "a"),
        ("end", "length", "a"),
        ("error", "the language model failed", "b"),
    ]


@pytest.mark.parametrize(
    ("query", "accept", "form"),
    [
        (None, "", "chunks"),
        (None, "*/*", "chunks"),
        (None, "text/plain", "text"),
        (None, "text/event-stream", "chunks"),
        (None, "text/event-stream; format=text", "text"),
        (None, "Text/Plain, */*;q=0.1", "text"),
        (None, "text/plain;q=0.5, text/event-stream", "chunks"),
        (None, "text/event-stream;q=0.5, text/plain", "text"),
        (None, "application/json, text/plain, */*", "chunks"),
        (None, "text/plain;q=0", "chunks"),
        (None, "text/plain;q=high", "chunks"),
        (None, ",;q=,=;", "chunks"),
        ("text", "application/json", "text"),
        ("chunks", "text/plain", "chunks"),
    ],
)
def test_the_query_decides_and_without_one_the_liking(
    query: str | None, accept: str, form: str
) -> None:
    assert format_of(query, accept) == form


@pytest.mark.parametrize("query", ["", "json", "TEXT"])
def test_another_format_is_refused(query: str) -> None:
    with pytest.raises(FormatError, match="text or chunks"):
        format_of(query, "text/plain")
