"""The demo engine answers a text of any length at once, for all calls wait for it."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from bot.engines import demo_replies
from bot.engines.demo_replies import ECHO_CHARACTERS, LONGEST_TURN, answer, normal
from tests.steps import CountedPattern, Steps, counted

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Line:
    content: str
    role: str = "user"


def said(*texts: str) -> str:
    return answer([Line(text) for text in texts], now=NOON, rng=random.Random(1))


TEXTS = {
    "figures": "1",
    "figures in words": "1 ",
    "decimals": "1.",
    "sums": "1+",
    "letters": "a",
    "commas": "a,",
    "words": "count ",
    "names": "my name is ",
    "lines": "a\n",
    "apostrophes": "'",
    "hyphens": "a-",
    "stories": "tell ",
}


@pytest.mark.parametrize("piece", TEXTS.values(), ids=TEXTS)
def test_a_text_is_looked_at_up_to_a_limit(piece: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = Steps()
    rules = [(CountedPattern(pattern, looked), rule) for pattern, rule in demo_replies._RULES]
    monkeypatch.setattr(demo_replies, "_RULES", rules)
    with counted(demo_replies) as count:
        text = (piece * 300_000)[:300_000]
        short, long = count(lambda: said(text[:4000])), count(lambda: said(text))
        assert long - short <= 30 * len(text)
        assert looked.taken <= 2 * len(rules) * (LONGEST_TURN + 1)


@pytest.mark.parametrize("piece", TEXTS.values(), ids=TEXTS)
def test_an_answer_is_short_whatever_is_asked(piece: str) -> None:
    assert len(said((piece * 16_000)[:16_000])) <= ECHO_CHARACTERS + 100
    assert len(said((piece * 16_000)[:16_000], "what is my name")) <= LONGEST_TURN
    assert len(normal((piece * 16_000)[:16_000])) <= 2 * LONGEST_TURN


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("what is 5 plus 4", "Let me see, 5 plus 4 is 9."),
        ("what is 2.5 times 4", "Let me see, 2.5 times 4 is 10."),
        ("123456789012345 plus 1", "Let me see, 1.23457e+14 plus 1 is 123456789012346."),
    ],
)
def test_sums_are_done_as_before(asked: str, answered: str) -> None:
    assert said(asked).startswith(answered[:14])


def test_a_number_of_too_many_figures_is_no_sum() -> None:
    assert said("1" * 400 + " plus 1").startswith("You said: 111")
