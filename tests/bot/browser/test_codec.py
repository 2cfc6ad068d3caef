"""The browser's codec alone, against junk, and against Pipecat's own serializer."""

import asyncio
import json
from itertools import chain
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pipecat.frames.frames import (
    Frame as PipecatFrame,
)
from pipecat.frames.frames import (
    InputAudioRawFrame,
    InputTransportMessageFrame,
    InterruptionFrame,
    OutputAudioRawFrame,
    OutputTransportMessageFrame,
    TextFrame,
)
from pipecat.processors.frameworks.rtvi import models as rtvi
from pipecat.serializers.protobuf import ProtobufFrameSerializer
from pydantic import BaseModel

from bot.browser.browser_pb2 import AudioRawFrame, Frame, MessageFrame
from bot.browser.codec import OPEN_SEGMENTS, BrowserCodec
from bot.calls.errors import PeerError, UsageError
from bot.calls.messages import Closed, FromClient, Opened, ToClient
from pipelines.core.exchange import (
    AnswerMeasured,
    AudioIn,
    AudioOut,
    CallBegan,
    CallState,
    Caption,
    Dtmf,
    Expect,
    Fault,
    Flush,
    Muted,
    Played,
    StateChanged,
    StopSpeaking,
    TurnMeasured,
    Typed,
)
from pipelines.core.turn.expectation import Expected

NOON = "2026-01-01T12:00:00.000+00:00"
STOCK = {"library": "@pipecat-ai/client-js", "library_version": "2.0.0"}
OURS = {"library": "halfsecond-web"}


def new_codec() -> BrowserCodec:
    return BrowserCodec("call-1", lambda: NOON)


@pytest.fixture
def codec() -> BrowserCodec:
    codec = new_codec()
    codec.receive(message("client-ready", {"version": "2.0.0", "about": OURS}))
    codec.replies()
    return codec


def message(kind: str, data: object = None, message_id: str = "m1") -> bytes:
    content = {"label": "rtvi-ai", "type": kind, "id": message_id, "data": data}
    return framed(json.dumps(content))


def framed(text: str) -> bytes:
    return Frame(message=MessageFrame(data=text)).SerializeToString()


def client_message(t: str, d: object = None, message_id: str = "m1") -> bytes:
    return message("client-message", {"t": t, "d": d}, message_id)


def audio(pcm: bytes, rate_hz: int = 16_000, channels: int = 1, pts: int | None = None) -> bytes:
    frame = AudioRawFrame(audio=pcm, sample_rate=rate_hz, num_channels=channels, pts=pts)
    return Frame(audio=frame).SerializeToString()


def read(messages: list[str | bytes]) -> list[dict[str, Any]]:
    """The messages as a stranger reads them: each decoded by Pipecat's serializer."""
    return [as_json(stranger_reads(one)) for one in messages]


def as_json(frame: PipecatFrame | None) -> dict[str, Any]:
    assert isinstance(frame, InputTransportMessageFrame)
    content: dict[str, Any] = frame.message
    assert content["label"] == "rtvi-ai"
    return content


def stranger_reads(one: str | bytes) -> PipecatFrame | None:
    return asyncio.run(ProtobufFrameSerializer().deserialize(one))


def stranger_writes(frame: PipecatFrame) -> bytes:
    written = asyncio.run(ProtobufFrameSerializer().serialize(frame))
    assert isinstance(written, bytes)
    return written


def kinds(messages: list[str | bytes]) -> list[str]:
    return [one["type"] for one in read(messages)]


# ---- what the client says ----


