"""Twilio's protocol: its own examples, strangers that speak it, and everything that is wrong."""

import asyncio
import base64
import copy
import json
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from pipecat.frames.frames import (
    InputAudioRawFrame,
    InputDTMFFrame,
    InterruptionFrame,
    OutputAudioRawFrame,
)
from pipecat.serializers.twilio import TwilioFrameSerializer

from bot.calls.errors import PeerError, UsageError
from bot.calls.messages import Closed, FromClient, Opened
from bot.phone.codec import TwilioCodec
from pipelines.audio import mulaw
from pipelines.core.exchange import (
    AudioIn,
    AudioOut,
    Caption,
    Dtmf,
    Flush,
    Played,
    StateChanged,
    ToCaller,
)
from tests.bot.phone.speaking_twilio import (
    ACCOUNT,
    CALL,
    CONNECTED,
    STREAM,
    dtmf,
    mark,
    media,
    said,
    start,
    stop,
)

TONE = (8000 * np.sin(np.arange(160))).astype(np.int16)
SILENT = np.zeros(160, np.int16).tobytes()


def opened() -> TwilioCodec:
    codec = TwilioCodec()
    assert codec.receive(said(CONNECTED)) == []
    assert codec.receive(said(start(token="t"))) == [Opened(CALL, flushes=True, sends_always=True)]
    return codec


def sent(codec: TwilioCodec, request: ToCaller) -> list[Any]:
    return [json.loads(message) for message in codec.send(request)]


def out(generation: int, begin: int, pcm: bytes = TONE.tobytes()) -> AudioOut:
    return AudioOut(pcm, generation, begin)


# ---- what Twilio says ----


def test_the_start_tells_whose_call_it_is() -> None:
    codec = opened()
    assert codec.start is not None
    assert (codec.start.stream_sid, codec.start.call_sid) == (STREAM, CALL)
    assert (codec.start.account_sid, codec.start.parameters) == (ACCOUNT, {"token": "t"})
    assert (codec.in_rate_hz, codec.out_rate_hz, codec.replies()) == (8000, 8000, [])


def test_audio_comes_decoded_and_placed_from_the_first_of_it_on() -> None:
    codec = opened()
    coded = mulaw.encode(TONE)
    heard = [codec.receive(said(media(coded, at_ms=at)))[0] for at in (75, 95, 115, 75)]
    assert [event.media_s for event in heard if isinstance(event, AudioIn)] == [0, 0.02, 0.04, 0]
    assert heard[0] == AudioIn(mulaw.decode(coded).tobytes(), 0.0)


@pytest.mark.parametrize(
    ("stated", "media_s"),
    [
        ("95", 0.02),
        (95, 0.02),
        (95.5, 0.0205),
        ("-5", -0.08),
        ("0", -0.075),
        ("86400075", 86_400.0),
        ("1" + "0" * 15, None),
        ("9" * 15, 999_999_999_999.924),
        ("9" * 16, None),
        (10**400, None),
        (float("nan"), None),
        ("", None),
        ("soon", None),
        ("٣", None),
        (True, None),
        ([], None),
        (None, None),
    ],
)
def test_audio_is_heard_whatever_its_time_stamp_is(stated: object, media_s: float | None) -> None:
    codec = opened()
    codec.receive(said(media(at_ms=75)))

    [event] = codec.receive(changed(media(), "media.timestamp", stated))

    assert isinstance(event, AudioIn)
    assert event.media_s == pytest.approx(media_s)


def test_keys_and_the_end_of_the_call() -> None:
    codec = opened()
    assert [codec.receive(said(dtmf(key))) for key in "1*#"] == [[Dtmf(key)] for key in "1*#"]
    assert not codec.is_over
    assert codec.receive(said(stop())) == [Closed()]
    assert codec.is_over


def test_whatever_twilio_adds_next_is_left_alone() -> None:
    assert opened().receive(said({"event": "weather", "weather": {"sun": 1}})) == []


# ---- what Twilio is sent ----


def test_a_frame_is_mu_law_and_has_a_mark_behind_it() -> None:
    codec = opened()
    audio, behind = sent(codec, out(0, 320))
    assert audio == {
        "event": "media",
        "streamSid": STREAM,
        "media": {"payload": base64.b64encode(mulaw.encode(TONE)).decode()},
    }
    assert behind == {"event": "mark", "streamSid": STREAM, "mark": {"name": "0.480"}}


