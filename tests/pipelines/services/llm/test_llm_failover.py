"""Several endpoints as one, on virtual time: who is asked, who speaks, and who is closed."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing

import pytest

from pipelines.core.thinking.failover import FIRST_REST_S, Hedge, Patience
from pipelines.services.llm.llm_failover import FailoverLanguageModel
from pipelines.services.protocols import (
    AS_SET,
    AnswerSource,
    ChatMessage,
    Delta,
    FailureDetails,
    FailureKind,
    Finished,
    Sampling,
    ServiceError,
    TextDelta,
)
from replay.virtual_time import run
from tests.pipelines.services.scripted import ScriptedLanguageModel, Step, paced

HELLO = [ChatMessage("user", "Hello.")]
DOWN = ServiceError("llm", "scripted", retryable=True)
HANG: Step = (3600.0, "!")


class Scripted(ScriptedLanguageModel):
    """An `Endpoint` that says one thing after another, and the last for ever."""

    def __init__(self, name: str, *answers: Sequence[Step], cold: bool = False) -> None:
        self._answers = list(answers)
        super().__init__(self._next)
        self.name = name
        self.may_be_cold = cold
        self.warmed: list[Sequence[ChatMessage]] = []

    def _next(self, messages: Sequence[ChatMessage]) -> Sequence[Step]:
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    async def warm(self, messages: Sequence[ChatMessage], sampling: Sampling = AS_SET) -> None:
        self.warmed.append(messages)

    async def count(self, text: str) -> int | None:
        return len(text)


def asked(
    *endpoints: Scripted, times: int = 1, every_s: float = 0.0, hedge: Hedge = "off"
) -> list[tuple[float, list[Delta] | ServiceError]]:
    """The outcome of each question, and when it came."""
    patience = Patience(first_token_s=1.5, first_clause_s=1.0, apology_s=3.5)

    async def scenario() -> list[tuple[float, list[Delta] | ServiceError]]:
        before = asyncio.all_tasks()
        now = asyncio.get_running_loop().time
        model = FailoverLanguageModel(endpoints, patience, hedge)
        await model.open()
        came: list[tuple[float, list[Delta] | ServiceError]] = []
        for _ in range(times):
            began = now()
            try:
                async with aclosing(model.stream(HELLO)) as stream:
                    answer = [delta async for delta in stream]
                came.append((now() - began, answer))
            except ServiceError as error:
                came.append((now() - began, error))
            assert [endpoint.answering for endpoint in endpoints] == [0] * len(endpoints)
            assert asyncio.all_tasks() == before
            await asyncio.sleep(every_s)
        await model.close()
        return came

    return run(scenario())


def text(came: list[Delta] | ServiceError) -> str:
    assert isinstance(came, list), came
    return "".join(delta.text for delta in came if isinstance(delta, TextDelta))


def source(came: list[Delta] | ServiceError) -> AnswerSource:
    assert isinstance(came, list), came
    end = came[-1]
    assert isinstance(end, Finished)
    assert end.source is not None
    assert isinstance(came[0], TextDelta)
    assert came[0].source == end.source
    assert all(d.source is None for d in came[1:-1] if isinstance(d, TextDelta))
    return end.source


def requests(*endpoints: Scripted) -> list[int]:
    return [len(endpoint.requests) for endpoint in endpoints]


def test_one_that_is_well_is_asked_once() -> None:
    one, other = Scripted("one", paced("Sure, it is noon.")), Scripted("other", paced("No."))
    ((_, came),) = asked(one, other)
    assert text(came) == "Sure, it is noon."
    assert source(came) == AnswerSource(endpoint="one", first_token_s=0.15)
    assert requests(one, other) == [1, 0]


def test_what_fails_at_once_is_asked_again_at_once() -> None:
    one = Scripted("one", [(0.01, DOWN)], paced("Sure, it is noon."))
    ((_, came),) = asked(one)
    assert text(came) == "Sure, it is noon."
    assert source(came) == AnswerSource(endpoint="one", first_token_s=0.16, requests=2, retries=1)


def test_a_fallback_takes_the_place_of_one_that_fails() -> None:
    one, other = Scripted("one", [(0.01, DOWN)]), Scripted("other", paced("Yes, sir."))
    ((_, came),) = asked(one, other)
    assert text(came) == "Yes, sir."
    assert source(came).endpoint == "other"
    assert requests(one, other) == [1, 1]


def test_tokens_before_the_first_clause_leave_no_trace_when_they_break_off() -> None:
    begun: list[Step] = [(0.1, "It"), (0.1, " is exactly"), (0.1, DOWN)]
    one, other = Scripted("one", begun), Scripted("other", paced("Yes, sir."))
    ((_, came),) = asked(one, other)
    assert text(came) == "Yes, sir."


def test_after_the_first_clause_a_failure_is_the_answers_own() -> None:
    begun: list[Step] = [(0.1, "Sure,"), (0.1, " it is"), (0.1, DOWN)]
    one, other = Scripted("one", begun), Scripted("other", paced("Yes, sir."))

    async def scenario() -> list[str]:
        model = FailoverLanguageModel([one, other])
        await model.open()
        heard: list[str] = []
        async with aclosing(model.stream(HELLO)) as stream:
            for _ in range(2):
                delta = await anext(stream)
                assert isinstance(delta, TextDelta)
                heard.append(delta.text)
            with pytest.raises(ServiceError):
                await anext(stream)
        return heard

    assert run(scenario()) == ["Sure,", " it is"]
    assert requests(one, other) == [1, 0]


def test_a_silent_one_is_listened_to_beside_the_next() -> None:
    late: list[Step] = [(1.7, "Late,"), (0.1, " but here.")]
    one, other = Scripted("one", late), Scripted("other", [(1.0, "Yes,"), (0.1, " sir.")])
    ((_, came),) = asked(one, other)
    assert text(came) == "Late, but here."
    assert source(came) == AnswerSource(endpoint="one", first_token_s=1.7, requests=2, retries=1)
    assert (one.closed_early, other.closed_early) == (0, 1)


def test_one_that_dribbles_is_replaced_before_a_word_is_spoken() -> None:
    dribble: list[Step] = [(0.7, f" word{n}") for n in range(20)]
    one, other = Scripted("one", dribble), Scripted("other", paced("Yes, sir."))
    ((_, came),) = asked(one, other)
    assert text(came) == "Yes, sir."
    assert source(came).first_token_s == pytest.approx(0.7 + 1.0 + 0.15)


@pytest.mark.parametrize("steps", [[HANG], [(0.7, f" word{n}") for n in range(20)]])
def test_there_is_an_end_to_waiting(steps: list[Step]) -> None:
    one = Scripted("one", steps)
    ((took_s, came),) = asked(one)
    assert isinstance(came, ServiceError)
    assert took_s == 3.5
    assert requests(one) == [2]
    assert one.closed_early == 2


def test_when_all_fail_the_error_is_the_last_ones() -> None:
    loading = ServiceError(
        "llm", "loading", retryable=True, trouble=FailureDetails(kind=FailureKind.COLD)
    )
    one, other = Scripted("one", [(0.01, DOWN)]), Scripted("other", [(0.01, loading)])
    ((took_s, came),) = asked(one, other)
    assert came is loading
    assert took_s == pytest.approx(0.02)


def test_a_cold_one_is_not_asked_again_at_once() -> None:
    loading = ServiceError(
        "llm", "loading", retryable=True, trouble=FailureDetails(kind=FailureKind.COLD)
    )
    one = Scripted("one", [(0.01, loading)])
    asked(one)
    assert requests(one) == [1]


@pytest.mark.parametrize("cold", [True, False])
def test_the_silence_of_one_that_may_be_loading_is_told_from_slowness(cold: bool) -> None:
    ((_, came),) = asked(Scripted("one", [HANG], cold=cold))
    assert isinstance(came, ServiceError)
    assert came.trouble.cold is cold


def test_who_asks_to_be_left_alone_for_a_second_is() -> None:
    busy = ServiceError("llm", "429", retryable=True, trouble=FailureDetails(retry_after_s=1.0))
    one = Scripted("one", [(0.01, busy)], paced("Yes, sir."))
    ((_, came),) = asked(one)
    assert source(came).first_token_s == pytest.approx(0.01 + 1.0 + 0.15)


def test_the_hedge_speaks_where_the_first_is_slow_and_the_first_is_closed() -> None:
    quick = paced("Sure, it is noon.", first_s=0.06)
    slow: list[Step] = [(2.0, "Sure, late.")]
    one = Scripted("one", *[quick] * 9, slow, quick)
    other = Scripted("other", paced("Yes, sir.", first_s=0.06))
    came = asked(one, other, times=11, every_s=1.0, hedge="auto")
    assert [source(answer).endpoint for _, answer in came] == [*["one"] * 9, "other", "one"]
    assert source(came[9][1]).hedges == 1
    assert came[9][0] < 0.3
    assert requests(one, other) == [11, 1]
    assert (one.closed_early, other.closed_early) == (1, 0)


def test_a_dead_endpoint_before_a_hedge_is_not_asked_for_ever() -> None:
    one = Scripted("one", *[paced("Sure, it is noon.", first_s=0.06)] * 9, [HANG])
    other = Scripted("other", paced("Yes, sir.", first_s=0.06))
    came = asked(one, other, times=120, every_s=1.0, hedge="auto")
    assert all(source(answer).endpoint == "other" for _, answer in came[9:])
    waited = [n for n, (took_s, _) in enumerate(came[9:]) if took_s > 0.3]
    assert waited == [4], "one, when no hedge was left, for as long as the clock"
    assert requests(one) == [9 + 5 + 4], "four probes, after 5, 10, 20 and 40 s"


def test_an_endpoint_that_failed_three_times_is_passed_over_until_it_has_rested() -> None:
    one = Scripted("one", *[[(0.01, DOWN)]] * 3, paced("Yes, I am back."))
    other = Scripted("other", paced("Yes, sir."))
    came = asked(one, other, times=9, every_s=1.0)
    assert requests(one, other)[0] == 5
    assert [source(answer).endpoint for _, answer in came[-2:]] == ["one", "one"]
    assert FIRST_REST_S == 5.0


def test_while_the_only_one_rests_nobody_is_asked() -> None:
    one = Scripted("one", [(0.01, DOWN)])
    came = asked(one, times=4)
    assert requests(one) == [3]
    assert all(isinstance(answer, ServiceError) for _, answer in came)
    assert came[-1][0] == 0.0


@pytest.mark.parametrize("after_s", [0.05, 0.3, 1.6, 1.9])
def test_who_is_not_wanted_any_more_is_closed_everywhere(after_s: float) -> None:
    one = Scripted("one", [(1.55, "Late,"), HANG])
    other = Scripted("other", [(0.1, "Hm"), HANG])

    async def scenario() -> None:
        model = FailoverLanguageModel([one, other], hedge=0.2)
        await model.open()
        before = asyncio.all_tasks()
        async with asyncio.TaskGroup() as tasks:

            async def listen() -> None:
                async with aclosing(model.stream(HELLO)) as stream:
                    async for _ in stream:
                        pass

            listening = tasks.create_task(listen())
            await asyncio.sleep(after_s)
            assert one.answering == 1
            listening.cancel()
        assert (one.answering, other.answering) == (0, 0)
        assert asyncio.all_tasks() == before

    run(scenario())


def test_only_the_endpoint_that_would_be_asked_is_warmed() -> None:
    one, other = Scripted("one", [(0.01, DOWN)]), Scripted("other", paced("Yes, sir."))

    async def scenario() -> None:
        model = FailoverLanguageModel([one, other])
        await model.open()
        await model.warm(HELLO)
        for _ in range(3):
            async with aclosing(model.stream(HELLO)) as stream:
                assert [delta async for delta in stream]
        await model.warm(HELLO)

    run(scenario())
    assert (len(one.warmed), len(other.warmed)) == (1, 1)


def test_the_mark_that_a_turn_is_incomplete_is_an_answer_and_asked_for_once() -> None:
    mark: Sequence[Step] = [(0.1, Finished("stop", turn_incomplete=True))]
    one, other = Scripted("one", mark), Scripted("other", paced("No."))

    async def scenario() -> list[Delta]:
        model = FailoverLanguageModel([one, other], Patience(), "off")
        await model.open()
        async with aclosing(model.stream(HELLO, Sampling(aloud=True, judges_turn=True))) as stream:
            return [delta async for delta in stream]

    (end,) = run(scenario())
    assert isinstance(end, Finished)
    assert end.turn_incomplete
    assert requests(one, other) == [1, 0]
