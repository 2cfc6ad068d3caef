"""Calls as Twilio over a loopback socket, in real time: each lasts a second or two."""

import asyncio
import base64
from dataclasses import replace

import numpy as np
import pytest
from starlette.websockets import WebSocket

from client.caller import call as call_module
from client.caller.call import CallOptions, CallResult, place_call
from client.caller.conductor import Pacing, ScriptLine, keyed
from client.caller.door import CallError
from client.caller.speech_file import Recording, SpokenTurn
from client.caller.telephone import TelephoneCaller
from client.caller.trouble import NetworkFaults
from pipelines.audio.mulaw import decode
from tests.client.caller.loopback import tone
from tests.client.caller.telephone_server import SECRET, Exchange, serving

HURRIED = Pacing(lead_in_s=0.02, until_quiet_s=0.3)
PHONE = TelephoneCaller(auth_token=SECRET)
PUBLIC = "https://voice.example"


def spoken(duration_s: float = 0.3) -> ScriptLine:
    return ScriptLine(Recording("tone", tone(duration_s, 16_000), (SpokenTurn(0.0, duration_s),)))


def call(exchange: Exchange, *lines: ScriptLine, phone: TelephoneCaller = PHONE) -> CallResult:
    async def scenario() -> CallResult:
        async with serving(exchange):
            options = CallOptions(door=phone, pacing=HURRIED)
            result = await place_call(exchange.url, lines or [spoken()], options)
            await exchange.over.wait()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return result

    return asyncio.run(scenario())


@pytest.fixture(scope="module")
def plain() -> tuple[Exchange, CallResult]:
    """A call at a server that the world knows by another address."""
    exchange = Exchange(public=PUBLIC, answer_after_s=0.2, answer_s=0.3)
    return exchange, call(exchange, phone=replace(PHONE, public_url=PUBLIC))


def fails(exchange: Exchange, phone: TelephoneCaller = PHONE) -> str:
    with pytest.raises((CallError, ExceptionGroup)) as caught:
        call(exchange, phone=phone)
    error: BaseException = caught.value
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, CallError)
    assert "\n" not in str(error)
    return str(error)


def test_the_stream_is_numbered_timed_and_whole(plain: tuple[Exchange, CallResult]) -> None:
    exchange, result = plain

    assert [one["event"] for one in exchange.messages] == ["connected", "start", "mark", "stop"]
    start = exchange.named("start")[0]["start"]
    assert start["customParameters"] == {"token": "open"}
    assert result.tally is not None
    assert start["callSid"] == result.tally.call_sid == exchange.asked[0]["CallSid"]
    everything = sorted(
        [*exchange.messages[1:], *exchange.media], key=lambda one: int(one["sequenceNumber"])
    )
    numbers = [int(one["sequenceNumber"]) for one in everything]
    assert numbers == list(range(1, len(everything) + 1))
    assert [int(one["media"]["timestamp"]) for one in exchange.media] == [
        20 * place for place in range(len(exchange.media))
    ]
    heard = b"".join(base64.b64decode(one["media"]["payload"]) for one in exchange.media)
    assert np.abs(decode(heard).astype(np.int32)).max() > 10_000
    assert result.spoken.size == 2 * len(heard)


def test_the_wait_is_measured_as_at_the_browsers_door(plain: tuple[Exchange, CallResult]) -> None:
    exchange, result = plain
    [turn] = result.turns

    answered_s = turn.said.end_s + turn.wait.v2v_s
    assert exchange.answered_at_s[0] <= answered_s
    assert turn.wait.v2v_s >= 0.2 - 0.02 - turn.late_s
    assert not turn.wait.missed


def test_what_was_heard_is_the_tone_that_was_sent(plain: tuple[Exchange, CallResult]) -> None:
    _, result = plain

    assert result.heard_hz == 8000
    assert np.count_nonzero(np.abs(result.heard) > 500) == pytest.approx(2_400, rel=0.05)
    assert result.tally is not None
    assert result.tally.received == {"media": 15, "mark": 1}
    assert result.tally.most_ahead_s == pytest.approx(0.3, abs=0.05)


