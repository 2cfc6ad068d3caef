"""Work between two turns: the next prompt is counted, cut, summed up and warmed."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pytest

from pipelines.cascade import Policies
from pipelines.core.commands import CountTokens, SumUp, WarmPrompt
from pipelines.core.events import PromptWarmed, SummaryCame, TokensCounted
from pipelines.core.exchange import Say, Typed
from pipelines.core.memory.conversation import SUMMING_UP_TOKENS, Conversation
from pipelines.core.memory.entry import MESSAGE_TOKENS, estimate
from pipelines.core.memory.preparation import (
    MOST_POSTPONED,
    STAND_IN,
    SUM_UP,
    Order,
    Preparation,
)
from pipelines.core.thinking.answering import AnsweringPolicy
from pipelines.services.protocols import AS_SET, ChatMessage, Sampling, ServiceError
from pipelines.stages.thinking import Thinking
from replay.virtual_time import run
from tests.pipelines.services.scripted import ScriptedLanguageModel, Step, paced
from tests.pipelines.stages.rehearsal import does, rehearse


class Cache:
    """`PromptCache` that takes 0.1 s for anything."""

    def __init__(self, counts: bool = True) -> None:
        self.warmed: list[list[ChatMessage]] = []
        self.counted: list[str] = []
        self._counts = counts

    async def warm(self, messages: Sequence[ChatMessage], sampling: Sampling = AS_SET) -> None:
        await asyncio.sleep(0.1)
        self.warmed.append(list(messages))

    async def count(self, text: str) -> int | None:
        await asyncio.sleep(0.1)
        self.counted.append(text)
        return 3 if self._counts else None


def prepare(
    talk: Conversation,
    policy: AnsweringPolicy,
    cache: Cache | None,
    answer: Sequence[Step] = (),
) -> ScriptedLanguageModel:
    llm = ScriptedLanguageModel(lambda messages: answer)

    run(_prepare(llm, talk, policy, cache))
    return llm


async def _prepare(
    llm: ScriptedLanguageModel, talk: Conversation, policy: AnsweringPolicy, cache: Cache | None
) -> None:
    """With the models at hand, until nothing more is asked of them."""
    await llm.open()
    orders: list[Order] = []
    preparation = Preparation(
        talk, policy, orders.append, lambda: False, has_prompts=cache is not None
    )
    facts: list[Any] = []
    thinking = Thinking(llm, facts.append, cache)
    preparation.begin()
    while orders:
        match orders.pop(0):
            case CountTokens(texts):
                await thinking._count(texts)
            case SumUp(text):
                await thinking._sum_up(text)
            case WarmPrompt(messages):
                await thinking._warm(messages)
            case _:
                raise AssertionError
        for fact in facts:
            match fact:
                case TokensCounted():
                    preparation.counted(fact, 0.0)
                case SummaryCame():
                    preparation.summed_up(fact, 0.0)
                case _:
                    preparation.warmed(fact, 0.0)
        facts.clear()


def talk_of(turns: int, limit_tokens: int | None = None) -> Conversation:
    talk = Conversation("be brief", limit_tokens)
    for turn in range(1, turns + 1):
        talk.said(turn, f"Question {turn}?")
        talk.heard(turn, turn, f"Answer {turn}. " * 5, estimated=False)
    return talk


def test_the_server_reads_what_the_next_prompt_begins_with() -> None:
    cache, talk = Cache(), talk_of(1)
    prepare(talk, AnsweringPolicy(warm=True), cache)
    assert cache.warmed == [[*talk.prefix(), ChatMessage("user", STAND_IN)]]
    assert cache.warmed[0][:-1] == talk.with_question(2, "Why?")[:-1]


def test_without_the_setting_nothing_is_warmed() -> None:
    cache = Cache()
    prepare(talk_of(1), AnsweringPolicy(), cache)
    assert cache.warmed == []


def test_each_line_is_counted_once() -> None:
    cache, talk = Cache(), talk_of(2, 4096)
    prepare(talk, AnsweringPolicy(), cache)
    prepare(talk, AnsweringPolicy(), cache)
    assert cache.counted == [line.text for line in talk.lines]
    assert [line.tokens for line in talk.lines] == [3] * 4


def test_a_server_that_does_not_count_is_asked_no_further() -> None:
    cache = Cache(counts=False)
    prepare(talk_of(2, 4096), AnsweringPolicy(), cache)
    assert len(cache.counted) == 1


def test_what_is_cut_is_summed_up_where_that_is_wanted() -> None:
    talk = talk_of(30, 1024)
    llm = prepare(talk, AnsweringPolicy(summarise=True), None, paced("They asked many things."))
    (request,) = llm.requests
    assert request[0].content.startswith(SUM_UP)
    assert "user: Question 1?" in request[0].content
    assert talk.summary == "They asked many things."
    assert talk.prefix()[0].content.endswith("They asked many things.")


def test_a_summary_that_fails_is_tried_again_after_the_next_turn() -> None:
    talk = talk_of(30, 1024)
    down = ServiceError("llm", "scripted", retryable=True)
    prepare(talk, AnsweringPolicy(summarise=True), None, [(0.1, down)])
    assert talk.summary == ""
    prepare(talk, AnsweringPolicy(summarise=True), None, paced("They asked many things."))
    assert talk.summary == "They asked many things."


def test_what_asks_for_a_summary_is_as_short_as_is_counted_on() -> None:
    assert estimate(SUM_UP) + MESSAGE_TOKENS <= SUMMING_UP_TOKENS


def is_summing_up(request: Sequence[ChatMessage]) -> bool:
    return request[0].content.startswith(SUM_UP)


@pytest.mark.parametrize("announced", [False, True])
def test_who_talks_on_postpones_a_summary_for_three_questions_and_no_longer(
    announced: bool,
) -> None:
    """A summary takes longer than anybody here is silent for. What is announced is no question."""
    summary = "They asked many things."
    policies = Policies(
        system_prompt="be brief", prompt_tokens=256, answering=AnsweringPolicy(summarise=True)
    )

    def answers(messages: Sequence[ChatMessage]) -> Iterable[Step]:
        if is_summing_up(messages):
            return paced(summary, first_s=9.0)
        return paced("I see, and so it is. " * 2)

    asks = [does(1.0 + 8.0 * at, Typed(f"Is this question {at}, please?")) for at in range(14)]
    says = [does(5.0 + 8.0 * at, Say("Hold on.")) for at in range(14 if announced else 0)]
    done = rehearse(
        *asks, *says, answers=answers, policies=policies, microphone=False, until_s=112.0
    )

    requests = done.llm.requests
    told = next(at for at, one in enumerate(requests) if one[0].content.endswith(summary))
    before = ["summary" if is_summing_up(one) else "question" for one in requests[:told]]
    talked_on = before[before.index("summary") :]
    rounds = MOST_POSTPONED + 1
    assert talked_on[: 2 * rounds] == ["summary", "question"] * rounds
    assert talked_on.count("question") == rounds
    assert all(tokens_of(one) <= 256 for one in requests)


def test_nothing_is_made_ready_beside_a_question_that_an_overdue_summary_did_not_give_way_to() -> (
    None
):
    """It ends while the question is being answered."""
    summary = "They asked many things."
    policies = Policies(
        system_prompt="be brief",
        prompt_tokens=256,
        answering=AnsweringPolicy(summarise=True, warm=True),
    )
    asked = 0

    def answer() -> Iterator[Step]:
        nonlocal asked
        asked += 1
        try:
            yield from paced("I see, and so it is. " * 2, first_s=5.0)
        finally:
            asked -= 1

    class Watched(Cache):
        async def warm(self, messages: Sequence[ChatMessage], sampling: Sampling = AS_SET) -> None:
            await super().warm(messages, sampling)
            beside.append(asked)

    def answers(messages: Sequence[ChatMessage]) -> Iterable[Step]:
        return paced(summary, first_s=7.0) if is_summing_up(messages) else answer()

    beside: list[int] = []
    cache = Watched(counts=False)
    asks = [does(1.0 + 12.0 * at, Typed(f"Is this question {at}, please?")) for at in range(14)]
    done = rehearse(
        *asks, answers=answers, policies=policies, prompts=cache, microphone=False, until_s=172.0
    )

    requests = zip(done.asked_s, done.llm.requests, strict=True)
    summed_up = [at_s for at_s, request in requests if is_summing_up(request)]
    assert len(summed_up) > MOST_POSTPONED
    assert any(said[0].content.endswith(summary) for said in cache.warmed)
    assert beside == [0] * len(cache.warmed)


def tokens_of(request: Sequence[ChatMessage]) -> int:
    return sum(estimate(message.content) + MESSAGE_TOKENS for message in request)


def test_without_a_summary_nothing_is_asked_and_nothing_is_kept() -> None:
    talk = talk_of(30, 1024)
    llm = prepare(talk, AnsweringPolicy(), None)
    assert (llm.requests, talk.to_sum_up) == ([], "")
    assert talk.tokens <= 1024


class BrokenCache(Cache):
    """As an adapter with a fault of its own: that is no ServiceError."""

    async def warm(self, messages: Sequence[ChatMessage], sampling: Sampling = AS_SET) -> None:
        self.warmed.append(list(messages))
        raise LookupError("broken")


def test_work_that_breaks_is_over() -> None:
    facts: list[Any] = []

    async def play() -> None:
        llm = ScriptedLanguageModel(lambda messages: paced("They talked."))
        await llm.open()
        thinking = Thinking(llm, facts.append, BrokenCache())
        thinking._order = WarmPrompt((ChatMessage("user", STAND_IN),))
        await thinking._prepare()

    run(play())
    assert facts == [PromptWarmed()]
