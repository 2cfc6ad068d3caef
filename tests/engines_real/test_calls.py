"""Calls by voice through a real llama-server, with models so small that they come along."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.calls.limits import Limits
from bot.settings import Settings
from bot.wiring.model import failover_for_texts
from client.caller.call import CallOptions, CallResult, place_call
from client.caller.conductor import Pacing, ScriptLine
from pipelines.core.turn.wording import words
from pipelines.services.protocols import ChatMessage, TextDelta
from tests.engines_real import llama_server
from tests.engines_real.calling import SYSTEM_PROMPT, WiredEngine, spoken
from tests.engines_real.llama_server import LlamaServer, decoding
from tests.engines_real.tiny_gemma3 import counting
from tests.serving import serving
from tests.test_first_call import by_ear

pytestmark = [pytest.mark.needs("llama-server"), pytest.mark.usefixtures("empty_folder")]

SCRIPT = {
    "What is your name?": "I am a very small test assistant, trained from nothing on one machine.",
    "What is your address?": "Our office is at twelve Harbour Street, next to the library.",
    "How much does it cost?": "The basic plan costs ten dollars a month. The first month is free.",
    "Can I pay by card?": "You can pay by card or by bank transfer.",
    "Where is my order?": "Your parcel was sent yesterday and should arrive in two days.",
    "I forgot my password.": (
        "Open the login page, press forgot password, and follow the link in the mail."
    ),
    "Tell me a joke.": "Why did the computer go to the doctor? Because it had a virus.",
    "Count to ten.": "One, two, three, four, five, six, seven, eight, nine, ten.",
    "Let me talk to a person.": (
        "Of course. I will connect you to a colleague, please hold the line."
    ),
    "Thank you.": "You are welcome. Is there anything else?",
}
COUNTS_TO = 1000
"""Some ten seconds of work, most of which a barge-in must spare the model."""
NUMBERS = {"1": "one", "2": "two", "3": "three", "4": "four", "5": "five",
           "6": "six", "7": "seven", "8": "eight", "9": "nine", "10": "ten"}  # fmt: skip


def test_our_client_gets_the_scripted_answers_from_a_real_engine() -> None:
    async def scenario() -> list[str]:
        async with llama_server.running(llama_server.FAQ) as engine:
            given = {"llm_base_url": engine.url, "llm_temperature": 0}
            llm = failover_for_texts(Settings.model_validate(given), engine.url)  # as texts ask
            await llm.open()
            try:
                answers = []
                for question in SCRIPT:
                    asked = [ChatMessage("system", SYSTEM_PROMPT), ChatMessage("user", question)]
                    deltas = [delta async for delta in llm.stream(asked)]
                    said = [delta.text for delta in deltas if isinstance(delta, TextDelta)]
                    assert len(said) > 1, "it streams"
                    answers.append("".join(said))
                return answers
            finally:
                await llm.close()

    assert asyncio.run(scenario()) == list(SCRIPT.values())


async def asked_aloud(*questions: str) -> CallResult:
    async with llama_server.running(llama_server.FAQ) as model:
        engine = WiredEngine(llm_base_url=model.url, llm_model="faq", llm_temperature=0)
        async with serving(engine.as_engine(), limits=Limits(calls=4)) as served:
            url = f"http://127.0.0.1:{served.port}"
            return await place_call(url, [ScriptLine(one) for one in await spoken(*questions)])


@pytest.mark.soak
def test_ten_spoken_questions_get_ten_right_answers() -> None:
    result = asyncio.run(asked_aloud(*SCRIPT))

    assert [turn.words.answer for turn in result.turns] == list(SCRIPT.values())
    assert not any(turn.wait.missed for turn in result.turns)
    assert result.faults == []


class Watched:
    """A model's slots, as they tell of themselves."""

    def __init__(self) -> None:
        self.decoded: list[int] = [0]
        """The most tokens of each stretch of work; a stretch ends when its slot is idle."""

    async def watch(self, model: LlamaServer) -> None:
        while True:
            if busy := await decoding(model.http):
                self.decoded[-1] = max(self.decoded[-1], *busy)
            elif self.decoded[-1]:
                self.decoded.append(0)
            await asyncio.sleep(0.02)


@contextmanager
def cancelled_after(task: "asyncio.Task[None]") -> Iterator[None]:
    yield
    task.cancel()


def test_a_barge_in_stops_the_generation_and_the_history_holds_what_was_heard(
    tmp_path: Path,
) -> None:
    async def scenario() -> tuple[CallResult, list[tuple[str, str]]]:
        file = counting(tmp_path / "count.gguf", COUNTS_TO, idle_layers=8)
        async with llama_server.running(file) as model, asyncio.TaskGroup() as tasks:
            engine = WiredEngine(llm_base_url=model.url, llm_model="count", llm_max_tokens=2000)
            async with serving(engine.as_engine(), limits=Limits(calls=4)) as served:
                ask, stop = await spoken("Please count for me.", "Stop, that is enough.")
                lines = [
                    ScriptLine(ask),
                    ScriptLine(stop, barge_in_after_s=2.0, expects_answer=False),
                ]
                with cancelled_after(tasks.create_task(watched.watch(model))):
                    url = f"http://127.0.0.1:{served.port}"
                    options = CallOptions(
                        pacing=Pacing(lead_in_s=0.1, until_quiet_s=0.2, hear_s=0.1)
                    )
                    result = await place_call(url, lines, options)
                await model.until_idle()
            [conversation] = engine.conversations
            return result, [(line.role, line.text) for line in conversation.lines]

    watched = Watched()
    result, history = asyncio.run(scenario())

    assert len(watched.decoded) > 1, "a slot fell idle while the call went on"
    assert 0 < watched.decoded[0] < COUNTS_TO
    cut_off = next(m for m in result.messages if m.data.get("type") == "cut-off")
    assert history[1] == ("assistant", cut_off.data["heard"])
    said = list(words(history[1][1]))
    assert said
    assert said == ["sure", "counting", *NUMBERS][: len(said)]
    audible = result.heard[: round((cut_off.at_s - result.started_s) * 24_000)]
    heard = [word for word in words(by_ear(audible)) if word in NUMBERS.values()]
    counted = [NUMBERS[word] for word in said[2:]]
    assert heard == sorted(heard, key=list(NUMBERS.values()).index)
    last = list(NUMBERS.values()).index(heard[-1]) + 1 if heard else 0
    assert len(counted) - 1 <= last, "half a word counts as heard"
