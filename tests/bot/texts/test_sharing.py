"""One model for calls and texts: who waits, who gives way, and what is cancelled on the engine."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from bot.texts.queueing import FullError
from bot.texts.sharing import CallOnLine, GaveWayError, Progress, Queued, Request, SharedModel
from pipelines.core.exchange import FromCaller, Typed
from pipelines.services.protocols import (
    ChatMessage,
    Delta,
    Finished,
    Sampling,
    ServiceError,
    TextDelta,
)
from replay import virtual_time
from tests.pipelines.services.scripted import ScriptedLanguageModel, Step

FIRST_S, BETWEEN_S, WORDS = 0.2, 0.1, 5
ANSWER_S = FIRST_S + BETWEEN_S * (WORDS - 1)


def asks(text: str) -> list[ChatMessage]:
    return [ChatMessage("user", text)]


def paced(messages: Sequence[ChatMessage]) -> list[Step]:
    said = messages[-1].content
    words = [(BETWEEN_S if i else FIRST_S, f"{said}{i} ") for i in range(WORDS)]
    return [(0.05, ServiceError("llm", "down", retryable=True))] if said == "fail" else [*words]


class Stage:
    """A shared model, and when each request got and lost the engine."""

    def __init__(self, places: int = 1, size: int = 64) -> None:
        self.llm = ScriptedLanguageModel(paced)
        self.shared = SharedModel(places, size)
        self._registry = CollectorRegistry()
        self._registry.register(self.shared.metrics)

    async def open(self) -> None:
        await self.llm.open()
        self.shared.open(self.llm, "tiny")

    def asked(self) -> list[str]:
        return [messages[-1].content for messages in self.llm.requests]

    def figure(self, name: str, **labels: str) -> float | None:
        return self._registry.get_sample_value(f"halfsecond_{name}", labels)

    async def call(self, text: str) -> tuple[str, float]:
        """The call's answer, and how long it took to the first word."""
        loop = asyncio.get_running_loop()
        began, first, said = loop.time(), 0.0, ""
        async with aclosing(stream_of(self.shared, text)) as deltas:
            async for delta in deltas:
                if isinstance(delta, TextDelta):
                    first = first or loop.time() - began
                    said += delta.text
        return said, first


def stream_of(shared: SharedModel, text: str) -> AsyncGenerator[Delta, None]:
    stream = shared.calls.stream(asks(text))
    assert isinstance(stream, AsyncGenerator)
    return stream


async def read(shared: SharedModel, request: Request) -> list[Progress]:
    async with aclosing(shared.answer(request)) as answer:
        return [one async for one in answer]


def text_of(progress: Sequence[Progress]) -> str:
    return "".join(one.text for one in progress if isinstance(one, TextDelta))


def places_of(progress: Sequence[Progress]) -> list[int]:
    return [one.place for one in progress if isinstance(one, Queued)]


def play(scenario: Coroutine[Any, Any, None]) -> None:
    virtual_time.run(scenario)


@asynccontextmanager
async def stage(places: int = 1, size: int = 64) -> AsyncGenerator[Stage, None]:
    made = Stage(places, size)
    await made.open()
    yield made
    assert made.llm.answering == 0


def test_texts_wait_their_turn_and_are_told_their_place() -> None:
    async def scenario() -> None:
        async with stage() as on:
            requests = [on.shared.enter(asks(name), client=name) for name in "abc"]
            async with asyncio.TaskGroup() as tasks:
                reading = [tasks.create_task(read(on.shared, one)) for one in requests]
            read_by = [task.result() for task in reading]
            assert [places_of(one) for one in read_by] == [[], [1], [2, 1]]
            assert [text_of(one)[:2] for one in read_by] == ["a0", "b0", "c0"]
            assert all(one[-1] == Finished("stop", completion_tokens=WORDS) for one in read_by)
            assert on.asked() == ["a", "b", "c"]
            assert on.figure("answers_total", kind="text", outcome="finished") == 3
            waited = on.figure("queue_wait_seconds_sum", kind="text")
            assert waited == pytest.approx(3 * ANSWER_S)
            assert on.figure("answer_first_token_seconds_sum", kind="text") == pytest.approx(0.6)
            rates = on.figure("answer_tokens_per_second_sum", kind="text")
            assert rates == pytest.approx(3 / BETWEEN_S)
            assert on.figure("queue_waiting", kind="text") == 0
            assert on.figure("queue_served", kind="text") == 0

    play(scenario())


