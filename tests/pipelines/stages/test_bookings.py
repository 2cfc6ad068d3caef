"""A tool's work is not done again and not forgotten, whatever becomes of the answer."""

import asyncio
import itertools
import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

from pipelines.cascade import Policies
from pipelines.core.exchange import StopSpeaking, Typed
from pipelines.core.memory.tool_lines import AGAIN, CANCELLED, CUT_OFF, STILL_RUNNING
from pipelines.core.memory.tools import (
    DEFAULT_LIMIT_S,
    RunId,
    Tool,
    cancellable,
    once,
    repeatable,
    tool,
)
from pipelines.core.turn.policy import TurnPolicy
from pipelines.services.protocols import ChatMessage, ServiceError, ToolCall
from tests.pipelines.core.turn.certainty import certain
from tests.pipelines.services.scripted import Step, paced
from tests.pipelines.stages.rehearsal import Cue, Rehearsed, does, rehearse, says, speech_end

BOOK, QUESTION = "Book a table.", "When do you close?"
BOOKED, CLOSING, PATIENCE = "It is booked for you.", "We close at ten.", "I am on it."
HASTY = TurnPolicy(endpointing=certain(0.2, lead_s=0.15))
"""A turn is let go 0.2 s after its last word."""

Messages = Sequence[ChatMessage]
Answers = Callable[[Messages], Iterable[Step]]
counter = itertools.count()


class Restaurant:
    """Books as soon as it is asked; the answer takes its time."""

    def __init__(self, takes_s: float = 2.0, fails: int = 0) -> None:
        self.booked_s: list[float] = []
        self.run_ids: list[str] = []
        self.done_s: list[float] = []
        self._takes_s = takes_s
        self._fails = fails

    def tool(
        self,
        limit_s: float = DEFAULT_LIMIT_S,
        marked: Callable[[Any], Any] = lambda function: function,
    ) -> Tool:
        @marked
        async def book(run_id: RunId, people: int = 2, name: str | None = None) -> str:
            """Book a table."""
            now = asyncio.get_running_loop().time
            self.booked_s.append(now())
            self.run_ids.append(run_id)
            await asyncio.sleep(self._takes_s)
            self.done_s.append(now())
            if len(self.run_ids) <= self._fails:
                raise RuntimeError
            return f"booked for {people}"

        return tool(book, limit_s=limit_s)


def call(arguments: str = '{"people": 2}', after_s: float = 0.1) -> Step:
    return after_s, ToolCall(f"id{next(counter)}", "book", arguments)


def waiter(messages: Messages) -> Iterable[Step]:
    """Books whenever it was asked to and nothing that it is told says that it has."""
    told = [message.content for message in messages if message.role == "tool"]
    last = messages[-1]
    if any("booked" in said for said in told):
        return paced(BOOKED if last.role == "tool" else CLOSING)
    if STILL_RUNNING in told:
        return paced(PATIENCE if last.role == "tool" else CLOSING)
    wants = any("Book" in message.content for message in messages if message.role == "user")
    return [call()] if wants else paced("Hello.")


def play(*cues: Cue, tools: Sequence[Tool], answers: Answers = waiter, **scene: Any) -> Rehearsed:
    policies = Policies(tools=tuple(tools), turn=scene.pop("turn", HASTY))
    done = rehearse(*cues, policies=policies, answers=answers, **{"until_s": 12.0, **scene})
    assert (done.errors, done.tasks_left, done.streams_open) == ([], set(), 0)
    for request in done.llm.requests:
        assert_in_order(request)
    return done


def assert_in_order(request: Messages) -> None:
    """Each message with calls is followed by the result of each, under ids of their own."""
    rest, ids = list(request), list[str]()
    while rest:
        message = rest.pop(0)
        assert message.role != "tool", "a result without its call"
        for wanted in message.tool_calls:
            result = rest.pop(0)
            assert (result.role, result.answers) == ("tool", wanted.call_id)
            ids.append(wanted.call_id)
    assert len(ids) == len(set(ids))


def typing(*texts: tuple[float, str]) -> list[Cue]:
    return [does(at_s, Typed(text)) for at_s, text in texts]


