"""A model's verdicts on prefixes of turns: kept without their words, and played back."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.fit.observe import Observed
from bench.fit.simulate import SimulatedTurn
from bench.natural.speech import NaturalTurn
from bench.natural.verdicts import Verdicts, checksum, is_mark, perfect, prefixes, prompt
from pipelines.core.events import Listened, SpeechPaused, SpeechStarted, Transcribed
from pipelines.core.thinking.turn_marks import INSTRUCTION
from tests.bench.natural.test_figures import turn


def a_turn(name: str) -> NaturalTurn:
    return replace(turn(), id=name)


def test_one_who_is_always_right_says_so_until_the_turn_is_over() -> None:
    verdict = perfect(a_turn("a"))
    assert [verdict("hello", 5.3), verdict("hello", 5.5)] == [True, False]


def test_the_same_words_have_one_checksum_however_they_are_written() -> None:
    assert checksum("It's seven, zero.") == checksum("it's seven zero")
    assert checksum("It's seven.") != checksum("It's eleven.")


def test_a_table_is_read_as_it_was_written_and_holds_no_words(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.json"
    words = "my secret number"
    Verdicts("m", "i", {"a/0/1.00": {checksum(words): True}, "b/0/2.00": {}}).save(path)

    found = Verdicts.load(path)
    assert (found.model, found.instruction) == ("m", "i")
    assert found.of(a_turn("a/0/1.00"))(words, 0.0)
    assert not any(word in path.read_text() for word in words.split())


def test_words_that_nobody_asked_about_are_counted_and_taken_for_an_answer() -> None:
    table = Verdicts("m", "i", {"a": {checksum("hello"): True}})
    found = [
        table.of(a_turn(turn))(text, 0.0)
        for turn, text in (("a", "hello"), ("a", "hello there"), ("b", "hello"))
    ]
    assert found == [True, False, False]
    assert table.unknown == 2


def test_every_text_that_a_reply_may_be_begun_for_is_asked_about_once() -> None:
    facts = [
        Observed(0.1, SpeechStarted(0.1)),
        Observed(2.02, SpeechPaused(2.0)),
        Observed(2.04, Transcribed("I lost my card.", 2.0, final=True)),
        Observed(4.0, SpeechStarted(4.0)),
        Observed(5.02, SpeechPaused(5.0)),
        Observed(5.04, Transcribed("I lost my card. It is blue.", 5.0, final=True)),
        *(Observed(at / 50, Listened(at / 50)) for at in range(500)),
    ]
    heard = SimulatedTurn("a", "", 5.0, (), sorted(facts, key=lambda one: one.at_s))
    assert sorted(text for _, text in prefixes([heard])) == [
        "I lost my card.",
        "I lost my card. It is blue.",
        "It is blue.",
    ]


def test_the_prompt_is_a_calls_and_has_the_instruction() -> None:
    roles = [one["role"] for one in prompt("How can I help?", "Hi")]
    assert roles == ["system", "assistant", "user"]
    assert prompt("", "Hi")[1:] == [{"role": "user", "content": INSTRUCTION + "Hi"}]


@pytest.mark.parametrize(
    ("answer", "is_one"), [("\u25d0", True), (" \u25d0 Go", True), ("Sure", False)]
)
def test_an_answer_is_read_as_a_call_reads_it(answer: str, *, is_one: bool) -> None:
    assert is_mark(answer) == is_one
