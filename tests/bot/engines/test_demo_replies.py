"""A minute's talk with the demo engine, in the spelling of speech-to-text."""

import itertools
import random
import re
from dataclasses import dataclass
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.engines.demo_replies import _STORIES, answer, normal

NOW = datetime(2025, 11, 20, 15, 4).astimezone()


@dataclass
class Said:
    role: str
    content: str


def ask(*turns: str, system: str = "Be brief.", now: datetime = NOW, seed: int = 1) -> str:
    """The answer to the last of `turns`, which the person and the bot took in turn."""
    talk = [Said(("user", "assistant")[i % 2], text) for i, text in enumerate(turns)]
    return answer([Said("system", system), *talk], now=now, rng=random.Random(seed))


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        ("What time is it?", "Sure, it's 4 minutes past 3 in the afternoon."),
        ("whats the time what time is it", "Sure, it's 4 minutes past 3 in the afternoon."),
        ("What day is it today?", "Sure, today is Thursday, November 20th."),
        ("Count from five to eight.", "Sure, here we go. 5, 6, 7, 8. Done."),
        ("count down from 3", "Sure, here we go. 3, 2, 1. Done."),
        ("Could you count to two hundred?", "Well, that would take a while. I stop at 100."),
        ("What is 12 times 7?", "Let me see, 12 times 7 is 84."),
        ("what's twelve times seven", "Let me see, 12 times 7 is 84."),
        ("One hundred and five minus two hundred.", "Let me see, 105 minus 200 is minus 95."),
        ("10 divided by 3", "Let me see, 10 divided by 3 is about 3.33."),
        ("What's 1 over 0?", "Well, nobody can divide by zero."),
        ("Repeat after me. The cat is black.", "Okay. The cat is black."),
        ("Stop.", "Okay, I'm listening."),
        ("Thank you.", "You're welcome. Anything else?"),
        ("My name is Anna.", "Nice to meet you, Anna. I'm the demo."),
        ("The ship is late", "You said: The ship is late."),
        ("Is the ship late?", "You said: Is the ship late?"),
        ("He told her that story.", "You said: He told her that story."),
        ("", "Sorry, I did not catch that. Could you say it again?"),
        ("...", "Sorry, I did not catch that. Could you say it again?"),
    ],
)
def test_what_is_heard_is_answered(heard: str, said: str) -> None:
    assert ask(heard) == said


@pytest.mark.parametrize("heard", ["Count to twenty.", "count to 20", "Can you count to Twenty?"])
def test_it_counts_however_the_number_is_spelt(heard: str) -> None:
    assert [int(n) for n in re.findall(r"\d+", ask(heard))] == list(range(1, 21))


@pytest.mark.parametrize("heard", ["Who are you?", "what are you", "Are you a real person?"])
def test_it_says_what_it_is(heard: str) -> None:
    assert "no language model" in ask(heard)


def test_it_says_how_fast_the_last_answer_was_as_the_server_told_it() -> None:
    told = "Be brief.\nlast answer: 700 ms\nlast answer: 240 ms"
    assert "after 240 milliseconds" in ask("How fast was that?", system=told)
    assert "nobody has told me" in ask("How fast was that?")


def test_a_figure_from_the_persons_own_mouth_is_not_believed() -> None:
    assert "nobody has told me" in ask("last answer: 5 ms", "You said.", "How fast was that?")


def test_it_remembers_a_name_and_what_was_said() -> None:
    talk = ("Hi, my name is Anna.", "Nice to meet you, Anna.")
    assert ask(*talk, "What is my name?") == "Of course, you're Anna."
    assert ask(*talk, "What did you say?") == "Sure, I said: Nice to meet you, Anna."
    assert ask(*talk, "What did I say?") == "You said: Hi, my name is Anna."


def test_of_two_turns_in_one_message_the_last_is_answered() -> None:
    assert ask("Tell me a story.\nCount down from 2.") == "Sure, here we go. 2, 1. Done."


@pytest.mark.parametrize("text", _STORIES)
def test_a_story_takes_a_minute_and_fits_an_answer(text: str) -> None:
    assert 180 < len(text.split()) <= 256


def test_the_seed_chooses_the_story() -> None:
    assert ask("Tell me a story.", seed=3) == ask("Tell me a long story", seed=3)
    assert {ask("Tell me a story.", seed=n) for n in range(20)} == set(_STORIES)


def test_a_long_turn_is_repeated_in_part() -> None:
    said = ask(" ".join(["and so it went"] * 30))
    assert said.endswith(", and more.")
    assert len(said.split()) < 50


def test_every_time_of_day_can_be_said() -> None:
    for hour, minute in itertools.product(range(24), (0, 1, 59)):
        said = ask("What time is it?", now=NOW.replace(hour=hour, minute=minute))
        assert re.fullmatch(
            r"Sure, it's (\d\d? minutes? past \d\d?|\d\d? o'clock) (at night|in the \w+)\.", said
        )


@pytest.mark.parametrize(
    ("heard", "read"),
    [
        ("Twenty-five, please!", "25 please"),
        ("one hundred and twenty five and six", "125 and 6"),
        ("four seven two", "4 7 2"),
        ("twenty ten", "20 10"),
        ("1,250 plus 2.5", "1250 plus 2.5"),
        ("what\u2019s 3-5", "what's 3 - 5"),
    ],
)
def test_numbers_are_read_as_digits(heard: str, read: str) -> None:
    assert normal(heard) == read


@given(st.lists(st.text(max_size=80), min_size=1, max_size=4))
def test_whatever_is_said_there_is_an_answer(turns: list[str]) -> None:
    assert ask(*turns).strip()


@pytest.mark.parametrize("heard", ["help", "hello", "a joke please", "bye", "can you hear me"])
def test_an_answer_begins_with_a_short_clause_and_has_no_markdown(heard: str) -> None:
    said = ask(heard)
    assert len(re.split(r"[,.!?:]", said)[0].split()) <= 8
    assert not re.search(r"[*_#`\[\]|]", said)
