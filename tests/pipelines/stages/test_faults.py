"""An endpoint's faults over real sockets, on virtual time: what the caller hears, and when.

The client, the failover and all stages are the real ones, with the clocks that a server has by
default. Time is virtual, the loopback sockets are not.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from pipelines.core.exchange import AnswerMeasured, Typed
from pipelines.core.thinking.failover import Patience
from pipelines.services.llm.llm_failover import FailoverLanguageModel
from pipelines.services.llm.llm_openai import OpenAiLanguageModel
from pipelines.services.protocols import LanguageModel
from pipelines.words import ENGLISH
from tests.pipelines.services.scripted_endpoint import (
    DONE,
    HANG,
    RESET,
    Reply,
    ScriptedEndpoint,
    Step,
    delta,
    finish,
)
from tests.pipelines.stages.inline import Inline
from tests.pipelines.stages.rehearsal import Cue, Rehearsed, does, rehearse, says, speech_end

ASKED_S = 1.0
TYPED = does(ASKED_S, Typed("what time is it?"))
SPOKEN = says(ASKED_S, "what time is it?")
ROLE = delta(role="assistant", content="")
IDLE_S = 2.0
LATEST_S = 4.0


def text(words: str) -> list[Step]:
    tokens = [f" {word}" if at else word for at, word in enumerate(words.split())]
    return [ROLE, *(step for token in tokens for step in (0.025, delta(content=token)))]


def well(words: str) -> Reply:
    return Reply([0.15, *text(words), finish(), DONE])


STALL = Reply([0.15, *text("Sure, it is exactly"), HANG])
STALL_IN_THE_SECOND = Reply([0.15, *text("It is noon now. And then"), HANG])
DRIBBLE = Reply([ROLE, *(s for n in range(20) for s in (0.7, delta(content=f" word{n}")))])
CUT = Reply([0.15, *text("Sure, it is exactly"), RESET])
LONG_LINE = Reply([b"data: " + b"x" * 1_000_000, *[b"x" * 1_000_000] * 10, HANG])


@dataclass(frozen=True)
class Case:
    heard: str
    within_s: float
    """From the question to the first sound."""
    requests: int


FAULTS: dict[str, tuple[Iterable[Reply], Case]] = {
    # A request is made at the first pause; where it fails, one more; that makes an apology.
    "401": ([Reply([b"{}"], 401)], Case(ENGLISH.apology, 1.0, 1)),
    "429": ([Reply([b"{}"], 429, ("retry-after: 30",))], Case(ENGLISH.apology, 1.0, 1)),
    "429, soon well": (
        [Reply([b"{}"], 429, ("retry-after: 1",)), well("It is noon.")],
        Case("It is noon.", 2.0, 2),
    ),
    "500": ([Reply([b"{}"], 500)], Case(ENGLISH.apology, 1.0, 2)),
    "500, then well": ([Reply([b"{}"], 500), well("It is noon.")], Case("It is noon.", 1.0, 2)),
    "loading": ([Reply([b'{"error": "Loading model"}'], 503)], Case(ENGLISH.cold, 1.0, 1)),
    "half open": ([Reply([HANG], None)], Case(ENGLISH.cold, LATEST_S, 2)),
    "half open once": ([Reply([HANG], None), well("It is noon.")], Case("It is noon.", 2.2, 2)),
    "silent": ([Reply([ROLE, HANG])], Case(ENGLISH.cold, LATEST_S, 2)),
    "stall": ([STALL], Case(f"Sure, it is exactly {ENGLISH.apology}", 1.0, 1)),
    "stall in the second sentence": ([STALL_IN_THE_SECOND], Case("It is noon now.", 1.0, 1)),
    "dribble": ([DRIBBLE], Case(ENGLISH.apology, LATEST_S, 2)),
    "reset": ([Reply([RESET], None)], Case(ENGLISH.apology, 1.0, 2)),
    "reset in the middle": ([CUT], Case(f"Sure, it is exactly {ENGLISH.apology}", 1.0, 1)),
    "garbage": ([Reply([b"\x00\xff garbage\r\n\r\n"], None)], Case(ENGLISH.apology, 1.0, 2)),
    "torn json": ([Reply([0.1, b"data: {torn\n\n"])], Case(ENGLISH.apology, 1.0, 2)),
    "a 10 MB line": ([LONG_LINE], Case(ENGLISH.apology, 1.0, 2)),
    "nothing said": ([Reply([0.1, ROLE, finish(), DONE])], Case(ENGLISH.apology, 1.0, 2)),
    "no end": ([Reply([*text("Sure, it is noon."), DONE])], Case("Sure, it is noon.", 1.0, 1)),
}


def model_at(url: str) -> OpenAiLanguageModel:
    return OpenAiLanguageModel(base_url=url, model="m", idle_s=IDLE_S)


def calling(
    *endpoints: ScriptedEndpoint,
    cues: Sequence[Cue] = (TYPED,),
    url: str = "",
    until_s: float = 10.0,
) -> Rehearsed:
    """One call whose language model is behind these endpoints; all of it is closed at its end."""

    @asynccontextmanager
    async def llm() -> AsyncIterator[LanguageModel]:
        asyncio.get_running_loop().set_default_executor(Inline())
        before = asyncio.all_tasks()
        for endpoint in endpoints:
            await endpoint.__aenter__()
        urls = [url] * bool(url) + [endpoint.url for endpoint in endpoints]
        model = FailoverLanguageModel([model_at(one) for one in urls])
        try:
            yield model
            for endpoint in endpoints:
                while endpoint.answering:
                    await endpoint.quiet.wait()
        finally:
            await model.close()
            for endpoint in endpoints:
                await endpoint.__aexit__(None, None, None)
            assert [endpoint.open_connections for endpoint in endpoints] == [0] * len(endpoints)
            assert asyncio.all_tasks() == before

    return rehearse(*cues, llm=llm, until_s=until_s, microphone=SPOKEN in cues)


def for_ever(replies: Iterable[Reply]) -> ScriptedEndpoint:
    """The last again and again: a question may be asked more than once before it is over."""
    *first, last = replies
    return ScriptedEndpoint([*first, *[last] * 20])


def first_sound_s(done: Rehearsed) -> float:
    return done.heard[0].start_s - ASKED_S


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_never_silence(name: str) -> None:
    replies, case = FAULTS[name]
    endpoint = for_ever(replies)
    done = calling(endpoint)

    assert done.heard_text == case.heard
    assert 0 < first_sound_s(done) <= case.within_s <= 4.0
    assert len(endpoint.requests) == case.requests
    (answer,) = [item.facts for _, item in done.sent if isinstance(item, AnswerMeasured)]
    assert answer["llm_requests"] == case.requests
    assert done.states[-1] == "listening"
    assert done.errors == []


def test_a_port_where_nobody_listens_is_apologised_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    done = calling(url=url)
    assert done.heard_text == ENGLISH.apology
    assert first_sound_s(done) <= 1.0


@pytest.mark.parametrize(
    "name", ["401", "500", "half open", "stall", "dribble", "reset", "a 10 MB line"]
)
def test_a_fallback_answers_in_its_place_unless_something_was_said(name: str) -> None:
    replies, case = FAULTS[name]
    fallback = for_ever([well("Yes, it is noon.")])
    done = calling(for_ever(replies), fallback)

    begun = case.heard.startswith(("Sure", "It is noon now"))
    assert done.heard_text == (case.heard if begun else "Yes, it is noon.")
    assert len(fallback.requests) == (0 if begun else 1)
    assert first_sound_s(done) <= 1.5


def test_the_call_goes_on_after_a_fault() -> None:
    endpoint = for_ever([*[Reply([b"{}"], 500)] * 2, well("It is noon.")])
    done = calling(endpoint, cues=[TYPED, does(8.0, Typed("and now?"))], until_s=12.0)
    assert done.heard_text == f"{ENGLISH.apology} It is noon."
    assert len(endpoint.requests) == 3


def test_who_rests_is_not_asked_and_asked_again_later() -> None:
    endpoint = for_ever([*[Reply([b"{}"], 500)] * 3, well("It is noon.")])
    cues = [does(at, Typed("what time is it?")) for at in (1.0, 8.0, 12.9, 19.0)]
    done = calling(endpoint, cues=cues, until_s=23.0)
    assert done.heard_text == " ".join([ENGLISH.apology] * 3 + ["It is noon."])
    assert len(endpoint.requests) == 4


@pytest.mark.parametrize("name", ["500", "half open", "stall", "dribble"])
def test_what_was_begun_too_early_is_closed_too(name: str) -> None:
    """A reply is begun before the person has finished: its requests are withdrawn with it."""
    replies, case = FAULTS[name]
    endpoint = for_ever(replies)
    done = calling(endpoint, cues=[SPOKEN])
    assert done.heard_text == case.heard
    waited_s = done.heard[0].start_s - speech_end(SPOKEN)
    if case.within_s == LATEST_S:  # by the end of speech, not by the request
        assert waited_s == pytest.approx(Patience().apology_s, abs=0.1)
    assert waited_s <= case.within_s
    assert case.requests <= len(endpoint.requests) <= 3 * case.requests
