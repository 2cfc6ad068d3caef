"""One socket and one call, without a socket."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bot.connection import OUTBOX_LIMIT, Seat, serve
from bot.farewell import Farewell, Outcome
from bot.limits import Limits
from bot.telemetry import Metrics
from bot.wire.browser import BrowserCodec
from bot.wire.errors import PeerError
from pipelines.core.exchange import AudioIn, AudioOut, Flush, Muted, StateChanged
from tests.echo import EchoCall, EchoEngine, FakeSocket, audio, kind, message, pcm, ready, typed

PCM = b"\1\2" * 160
SAMPLES = len(PCM) // 2


class Desk:
    """A connection that is served, and everything around it."""

    def __init__(
        self, *script: str | bytes | None | Exception, limits: Limits | None = None
    ) -> None:
        self.limits = limits or Limits()
        self.socket = FakeSocket(*script)
        self.engine = EchoEngine()
        self.metrics = Metrics()
        self.seat = Seat()

    @property
    def call(self) -> EchoCall:
        [call] = self.engine.calls
        return call

    async def serve(self) -> Farewell:
        codec = BrowserCodec("call-1", lambda: "noon")
        new_call = self.engine.new_call
        return await serve(self.socket, codec, new_call, self.metrics, self.seat, self.limits)

    async def serve_while(self, play: Callable[[], Awaitable[None]]) -> Farewell:
        async with asyncio.TaskGroup() as tasks:
            served = tasks.create_task(self.serve())
            await play()
        return served.result()


def served(desk: Desk, play: Callable[[], Awaitable[None]] | None = None) -> Farewell:
    """Carries the call to its end; then no task is left, and the call has stopped."""

    async def scenario() -> Farewell:
        last = await (desk.serve() if play is None else desk.serve_while(play))
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert not any(call.running for call in desk.engine.calls)
        return last

    return asyncio.run(scenario())


def test_audio_flows_both_ways_after_the_handshake() -> None:
    desk = Desk(ready(), audio(PCM))

    async def play() -> None:
        await desk.socket.until_sent("audio")
        desk.socket.inbox.put_nowait(message("disconnect-bot"))

    last = served(desk, play)

    assert desk.call.heard == [AudioIn(PCM)]
    assert [kind(one) for one in desk.socket.sent] == ["bot-ready", "audio"]
    assert (last.outcome, desk.socket.closed) == (Outcome.LEFT, (1000, ""))


def test_audio_before_the_handshake_is_dropped_and_counted() -> None:
    desk = Desk(audio(PCM), audio(PCM), ready(), typed("goodbye"))

    last = served(desk)

    assert last.outcome is Outcome.FINISHED
    assert not any(isinstance(event, AudioIn) for event in desk.call.heard)
    expected = 'halfsecond_dropped_audio_seconds_total{reason="before ready"} 0.02\n'
    assert expected.encode() in desk.metrics.text()


@pytest.mark.parametrize(
    ("library", "lead_s", "reports"), [("stock", 0.06, False), ("halfsecond-web", 0.2, True)]
)
def test_a_client_that_can_flush_is_sent_audio_further_ahead(
    library: str, lead_s: float, reports: bool
) -> None:
    desk = Desk(ready(library), None)
    served(desk)
    form = desk.call.form
    assert (form.in_rate_hz, form.out_rate_hz) == (16_000, 24_000)
    assert (form.lead_s, form.reports_playout) == (lead_s, reports)


def test_a_call_that_the_bot_ends_is_sent_to_its_last_message() -> None:
    desk = Desk(ready(), audio(PCM), typed("goodbye"))
    last = served(desk)
    assert [kind(one) for one in desk.socket.sent] == ["bot-ready", "audio"]
    assert (last.outcome, desk.socket.closed) == (Outcome.FINISHED, (1000, ""))


@pytest.mark.parametrize(
    ("script", "outcome", "closed"),
    [
        ([ready(), None], Outcome.LEFT, (1000, "")),
        ([None], Outcome.LEFT, (1000, "")),
        ([ready(), message("disconnect-bot")], Outcome.LEFT, (1000, "")),
        ([ready(), ConnectionError()], Outcome.VANISHED, (1001, "")),
        ([ready(), "hello"], Outcome.BROKE_PROTOCOL, (1003, "messages must be binary")),
        ([ready(), b"\x0a\xff"], Outcome.BROKE_PROTOCOL, (1002, "torn protobuf frame")),
        (
            [ready(), audio(PCM, rate_hz=48_000)],
            Outcome.BROKE_PROTOCOL,
            (1003, "audio must be 16000 Hz mono"),
        ),
        (
            [ready(), PeerError("a message that is too big", close_code=1009)],
            Outcome.BROKE_PROTOCOL,
            (1009, "a message that is too big"),
        ),
        ([b""], Outcome.BROKE_PROTOCOL, (1002, "empty protobuf frame")),
        ([ready(), typed("fail")], Outcome.FAILED, (1011, "internal error")),
    ],
)
def test_each_end_has_its_close_code_and_its_words(
    script: list[str | bytes | None | Exception], outcome: Outcome, closed: tuple[int, str]
) -> None:
    desk = Desk(*script)
    last = served(desk)
    assert last.outcome is outcome
    assert desk.socket.closed == closed == (last.code, last.reason)


def test_a_client_that_is_never_ready_is_let_go_and_no_call_is_made() -> None:
    async def scenario() -> tuple[Desk, Farewell]:
        desk = Desk(audio(PCM), limits=Limits(opening_s=0.0))
        return desk, await desk.serve()

    desk, last = asyncio.run(scenario())

    assert last.outcome is Outcome.NEVER_READY
    assert desk.socket.closed == (1008, "the client was never ready")
    assert desk.engine.calls == []


def test_a_client_that_reads_too_slowly_loses_the_call_not_the_order() -> None:
    desk = Desk(ready())

    async def play() -> None:
        await desk.socket.until_sent("bot-ready")
        desk.socket.reads.clear()
        for n in range(OUTBOX_LIMIT + 2):
            desk.call.send(AudioOut(PCM, 0, n * SAMPLES))

    last = served(desk, play)

    assert last.outcome is Outcome.READ_TOO_SLOWLY
    assert desk.socket.closed == (1013, "the client reads too slowly")
    assert [kind(one) for one in desk.socket.sent] == ["bot-ready"]


def test_a_client_within_the_limit_is_sent_everything_in_order() -> None:
    desk = Desk(ready())

    async def play() -> None:
        await desk.socket.until_sent("bot-ready")
        desk.socket.reads.clear()
        for n in range(OUTBOX_LIMIT - 1):
            desk.call.send(AudioOut(bytes([n % 256, 0]), 0, n))
        desk.call.over.set()
        desk.socket.reads.set()

    assert served(desk, play).outcome is Outcome.FINISHED
    assert [pcm(one)[0] for one in desk.socket.sent[1:]] == [
        n % 256 for n in range(OUTBOX_LIMIT - 1)
    ]


def test_a_flush_overtakes_the_audio_that_waits_and_nothing_else() -> None:
    desk = Desk(ready())

    async def play() -> None:
        await desk.socket.until_sent("bot-ready")
        desk.call.send(AudioOut(PCM, 0, 0))
        desk.call.send(StateChanged("hearing"))
        desk.call.send(Flush(1))
        desk.call.send(AudioOut(PCM, 1, 0))
        desk.call.over.set()

    served(desk, play)

    assert [kind(one) for one in desk.socket.sent] == [
        "bot-ready",
        "user-started-speaking",
        "server-message",
        "server-message",
        "audio",
    ]


def test_a_call_that_must_end_is_told_so() -> None:
    desk = Desk(ready())

    async def play() -> None:
        await desk.socket.until_sent("bot-ready")
        desk.seat.ending.set()

    last = served(desk, play)

    assert last.outcome is Outcome.DRAINED
    assert desk.socket.closed == (1012, "the server is shutting down")


def test_what_the_person_did_reaches_the_call_in_order() -> None:
    mute = message("client-message", {"t": "mute", "d": {"muted": True}}, "7")
    desk = Desk(ready(), audio(PCM), mute, audio(PCM), typed("goodbye"))

    served(desk)

    assert desk.call.heard[:3] == [AudioIn(PCM), Muted(True), AudioIn(PCM)]
    assert sorted(kind(one) for one in desk.socket.sent) == [
        "audio",
        "audio",
        "bot-ready",
        "server-response",
    ]


def test_a_connection_that_is_cancelled_takes_its_call_with_it() -> None:
    async def scenario() -> Desk:
        desk = Desk(ready())
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(desk.serve())
            await desk.socket.until_sent("bot-ready")
            task.cancel()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return desk

    desk = asyncio.run(scenario())

    assert not desk.call.running
    assert desk.socket.closed is None
