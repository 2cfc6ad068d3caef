"""The caller as Twilio at the real door: it is survived, and waits no longer than a page."""

import asyncio
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.playlist import PlaylistItem
from bench.plays import Play
from bench.turns import BenchPlan, PeerName, bench
from bot.calls.limits import Limits
from bot.commands.checks.twilio_reach import STATUS, VOICE
from bot.commands.phone_command import outbound
from bot.phone.line import TelephoneConfig
from client.caller.call import CallOptions, CallResult, place_call
from client.caller.conductor import Pacing, ScriptLine, keyed
from client.caller.speech_file import Recording, SpokenTurn, load
from client.caller.telephone import TelephoneCaller
from client.caller.trouble import NetworkFaults
from client.caller.wording import count_word_errors
from pipelines.core.exchange import Dtmf
from pipelines.core.ledger.statistics import median
from tests.bot.phone.calling import PHONE, PUBLIC, TOKEN
from tests.client.caller.loopback import tone
from tests.serving import Served, serving
from tests.twilio_cloud import NUMBER, SID, Cloud, running
from tests.twilio_cloud import SECRET as API_SECRET

RECORDINGS = Path(__file__).parents[2] / "recordings"
CALLER = TelephoneCaller(auth_token=TOKEN, public_url=PUBLIC)
HURRIED = CallOptions(pacing=Pacing(lead_in_s=0.02, until_quiet_s=0.3))
SPOKEN = ScriptLine(
    Recording("tone", tone(0.3, 16_000), (SpokenTurn(0.0, 0.3),)), expects_answer=False
)
KEYED = replace(keyed("12#"), expects_answer=False)

TROUBLES = (
    NetworkFaults(),
    NetworkFaults(jitter=0.1),
    NetworkFaults(loss=0.3),
    NetworkFaults(stall=0.5),
    NetworkFaults(duplicate=0.3),
    NetworkFaults(reorder=0.3),
    NetworkFaults(jitter=0.05, loss=0.1, duplicate=0.1, reorder=0.1, stall=0.2),
)


async def called(served: Served, trouble: NetworkFaults) -> CallResult:
    options = replace(HURRIED, door=replace(CALLER, trouble=trouble))
    return await place_call(f"http://127.0.0.1:{served.port}", [SPOKEN, KEYED], options)


def test_whatever_goes_wrong_on_the_way_is_survived() -> None:
    """All at once, in real time: two seconds."""

    async def scenario() -> tuple[list[CallResult], Served]:
        limits = Limits(calls=len(TROUBLES), calls_per_address=len(TROUBLES))
        async with serving(phone=PHONE, limits=limits) as served:
            return await asyncio.gather(*(called(served, one) for one in TROUBLES)), served

    results, served = asyncio.run(scenario())
    assert len(served.engine.calls) == len(results) == len(TROUBLES)
    for call in served.engine.calls:
        assert [one.digit for one in call.heard if isinstance(one, Dtmf)] == list("12#")
    for result in results:
        assert result.tally is not None
        assert result.tally.ended == ""
        assert result.tally.received["media"] > 10


def test_a_call_that_is_placed_lands_on_the_same_pipeline() -> None:
    """Twilio's API and Twilio's stream, both of ours, with the real door in between."""

    async def scenario() -> tuple[CallResult, Served, dict[str, str]]:
        with running(Cloud()) as cloud:
            cloud.own()
            async with serving(phone=PHONE) as served:
                line = TelephoneConfig(
                    account_sid=SID, auth_token=API_SECRET, api_base_url=cloud.url, public=PUBLIC
                )
                async with line.rest() as rest:
                    await rest.dial(outbound(line, NUMBER, "+15005550006", 30))
                asked = cloud.asked[-1][2]
                return await called(served, NetworkFaults()), served, asked

    result, served, asked = asyncio.run(scenario())
    assert asked["Url"] == PUBLIC + VOICE
    assert asked["StatusCallback"] == PUBLIC + STATUS
    assert len(served.engine.calls) == 1
    assert result.tally is not None
    assert result.tally.ended == ""


# ---- the real thing, in real time ----

REPEATS = 4
MORE_S = 0.03
"""Seconds that the telephone may cost beyond the page, at the median."""


def item(path: Path) -> PlaylistItem:
    one = load(path)
    pcm = np.concatenate([one.pcm, np.zeros(16_000 * 6, np.int16)])
    recording = replace(one, pcm=pcm)
    return PlaylistItem(
        name=one.name, role="turn", what="sentence", source=one.name, recording=recording
    )


@pytest.mark.soak
def test_telephone_speech_is_answered_as_soon_as_at_the_page() -> None:
    """Twelve minutes: nine recordings at both doors by turns, with the pace of `fixed-150`."""
    plays: list[Play] = []

    async def scenario() -> None:
        wanted = BenchPlan(caller="twilio", peers=(PeerName.PAGE,), repeats=REPEATS)
        async with bench(wanted) as made:
            items = [item(path) for path in sorted(RECORDINGS.glob("phone_*.wav"))]
            await made.play(items, plays.extend)

    asyncio.run(scenario())
    waits = {
        name: [play.v2v_s for play in plays if play.server == name] for name in ("page", "ours")
    }
    for play in plays:
        print(play.server, play.item, f"{1000 * play.v2v_s:.0f} ms", play.asked)  # noqa: T201
    for name, found in waits.items():
        print(name, f"p50 {1000 * median(found):.0f} ms of {len(found)}")  # noqa: T201
    assert [play.item for play in plays if play.missed or play.failed] == []
    assert median(waits["ours"]) - median(waits["page"]) <= MORE_S
    counts = [
        count_word_errors(play.reference or "", play.asked or "")
        for play in plays
        if play.server == "ours"
    ]
    assert sum(one.errors for one in counts) / sum(one.words for one in counts) < 0.2