def test_what_a_text_wishes_reaches_the_model() -> None:
    async def scenario() -> None:
        async with stage() as on:
            wish = Sampling(max_tokens=3, temperature=0.0, others={"stop": ["x"]})
            await read(on.shared, on.shared.enter(asks("a"), wish))
            assert on.llm.samplings == [wish]

    play(scenario())


def test_who_leaves_while_waiting_never_reaches_the_engine() -> None:
    async def scenario() -> None:
        async with stage() as on:
            first, second, third = (on.shared.enter(asks(name), client=name) for name in "abc")
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(read(on.shared, first))
                leaver = tasks.create_task(read(on.shared, second))
                stayer = tasks.create_task(read(on.shared, third))
                await asyncio.sleep(FIRST_S)
                leaver.cancel()
                await asyncio.sleep(0)
                assert on.shared.place(third) == 1
            assert places_of(stayer.result()) == [2, 1]
            assert on.asked() == ["a", "c"]
            assert on.figure("answers_cancelled_total", kind="text", where="waiting") == 1

    play(scenario())


def test_who_leaves_in_mid_answer_frees_the_engine_at_once() -> None:
    async def scenario() -> None:
        async with stage() as on:
            first, second = (on.shared.enter(asks(name), client=name) for name in "ab")
            async with asyncio.TaskGroup() as tasks:
                leaver = tasks.create_task(read(on.shared, first))
                tasks.create_task(read(on.shared, second))
                await asyncio.sleep(FIRST_S + BETWEEN_S / 2)
                assert on.llm.answering == 1
                leaver.cancel()
                await asyncio.sleep(0.001)
                assert (on.llm.closed_early, on.asked()) == (1, ["a", "b"])
            assert on.figure("answers_cancelled_total", kind="text", where="served") == 1

    play(scenario())


def test_a_request_that_nobody_reads_can_be_dropped() -> None:
    async def scenario() -> None:
        async with stage() as on:
            first, second = (on.shared.enter(asks(name), client=name) for name in "ab")
            on.shared.drop(first)
            assert on.shared.place(second) == 0
            on.shared.drop(second)
            assert on.figure("queue_served", kind="text") == 0

    play(scenario())


def test_a_failure_is_counted_and_the_next_is_served() -> None:
    async def scenario() -> None:
        async with stage() as on:
            first, second = (on.shared.enter(asks(name), client=name) for name in ("fail", "b"))
            with pytest.raises(ServiceError, match="down"):
                await read(on.shared, first)
            assert text_of(await read(on.shared, second)).startswith("b0")
            assert on.figure("answers_total", kind="text", outcome="failed") == 1

    play(scenario())


def test_a_full_queue_refuses_texts_and_no_calls() -> None:
    async def scenario() -> None:
        async with stage(size=1) as on:
            served, waits = (on.shared.enter(asks(name), client=name) for name in "ab")
            with pytest.raises(FullError):
                on.shared.enter(asks("c"), client="c")
            assert on.figure("answers_total", kind="text", outcome="refused") == 1
            on.shared.drop(waits)
            on.shared.drop(served)
            assert (await on.call("x"))[0].startswith("x0")

    play(scenario())


def test_before_the_model_is_there_and_after_it_has_gone_a_text_fails() -> None:
    async def scenario() -> None:
        shared = SharedModel(1, 1)
        assert not shared.is_open
        with pytest.raises(ServiceError, match="not open"):
            await read(shared, shared.enter(asks("a")))

    play(scenario())


# ---- calls ----


