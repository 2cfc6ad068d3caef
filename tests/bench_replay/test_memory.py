"""What was asked in a recorded call, and when the answer comes to one who asks again."""

from typing import Any

import pytest

from bench.replay.memory import Memory, Past, stretch


def line(at_s: float, kind: str, what: str, **values: Any) -> dict[str, Any]:
    return {"t": at_s, "k": kind, "type": what, **values}


def asked_once() -> Past:
    found = Memory(
        [
            line(10.0, "model", "Asked", question=1, of="stt", start_s=8, end_s=9.9, final=True),
            line(10.1, "model", "Answered", question=1, of="stt", text="yes"),
            line(10.104, "fact", "Transcribed", text="yes"),
            line(10.2, "fact", "Transcribed", text="yes"),
        ]
    ).find("stt", stretch(8, 9.9, final=True))
    assert found is not None
    return found


def due_s(past: Past, asked_s: float) -> float:
    assert past.end is not None
    return past.due_s(past.end["t"], asked_s)


def test_an_answer_comes_when_the_ears_had_taken_it() -> None:
    assert due_s(asked_once(), 10.0) == pytest.approx(10.104)


def test_who_asks_a_moment_sooner_has_it_when_it_came_then() -> None:
    assert due_s(asked_once(), 9.995) == pytest.approx(10.104)


@pytest.mark.parametrize("apart_s", [-0.5, -0.02, 0.01, 0.5])
def test_who_asks_at_another_time_waits_as_long_as_then(apart_s: float) -> None:
    assert due_s(asked_once(), 10.0 + apart_s) == pytest.approx(10.104 + apart_s)
