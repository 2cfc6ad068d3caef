"""Hundreds of turns in one call, on virtual time: memory, prompt and prefix."""

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

import pytest

from pipelines.cascade import Call, CallFormat, Policies, Services
from pipelines.core.exchange import StateChanged, ToCaller, Typed
from pipelines.core.memory.entry import MESSAGE_TOKENS, estimate
from pipelines.core.thinking.answering import AnsweringPolicy
from pipelines.services.protocols import (
    AS_SET,
    EAR_RATE_HZ,
    ChatMessage,
    Delta,
    Finished,
    Sampling,
    TextDelta,
)
from replay.virtual_time import run
from tests.pipelines.services.scripted import (
    ScriptedSpeechToText,
    ScriptedTurnModel,
    ScriptedVad,
    ScriptedVoice,
)

LIMIT_TOKENS = 1024
ANSWER = "That was question {}, and its answer takes about as many words as people say."


@dataclass
class Watcher:
    """`LanguageModel` and `PromptCache` that keeps figures, and no words but the last prompt's."""

    asked: int = 0
    same_prefix: int = 0
    warm: int = 0
    """Questions whose prompt began with all that was warmed before it."""
    most_tokens: int = 0
    warmed: int = 0
    """Times: when the call began, and after each answer."""
    _last: list[ChatMessage] = field(default_factory=list)
    _warmed: list[ChatMessage] = field(default_factory=list)

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def stream(
        self, messages: Sequence[ChatMessage], sampling: Sampling = AS_SET
    ) -> AsyncGenerator[Delta, None]:
        self.asked += 1
        self.same_prefix += list(messages[: len(self._last)]) == self._last
        self.warm += list(messages[: len(self._warmed)]) == self._warmed
        self._last = list(messages)
        size = sum(estimate(message.content) + MESSAGE_TOKENS for message in messages)
        self.most_tokens = max(self.most_tokens, size)
        await asyncio.sleep(0.1)
        yield TextDelta(ANSWER.format(self.asked))
        yield Finished("stop")


class Cache:
    """`PromptCache`: what the watcher's prompts are held against."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher

    async def warm(self, messages: Sequence[ChatMessage], sampling: Sampling = AS_SET) -> None:
        self._watcher._warmed = list(messages[:-1])
        self._watcher.warmed += 1

    async def count(self, text: str) -> int | None:
        return estimate(text)


def talk(turns: int, weigh_at: Sequence[int]) -> tuple[Watcher, list[int]]:
    """`turns` typed questions, each heard out; and the memory in bytes after some of them."""
    watcher, weights = Watcher(), []

    async def scenario() -> None:
        voice = ScriptedVoice(character_s=0.01)
        voice_texts = voice.texts
        ears, scorer = ScriptedSpeechToText(lambda audio: ""), ScriptedTurnModel(lambda audio: 0.0)
        for service in (voice, ears, scorer):
            await service.open()
        listening = asyncio.Event()

        def send(item: ToCaller) -> None:
            if item == StateChanged("listening"):
                listening.set()

        services = Services(
            new_vad=ScriptedVad, stt=ears, turn=scorer, llm=watcher, tts=voice,
            prompts=Cache(watcher),
        )  # fmt: skip
        policies = Policies(
            system_prompt="Be brief.",
            prompt_tokens=LIMIT_TOKENS,
            answering=AnsweringPolicy(warm=True),
        )
        form = CallFormat(in_rate_hz=EAR_RATE_HZ, out_rate_hz=24_000)
        call = Call(services, form, send, policies)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(call.run())
            await asyncio.sleep(0.1)
            for turn in range(1, turns + 1):
                listening.clear()
                call.push(Typed(f"This is question {turn}, what do you say to it?"))
                await listening.wait()
                voice_texts.clear()  # the stand-in's own memory
                if turn in weigh_at:
                    await asyncio.sleep(1.0)
                    gc.collect()
                    weights.append(tracemalloc.get_traced_memory()[0])
            running.cancel()

    if weigh_at:
        tracemalloc.start()
    try:
        run(scenario())
    finally:
        tracemalloc.stop()
    return watcher, weights


def assert_steady(turns: int, watcher: Watcher) -> None:
    assert watcher.asked == turns
    assert watcher.most_tokens <= LIMIT_TOKENS
    assert watcher.same_prefix >= 0.9 * turns
    assert watcher.warm == turns
    assert watcher.warmed >= turns


def test_a_long_call_keeps_its_prompt_within_the_limit_and_its_prefix() -> None:
    watcher, _ = talk(25, ())
    assert_steady(25, watcher)


@pytest.mark.soak
def test_five_hundred_turns_take_no_more_memory_than_a_hundred() -> None:
    watcher, (early, *later) = talk(500, (100, 200, 300, 400, 500))
    print(watcher.same_prefix, watcher.most_tokens, [one - early for one in later])  # noqa: T201
    assert_steady(500, watcher)
    assert max(later) - early < 100_000