def test_a_flush_is_a_clear_and_the_screen_gets_nothing() -> None:
    codec = opened()
    assert sent(codec, Flush(1)) == [{"event": "clear", "streamSid": STREAM}]
    assert sent(codec, StateChanged("hearing")) == []
    assert sent(codec, Caption("bot", "hello", final=True, turn=1)) == []


def test_a_mark_that_comes_back_is_what_was_played() -> None:
    codec = opened()
    codec.send(out(0, 0))
    codec.send(out(0, 160))
    assert codec.receive(said(mark("0.160"))) == [Played(0, 160)]
    assert codec.receive(said(mark("0.320"))) == [Played(0, 320)]
    assert codec.marks_heard == 2


def test_marks_that_a_clear_brings_back_were_not_heard() -> None:
    codec = opened()
    codec.send(out(0, 0))
    codec.send(Flush(1))
    codec.send(out(1, 0))
    assert codec.receive(said(mark("0.160"))) == []
    assert codec.receive(said(mark("1.160"))) == [Played(1, 160)]


@pytest.mark.parametrize("name", ["0.161", "1.160", "0", "0.-1", "x", "", "0.160 ", "\u0660.160"])
def test_a_mark_that_was_never_sent_is_not_believed(name: str) -> None:
    codec = opened()
    codec.send(out(0, 0))
    with pytest.raises(PeerError, match="^a mark that was never sent$"):
        codec.receive(said(mark(name)))


def test_before_the_first_frame_no_sample_has_been_played() -> None:
    codec = opened()
    assert codec.receive(said(mark("0.0"))) == [Played(0, 0)]
    with pytest.raises(PeerError, match="^a mark that was never sent$"):
        codec.receive(said(mark("0.1")))


def test_after_a_flush_no_mark_of_the_new_generation_is_believed_yet() -> None:
    codec = opened()
    codec.send(out(0, 0))
    codec.send(Flush(1))
    with pytest.raises(PeerError, match="^a mark that was never sent$"):
        codec.receive(said(mark("1.1")))


def test_frames_are_counted_as_they_are_sent() -> None:
    codec = opened()
    for begin in (0, 160, 320):
        codec.send(out(0, begin))
    codec.send(Flush(1))
    assert codec.frames_sent == 3


def test_nothing_can_be_sent_before_the_start() -> None:
    with pytest.raises(UsageError, match="^the stream has not started$"):
        TwilioCodec().send(Flush(1))


# ---- strangers ----


def test_pipecats_serializer_understands_all_that_is_sent() -> None:
    async def scenario() -> None:
        params = TwilioFrameSerializer.InputParams(auto_hang_up=False, sample_rate=8000)
        stranger = TwilioFrameSerializer(STREAM, params=params)
        stranger._sample_rate = 8000
        codec = opened()
        audio, behind = codec.send(out(0, 0))
        heard = await stranger.deserialize(audio)
        assert isinstance(heard, InputAudioRawFrame)
        assert heard.audio == mulaw.decode(mulaw.encode(TONE)).tobytes()
        assert await stranger.deserialize(behind) is None
        assert await stranger.deserialize(codec.send(Flush(1))[0]) is None
        theirs = await stranger.serialize(InterruptionFrame())
        assert isinstance(theirs, str)
        assert json.loads(theirs) == json.loads(codec.send(Flush(2))[0])
        frame = OutputAudioRawFrame(TONE.tobytes(), 8000, 1)
        theirs = await stranger.serialize(frame)
        assert isinstance(theirs, str)
        assert json.loads(theirs) == sent(codec, out(2, 0))[0]
        key = await stranger.deserialize(said(dtmf("5")))
        assert isinstance(key, InputDTMFFrame)

    asyncio.run(scenario())


PREBUILT = {"event": "start", "start": {"streamSid": "ws_mock_stream", "callSid": "ws_mock_call"}}
"""Pipecat's prebuilt page in its Twilio mode."""


@pytest.mark.parametrize("message", [PREBUILT, {"event": "connected"}])
def test_a_sloppy_emulator_is_turned_away(message: dict[str, Any]) -> None:
    with pytest.raises(PeerError):
        TwilioCodec().receive(said(message))


