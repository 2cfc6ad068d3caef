"""A ledger row in a stranger's words."""

import asyncio
import json

from pipecat.processors.frameworks.rtvi import models as rtvi
from pipecat.serializers.protobuf import ProtobufFrameSerializer

from bot.browser.browser_pb2 import Frame, MessageFrame
from bot.browser.codec import BrowserCodec
from bot.browser.metrics import metrics_of
from pipelines.core.exchange import TurnMeasured
from pipelines.core.ledger.ledger import Ledger


def row() -> dict[str, object]:
    """Two transcriptions, an answer that was withdrawn, and the one that was heard."""
    ledger = Ledger()
    for name, model in (("stt", "ears-1"), ("llm", "model-1"), ("tts", None)):
        ledger.note(1, name, model)
    ledger.mark(1, "speech_ended", 10.0)
    ledger.span(1, "stt", 9.6, 9.9)
    ledger.span(1, "stt", 10.0, 10.05)
    ledger.span(1, "endpointing", 10.0, 10.2, "wait")
    ledger.span(1, "llm", 9.9, 10.0, reply_id=6)
    ledger.span(1, "llm", 10.05, 10.2, reply_id=7)
    ledger.span(1, "tts", 10.2, 10.225, reply_id=7)
    ledger.mark(1, "sent", 10.23, 7)
    closed = ledger.close(1)
    assert closed is not None
    return closed.as_dict()


def test_what_led_to_the_answer_is_told_and_nothing_else() -> None:
    told = metrics_of(row())
    assert [(kind, one["processor"]) for kind, of in told.items() for one in of] == [
        ("processing", "stt"),
        ("ttfb", "llm"),
        ("ttfb", "tts"),
    ]
    assert [round(one["value"], 6) for of in told.values() for one in of] == [0.05, 0.15, 0.025]
    assert [one.get("model") for of in told.values() for one in of] == ["ears-1", "model-1", None]


def test_a_row_of_nothing_is_no_metrics() -> None:
    assert metrics_of({}) == {}
    assert metrics_of({"spans": None, "facts": {}}) == {}


def test_a_stranger_reads_them() -> None:
    codec = BrowserCodec("call-1", lambda: "")
    ready = {"label": "rtvi-ai", "type": "client-ready", "id": "1", "data": {}}
    codec.receive(Frame(message=MessageFrame(data=json.dumps(ready))).SerializeToString())
    message, turn = codec.send(TurnMeasured(row()))
    assert isinstance(turn, bytes)
    read = asyncio.run(ProtobufFrameSerializer().deserialize(message))
    assert read is not None
    rtvi.MetricsMessage.model_validate(read.message)  # type: ignore[attr-defined]