@pytest.mark.parametrize(
    ("data", "flushes", "version"),
    [
        ({"version": "2.1.0", "about": STOCK}, False, "2.1.0"),
        ({"version": "2.0.0", "about": OURS}, True, "2.0.0"),
        ({"version": "1.2.0", "about": STOCK}, False, "1.2.0"),
        ({"version": "1.9.0"}, False, "1.9.0"),
        ({"version": "2.0.0", "about": 1}, False, "2.0.0"),
        ({"version": 2}, False, "2.0.0"),
        (None, False, "2.0.0"),
        ({}, False, "2.0.0"),
        ([], False, "2.0.0"),
    ],
)
def test_a_client_is_let_in_and_gets_its_own_version_back(
    data: object, *, flushes: bool, version: str
) -> None:
    codec = new_codec()
    assert codec.receive(message("client-ready", data, "abc")) == [
        Opened("call-1", flushes, sends_always=flushes)
    ]
    [ready] = read(codec.replies())
    rtvi.BotReady.model_validate(ready)
    assert (ready["type"], ready["id"]) == ("bot-ready", "abc")
    assert ready["data"] == {"version": version, "about": {"library": "halfsecond"}}


def test_a_client_that_is_ready_again_is_told_how_things_stand(codec: BrowserCodec) -> None:
    codec.send(StateChanged("thinking"))
    codec.receive(message("client-ready", {"version": "2.0.0", "about": STOCK}, "x"))
    ready, state = read(codec.replies())
    assert (ready["type"], ready["id"]) == ("bot-ready", "x")
    assert state["data"] == {"type": "state", "state": "thinking"}


def test_a_client_that_can_come_back_is_given_the_key_to_its_call() -> None:
    codec = BrowserCodec("call-1", lambda: NOON, "key-1")
    given = []
    for _ in range(2):
        codec.receive(message("client-ready", {"version": "2.0.0", "about": OURS}))
        given.append(read(codec.replies())[1]["data"])
    assert given == [
        {"type": "session", "resume": "key-1", "resumed": False},
        {"type": "session", "resume": "key-1", "resumed": True},
    ]


@pytest.mark.parametrize(("about", "key"), [(STOCK, "key-1"), (OURS, "")])
def test_without_a_key_or_a_way_back_none_is_given(about: object, key: str) -> None:
    codec = BrowserCodec("call-1", lambda: NOON, key)
    codec.receive(message("client-ready", {"version": "2.0.0", "about": about}))
    assert kinds(codec.replies()) == ["bot-ready"]


def test_a_client_that_is_ready_again_at_once_is_told_that_it_is_listened_to(
    codec: BrowserCodec,
) -> None:
    codec.receive(message("client-ready", {"version": "2.0.0", "about": STOCK}))
    assert read(codec.replies())[1]["data"] == {"type": "state", "state": "listening"}


def test_the_figures_of_a_single_answer_are_not_sent(codec: BrowserCodec) -> None:
    assert codec.send(AnswerMeasured({"llm_tokens": 3})) == []


def test_replies_are_given_once() -> None:
    codec = new_codec()
    codec.receive(message("client-ready"))
    assert len(codec.replies()) == 1
    assert codec.replies() == []


def test_audio_is_handed_on_with_its_media_time(codec: BrowserCodec) -> None:
    assert codec.receive(audio(b"\x01\x02")) == [AudioIn(b"\x01\x02")]
    assert codec.receive(audio(b"\x01\x02", pts=1_500_000_000)) == [AudioIn(b"\x01\x02", 1.5)]
    assert codec.receive(audio(b"")) == []


@pytest.mark.parametrize(
    ("sent", "events"),
    [
        (client_message("played", {"generation": 2, "samples": 480}), [Played(2, 480)]),
        (
            client_message("played", {"generation": 2, "samples": 480, "at": 1.5}),
            [Played(2, 480, 1.5)],
        ),
        (client_message("mute", {"muted": True}), [Muted(True)]),
        (client_message("stop-speaking"), [StopSpeaking()]),
        (
            client_message("expect", {"kind": "number", "size": 10}),
            [Expect(Expected.NUMBER, 10)],
        ),
        (client_message("expect", {"kind": "address"}), [Expect(Expected.ADDRESS)]),
        (client_message("expect", {"kind": "nothing"}), [Expect(Expected.NOTHING)]),
        (message("disconnect-bot"), [Closed()]),
        (message("send-text", {"content": "Hi"}), [Typed("Hi", interrupts=True)]),
        (
            message("send-text", {"content": "Hi", "options": {"run_immediately": False}}),
            [Typed("Hi", interrupts=False)],
        ),
        (message("dtmf", {"buttons": ["1", "#"]}), [Dtmf("1"), Dtmf("#")]),
        (message("dtmf", {"button": "0"}), [Dtmf("0")]),
    ],
)
def test_what_the_client_did_is_handed_on(
    codec: BrowserCodec, sent: bytes, events: list[FromClient]
) -> None:
    assert codec.receive(sent) == events


