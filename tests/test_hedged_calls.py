"""The hedge on the real server in real time: recordings are played at it, three calls at once.

Every process is one of its own, and every turn counts, however it went. A part of it would say
nothing of a 95th percentile: all of it is for the soak.
"""

import asyncio
import random
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from bench.servers import running
from bot.engines.demo import MODEL
from client.caller.call import CallOptions, TurnResult, place_call
from client.caller.conductor import Pacing, ScriptLine
from client.caller.speech_file import load
from pipelines.core.ledger.statistics import percentile

RECORDINGS = Path(__file__).parent / "recordings"
APART = {
    *("phone_not_at_their_desk", "phone_not_in_service", "wide_stay_on_the_line"),
    "command_go_forward",
    "austen_more_amiable",
}
"""Not what a language model is measured by: three are two sentences each, with a true pause, one is
answered before its labelled end, and one a second after it, however fast the model is."""
NAMES = sorted({path.stem for path in RECORDINGS.glob("*.wav")} - APART)
LATE = ["tests.late_engine"]
WELL = ["bot.engines.demo", "--port", "0", "--profile", "h100-fp8"]
PATIENT = {"LLM_FIRST_TOKEN_S": "20"}
"""Each endpoint that is asked is waited for."""
CALLS, TURNS = 3, 20


@dataclass(frozen=True)
class Figures:
    p50_s: float
    p95_s: float
    """Voice to voice."""
    cut_ins: int
    missed: int
    requests: tuple[int, ...]
    """By endpoint: all that they were asked, for withdrawn replies too."""


async def talk(*, hedged: bool) -> Figures:
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx2.AsyncClient(trust_env=False))
        engines = [running(words[0], words) for words in [LATE, WELL][: 1 + hedged]]
        urls = [(await stack.enter_async_context(engine)).url for engine in engines]
        variables = {
            "LLM_BASE_URL": urls[0],
            "LLM_MODEL": MODEL,
            "LLM_MAX_TOKENS": "8",
            "LLM_WARM": "false",
        }
        fallback = {"LLM_FALLBACKS": f"{MODEL}@{urls[-1]}"} if hedged else PATIENT
        serve = ["bot", "serve", "--host", "127.0.0.1", "--port", "0"]
        server = await stack.enter_async_context(running("serve", serve, variables | fallback))
        calls = [place_call(server.url, lines(seed), OPTIONS) for seed in range(CALLS)]
        turns = [turn for result in await asyncio.gather(*calls) for turn in result.turns]
        for turn in turns:
            _show(turn)
        assert len(turns) == CALLS * TURNS
        waits = [turn.wait.v2v_s for turn in turns]
        return Figures(
            percentile(waits, 50),
            percentile(waits, 95),
            sum(turn.wait.cut_in for turn in turns),
            sum(turn.wait.missed for turn in turns),
            tuple([await opened(http, url) for url in urls]),
        )


async def opened(http: httpx2.AsyncClient, url: str) -> int:
    stats = (await http.get(url.removesuffix("/v1") + "/stats")).json()
    return int(stats["opened"])


FACTS = ("llm_first_token_s", "llm_requests", "llm_hedges", "llm_retries", "withdrawn_replies")
OPTIONS = CallOptions(pacing=Pacing(until_quiet_s=0.5))


def _show(turn: TurnResult) -> None:
    row, wait = turn.words.row or {}, turn.wait
    asked = {name: row.get("facts", {}).get(name) for name in FACTS}
    told = (turn.recording.name, round(wait.v2v_s, 3), wait.cut_in, wait.missed, asked)
    print(*told)  # noqa: T201 - for whoever runs it with -s


def lines(seed: int) -> list[ScriptLine]:
    rng = random.Random(seed)
    names = rng.sample(NAMES, len(NAMES)) + rng.sample(NAMES, len(NAMES))
    return [ScriptLine(load(RECORDINGS / f"{name}.wav")) for name in names[:TURNS]]


@pytest.mark.soak
def test_a_heavy_tail_is_not_heard_and_costs_few_requests() -> None:
    alone = asyncio.run(talk(hedged=False))
    hedged = asyncio.run(talk(hedged=True))
    print(alone, hedged, sep="\n")  # noqa: T201 - for whoever runs it with -s
    assert alone.p95_s > 2.0
    assert hedged.p95_s < 0.6
    first, second = hedged.requests  # how often replies are begun too early differs by the run
    assert first + second < 1.15 * first
