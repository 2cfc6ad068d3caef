"""The model is told which day it is, and of the next one from midnight on."""

from collections.abc import Iterable, Sequence

from pipelines.cascade import Policies
from pipelines.core.exchange import Typed
from pipelines.core.thinking.answering import AnsweringPolicy
from pipelines.services.protocols import AS_SET, ChatMessage, Sampling
from tests.pipelines.services.scripted import Step, paced
from tests.pipelines.stages.rehearsal import does, rehearse


class Calendar:
    """Friday, until the second question is about to be asked."""

    def __init__(self) -> None:
        self.day = "Friday"
        self.asked = 0

    def __call__(self) -> str:
        self.asked += 1
        return f"Today is {self.day}."


class Cache:
    def __init__(self) -> None:
        self.warmed: list[str] = []

    async def warm(self, messages: Sequence[ChatMessage], sampling: Sampling = AS_SET) -> None:
        self.warmed.append(messages[0].content)

    async def count(self, text: str) -> int | None:
        return None


def test_the_day_changes_at_midnight_within_a_call() -> None:
    calendar, cache = Calendar(), Cache()

    def answers(messages: Sequence[ChatMessage]) -> Iterable[Step]:
        yield from paced("I see, and so it is.")
        calendar.day = "Saturday"

    done = rehearse(
        does(1.0, Typed("What day is it?")),
        does(8.0, Typed("And now?")),
        answers=answers,
        policies=Policies(
            system_prompt="be brief", today=calendar, answering=AnsweringPolicy(warm=True)
        ),
        prompts=cache,
        microphone=False,
        until_s=14.0,
    )
    told = [request[0].content for request in done.llm.requests]
    assert told == ["be brief\n\nToday is Friday.", "be brief\n\nToday is Saturday."]
    assert cache.warmed[0] == told[0]  # made ready before the first question
    assert cache.warmed[1] == told[1]  # and after the answer, for the day that it is then
    assert done.lines[0] == ("user", "What day is it?")


def test_without_a_calendar_nothing_is_told() -> None:
    done = rehearse(
        does(1.0, Typed("Hello.")),
        answers=lambda messages: paced("Hello."),
        policies=Policies(system_prompt="be brief"),
        microphone=False,
    )
    assert done.llm.requests[0][0].content == "be brief"


def test_the_calendar_is_looked_at_once_a_second_and_no_more() -> None:
    calendar = Calendar()
    rehearse(
        does(1.0, Typed("Tell me a story.")),
        answers=lambda messages: paced("Once upon a time there was a miller with a mill. " * 3),
        policies=Policies(today=calendar),
        until_s=10.0,
    )
    assert 5 <= calendar.asked <= 11


def test_a_calendar_that_fails_costs_the_day_and_not_the_answer() -> None:
    def broken() -> str:
        raise OSError("no such zone")

    done = rehearse(
        does(1.0, Typed("What day is it?")),
        answers=lambda messages: paced("I cannot say."),
        policies=Policies(system_prompt="be brief", today=broken),
        microphone=False,
    )
    assert done.llm.requests[0][0].content == "be brief"
    assert done.heard_text == "I cannot say."