def test_requests_are_answered_by_their_id_and_playout_reports_are_not(
    codec: BrowserCodec,
) -> None:
    codec.receive(client_message("mute", {"muted": False}, "7"))
    codec.receive(client_message("stop-speaking", None, "8"))
    codec.receive(client_message("stop-speaking", None, ""))
    codec.receive(client_message("played", {"generation": 0, "samples": 0}, "9"))

    answers = read(codec.replies())

    assert [(one["type"], one["id"], one["data"]["t"]) for one in answers] == [
        ("server-response", "7", "mute"),
        ("server-response", "8", "stop-speaking"),
    ]
    for one in answers:
        rtvi.ServerResponse.model_validate(one)


UNKNOWN, INVALID = "unknown client message, or invalid data", "invalid data"
TOO_LONG = "a text has at most 8192 characters"


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (client_message("telepathy"), UNKNOWN),
        (client_message("played", {"generation": -1, "samples": 0}), UNKNOWN),
        (client_message("played", {"generation": 0, "samples": 1.5}), UNKNOWN),
        (client_message("played", {"generation": True, "samples": 0}), UNKNOWN),
        (client_message("played", {"generation": 0, "samples": 2**53}), UNKNOWN),
        (client_message("mute", {"muted": 1}), UNKNOWN),
        (client_message("expect"), UNKNOWN),
        (client_message("expect", {"kind": "x"}), UNKNOWN),
        (client_message("expect", {"kind": "number", "size": 0}), UNKNOWN),
        (client_message("expect", {"kind": "number", "size": "ten"}), UNKNOWN),
        (message("client-message", "t"), UNKNOWN),
        (message("send-text", {}), INVALID),
        *[
            (message("send-text", {"content": content}), INVALID)
            for content in (" ", "\ud800", "a\udfff", "\udbffb", ["a" * 9000])
        ],
        *[
            (message("send-text", {"content": "a" * 8193, "options": options}), TOO_LONG)
            for options in (None, {"run_immediately": False})
        ],
        (message("send-text", {"content": " " * 60_000}), TOO_LONG),
        (message("dtmf"), INVALID),
        *[
            (message("dtmf", {"buttons": buttons}), INVALID)
            for buttons in ([], ["A"], [["1"]], ["1"] * 33)
        ],
        (message("send-file", {"content": "x"}), "unsupported message type"),
    ],
)
def test_a_request_that_cannot_be_met_is_refused_and_the_call_goes_on(
    codec: BrowserCodec, sent: bytes, reason: str
) -> None:
    assert codec.receive(sent) == []
    [refusal] = read(codec.replies())
    rtvi.ErrorResponse.model_validate(refusal)
    assert (refusal["id"], refusal["data"]) == ("m1", {"error": reason})


def test_a_request_without_an_id_gets_no_answer(codec: BrowserCodec) -> None:
    codec.receive(client_message("telepathy", None, ""))
    assert codec.replies() == []


@pytest.mark.parametrize("count", [0, 2**53 - 1])
def test_counts_and_seconds_may_be_as_large_as_json_carries_them(
    codec: BrowserCodec, count: int
) -> None:
    report = {"generation": count, "samples": count, "at": count}
    assert codec.receive(client_message("played", report)) == [Played(count, count, float(count))]