def asked_with(done: Rehearsed, text: str) -> list[str]:
    """The first request that holds this text: what it was told, without the system prompt."""
    request = next(r for r in done.llm.requests if any(text in m.content for m in r))
    return [f"{message.role}: {message.content}" for message in request[1:]]


# ---- over the wait, and over the answer ----


def test_a_question_while_the_tool_runs_is_asked_with_what_runs() -> None:
    shop = Restaurant(2.0)
    cues = typing((1.0, BOOK), (2.0, QUESTION))
    done = play(*cues, tools=[shop.tool()], microphone=False)

    assert len(shop.booked_s) == 1
    assert asked_with(done, QUESTION) == [
        f"user: {BOOK}",
        "assistant: ",
        f"tool: {STILL_RUNNING}",
        f"user: {QUESTION}",
    ]
    assert done.heard_text == f"{CLOSING} {BOOKED}"


def test_a_question_over_the_first_words_of_the_confirmation_does_not_book_again() -> None:
    shop = Restaurant(0.5)
    cues = typing((1.0, BOOK), (2.15, QUESTION))
    done = play(*cues, tools=[shop.tool()], microphone=False)

    assert len(shop.booked_s) == 1
    assert asked_with(done, QUESTION) == [
        f"user: {BOOK}",
        "assistant: ",
        f"tool: booked for 2\n{CUT_OFF}",
        "assistant: It is",
        f"user: {QUESTION}",
    ]
    assert [role for role, _ in done.lines] == ["user", "tool", "assistant", "user", "assistant"]


def test_what_was_heard_to_its_end_is_not_marked() -> None:
    shop = Restaurant(0.5)
    cues = typing((1.0, BOOK), (6.0, QUESTION))
    done = play(*cues, tools=[shop.tool()], microphone=False)
    assert asked_with(done, QUESTION)[2] == "tool: booked for 2"


def test_the_button_over_the_wait_takes_nothing_back_and_the_result_is_told_all_the_same() -> None:
    shop = Restaurant(3.0)
    cues = [*typing((1.0, BOOK)), does(2.5, StopSpeaking())]
    done = play(*cues, tools=[shop.tool()], microphone=False)

    assert len(shop.booked_s) == 1
    assert done.heard_text.endswith(BOOKED)


def test_speech_over_the_wait_is_another_turn_or_the_same_one_and_books_once() -> None:
    for at_s in (2.0, 2.4, 2.8, 3.3, 4.0):
        shop = Restaurant(2.5)
        done = play(says(1.0, BOOK), says(at_s, QUESTION), tools=[shop.tool()])
        assert len(shop.booked_s) == 1, at_s
        told = "\n".join(f"{m.role}: {m.content}" for m in done.llm.requests[-1])
        assert "tool: booked for 2" in told


def test_an_answer_that_fails_after_the_tool_leaves_its_result_in_the_history() -> None:
    shop = Restaurant(0.5)
    down = ServiceError("llm", "scripted", retryable=True)

    def answers(messages: Messages) -> Iterable[Step]:
        return [(0.1, down)] if messages[-1].role == "tool" else waiter(messages)

    cues = typing((1.0, BOOK), (8.0, QUESTION))
    done = play(*cues, tools=[shop.tool()], answers=answers, microphone=False)
    assert len(shop.booked_s) == 1
    assert f"tool: booked for 2\n{CUT_OFF}" in asked_with(done, QUESTION)


# ---- a pause within the turn ----


def test_nothing_is_called_within_a_short_pause_of_the_turn() -> None:
    shop = Restaurant(1.0)
    first = says(1.0, "Book a table")
    again = says(speech_end(first) + 0.4, "for two please.")
    done = play(first, again, tools=[shop.tool()])

    assert [at > speech_end(again) for at in shop.booked_s] == [True]
    assert done.heard_text.endswith(BOOKED)


def test_a_turn_that_is_reopened_while_the_tool_runs_is_asked_anew_with_its_call() -> None:
    shop = Restaurant(3.0)
    first = says(1.0, "Book a table")
    again = says(speech_end(first) + 0.8, "for two please.")
    done = play(first, again, tools=[shop.tool()])

    assert len(shop.booked_s) == 1
    assert shop.booked_s[0] < again.at_s
    assert asked_with(done, "please") == [
        "user: Book a table for two please.",
        "assistant: ",
        f"tool: {STILL_RUNNING}",
    ]
    assert done.heard_text == f"{PATIENCE} {BOOKED}"
    assert [line for line in done.lines if line[0] == "user"] == [
        ("user", "Book a table for two please.")
    ]


