"""The instrument itself, over loopback sockets and in real time, against bots of known delay."""

import asyncio
from asyncio.subprocess import Process
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import cast

import httpx2
import numpy as np
import pytest

from bench import turns
from bench.engine import create_app
from bench.playlist import PlaylistItem, PlaylistPause
from bench.plays import Play
from bench.servers import BenchEngine, Running, ServerError
from bench.turns import Bench, BenchPlan, Contestant, length_s
from client.caller.call import CallOptions
from client.caller.conductor import Pacing
from client.caller.door import PageDoor
from client.caller.speech_file import Recording, SpokenTurn
from tests.client.caller.loopback import Server, serving, tone

HURRIED = Pacing(lead_in_s=0.02, until_quiet_s=0.3, hear_s=0.05, answer_limit_s=6.0)


@dataclass
class Alive:
    returncode: int | None = None


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "TURN", HURRIED)
    monkeypatch.setattr(turns, "BACK_CHANNEL", HURRIED)


def spoken(name: str = "a", *, gap_s: float = 0.0, role: str = "turn") -> PlaylistItem:
    """0.3 s of speech, or twice that with a hanging pause in between, in a room of silence."""
    parts = [tone(0.3, 16_000)]
    if gap_s:
        parts += [np.zeros(round(gap_s * 16_000), np.int16), tone(0.3, 16_000)]
    end_s = 0.3 + (gap_s + 0.3 if gap_s else 0.0)
    pcm = np.concatenate([*parts, np.zeros(16_000 * 6, np.int16)])
    recording = Recording(f"{name}.flac", pcm, (SpokenTurn(0.0, end_s, "a tone"),), labelled=True)
    return PlaylistItem(
        name=name,
        role=role,  # type: ignore[arg-type]
        what="sentence",
        source=name,
        recording=recording,
        pauses=(PlaylistPause(0.3, gap_s, "hanging", place=name),) if gap_s else (),
        opening=recording if role != "turn" else None,
    )


def play(
    items: Sequence[PlaylistItem],
    *servers: Server,
    wanted: BenchPlan | None = None,
    tell: Callable[[list[Play]], None] | None = None,
) -> list[Play]:
    """The servers are called a, b ...; the LLM server is in this process."""
    wanted = wanted or BenchPlan()
    found: list[Play] = []

    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            app = httpx2.ASGITransport(app=create_app("none"))
            http = await stack.enter_async_context(httpx2.AsyncClient(transport=app))
            contestants = []
            for name, server in zip("ab", servers, strict=False):
                await stack.enter_async_context(serving(server))
                running = Running(name, server.url, "", cast(Process, Alive()))
                options = CallOptions(door=PageDoor(stock=True), handshake_s=0.5)
                contestants.append(Contestant(running, options))
            bench = Bench(wanted, BenchEngine("http://llm/v1", http), contestants)
            await bench.play(items, tell or found.extend)

    asyncio.run(scenario())
    return found


@pytest.mark.parametrize("delay_s", [0.12, 0.7])
def test_a_known_delay_comes_out_right(delay_s: float) -> None:
    """Never less than the bot waited, which counts the samples of silence: frames that left late
    are caught up with.
    """
    [one] = play([spoken()], Server(answer_after_s=delay_s))

    assert one.v2v_s >= delay_s - one.late_s - 0.001
    assert not one.missed
    assert not one.cut_in
    assert one.failed is None


def test_a_first_call_warms_the_server_and_is_not_counted() -> None:
    server = Server(answer_after_s=0.1)
    plays = play([spoken("a"), spoken("b")], server)

    assert len(plays) == 2
    assert len(server.answered_at_s) == 3


def test_a_planted_cut_in_is_found_at_its_pause() -> None:
    [one] = play([spoken(gap_s=0.6)], Server(answer_after_s=0.2, answer_s=0.1))

    assert [pause.cut_in for pause in one.pauses] == [True]
    assert one.cut_in_elsewhere == 0
    assert not one.missed
    assert one.v2v_s >= 0.2 - one.late_s - 0.001
    assert one.answers == 2


def test_a_bot_that_waits_long_enough_is_not_blamed() -> None:
    [one] = play([spoken(gap_s=0.3)], Server(answer_after_s=0.7, answer_s=0.1))

    assert [pause.cut_in for pause in one.pauses] == [False]
    assert not one.cut_in
    assert one.answers == 1


def test_a_planted_miss_is_found() -> None:
    [one] = play([spoken()], Server(answers=1))  # its answer to the warming call

    assert one.missed
    assert one.v2v_s == 5.0
    assert one.answers == 0


def test_both_servers_play_everything_and_take_turns_to_be_first() -> None:
    order: list[str] = []
    play(
        [spoken("a"), spoken("b"), spoken("c")],
        Server(answer_after_s=0.1),
        Server(answer_after_s=0.1),
        tell=lambda plays: order.extend(one.server for one in plays),
    )

    assert "".join(order) == "abbaab"


def test_each_repeat_plays_each_item_once_in_an_order_of_its_own() -> None:
    items = [spoken(name) for name in "abcdef"]
    bench = Bench(BenchPlan(repeats=2), cast(BenchEngine, None))
    batches = list(bench._batches(items))

    rounds = [[b[0].name for r, b in batches if r == repeat] for repeat in (0, 1)]
    assert [sorted(one) for one in rounds] == [list("abcdef")] * 2
    assert rounds[0] != rounds[1]


def test_calls_at_once_are_played_together_but_interruptions_one_by_one() -> None:
    items = [spoken(name) for name in "abcde"] + [spoken("f", role="interruption")]
    bench = Bench(BenchPlan(calls=2), cast(BenchEngine, None))

    assert [len(batch) for _, batch in bench._batches(items)] == [2, 2, 1, 1]


def test_calls_at_once_are_each_measured() -> None:
    plays = play([spoken("a"), spoken("b")], Server(answer_after_s=0.2), wanted=BenchPlan(calls=2))

    assert sorted(one.item for one in plays) == ["a", "b"]
    assert [one.calls for one in plays] == [2, 2]
    assert [one.opened for one in plays] == [0, None]


def test_a_server_that_fails_every_call_is_given_up() -> None:
    heard: list[Play] = []
    with pytest.raises(ServerError, match="never answered the handshake"):
        play([spoken(name) for name in "abcd"], Server(greets_back=False), tell=heard.extend)

    assert [one.missed for one in heard] == [True]  # the warming call was the first of three


def test_how_long_it_takes_is_said_before() -> None:
    items = [spoken("a"), spoken("b")]

    assert length_s(items, BenchPlan()) == pytest.approx(2 * length_s(items, BenchPlan(peers=())))
    assert length_s(items, BenchPlan(repeats=3)) == pytest.approx(3 * length_s(items, BenchPlan()))