@pytest.mark.parametrize("at", [-0.5, 2**53, float("inf"), float("nan"), True, "1"])
def test_a_time_that_is_none_is_left_out(codec: BrowserCodec, at: object) -> None:
    report = {"generation": 1, "samples": 2, "at": at}
    assert codec.receive(client_message("played", report)) == [Played(1, 2, None)]


def test_as_many_keys_as_are_allowed_are_pressed_at_once(codec: BrowserCodec) -> None:
    assert codec.receive(message("dtmf", {"buttons": ["7"] * 32})) == [Dtmf("7")] * 32


@pytest.mark.parametrize("content", ["\ud7ff", "\ue000", " Hi "])
def test_text_of_any_character_is_taken_as_it_is(codec: BrowserCodec, content: str) -> None:
    assert codec.receive(message("send-text", {"content": content})) == [Typed(content)]


def test_a_text_as_long_as_one_may_be_is_taken(codec: BrowserCodec) -> None:
    content = "\N{GRINNING FACE}" * 8192
    assert codec.receive(message("send-text", {"content": content})) == [Typed(content)]


@pytest.mark.parametrize(
    ("sent", "reason", "code"),
    [
        ("text", "messages must be binary", 1003),
        (b"\x0a\xff", "torn protobuf frame", 1002),
        (b"", "empty protobuf frame", 1002),
        (audio(b"\0\0", rate_hz=48_000), "audio must be 16000 Hz mono", 1003),
        (audio(b"\0\0", rate_hz=0), "audio must be 16000 Hz mono", 1003),
        (audio(b"\0\0", channels=2), "audio must be 16000 Hz mono", 1003),
        (audio(b"\0\0\0"), "audio ends within a sample", 1002),
        (framed("{"), "message is not JSON", 1002),
        (framed("[" * 60_000), "message is not JSON", 1002),
        *[
            (framed(text), "not an RTVI message", 1002)
            for text in (
                "[]",
                '{"label":"rtvi-ai","type":1}',
                '{"label":"rtvi-ai","type":"x"}',
                '{"label":5}',
            )
        ],
    ],
)
def test_a_client_that_breaks_the_protocol_is_told_how(
    codec: BrowserCodec, sent: str | bytes, reason: str, code: int
) -> None:
    with pytest.raises(PeerError) as caught:
        codec.receive(sent)
    assert (str(caught.value), caught.value.close_code) == (reason, code)


def test_messages_of_another_label_are_skipped(codec: BrowserCodec) -> None:
    assert codec.receive(framed('{"label":"other","type":"x"}')) == []
    assert codec.replies() == []


# ---- what we say ----


def test_audio_is_sent_as_24_khz_mono(codec: BrowserCodec) -> None:
    [sent] = codec.send(AudioOut(b"\1\2\3\4", generation=0, start=0))

    frame = stranger_reads(sent)

    assert isinstance(frame, InputAudioRawFrame)
    assert (frame.audio, frame.sample_rate, frame.num_channels) == (b"\1\2\3\4", 24_000, 1)


@pytest.mark.parametrize(
    ("request_", "data"),
    [
        (Flush(3), {"type": "flush", "generation": 3}),
        (
            TurnMeasured({"voice_to_voice_s": 0.25}),
            {"type": "turn", "row": {"voice_to_voice_s": 0.25}},
        ),
        (StateChanged("thinking"), {"type": "state", "state": "thinking"}),
        (
            CallBegan({"llm": "model-1"}, {"stt": 0.06}),
            {"type": "in-use", "facts": {"llm": "model-1"}, "shares_s": {"stt": 0.06}},
        ),
    ],
)
def test_what_rtvi_has_no_message_for_is_a_server_message(
    codec: BrowserCodec, request_: ToClient, data: dict[str, object]
) -> None:
    [sent] = read(codec.send(request_))
    rtvi.ServerMessage.model_validate(sent)
    assert sent["data"] == data