def test_a_turn_that_is_reopened_after_the_tool_has_ended_is_answered_by_it() -> None:
    shop = Restaurant(0.05)
    first = says(1.0, "Book a table")
    again = says(speech_end(first) + 0.75, "for two please.")

    def slow_to_tell(messages: Messages) -> Iterable[Step]:
        steps = list(waiter(messages))
        return [(1.0, steps[0][1]), *steps[1:]] if messages[-1].role == "tool" else steps

    done = play(first, again, tools=[shop.tool()], answers=slow_to_tell)
    assert len(shop.booked_s) == 1
    assert asked_with(done, "please")[:2] == ["user: Book a table for two please.", "assistant: "]
    assert done.heard_text.endswith(BOOKED)


def test_the_same_call_in_a_turn_is_answered_by_its_run_however_it_is_written() -> None:
    shop = Restaurant(0.1)
    spellings = ['{"people": 2}', "{}", '{"name": null, "people":2}', " "]
    asked = iter(spellings)

    def answers(messages: Messages) -> Iterable[Step]:
        spelling = next(asked, None)
        return paced(BOOKED) if spelling is None else [call(spelling.strip())]

    done = play(*typing((1.0, BOOK)), tools=[shop.tool()], answers=answers, microphone=False)
    assert len(shop.booked_s) == 1
    assert [m.content for m in done.llm.requests[3] if m.role == "tool"] == [
        "booked for 2",
        f"booked for 2\n{AGAIN}",
        f"booked for 2\n{AGAIN}",
    ]


def test_two_calls_of_one_answer_that_are_the_same_are_one_run() -> None:
    shop = Restaurant(0.1)

    def answers(messages: Messages) -> Iterable[Step]:
        return paced(BOOKED) if messages[-1].role == "tool" else [call(), call()]

    done = play(*typing((1.0, BOOK)), tools=[shop.tool()], answers=answers, microphone=False)
    assert len(shop.booked_s) == 1
    assert [m.content for m in done.llm.requests[-1] if m.role == "tool"] == [
        "booked for 2",
        f"booked for 2\n{AGAIN}",
    ]


# ---- later turns ----


def always_books(messages: Messages) -> Iterable[Step]:
    return paced(BOOKED) if messages[-1].role == "tool" else [call()]


@pytest.mark.parametrize(
    ("marked", "runs"), [(lambda function: function, 3), (once, 1), (repeatable, 3)]
)
def test_another_one_please_is_run_unless_the_tool_is_done_once(
    marked: Callable[[Any], Any], runs: int
) -> None:
    shop = Restaurant(0.1)
    cues = typing((1.0, BOOK), (5.0, "Another one!"), (9.0, "And another one!"))
    done = play(*cues, tools=[shop.tool(marked=marked)], answers=always_books, microphone=False)
    assert len(shop.booked_s) == len(set(shop.run_ids)) == runs
    assert done.heard_text == " ".join([BOOKED] * 3)


def test_a_call_that_was_asked_for_before_its_result_was_told_is_not_run() -> None:
    """The answer was begun before the tool had ended, and makes the call after that."""
    shop = Restaurant(1.5)

    def answers(messages: Messages) -> Iterable[Step]:
        if messages[-1].content == QUESTION:
            return [call(after_s=2.0)]
        return always_books(messages)

    cues = typing((1.0, BOOK), (1.8, QUESTION))
    done = play(*cues, tools=[shop.tool()], answers=answers, microphone=False)
    assert shop.done_s[0] < done.asked_s[1] + 2.0
    assert len(shop.booked_s) == 1


def test_a_run_that_failed_is_told_and_tried_again_only_when_it_is_asked_for_again() -> None:
    shop = Restaurant(0.1, fails=1)
    cues = typing((1.0, BOOK), (5.0, BOOK))
    done = play(*cues, tools=[shop.tool(marked=once)], answers=always_books, microphone=False)
    assert len(shop.booked_s) == 2
    assert shop.run_ids[0] == shop.run_ids[1]
    assert done.llm.requests[1][-1].content == "error: it failed"


