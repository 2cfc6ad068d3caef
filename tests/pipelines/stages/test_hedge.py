"""A hundred turns at an endpoint with a heavy tail, alone and hedged: real client, real sockets.

On virtual time: what is measured is the policy, and not how busy this machine is. Speculation is
on, so requests for answers that were withdrawn are counted with the others.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from bot.settings.latency_profile import PROFILES
from pipelines.core.ledger.statistics import percentile
from pipelines.core.thinking.failover import Hedge, Patience
from pipelines.services.llm.llm_failover import FailoverLanguageModel
from pipelines.services.llm.llm_openai import OpenAiLanguageModel
from pipelines.services.protocols import LanguageModel
from tests.pipelines.services.scripted_endpoint import DONE, Reply, ScriptedEndpoint, delta, finish
from tests.pipelines.stages.inline import Inline
from tests.pipelines.stages.rehearsal import rehearse, says

TAIL_SHARE, TAIL_S = 0.1, 2.0
EVERY_S = 6.0
ANSWER = ["Well,", " it", " is", " noon."]


def h100(seed: str, requests: int, tail_share: float) -> ScriptedEndpoint:
    profile, rng = PROFILES["h100-fp8"], random.Random(seed)
    replies = []
    for _ in range(requests):
        first_s = TAIL_S if rng.random() < tail_share else profile.first_token_s(rng)
        steps: list[Any] = [first_s, delta(role="assistant", content="")]
        for token in ANSWER:
            steps += [delta(content=token), profile.between_s]
        replies.append(Reply([*steps, finish(), DONE]))
    return ScriptedEndpoint(replies)


PATIENT = Patience(first_token_s=60.0, first_clause_s=60.0, apology_s=60.0)
"""Every endpoint that is asked is waited for."""


@dataclass(frozen=True)
class Figures:
    p50_s: float
    p95_s: float
    """Voice to voice."""
    requests: int
    """All that the endpoints were asked, for withdrawn replies too."""


def talk(
    turns: int, *endpoints: ScriptedEndpoint, hedge: Hedge, patience: Patience | None = None
) -> Figures:
    @asynccontextmanager
    async def llm() -> AsyncIterator[LanguageModel]:
        asyncio.get_running_loop().set_default_executor(Inline())
        async with AsyncExitStack() as stack:
            urls = [(await stack.enter_async_context(one)).url for one in endpoints]
            models = [OpenAiLanguageModel(base_url=url, model="m") for url in urls]
            model = FailoverLanguageModel(models, patience, hedge)
            yield model
            await model.close()

    cues = [says(1.0 + EVERY_S * n, "what time is it?") for n in range(turns)]
    done = rehearse(*cues, llm=llm, until_s=1.0 + EVERY_S * turns)
    waits = [float(str(row["voice_to_voice_s"])) for row in done.rows]
    assert len(waits) == turns
    return Figures(
        percentile(waits, 50), percentile(waits, 95), sum(len(one.requests) for one in endpoints)
    )


@pytest.mark.soak
def test_a_heavy_tail_is_not_felt_and_costs_few_requests() -> None:
    turns = 100

    def primary() -> ScriptedEndpoint:
        return h100("primary", 6 * turns, TAIL_SHARE)

    alone = talk(turns, primary(), hedge="off", patience=PATIENT)
    clocked = talk(turns, primary(), hedge="off")
    hedged = talk(turns, primary(), h100("second", 6 * turns, 0.0), hedge="auto")
    print(alone, clocked, hedged, sep="\n")  # noqa: T201 - for whoever runs it with -s
    assert alone.p95_s > 2.0
    assert clocked.p95_s < alone.p95_s
    assert hedged.p95_s < 0.6
    assert hedged.requests < 1.15 * alone.requests