def test_each_change_of_state_says_who_began_and_who_stopped(codec: BrowserCodec) -> None:
    states: list[CallState] = [
        "hearing",
        "thinking",
        "speaking",
        "speaking",
        "hearing",
        "listening",
    ]

    said = [kinds(codec.send(StateChanged(state))) for state in states]

    assert said == [
        ["user-started-speaking", "server-message"],
        ["user-stopped-speaking", "server-message"],
        ["bot-started-speaking", "server-message"],
        ["server-message"],
        ["bot-stopped-speaking", "user-started-speaking", "server-message"],
        ["user-stopped-speaking", "server-message"],
    ]


def test_what_the_person_said_is_a_transcription_with_the_time_that_was_given(
    codec: BrowserCodec,
) -> None:
    [sent] = read(codec.send(Caption("user", "Grüß Gott.", final=True, turn=1)))

    rtvi.UserTranscriptionMessage.model_validate(sent)
    assert sent["data"] == {"text": "Grüß Gott.", "user_id": "", "timestamp": NOON, "final": True}


def test_an_answer_is_shown_phrase_by_phrase_and_marked_as_said_at_its_end(
    codec: BrowserCodec,
) -> None:
    shown = codec.send(Caption("bot", "Well,", final=False, turn=1))
    shown += codec.send(Caption("bot", "it is noon.", final=False, turn=1))
    ended = codec.send(Caption("bot", "Well, it is noon.", final=True, turn=1))

    phrase = ["bot-llm-text", "bot-tts-text", "bot-output"]
    assert kinds(shown) == ["bot-llm-started", "bot-tts-started", *phrase, *phrase]
    assert kinds(ended) == ["bot-output", "bot-output", "bot-llm-stopped", "bot-tts-stopped"]
    outputs = [one["data"] for one in read(shown + ended) if one["type"] == "bot-output"]
    assert [(o["segment_id"], o["text"], o["spoken_status"]) for o in outputs] == [
        (1, "Well,", "new"),
        (2, "it is noon.", "new"),
        (1, "Well,", "completed"),
        (2, "it is noon.", "completed"),
    ]
    streamed = [one["data"]["text"] for one in read(shown) if one["type"] == "bot-llm-text"]
    assert "".join(streamed) == "Well, it is noon. "


def test_phrases_of_a_long_answer_are_told_to_be_spoken_as_it_goes_on(codec: BrowserCodec) -> None:
    shown = [
        codec.send(Caption("bot", f"Yes {n}.", final=False, turn=1))
        for n in range(3 * OPEN_SEGMENTS)
    ]
    ended = codec.send(Caption("bot", "Yes.", final=True, turn=1))

    assert max(len(messages) for messages in shown[1:]) == 4
    assert len(ended) == OPEN_SEGMENTS + 2
    outputs = [
        one["data"]
        for one in read([*chain.from_iterable(shown), *ended])
        if one["type"] == "bot-output"
    ]
    said = [o["segment_id"] for o in outputs if o["spoken_status"] == "completed"]
    assert said == list(range(1, 3 * OPEN_SEGMENTS + 1))


def test_a_long_answer_that_is_cut_off_tells_no_more_phrases_to_be_spoken(
    codec: BrowserCodec,
) -> None:
    for n in range(2 * OPEN_SEGMENTS):
        codec.send(Caption("bot", f"Yes {n}.", final=False, turn=1))
    ended = codec.send(Caption("bot", "Yes 0.", final=True, turn=1, heard="Yes 0."))
    assert "bot-output" not in kinds(ended)


def test_a_phrase_that_is_shown_is_not_spoken_yet_and_one_that_was_said_is(
    codec: BrowserCodec,
) -> None:
    codec.send(Caption("bot", "One.", final=True, turn=1))

    sent = codec.send(Caption("bot", "Noon.", final=True, turn=2))

    shown, said = [one["data"] for one in read(sent) if one["type"] == "bot-output"]
    both = {
        "text": "Noon.",
        "output_type": "sentence",
        "aggregated_by": "sentence",
        "segment_id": 2,
        "will_be_spoken": True,
    }
    assert shown == both | {
        "spoken": False,
        "spoken_status": "new",
        "spoken_progress": {"accumulated_text": "", "remaining_text": "Noon."},
    }
    assert said == both | {
        "spoken": True,
        "spoken_status": "completed",
        "spoken_progress": {"accumulated_text": "Noon.", "remaining_text": ""},
    }