# ---- slow ones ----


def test_a_slow_tool_runs_on_and_is_told_of_when_it_has_ended() -> None:
    shop = Restaurant(9.0)
    done = play(*typing((1.0, BOOK)), tools=[shop.tool()], microphone=False, until_s=20.0)

    assert len(shop.booked_s) == 1
    assert done.heard_text == f"One moment, please. {PATIENCE} {BOOKED}"
    told = [word.start_s for word in done.heard if word.text == "It"]
    assert shop.done_s[0] < told[0] < shop.done_s[0] + 0.5
    assert done.llm.requests[-1][-1].content == f"booked for 2\n{AGAIN}"
    assert len(done.llm.requests) == 3


def test_what_ends_while_somebody_speaks_is_told_afterwards() -> None:
    shop = Restaurant(4.0)
    story = "Once upon a time there was a table for two by the window."

    def answers(messages: Messages) -> Iterable[Step]:
        return paced(story) if messages[-1].content == QUESTION else waiter(messages)

    cues = typing((1.0, BOOK), (4.0, QUESTION))
    done = play(*cues, tools=[shop.tool()], answers=answers, microphone=False, until_s=15.0)
    assert done.heard_text == f"One moment, please. {story} {BOOKED}"


def test_what_ends_while_the_caller_speaks_is_in_the_next_request_and_told_once() -> None:
    shop = Restaurant(6.0)
    question = "When is it that all of you close in the end?"
    done = play(*typing((1.0, BOOK)), says(6.0, question), tools=[shop.tool(2.0)], until_s=14.0)

    assert 6.0 < shop.done_s[0] < speech_end(says(6.0, question))
    assert asked_with(done, question)[-3:] == [
        "assistant: ",
        f"tool: booked for 2\n{AGAIN}",
        f"user: {question}",
    ]
    assert done.heard_text.endswith(f"{PATIENCE} {CLOSING}")


def test_who_speaks_over_what_the_bot_tells_by_itself_is_answered_and_it_is_marked() -> None:
    shop = Restaurant(6.0)
    cues = typing((1.0, BOOK), (7.65, QUESTION))
    done = play(*cues, tools=[shop.tool(2.0)], microphone=False, until_s=14.0)
    assert asked_with(done, QUESTION)[-3:] == [
        f"tool: booked for 2\n{AGAIN}\n{CUT_OFF}",
        "assistant: It is",
        f"user: {QUESTION}",
    ]
    assert len(shop.booked_s) == 1


def test_a_model_that_asks_for_what_runs_waits_for_it() -> None:
    shop = Restaurant(8.0)
    done = play(
        *typing((1.0, BOOK)),
        tools=[shop.tool()],
        answers=lambda messages: paced(BOOKED) if "booked" in messages[-1].content else [call("")],
        microphone=False,
        until_s=14.0,
    )
    assert len(shop.booked_s) == 1
    assert done.heard_text == f"One moment, please. {BOOKED}"
    assert len(done.llm.requests) == 3


# ---- what can be stopped ----


def test_what_can_be_cancelled_is_when_the_caller_speaks_over_the_wait() -> None:
    shop = Restaurant(3.0)

    def answers(messages: Messages) -> Iterable[Step]:
        last = messages[-1]
        if last.role == "tool":
            return paced(BOOKED)
        return [call()] if last.content.startswith("Book") else paced(CLOSING)

    cues = typing((1.0, BOOK), (3.7, QUESTION), (7.0, "Book it again."))
    done = play(
        *cues, tools=[shop.tool(marked=cancellable)], answers=answers, microphone=False,
        until_s=14.0,
    )  # fmt: skip
    assert f"tool: {CANCELLED}" in asked_with(done, QUESTION)
    assert len(shop.booked_s) == 2
    assert len(shop.done_s) == 1
    assert done.heard_text == f"One moment, please. {CLOSING} One moment, please. {BOOKED}"


