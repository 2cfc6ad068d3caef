"""Calls over a loopback socket, in real time: each lasts a second or two."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.server import ServerConnection

from client.caller.call import CallOptions, CallResult, place_call
from client.caller.conductor import CallProgress, Pacing, ScriptLine
from client.caller.door import CallError, PageDoor
from client.caller.speech_file import Recording, SpokenTurn
from tests.client.caller.loopback import Server, rtvi, say, serving, speech, tone

HURRIED = Pacing(lead_in_s=0.02, until_quiet_s=0.3)
OPTIONS = CallOptions(pacing=HURRIED)


def spoken(duration_s: float = 0.3) -> ScriptLine:
    return ScriptLine(Recording("tone", tone(duration_s, 16_000), (SpokenTurn(0.0, duration_s),)))


def call(
    server: Server, *lines: ScriptLine, options: CallOptions = OPTIONS, watch: Any = None
) -> CallResult:
    async def scenario() -> CallResult:
        async with serving(server):
            result = await place_call(server.url, lines, options, watch)
            await server.goodbye.wait()
            return result

    return run(scenario())


def run(scenario: Coroutine[Any, Any, CallResult]) -> CallResult:
    async def alone() -> CallResult:
        result = await scenario
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return result

    return asyncio.run(alone())


def arrival(result: CallResult, kind: str) -> float:
    return next(message.at_s for message in result.messages if message.kind == kind)


def test_the_wait_lies_between_what_the_server_sent_before_and_after() -> None:
    server = Server(answer_after_s=0.2)
    result = call(server, spoken())

    [turn] = result.turns
    answered_s = turn.said.end_s + turn.wait.v2v_s
    assert server.answered_at_s[0] <= answered_s
    assert arrival(result, "user-transcription") <= answered_s <= arrival(result, "bot-output")


def test_the_whole_wait_of_the_servers_silence_is_measured() -> None:
    """The server counts 0.2 s of samples; no machine hands those over sooner than they play."""
    server = Server(answer_after_s=0.2)
    result = call(server, spoken())

    assert result.turns[0].wait.v2v_s >= 0.2 - 0.02 - result.microphone_late_s


def test_each_turn_has_its_own_words_and_ledger_row() -> None:
    result = call(Server(), spoken(), spoken())

    assert [turn.words.transcript for turn in result.turns] == ["a tone", "a tone"]
    assert [turn.words.answer for turn in result.turns] == ["another tone", "another tone"]
    assert [turn.words.row for turn in result.turns] == [{"segments": {"endpointing": 0.2}}] * 2


def test_both_sides_are_kept_on_one_clock() -> None:
    line = spoken()
    result = call(Server(answer_s=0.3), line)

    [turn] = result.turns
    first = round((turn.said.start_s - result.started_s) * 16_000)
    silent = np.flatnonzero(result.spoken == 0)
    late_s = result.microphone_late_s
    assert 0 <= result.heard.size / 24_000 - result.spoken.size / 16_000 <= late_s + 0.001
    assert result.spoken.size - silent.size == np.count_nonzero(line.recording.pcm)
    assert abs(int(np.flatnonzero(result.spoken)[0]) - first) <= 16_000 * late_s + 1
    answered_s = turn.said.end_s + turn.wait.v2v_s - result.started_s
    assert np.flatnonzero(result.heard)[0] == pytest.approx(answered_s * 24_000, abs=1)


def test_what_was_played_is_reported_and_adds_up() -> None:
    server = Server(answer_s=0.3)
    call(server, spoken())

    played = reports(server)
    assert [generation for generation, _ in played] == [0] * len(played)
    assert played == sorted(played)
    assert played[-1] == (0, 7_200)


def reports(server: Server) -> list[tuple[int, int]]:
    return [
        (message["data"]["d"]["generation"], message["data"]["d"]["samples"])
        for message in server.messages
        if message["type"] == "client-message" and message["data"]["t"] == "played"
    ]


async def _flush_in_the_middle(server: Server, socket: ServerConnection) -> None:
    await say(socket, 30.0)
    await socket.send(rtvi("server-message", {"type": "flush", "generation": 1}))
    await say(socket, 0.1)
    await socket.send(rtvi("bot-output", {"text": "over"}))


def test_a_flush_silences_what_is_left_and_begins_a_generation() -> None:
    server = Server(on_turn=_flush_in_the_middle)
    result = call(server, spoken())

    played = reports(server)
    assert played[-1] == (1, 2_400)
    flushed = max((samples for generation, samples in played if generation == 0), default=0)
    assert np.count_nonzero(result.heard) <= flushed + 2_400 + 24
    assert flushed < 24_000 * 30


def test_a_stock_client_neither_flushes_nor_reports() -> None:
    async def answer(server: Server, socket: ServerConnection) -> None:
        await say(socket, 0.5)
        await socket.send(rtvi("server-message", {"type": "flush", "generation": 1}))

    server = Server(on_turn=answer)
    options = CallOptions(pacing=HURRIED, door=PageDoor(stock=True))
    result = call(server, spoken(), options=options)

    assert reports(server) == []
    assert np.count_nonzero(result.heard) == np.count_nonzero(tone(0.5, 24_000))
    assert not server.messages[0]["data"]["about"]["library"].startswith("halfsecond")


def test_the_caller_introduces_itself_first_and_says_goodbye_last() -> None:
    server = Server()
    call(server, spoken())

    assert server.messages[0]["type"] == "client-ready"
    assert server.messages[0]["data"]["about"]["library"] == "halfsecond-caller"
    assert server.messages[-1]["type"] == "disconnect-bot"


def test_whoever_watches_sees_the_call_progress() -> None:
    seen: list[CallProgress] = []
    call(Server(), spoken(), spoken(), watch=seen.append)

    assert [one.line for one in seen] == sorted(one.line for one in seen)
    assert seen[-1].line == 1
    assert seen[-1].played_s == pytest.approx(0.6)


def test_a_fault_of_the_servers_is_kept() -> None:
    async def answer(server: Server, socket: ServerConnection) -> None:
        await socket.send(rtvi("error", {"error": "the language model is away", "fatal": False}))
        await say(socket, 0.1)

    assert call(Server(on_turn=answer), spoken()).faults == ["the language model is away"]


# ---- what can go wrong ----


def fails(server: Server, *lines: ScriptLine, options: CallOptions = OPTIONS) -> str:
    with pytest.raises(CallError) as caught:
        call(server, *lines, options=options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_server_that_is_not_there() -> None:
    with pytest.raises(CallError, match="no WebSocket"):
        asyncio.run(place_call("ws://127.0.0.1:1/ws", [spoken()], OPTIONS))


def test_a_handshake_that_is_never_answered() -> None:
    options = CallOptions(handshake_s=0.1)

    assert "never answered" in fails(Server(greets_back=False), spoken(), options=options)


def test_a_server_that_hangs_up() -> None:
    async def hang_up(server: Server, socket: ServerConnection) -> None:
        await socket.close(1011, "out of models")

    assert fails(Server(on_turn=hang_up), spoken()).endswith("hung up (1011 out of models)")


def test_a_server_that_is_gone() -> None:
    async def vanish(server: Server, socket: ServerConnection) -> None:
        socket.transport.abort()

    assert fails(Server(on_turn=vanish), spoken()).endswith("hung up (without a word)")


@pytest.mark.parametrize(
    ("junk", "complaint"),
    [
        ("text", "text message"),
        (b"\xff\xff\xff", "not protobuf"),
        (rtvi("server-message", {"type": "flush"}), "without a generation"),
        (speech(tone(0.1, 24_000))[:-9] + b"\x18\x80\x7d\x20\x01", "not protobuf"),
    ],
)
def test_a_server_that_breaks_the_protocol(junk: str | bytes, complaint: str) -> None:
    async def blurt(server: Server, socket: ServerConnection) -> None:
        await socket.send(junk)

    assert complaint in fails(Server(on_turn=blurt), spoken())