def test_a_phrase_is_given_to_the_models_text_and_to_the_voices(codec: BrowserCodec) -> None:
    texts = {
        one["type"]: one["data"]["text"]
        for one in read(codec.send(Caption("bot", "Well, ", final=False, turn=1)))
        if one["type"] in ("bot-llm-text", "bot-tts-text")
    }
    assert texts == {"bot-llm-text": "Well, ", "bot-tts-text": "Well, "}


def test_a_fault_says_whether_the_call_is_over(codec: BrowserCodec) -> None:
    sent = [read(codec.send(Fault("Gone.", fatal=fatal)))[0] for fatal in (True, False)]
    assert [(one["type"], one["data"]) for one in sent] == [
        ("error", {"error": "Gone.", "fatal": True}),
        ("error", {"error": "Gone.", "fatal": False}),
    ]


def test_a_turn_that_was_measured_comes_with_the_metrics_that_stock_clients_show(
    codec: BrowserCodec,
) -> None:
    span = {"stage": "llm", "kind": "busy", "withdrawn": False, "start_s": 0.5, "end_s": 0.75}
    row = {"voice_to_voice_s": 0.25, "spans": [span], "facts": {"llm": "m"}}
    sent = read(codec.send(TurnMeasured(row)))
    assert [one["type"] for one in sent] == ["metrics", "server-message"]
    assert sent[0]["data"]["ttfb"] == [{"processor": "llm", "value": 0.25, "model": "m"}]


def test_an_answer_that_was_cut_off_says_what_was_heard(codec: BrowserCodec) -> None:
    codec.send(Caption("bot", "Once upon a time", final=False, turn=4))

    sent = read(codec.send(Caption("bot", "Once upon a time", True, turn=4, heard="Once upon")))

    assert [one["type"] for one in sent] == [
        "bot-llm-stopped",
        "bot-tts-stopped",
        "bot-interrupted",
        "server-message",
    ]
    assert sent[-1]["data"] == {"type": "cut-off", "turn": 4, "heard": "Once upon"}


def test_an_answer_that_was_stopped_before_a_word_is_not_shown(codec: BrowserCodec) -> None:
    sent = read(codec.send(Caption("bot", "", final=True, turn=4, heard="")))
    assert "bot-output" not in [one["type"] for one in sent]
    assert sent[-1]["data"] == {"type": "cut-off", "turn": 4, "heard": ""}


def test_phrases_of_an_answer_that_never_ended_are_not_counted_as_said(
    codec: BrowserCodec,
) -> None:
    codec.send(Caption("bot", "Lost.", final=False, turn=1))

    sent = codec.send(Caption("bot", "Noon.", final=False, turn=2))
    sent += codec.send(Caption("bot", "Noon.", final=True, turn=2))

    said = [one["data"]["text"] for one in read(sent) if one["type"] == "bot-output"]
    assert said == ["Noon.", "Noon."]


@pytest.mark.parametrize(
    ("request_", "models"),
    [
        (Fault("The model is not answering."), [rtvi.Error]),
        (StateChanged("hearing"), [rtvi.UserStartedSpeakingMessage, rtvi.ServerMessage]),
        (
            Caption("bot", "Noon.", final=False, turn=1),
            [
                rtvi.BotLLMStartedMessage,
                rtvi.BotTTSStartedMessage,
                rtvi.BotLLMTextMessage,
                rtvi.BotTTSTextMessage,
                rtvi.BotOutputMessage,
            ],
        ),
    ],
)
def test_a_stranger_understands_each_message(
    codec: BrowserCodec, request_: ToClient, models: list[type[BaseModel]]
) -> None:
    sent = read(codec.send(request_))
    assert len(sent) == len(models)
    for one, model in zip(sent, models, strict=True):
        model.model_validate(one)


