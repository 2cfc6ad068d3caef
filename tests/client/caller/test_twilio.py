"""The caller's half of a media stream, message by message: no socket, and the time is given."""

import asyncio
import base64
import json
from typing import Any

import numpy as np
import pytest
from pipecat.frames.frames import InputAudioRawFrame, InputDTMFFrame
from pipecat.serializers.twilio import TwilioFrameSerializer

from bot.calls.errors import PeerError
from client.caller.twilio import Tally, Twilio, is_audio
from pipelines.audio.mulaw import decode, encode
from tests.client.caller.loopback import tone

STREAM = "MZ1"
FRAME = np.zeros(320, np.int16)


def started() -> Twilio:
    stream = Twilio(Tally("CA1", STREAM), "AC1", {"token": "open"})
    stream.greet()
    return stream


def event(name: str, **facts: Any) -> str:
    return json.dumps({"event": name, "streamSid": STREAM, **facts})


def media(seconds: float) -> str:
    payload = base64.b64encode(encode(tone(seconds, 8000))).decode()
    return event("media", media={"payload": payload})


def mark(name: str) -> str:
    return event("mark", mark={"name": name})


def said(messages: list[Any]) -> list[dict[str, Any]]:
    return [json.loads(message) for message in messages]


def echoed(messages: list[Any]) -> list[str]:
    return [one["mark"]["name"] for one in said(messages) if one["event"] == "mark"]


def test_it_introduces_the_call_as_twilio_does() -> None:
    connected, start = said(Twilio(Tally("CA1", STREAM), "AC1", {"token": "open"}).greet())

    assert connected == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    assert start == {
        "event": "start",
        "sequenceNumber": "1",
        "streamSid": STREAM,
        "start": {
            "streamSid": STREAM,
            "accountSid": "AC1",
            "callSid": "CA1",
            "tracks": ["inbound"],
            "customParameters": {"token": "open"},
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        },
    }


def test_all_that_it_says_is_numbered_and_audio_has_its_time() -> None:
    stream = started()
    sent = said(stream.say(FRAME, "", 0.0) + stream.say(FRAME, "4#", 0.02) + stream.part())

    assert [one["event"] for one in sent] == ["media", "dtmf", "dtmf", "media", "stop"]
    assert [one["sequenceNumber"] for one in sent] == ["2", "3", "4", "5", "6"]
    assert [one["dtmf"] for one in sent[1:3]] == [
        {"track": "inbound_track", "digit": digit} for digit in "4#"
    ]
    first, second = sent[0]["media"], sent[3]["media"]
    assert (first["track"], first["chunk"], first["timestamp"]) == ("inbound", "1", "0")
    assert (second["chunk"], second["timestamp"]) == ("2", "20")
    assert sent[4]["stop"] == {"accountSid": "AC1", "callSid": "CA1"}


def test_every_other_sample_is_sent_as_mu_law() -> None:
    pcm = tone(0.02, 16_000)
    [sent] = said(started().say(pcm, "", 0.0))

    payload = base64.b64decode(sent["media"]["payload"])
    assert payload == encode(pcm[::2])
    assert len(payload) == 160


def test_only_its_audio_is_audio() -> None:
    stream = started()
    assert [is_audio(one) for one in stream.say(FRAME, "1", 0.0)] == [False, True]
    assert not any(is_audio(one) for one in stream.part())


def test_a_stranger_understands_it() -> None:
    """Pipecat's serializer is the stranger."""
    stream, pcm = started(), tone(0.02, 16_000)
    params = TwilioFrameSerializer.InputParams(auto_hang_up=False, sample_rate=8000)
    serializer = TwilioFrameSerializer(STREAM, params=params)
    serializer._sample_rate = 8000

    async def heard() -> list[Any]:
        return [await serializer.deserialize(one) for one in stream.say(pcm, "7", 0.0)]

    key, audio = asyncio.run(heard())
    assert isinstance(key, InputDTMFFrame)
    assert key.button.value == "7"
    assert isinstance(audio, InputAudioRawFrame)
    assert audio.audio == decode(encode(pcm[::2])).tobytes()


# ---- what is played, marked and cleared ----


def test_a_mark_comes_back_once_the_audio_before_it_has_been_played() -> None:
    stream = started()
    stream.take(media(0.1), 1.0)
    assert stream.take(mark("a"), 1.0) == []
    stream.take(media(0.1), 1.0)
    assert stream.take(mark("b"), 1.0) == []

    assert echoed(stream.say(FRAME, "", 1.09)) == []
    assert echoed(stream.say(FRAME, "", 1.11)) == ["a"]
    assert echoed(stream.say(FRAME, "", 1.19)) == []
    assert echoed(stream.say(FRAME, "", 1.21)) == ["b"]
    assert echoed(stream.say(FRAME, "", 1.5)) == []


def test_a_mark_with_nothing_before_it_comes_back_at_once() -> None:
    stream = started()
    assert echoed(stream.take(mark("now"), 1.0)) == ["now"]
    stream.take(media(0.1), 2.0)
    assert echoed(stream.take(mark("later"), 2.2)) == ["later"]


def test_a_clear_drops_what_is_left_and_brings_every_mark_back() -> None:
    stream = started()
    for name in "abc":
        stream.take(media(0.1), 1.0)
        stream.take(mark(name), 1.0)

    assert echoed(stream.take(event("clear"), 1.15)) == ["a", "b", "c"]
    assert stream.speaker.end_s == pytest.approx(1.15, abs=1 / 8000)
    assert echoed(stream.say(FRAME, "", 9.0)) == []
    stream.take(media(0.1), 9.0)
    assert stream.take(mark("d"), 9.0) == []
    assert [one.kind for one in stream.heard] == ["mark", "mark", "mark", "clear", "mark"]


def test_it_counts_what_it_held_and_when_it_ran_dry() -> None:
    stream = started()
    stream.take(media(0.2), 1.0)
    stream.take(media(0.02), 1.25)  # 50 ms late
    stream.take(media(0.02), 1.26)  # in time
    stream.take(media(0.02), 5.0)  # another answer

    assert stream.tally.most_ahead_s == pytest.approx(0.2)
    assert stream.tally.starved == 1
    assert stream.tally.received == {"media": 4}


@pytest.mark.parametrize(
    ("junk", "complaint"),
    [
        (b"\x00", "binary"),
        ("{", "not JSON"),
        ("[" * 60_000, "not JSON"),
        ("[]", "not a message"),
        ("x" * 70_000, "too long"),
        (json.dumps({"event": "clear"}), "31951"),
        (json.dumps({"event": "clear", "streamSid": "MZ2"}), "31951"),
        (event("hello"), "31951"),
        (event("media"), "without a payload"),
        (event("media", media={"payload": "!"}), "not base64"),
        (event("media", media={"payload": base64.b64encode(b"RIFFxxxx").decode()}), "header"),
        (event("mark", mark="a"), "without a name"),
    ],
)
def test_what_twilio_would_not_take_is_said(junk: str | bytes, complaint: str) -> None:
    with pytest.raises(PeerError, match=complaint):
        started().take(junk, 0.0)
