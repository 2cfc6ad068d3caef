"""A call for each side of a recording: its lines, what is answered, and what becomes of it."""

import asyncio
from asyncio.subprocess import Process
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import cast

import httpx2
import pytest

from bench.engine import create_app
from bench.natural import dialogues as module
from bench.natural.dialogues import (
    ANSWER,
    Dialogue,
    DialogueBench,
    answers,
    counted,
    dialogues,
    some,
)
from bench.natural.plays import NaturalPlay
from bench.natural.speech import NaturalTurn, Said, load
from bench.servers import BenchEngine, Requests, Running
from bench.turns import Bench, BenchPlan, Contestant
from client.caller.call import CallOptions
from client.caller.conductor import Pacing
from client.caller.door import PageDoor
from client.caller.speech_file import Recording, SpokenTurn
from tests.bench.natural.folder import made
from tests.bench.natural.test_figures import turn
from tests.bench.test_turns import Alive
from tests.client.caller.loopback import Server, serving, tone


def side(*turns: NaturalTurn) -> Dialogue:
    return Dialogue(tuple(turns))


def after(text: str, first_s: float = 0.0) -> NaturalTurn:
    history = (Said(True, text),) if text else ()
    return replace(turn(), history=history, first_s=first_s)


def test_each_persons_side_of_a_recording_is_a_call(tmp_path: Path) -> None:
    found = dialogues(load(made(tmp_path), sure=0.5))

    assert [[one.speaker for one in dialogue.turns] for dialogue in found] == [
        ["ann"], ["cat"], ["dan"]
    ]  # fmt: skip


def test_turns_are_played_in_the_order_in_which_they_were_spoken() -> None:
    (found,) = dialogues([after("", 9.0), after("", 1.0)])

    assert [one.first_s for one in found.turns] == [1.0, 9.0]


def test_the_bot_answers_with_the_other_persons_words_before_the_next_turn() -> None:
    said = answers(side(after("hello"), after("which card"), after("")))

    assert said == ["which card?", ANSWER, ANSWER]


def test_of_long_words_the_last_are_said() -> None:
    said = answers(side(after(""), after("so " * 40 + "which street")))

    assert said[0].endswith("so which street?")
    assert len(said[0].split()) == module.LONGEST_ANSWER


def test_dialogues_are_drawn_whole() -> None:
    found = [side(turn(), turn()) for _ in range(5)]

    assert len(some(found, 3, seed=0)) == 2
    assert len(some(found, None, seed=0)) == 5


def test_a_calls_requests_stand_at_its_first_turn() -> None:
    plays = [NaturalPlay(server="ours", turn=turn(), v2v_s=0.3) for _ in range(2)]
    requests = Requests(opened=5, finished=3, cancelled=2, asked=("one", "one two"))
    first, second = counted(plays, requests, "one two", opened=1)

    assert (first.wasted, first.asked, second.wasted) == (2, "one two", None)


def test_a_dialogue_at_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over a loopback socket, in real time: a bot that answers after 0.2 s, twice."""
    hurried = Pacing(lead_in_s=0.02, until_quiet_s=0.3, answer_limit_s=6.0)
    opening = Recording("opening", tone(0.3, 16_000), (SpokenTurn(0.0, 0.3, "hi"),), labelled=True)
    monkeypatch.setattr(module, "PACING", hurried)
    one, _ = load(made(tmp_path))
    told: list[NaturalPlay] = []

    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            app = httpx2.ASGITransport(app=create_app("none"))
            http = await stack.enter_async_context(httpx2.AsyncClient(transport=app))
            server = Server(answer_after_s=0.7, answer_s=0.1)
            await stack.enter_async_context(serving(server))
            running = Running("ours", server.url, "", cast(Process, Alive()))
            options = CallOptions(door=PageDoor(stock=True), handshake_s=0.5)
            engine = BenchEngine("http://llm/v1", http)
            bench = Bench(BenchPlan(), engine, [Contestant(running, options)])
            player = DialogueBench(bench)
            player._opening = opening
            await player.play([side(one)], told.extend)

    asyncio.run(scenario())
    [play] = told
    assert play.failed is None
    assert not play.missed
    assert play.v2v_s >= 0.7 - play.late_s - 0.001
    assert play.reference == "hi five two"
