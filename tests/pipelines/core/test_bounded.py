"""However much a person types, and a model writes, a call's work and memory stay the same."""

import pytest

from pipelines.core.call import TOO_MUCH_TYPED, CallCore
from pipelines.core.commands import CommitReply
from pipelines.core.events import (
    Listened,
    PlayoutEnded,
    PlayoutStarted,
    SayAsked,
    SpeechPaused,
    SpeechStarted,
    TextTyped,
    Transcribed,
)
from pipelines.core.exchange import Caption, Fault, Say, Typed
from pipelines.core.memory.conversation import (
    LEAST_CUT,
    MOST_CUT,
    MOST_LINES,
    MOST_TOKENS,
    Conversation,
)
from pipelines.core.policies import CallFormat, Policies
from pipelines.core.turn import completeness, endpointing, expectation, machine, wording
from pipelines.core.turn.expectation import expected_after
from pipelines.core.turn.machine import TurnMachine
from pipelines.core.turn.policy import LONGEST_TURN, TurnPolicy
from pipelines.core.turn.wording import LONGEST_GIST, gist
from tests.steps import counted

SLACK = 1.2


def new_call() -> CallCore:
    return CallCore(Policies(), CallFormat(in_rate_hz=16_000, out_rate_hz=24_000), now=0.0)


def typed(core: CallCore, *texts: str, interrupts: bool = True) -> list[object]:
    return [c for text in texts for c in core.handle(Typed(text, interrupts), 1.0)]


# ---- one turn ----

TEXTS = {
    "words": "lorem ipsum dolor ",
    "one word": "a",
    "commas": "a,",
    "figures": "1 ",
    "questions": "what which what's ",
    "greetings": "hi, this is from at ",
    "emoji": "\N{GRINNING FACE} ",
}