# ---- what Twilio would not say ----


def changed(message: dict[str, Any], path: str, value: object) -> str:
    message = copy.deepcopy(message)
    *way, last = path.split(".")
    inner = message
    for name in way:
        inner = inner[name]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return said(message)


@pytest.mark.parametrize(
    ("message", "words", "close_code"),
    [
        (b"{}", "messages must be text", 1003),
        ("", "message is not JSON", 1002),
        ("[" * 100_000, "message is not JSON", 1002),
        ("[]", "message has no event", 1002),
        ('{"event": 5}', "message has no event", 1002),
        (said(CONNECTED), "connected out of order", 1002),
        (said(start()), "start out of order", 1002),
        (changed(media(), "streamSid", "MZ0"), "a message of another stream", 1002),
        (changed(media(), "streamSid", None), "malformed media", 1002),
        (changed(media(), "media", []), "malformed media", 1002),
        (changed(media(), "media.track", "outbound"), "audio of another track", 1002),
        (changed(media(), "media.payload", "====="), "payload is not base64", 1002),
        (changed(media(), "media.payload", "\u00e9"), "malformed media", 1002),
        (said(media(bytes(8001))), "too much audio in one message", 1009),
        (changed(media(), "sequenceNumber", None), "malformed media", 1002),
        (changed(media(), "sequenceNumber", "1" * 16), "sequenceNumber is no number", 1002),
        (changed(media(), "media.chunk", "one"), "chunk is no number", 1002),
        (changed(dtmf("1"), "dtmf.digit", "12"), "a key that no telephone has", 1002),
        (changed(mark("0.0"), "mark", None), "malformed mark", 1002),
        (changed(stop(), "streamSid", "MZ0"), "a message of another stream", 1002),
    ],
)
def test_whatever_twilio_would_not_say_is_refused(
    message: str | bytes, words: str, close_code: int
) -> None:
    with pytest.raises(PeerError, match=f"^{words}$") as refused:
        opened().receive(message)
    assert refused.value.close_code == close_code


def test_a_message_may_hold_a_second_of_audio_and_may_hold_none() -> None:
    [second] = opened().receive(said(media(bytes(8000))))
    assert isinstance(second, AudioIn)
    assert len(second.pcm) == 2 * 8000
    assert opened().receive(said(media(b""))) == []


def test_another_protocol_than_that_of_a_call_is_refused() -> None:
    with pytest.raises(PeerError, match="^not the protocol of a call$"):
        TwilioCodec().receive(changed(CONNECTED, "protocol", "Fax"))


def test_a_name_may_have_256_characters() -> None:
    codec = TwilioCodec()
    codec.receive(said(CONNECTED))
    with pytest.raises(PeerError, match="^malformed start$"):
        codec.receive(changed(start(), "start.callSid", "C" * 257))
    assert codec.receive(changed(start(), "start.callSid", "C" * 256)) == [
        Opened("C" * 256, flushes=True, sends_always=True)
    ]


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (
            "start.tracks",
            ["inbound", "outbound"],
            "a stream that cannot be answered: use <Connect>, not <Start>",
        ),
        ("start.mediaFormat", {"encoding": "audio/l16"}, "audio must be 8000 Hz mu-law, mono"),
        ("start.streamSid", "MZ0", "two names for one stream"),
        ("start.callSid", 5, "malformed start"),
        ("start.callSid", "CA\n", "malformed start"),
        ("start.customParameters", {"a": 1}, "malformed start"),
        ("start", None, "malformed start"),
    ],
)
def test_a_start_that_is_no_calls_is_refused(path: str, value: object, words: str) -> None:
    codec = TwilioCodec()
    codec.receive(said(CONNECTED))
    with pytest.raises(PeerError, match=f"^{words}$"):
        codec.receive(changed(start(), path, value))
    assert codec.start is None


# ---- junk ----

EXAMPLES = [said(m) for m in (CONNECTED, start(a="b"), media(), mark("0.160"), dtmf("1"), stop())]
VALUES: list[object] = [None, True, -1, 1.5, 10**30, "", "5", "\ud800", [], {"streamSid": STREAM}]


