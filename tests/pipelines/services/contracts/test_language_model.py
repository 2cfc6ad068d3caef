import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from pipelines.services.llm.llm_failover import FailoverLanguageModel
from pipelines.services.llm.llm_openai import OpenAiLanguageModel
from pipelines.services.protocols import (
    ChatMessage,
    Delta,
    Finished,
    LanguageModel,
    ServiceError,
    TextDelta,
)
from tests.pipelines.services.contracts.leaks import run_leaving_nothing
from tests.pipelines.services.scripted import ScriptedLanguageModel, Step
from tests.pipelines.services.scripted_endpoint import (
    DONE,
    HANG,
    Reply,
    ScriptedEndpoint,
    delta,
    finish,
)

TOKENS = ["Well,", " it", " is", " noon."]
HELLO = [ChatMessage("system", "Be brief."), ChatMessage("user", "Hello.")]


@dataclass(frozen=True)
class Subject:
    model: LanguageModel
    answering: Callable[[], int]
    """How many streams are open at its other end."""
    settled: Callable[[], Awaitable[object]]
    """Returns when that has become none."""


Kind = Callable[[str], AsyncIterator[Subject]]
"""A maker of models that say `TOKENS` to each request and then "ends", "hangs" or "fails"."""

Scenario = Callable[[Subject], Awaitable[None]]


async def openai(then: str) -> AsyncIterator[Subject]:
    ends = {"ends": (finish(), DONE), "hangs": (HANG,), "fails": ()}
    steps = [delta(role="assistant"), *(delta(content=token) for token in TOKENS), *ends[then]]
    async with ScriptedEndpoint([Reply(steps)] * 10) as endpoint:
        model = OpenAiLanguageModel(base_url=endpoint.url, model="m")
        yield Subject(model, lambda: endpoint.answering, endpoint.quiet.wait)


async def failover(then: str) -> AsyncIterator[Subject]:
    async for subject in openai(then):
        assert isinstance(subject.model, OpenAiLanguageModel)
        yield replace(subject, model=FailoverLanguageModel([subject.model]))


async def scripted(then: str) -> AsyncIterator[Subject]:
    failure = ServiceError("llm", "scripted", retryable=True)
    ends: dict[str, list[Step]] = {"ends": [], "hangs": [(3600.0, "!")], "fails": [(0.0, failure)]}
    steps: list[Step] = [*((0.001, token) for token in TOKENS), *ends[then]]
    model = ScriptedLanguageModel(lambda messages: steps)
    yield Subject(model, lambda: model.answering, lambda: asyncio.sleep(0))


@pytest.fixture(params=[openai, failover, scripted])
def kind(request: pytest.FixtureRequest) -> Kind:
    made: Kind = request.param
    return made


def with_model(kind: Kind, then: str, scenario: Scenario) -> None:
    async def opened() -> None:
        async with asynccontextmanager(kind)(then) as subject:
            await subject.model.open()
            try:
                await scenario(subject)
                await subject.settled()
                assert subject.answering() == 0
            finally:
                await subject.model.close()

    run_leaving_nothing(opened)


async def ask(model: LanguageModel, messages: Sequence[ChatMessage] = HELLO) -> list[Delta]:
    async with aclosing(model.stream(messages)) as deltas:
        return [delta async for delta in deltas]


def words(deltas: Sequence[Delta]) -> list[str]:
    return [delta.text for delta in deltas if isinstance(delta, TextDelta)]


def test_an_answer_is_text_and_then_its_end(kind: Kind) -> None:
    async def scenario(subject: Subject) -> None:
        *text, end = await ask(subject.model)
        assert words(text) == TOKENS
        assert isinstance(end, Finished)
        assert end.reason == "stop"

    with_model(kind, "ends", scenario)


def test_an_answer_that_was_closed_early_ends_at_the_other_end_too(kind: Kind) -> None:
    async def scenario(subject: Subject) -> None:
        async with aclosing(subject.model.stream(HELLO)) as deltas:
            assert words([await anext(deltas)]) == TOKENS[:1]
            assert subject.answering() == 1

    with_model(kind, "hangs", scenario)


def test_a_cancelled_listener_ends_its_answer_and_no_other(kind: Kind) -> None:
    async def scenario(subject: Subject) -> None:
        async with aclosing(subject.model.stream(HELLO)) as kept:
            assert words([await anext(kept)]) == TOKENS[:1]
            async with asyncio.TaskGroup() as tasks:
                heard = asyncio.Event()

                async def listen() -> None:
                    async with aclosing(subject.model.stream(HELLO)) as deltas:
                        async for _ in deltas:
                            heard.set()

                listening = tasks.create_task(listen())
                await heard.wait()
                listening.cancel()
            assert words([await anext(kept)]) == TOKENS[1:2]

    with_model(kind, "hangs", scenario)


def test_a_failure_in_the_middle_is_a_service_error(kind: Kind) -> None:
    async def scenario(subject: Subject) -> None:
        async with aclosing(subject.model.stream(HELLO)) as deltas:
            assert words([await anext(deltas) for _ in TOKENS]) == TOKENS
            with pytest.raises(ServiceError) as failure:
                await anext(deltas)
        assert (failure.value.service, failure.value.retryable) == ("llm", True)

    with_model(kind, "fails", scenario)


def test_calls_at_once_are_all_answered(kind: Kind) -> None:
    async def scenario(subject: Subject) -> None:
        answers = await asyncio.gather(*(ask(subject.model) for _ in range(8)))
        assert [len(answer) for answer in answers] == [len(TOKENS) + 1] * 8

    with_model(kind, "ends", scenario)


def test_a_very_long_history_is_answered(kind: Kind) -> None:
    said = [ChatMessage("assistant" if n % 2 else "user", "Yes, yes. " * 100) for n in range(500)]

    async def scenario(subject: Subject) -> None:
        assert len(await ask(subject.model, said)) == len(TOKENS) + 1

    with_model(kind, "ends", scenario)


def test_a_closed_model_does_not_answer(kind: Kind) -> None:
    async def scenario() -> None:
        async with asynccontextmanager(kind)("ends") as subject:
            for _ in range(2):
                with pytest.raises(ServiceError) as failure:
                    await ask(subject.model)
                assert failure.value.service == "llm"
                await subject.model.open()
                await subject.model.close()

    run_leaving_nothing(scenario)