def test_a_call_waits_for_no_text_that_came_while_it_was_connected() -> None:
    async def scenario() -> None:
        async with stage(places=2) as on:
            with on.shared.line():
                requests = [on.shared.enter(asks(name), client=name) for name in "abc"]
                assert [on.shared.place(one) for one in requests] == [0, 1, 2]
                async with asyncio.TaskGroup() as tasks:
                    for one in requests:
                        tasks.create_task(read(on.shared, one))
                    for _ in range(3):
                        assert (await on.call("x"))[1] == pytest.approx(FIRST_S)
                        await asyncio.sleep(0.05)
            assert on.llm.closed_early == 0
            assert on.figure("queue_wait_seconds_sum", kind="call") == 0

    play(scenario())


def test_a_call_that_finds_the_engine_taken_gets_it_and_the_text_begins_again() -> None:
    async def scenario() -> None:
        async with stage() as on:
            request = on.shared.enter(asks("a"))
            async with asyncio.TaskGroup() as tasks:
                reading = tasks.create_task(read(on.shared, request))
                await asyncio.sleep(FIRST_S / 2)  # nothing was said yet
                with on.shared.line():
                    assert (await on.call("x"))[1] == pytest.approx(FIRST_S)
            assert places_of(reading.result())[-1] == 1
            assert text_of(reading.result()).startswith("a0 a1")
            assert on.asked() == ["a", "x", "a"]
            assert on.llm.closed_early == 1

    play(scenario())


@pytest.mark.parametrize("restartable", [False, True])
def test_a_text_in_mid_answer_is_cut_off_for_a_call_unless_it_can_begin_again(
    restartable: bool,
) -> None:
    async def scenario() -> None:
        async with stage() as on:
            request = on.shared.enter(asks("a"), restartable=restartable)
            async with asyncio.TaskGroup() as tasks:
                reading = tasks.create_task(keeping(read(on.shared, request)))
                await asyncio.sleep(FIRST_S + BETWEEN_S / 2)
                with on.shared.line():
                    assert (await on.call("x"))[1] == pytest.approx(FIRST_S)
            result = reading.result()
            outcome = "finished" if restartable else "cut off"
            assert on.figure("answers_total", kind="text", outcome=outcome) == 1
            if not restartable:
                assert isinstance(result, GaveWayError)
                return
            assert isinstance(result, list)
            again = max(i for i, one in enumerate(result) if isinstance(one, Queued))
            assert text_of(result[:again]) == "a0 "
            assert text_of(result[again:]).startswith("a0 a1 a2")

    play(scenario())


async def keeping(
    work: Coroutine[Any, Any, list[Progress]],
) -> list[Progress] | GaveWayError:
    try:
        return await work
    except GaveWayError as error:
        return error


def test_a_reply_that_is_withdrawn_is_cancelled_and_counted_as_a_calls() -> None:
    async def scenario() -> None:
        async with stage() as on, asyncio.TaskGroup() as tasks:
            withdrawn = tasks.create_task(on.call("x"))
            await asyncio.sleep(FIRST_S / 2)
            withdrawn.cancel()
            await asyncio.sleep(0.001)
            assert on.llm.closed_early == 1
            assert on.figure("answers_cancelled_total", kind="call", where="served") == 1

    play(scenario())


class ShortCall:
    def __init__(self) -> None:
        self.heard: list[FromCaller] = []
        self.over = asyncio.Event()

    def push(self, event: FromCaller) -> None:
        self.heard.append(event)

    async def run(self) -> None:
        await self.over.wait()


def test_a_place_is_kept_as_long_as_the_call_runs() -> None:
    async def scenario() -> None:
        async with stage() as on, asyncio.TaskGroup() as tasks:
            inner = ShortCall()
            call = CallOnLine(inner, on.shared)
            call.push(Typed("hello"))
            assert inner.heard == [Typed("hello")]
            tasks.create_task(call.run())
            await asyncio.sleep(0)
            request = on.shared.enter(asks("a"))
            assert on.shared.place(request) == 1
            inner.over.set()
            await asyncio.sleep(0.001)
            assert on.shared.place(request) == 0
            on.shared.drop(request)

    play(scenario())