def mutated(draw: random.Random) -> str | bytes:
    text = draw.choice(EXAMPLES)
    match draw.randrange(4):
        case 0:  # torn
            return text[: draw.randrange(len(text))]
        case 1:  # bytes changed
            spoilt = bytearray(text.encode())
            for _ in range(draw.randint(1, 6)):
                spoilt[draw.randrange(len(spoilt))] = draw.randrange(256)
            return spoilt.decode("latin-1")
        case 2:  # a value of another kind
            message = json.loads(text)
            inner = draw.choice([m for m in (message, *message.values()) if isinstance(m, dict)])
            if inner:
                inner[draw.choice(list(inner))] = draw.choice(VALUES)
            return said(message)
        case _:
            raw = draw.randbytes(draw.randrange(64))
            return raw if draw.random() < 0.5 else raw.hex()


def junk(count: int) -> None:
    draw = random.Random(8)
    accepted = longest = 0
    codec = opened()
    for number in range(count):
        if number % 50 == 0:
            codec = TwilioCodec()
            if draw.random() < 0.8:
                codec = opened()
                codec.send(out(0, 0))
        try:
            events = codec.receive(mutated(draw))
        except PeerError as error:
            longest = max(longest, len(str(error).encode()))
            continue
        accepted += 1
        for event in events:
            assert isinstance(event, Opened | AudioIn | Played | Dtmf | Closed)
    assert 0 < accepted < count
    assert 0 < longest <= 123  # a close frame's room


@pytest.mark.many
def test_junk_is_a_peers_error_or_a_message_and_nothing_else() -> None:
    junk(10_000)


@pytest.mark.soak
def test_junk_200_000_times() -> None:
    junk(200_000)


# ---- every order ----


class Orders(RuleBasedStateMachine):
    """Twilio's messages and ours in any order, against what the protocol allows."""

    def __init__(self) -> None:
        super().__init__()
        self.codec = TwilioCodec()
        self.state = "fresh"
        self.generation = 0
        self.sent = 0

    def hear(self, message: dict[str, Any], *, allowed_in: str) -> list[FromClient] | None:
        try:
            events = self.codec.receive(said(message))
        except PeerError:
            assert self.state != allowed_in
            return None
        assert self.state == allowed_in
        return events

    @rule()
    def connects(self) -> None:
        if self.hear(CONNECTED, allowed_in="fresh") is not None:
            self.state = "connected"

    @rule()
    def starts(self) -> None:
        if (events := self.hear(start(), allowed_in="connected")) is not None:
            assert events == [Opened(CALL, flushes=True, sends_always=True)]
            self.state = "open"

    @rule(at_ms=st.integers(0, 10**9))
    def speaks(self, at_ms: int) -> None:
        if (events := self.hear(media(at_ms=at_ms), allowed_in="open")) is not None:
            assert [event.pcm for event in events if isinstance(event, AudioIn)] == [SILENT]

    @rule(key=st.sampled_from("0123456789*#"))
    def presses(self, key: str) -> None:
        if (events := self.hear(dtmf(key), allowed_in="open")) is not None:
            assert events == [Dtmf(key)]

    @rule()
    def stops(self) -> None:
        if (events := self.hear(stop(), allowed_in="open")) is not None:
            assert events == [Closed()]
            self.state = "over"

    @rule(share=st.floats(0, 1), older=st.integers(0, 2))
    def echoes(self, share: float, older: int) -> None:
        generation, samples = max(0, self.generation - older), int(share * self.sent)
        news = generation == self.generation
        if (events := self.hear(mark(f"{generation}.{samples}"), allowed_in="open")) is not None:
            assert events == ([Played(generation, samples)] if news else [])

    @precondition(lambda self: self.state in ("open", "over"))
    @rule(frames=st.integers(1, 3))
    def answers(self, frames: int) -> None:
        for _ in range(frames):
            kinds = [m["event"] for m in sent(self.codec, out(self.generation, self.sent))]
            assert kinds == ["media", "mark"]
            self.sent += 160

    @precondition(lambda self: self.state in ("open", "over"))
    @rule()
    def is_flushed(self) -> None:
        self.generation, self.sent = self.generation + 1, 0
        assert [m["event"] for m in sent(self.codec, Flush(self.generation))] == ["clear"]

    @invariant()
    def knows_its_stream(self) -> None:
        assert (self.codec.start is None) == (self.state in ("fresh", "connected"))


TestOrders = pytest.mark.many(Orders.TestCase)
TestOrders.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