def test_keys_are_pressed_one_after_the_other_and_wait_for_an_answer() -> None:
    exchange = Exchange()
    result = call(exchange, keyed("12#"))

    keys = exchange.named("dtmf")
    assert [one["dtmf"]["digit"] for one in keys] == ["1", "2", "#"]
    between = [
        sum(int(a["sequenceNumber"]) < int(one["sequenceNumber"]) < int(b["sequenceNumber"])
            for one in exchange.media)
        for a, b in zip(keys, keys[1:], strict=False)
    ]  # fmt: skip
    assert all(count in (12, 13) for count in between)
    assert [turn.recording.name for turn in result.turns] == ["keys 12#"]
    assert [turn.wait.missed for turn in result.turns] == [False]


def test_a_clear_silences_what_is_left_and_every_mark_comes_back() -> None:
    async def interrupted(exchange: Exchange, socket: WebSocket) -> None:
        for name in "ab":
            await exchange.say(socket, 10.0)
            await exchange.mark(socket, name)
        await exchange.send(socket, "clear")
        await exchange.say(socket, 0.1)
        await exchange.mark(socket, "c")

    exchange = Exchange(on_turn=interrupted)
    result = call(exchange)

    assert [one["mark"]["name"] for one in exchange.named("mark")] == ["a", "b", "c"]
    assert np.count_nonzero(np.abs(result.heard) > 500) < 2 * 8000
    assert [message.kind for message in result.messages] == ["mark", "mark", "clear", "mark"]


def test_the_end_of_the_stream_is_told_to_whoever_asked(
    plain: tuple[Exchange, CallResult],
) -> None:
    exchange, _ = plain
    assert [one.get("StreamEvent", "the call") for one in exchange.asked] == [
        "the call",
        "stream-stopped",
    ]


async def _hang_up(exchange: Exchange, socket: WebSocket) -> None:
    await exchange.say(socket, 0.1)
    await socket.close(1000, "goodbye")
    exchange.over.set()


def test_a_server_may_hang_up_once_it_has_heard_everything() -> None:
    result = call(Exchange(on_turn=_hang_up))

    assert [turn.wait.missed for turn in result.turns] == [False]
    assert result.tally is not None
    assert result.tally.ended.endswith("the server hung up (1000 goodbye)")
    assert result.tally.said == ["Sorry, we were cut off."]


def test_a_server_that_hangs_up_too_early_is_told_with_what_twilio_then_says() -> None:
    exchange = Exchange(on_turn=_hang_up)
    with pytest.raises((CallError, ExceptionGroup)) as caught:
        call(exchange, spoken(), spoken())
    error = caught.value.exceptions[0] if isinstance(caught.value, ExceptionGroup) else caught.value
    assert str(error).endswith("hung up (1000 goodbye); Twilio then says 'Sorry, we were cut off.'")


def test_a_caller_that_vanishes_neither_closes_nor_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_module, "HOLD_S", 0.3)
    monkeypatch.setattr(call_module, "CLOSED_WITHIN_S", 0.1)
    exchange = Exchange()
    result = call(exchange, spoken(5.0), phone=replace(PHONE, trouble=NetworkFaults(vanish=0.2)))

    assert exchange.named("stop") == []
    assert 5 <= len(exchange.media) <= 11
    assert result.turns == ()
    assert result.tally is not None
    assert result.tally.ended == (
        "the caller vanished, and the server still held the line after 0.3 s"
    )


# ---- what can go wrong before the stream ----


@pytest.mark.parametrize(
    ("twiml", "complaint"),
    [
        ("<Response><Say>All lines are busy.</Say><Hangup/></Response>", "'All lines are busy.'"),
        ("<Response/>", "has Twilio hang up"),
        ("<Response><Start><Stream url='{media}'/></Start></Response>", "one-way"),
        ("{}", "12100"),
    ],
)
def test_twiml_without_a_stream_is_no_call(twiml: str, complaint: str) -> None:
    assert complaint in fails(Exchange(twiml=twiml))


def test_another_token_is_refused() -> None:
    assert "refused the signature (403)" in fails(Exchange(), TelephoneCaller(auth_token="other"))


@pytest.mark.parametrize("url", ["127.0.0.1:7860", "http://127.0.0.1:1", "ws://127.0.0.1:1"])
def test_an_address_without_a_server_is_one_clear_line(url: str) -> None:
    with pytest.raises(CallError) as caught:
        asyncio.run(place_call(url, [spoken()], CallOptions(door=PHONE)))
    assert "\n" not in str(caught.value)
    assert url in str(caught.value)