def test_a_call_that_is_over_waits_for_what_cannot_be_cancelled() -> None:
    shop = Restaurant(6.0)
    play(*typing((1.0, BOOK)), tools=[shop.tool()], microphone=False, until_s=3.0)
    assert len(shop.done_s) == 1
    stopped = Restaurant(6.0)
    tools = [stopped.tool(marked=cancellable)]
    play(*typing((1.0, BOOK)), tools=tools, microphone=False, until_s=3.0)
    assert stopped.done_s == []


# ---- by chance ----


@pytest.mark.parametrize(
    "seeds", [range(10), pytest.param(range(10, 1000), marks=pytest.mark.soak)], ids=len
)
def test_in_random_schedules_a_table_is_booked_once_and_the_model_knows(seeds: range) -> None:
    told_running = told_unasked = 0
    for seed in seeds:
        shop, done = at_random(seed)
        try:
            check(shop, done)
        except AssertionError as broken:
            raise AssertionError(f"schedule {seed}: {broken}") from broken
        told_running += any(r[-1].content == STILL_RUNNING for r in done.llm.requests)
        told_unasked += any(r[-1].content.endswith(AGAIN) for r in done.llm.requests)
    assert told_running > len(seeds) / 20, "the schedules say too little to prove anything"
    assert told_unasked > len(seeds) / 20


def at_random(seed: int) -> tuple[Restaurant, Rehearsed]:
    chance = random.Random(seed)
    takes_s = chance.choice((0.0, 0.2, 1.0, 2.0, 4.0, 6.0)) * chance.uniform(0.9, 1.1)
    shop = Restaurant(takes_s)
    marked = chance.choice((once, lambda function: function))
    cues = [says(1.0, "Book a table")]
    if chance.random() < 0.7:
        pause_s = chance.choice((0.25, 0.5, 0.8, 1.1))
        cues.append(says(speech_end(cues[-1]) + pause_s, "for two please."))
    at = speech_end(cues[-1])
    for _ in range(chance.randint(0, 3)):
        at += chance.uniform(0.1, 2.5)
        kind = chance.choice(("speech", "typed", "button", "cough"))
        said = says(at, "mhm" if kind == "cough" else QUESTION)
        hands = StopSpeaking() if kind == "button" else Typed(QUESTION)
        cues.append(does(at, hands) if kind in ("typed", "button") else said)
        at = speech_end(said) if kind in ("speech", "cough") else at
    last_s = max(at + 5.0, 9.0)
    done = play(
        *cues,
        does(last_s, Typed("Is that all?")),
        tools=[shop.tool(chance.choice((1.0, 3.0, 5.0)), marked)],
        answers=by_chance(chance),
        way_s=chance.choice((0.0, 0.05)),
        until_s=last_s + 8.0,
    )
    return shop, done


def by_chance(chance: random.Random) -> Answers:
    """As the waiter, late by chance; in its ignorance it may ask for what runs already."""
    spellings = ('{"people": 2}', "{}", '{"name": null, "people": 2}')

    def answer(messages: Messages) -> Iterable[Step]:
        steps = list(waiter(messages))
        knows = any("booked" in message.content for message in messages)
        if any(isinstance(step, ToolCall) for _, step in steps) or (
            messages[-1].content == STILL_RUNNING and not knows and chance.random() < 0.3
        ):
            steps = [call(chance.choice(spellings))]
        late_s = chance.choice((0.0, 0.1, 0.6))
        return [(steps[0][0] + late_s, steps[0][1]), *steps[1:]]

    return answer


def check(shop: Restaurant, done: Rehearsed) -> None:
    assert len(shop.booked_s) == 1, f"booked {len(shop.booked_s)} times"
    (done_s,) = shop.done_s
    assert any(asked_s >= done_s for asked_s in done.asked_s), "nobody was told"
    for asked_s, request in zip(done.asked_s, done.llm.requests, strict=True):
        told = [message.content for message in request if message.role == "tool"]
        if asked_s > done_s + 1e-6:
            assert any(said.startswith("booked for 2") for said in told), f"{asked_s:.2f}: {told}"
        elif asked_s > shop.booked_s[0] + 1e-6:
            assert told, f"{asked_s:.2f}: nothing tells of the run"