@pytest.mark.parametrize("piece", TEXTS.values(), ids=TEXTS)
def test_a_pause_costs_the_same_after_a_long_text_as_after_a_short_one(piece: str) -> None:
    def steps_of_a_pause(length: int) -> int:
        turns = TurnMachine(TurnPolicy(), expected=lambda: expected_after("Your card number?"))
        turns.handle(SpeechStarted(1.0))
        for _ in range(4):
            turns.handle(TextTyped((piece * length)[: length // 4]))
        turns.handle(Transcribed(piece * 5, 1.9, final=False))
        turns.handle(SpeechPaused(2.0))

        def wait() -> None:
            for tick in range(1, 5):
                turns.handle(Listened(2.0 + 0.02 * tick))

        wait()  # fills caches
        return count(wait)

    with counted(completeness, endpointing, expectation, machine, wording) as count:
        short, long = steps_of_a_pause(3 * LONGEST_GIST), steps_of_a_pause(LONGEST_TURN)
        assert long <= SLACK * short


def test_the_gist_of_a_text_is_its_beginning_and_its_end() -> None:
    assert gist("as it is") == "as it is"
    long = "What was it, " + "and then " * 2000 + "that you said?"
    assert len(gist(long)) == LONGEST_GIST + 1
    assert (gist(long)[:12], gist(long)[-14:]) == ("What was it,", "that you said?")


def test_a_text_that_is_too_long_for_its_turn_is_not_taken_and_the_person_is_told() -> None:
    core = new_call()
    assert typed(core, "a" * (LONGEST_TURN + 1)) == [Fault(TOO_MUCH_TYPED)]
    assert typed(core, "a" * (LONGEST_TURN + 1), interrupts=False) == [Fault(TOO_MUCH_TYPED)]
    assert core.conversation.lines == ()
    assert str(LONGEST_TURN) in TOO_MUCH_TYPED


def test_texts_typed_while_one_speaks_fill_the_turn_up_to_its_limit() -> None:
    turns = TurnMachine(TurnPolicy())
    assert turns.room == LONGEST_TURN
    turns.handle(SpeechStarted(1.0))
    turns.handle(TextTyped("a" * 16_000))
    assert turns.room == LONGEST_TURN - 16_000
    turns.handle(Transcribed("b" * 100, 1.5, final=False))
    assert turns.room == LONGEST_TURN - 16_000 - 101


def test_texts_typed_over_a_notice_are_bounded_too() -> None:
    core = new_call()
    core.handle(Say("This call is recorded.", must_be_heard=True), 0.0)
    told = typed(core, *["a" * 8000] * 5)
    assert told == [Fault(TOO_MUCH_TYPED)] * 3

    turns = TurnMachine(TurnPolicy())
    turns.handle(SayAsked("This call is recorded.", must_be_heard=True))
    turns.handle(TextTyped("a" * 10_000))
    assert turns.room == LONGEST_TURN - 10_001


def test_the_next_turn_has_room_again() -> None:
    turns = TurnMachine(TurnPolicy())
    for turn in (1, 2, 3):
        assert turns.room == LONGEST_TURN
        said = turns.handle(TextTyped("a" * LONGEST_TURN))
        assert [c.text for c in said if isinstance(c, CommitReply)] == ["a" * LONGEST_TURN]
        turns.handle(PlayoutStarted(turn))
        turns.handle(PlayoutEnded(turn))


def test_captions_are_no_longer_than_a_turn() -> None:
    core = new_call()
    told = typed(core, *["word " * 1000] * 20)
    captions = [one.text for one in told if isinstance(one, Caption)]
    assert max(map(len, captions)) <= LONGEST_TURN


# ---- the bot's words ----


@pytest.mark.parametrize("said", ["what " * 20_000, "a" * 100_000, "what?" * 20_000, "." * 100_000])
def test_what_is_expected_is_read_off_the_bots_last_words(said: str) -> None:
    with counted(expectation) as count:
        assert count(lambda: expected_after(said)) < 200_000
        assert count(lambda: expected_after(said)) < 10


# ---- memory ----


def remembered(talk: Conversation) -> int:
    return sum(len(line.text) for line in talk.lines)


MENTIONED: dict[str, tuple[str, int]] = {
    "long texts": ("\N{GRINNING FACE}" + "a" * 8000, 400),
    "texts of four bytes a character": ("\N{GRINNING FACE}" * 8000, 400),
    "short texts": ("a", 1500),
    "texts of a line": ("This is a line that nothing answers. " * 3, 1500),
    "lines without a word": ("\n" * 1000, 400),
}


@pytest.mark.parametrize(("text", "times"), MENTIONED.values(), ids=MENTIONED)
@pytest.mark.parametrize("limit", [None, 1_000_000, 8192])
def test_texts_that_nothing_answers_are_remembered_up_to_a_limit(
    text: str, times: int, limit: int | None
) -> None:
    talk = Conversation("be brief", limit)
    for _ in range(times):
        talk.mentioned(text)
    assert len(talk.lines) <= MOST_LINES + 1
    assert talk.tokens <= MOST_TOKENS
    assert remembered(talk) <= 4 * MOST_TOKENS
    assert talk.lines[-1].text == text
    assert len(talk.to_sum_up) <= MOST_CUT + 10 * talk.cut_lines
    assert talk.cut_lines <= MOST_CUT // LEAST_CUT


def test_turns_are_remembered_up_to_a_limit_where_the_model_has_none() -> None:
    talk = Conversation("be brief")
    for turn in range(1, 600):
        talk.said(turn, f"question {turn} " + "word " * 40)
        talk.with_question(turn, "and now?")
        talk.heard(turn, turn, "an answer " * 20, estimated=False)
    assert len(talk.lines) <= MOST_LINES + 2
    assert talk.tokens <= MOST_TOKENS
    assert talk.lines[-1].role == "assistant"


def test_a_talk_within_the_limits_is_remembered_whole() -> None:
    talk = Conversation("be brief")
    for turn in range(1, 500):
        talk.said(turn, f"question {turn}")
        talk.with_question(turn, f"question {turn}")
        talk.heard(turn, turn, f"answer {turn}", estimated=False)
    assert len(talk.lines) == 998


def test_what_goes_begins_with_the_oldest_and_leaves_a_third() -> None:
    talk = Conversation("be brief")
    for turn in range(MOST_LINES + 1):
        talk.mentioned(f"{turn}")
    assert [line.text for line in talk.lines][:1] == [f"{MOST_LINES - MOST_LINES // 3 + 1}"]
    assert talk.cut_lines == MOST_LINES - MOST_LINES // 3 + 1


def test_a_call_does_not_grow_with_what_is_typed_into_it() -> None:
    core = new_call()
    sizes = []
    for at in range(200):
        typed(core, f"{at} " + "a" * 8000, interrupts=at % 2 == 0)
        sizes.append(remembered(core.conversation))
    assert max(sizes) <= 4 * MOST_TOKENS