def test_what_a_stranger_writes_is_understood(codec: BrowserCodec) -> None:
    text = {"label": "rtvi-ai", "type": "send-text", "id": "1", "data": {"content": "Hi"}}

    assert codec.receive(stranger_writes(OutputAudioRawFrame(b"\1\2", 16_000, 1))) == [
        AudioIn(b"\1\2")
    ]
    assert codec.receive(stranger_writes(OutputTransportMessageFrame(message=text))) == [
        Typed("Hi")
    ]
    assert codec.receive(stranger_writes(TextFrame(text="Hi"))) == []
    assert codec.receive(stranger_writes(InterruptionFrame())) == []


def test_sending_before_the_client_is_ready_is_our_bug() -> None:
    with pytest.raises(UsageError, match="^the client is not ready$"):
        new_codec().send(Flush(1))


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [
        (AudioOut(b"\0", generation=0, start=0), "audio ends within a sample"),
        (
            TurnMeasured({"voice_to_voice_s": float("nan")}),
            "server-message cannot be written as JSON",
        ),
        (TurnMeasured({"row": object()}), "server-message cannot be written as JSON"),
    ],
)
def test_a_request_that_cannot_be_written_is_our_bug(
    codec: BrowserCodec, request_: ToClient, complaint: str
) -> None:
    with pytest.raises(UsageError, match=f"^{complaint}$"):
        codec.send(request_)


# ---- junk ----

WHOLE = [
    message("client-ready", {"version": "2.0.0", "about": OURS}),
    message("send-text", {"content": "Hello there", "options": {"run_immediately": True}}),
    message("dtmf", {"buttons": ["1", "2"]}),
    client_message("played", {"generation": 1, "samples": 24_000}),
    client_message("mute", {"muted": True}),
    audio(bytes(640)),
]

FIELDS = "t d content options buttons button generation samples kind size".split()
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["played", "mute", "stop-speaking", "expect", "number", "1"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=5) | st.sampled_from(FIELDS), inner, max_size=4)
    ),
    max_leaves=12,
)

KINDS = st.sampled_from(
    ["client-ready", "client-message", "disconnect-bot", "send-text", "dtmf", "other"]
)


def survives(sent: str | bytes) -> None:
    """Nothing but PeerError comes out, and what is answered can be read."""
    codec = new_codec()
    blamed: PeerError | None = None
    events: list[FromClient] = []
    try:
        events = codec.receive(sent)
    except PeerError as error:
        blamed = error
    replies = codec.replies()
    if blamed is not None:
        assert 0 < len(str(blamed).encode()) <= 123  # what a close frame holds
        assert blamed.close_code in {1002, 1003}
        assert replies == []
    assert all(isinstance(event, FromClient) for event in events)
    for reply in replies:
        assert isinstance(reply, bytes)
        json.loads(Frame.FromString(reply).message.data)


MANY = settings(max_examples=2_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.many
@MANY
@given(st.binary(max_size=200) | st.text(max_size=50))
def test_noise_gives_a_peer_error_and_nothing_else(sent: str | bytes) -> None:
    survives(sent)


@pytest.mark.many
@MANY
@given(
    st.sampled_from(WHOLE),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=8),
    st.integers(0, 10_000),
)
def test_damaged_messages_give_a_peer_error_and_nothing_else(
    whole: bytes, damage: list[tuple[int, int]], length: int
) -> None:
    torn = bytearray(whole)
    for place, value in damage:
        torn[place % len(torn)] = value
    survives(bytes(torn))
    survives(bytes(torn[: length % (len(torn) + 1)]))


@pytest.mark.many
@MANY
@given(KINDS, JSON, st.text(max_size=8))
def test_any_json_in_a_whole_frame_is_survived(kind: str, data: object, message_id: str) -> None:
    survives(message(kind, data, message_id))
    survives(framed(json.dumps(data)))
