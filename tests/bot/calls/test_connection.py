"""One socket and one call, without a socket."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from structlog.testing import capture_logs

from bot.browser.codec import BrowserCodec
from bot.calls.connection import OUTBOX_BYTES, OUTBOX_LIMIT, SENDS_ALWAYS_STALL_S, Seat, serve
from bot.calls.errors import PeerError
from bot.calls.farewell import CallOutcome, Farewell
from bot.calls.limits import Limits
from bot.phone.codec import Start
from bot.phone.line import Opening, TelephoneConfig, TelephoneLine
from bot.server.telemetry import Metrics
from pipelines.core.exchange import (
    AudioIn,
    AudioOut,
    Caption,
    Flush,
    LineDropped,
    LineRestored,
    Muted,
    Played,
    Sent,
    StateChanged,
)
from tests.bot.phone.speaking_twilio import CALL, CONNECTED, STREAM, said, start
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

    async def come_back(self, *script: str | bytes | None | Exception) -> FakeSocket:
        """On another socket, which is done with when this returns."""
        socket = FakeSocket(*script)
        await self.seat.come_back(socket)
        return socket

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
    assert (last.outcome, desk.socket.closed) == (CallOutcome.LEFT, (1000, ""))


def test_audio_before_the_handshake_is_dropped_and_counted() -> None:
    desk = Desk(audio(PCM), audio(PCM), ready(), typed("goodbye"))

    last = served(desk)

    assert last.outcome is CallOutcome.FINISHED
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
    assert (last.outcome, desk.socket.closed) == (CallOutcome.FINISHED, (1000, ""))


@pytest.mark.parametrize(
    ("script", "outcome", "closed"),
    [
        ([ready(), None], CallOutcome.LEFT, (1000, "")),
        ([None], CallOutcome.LEFT, (1000, "")),
        ([ready(), message("disconnect-bot")], CallOutcome.LEFT, (1000, "")),
        ([ready(), ConnectionError()], CallOutcome.VANISHED, (1001, "")),
        ([ready(), "hello"], CallOutcome.BROKE_PROTOCOL, (1003, "messages must be binary")),
        ([ready(), b"\x0a\xff"], CallOutcome.BROKE_PROTOCOL, (1002, "torn protobuf frame")),
        (
            [ready(), audio(PCM, rate_hz=48_000)],
            CallOutcome.BROKE_PROTOCOL,
            (1003, "audio must be 16000 Hz mono"),
        ),
        (
            [ready(), PeerError("a message that is too big", close_code=1009)],
            CallOutcome.BROKE_PROTOCOL,
            (1009, "a message that is too big"),
        ),
        ([b""], CallOutcome.BROKE_PROTOCOL, (1002, "empty protobuf frame")),
        ([ready(), typed("fail")], CallOutcome.FAILED, (1011, "internal error")),
    ],
)
def test_each_end_has_its_close_code_and_its_words(
    script: list[str | bytes | None | Exception], outcome: CallOutcome, closed: tuple[int, str]
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

    assert last.outcome is CallOutcome.NEVER_READY
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

    assert last.outcome is CallOutcome.READ_TOO_SLOWLY
    assert desk.socket.closed == (1013, "the client reads too slowly")
    assert [kind(one) for one in desk.socket.sent] == ["bot-ready"]


def test_a_client_that_reads_too_slowly_is_not_kept_more_than_a_few_bytes_for() -> None:
    desk = Desk(ready())

    async def play() -> None:
        await desk.socket.until_sent("bot-ready")
        desk.socket.reads.clear()
        for _ in range(OUTBOX_BYTES // 60_000 + 2):
            desk.call.send(Caption("user", "a" * 60_000, final=False, turn=1))

    assert served(desk, play).outcome is CallOutcome.READ_TOO_SLOWLY


def test_answers_that_carry_a_clients_own_words_back_count_as_well() -> None:
    named = [message("telepathy", None, "a" * 60_000) for _ in range(OUTBOX_BYTES // 60_000 + 2)]
    desk = Desk(ready(), limits=Limits(control_per_s=1000.0))

    async def play() -> None:
        await desk.socket.until_sent("bot-ready")
        desk.socket.reads.clear()
        for one in named:
            desk.socket.inbox.put_nowait(one)

    assert served(desk, play).outcome is CallOutcome.READ_TOO_SLOWLY


def test_a_client_within_the_limit_is_sent_everything_in_order() -> None:
    desk = Desk(ready())

    async def play() -> None:
        await desk.socket.until_sent("bot-ready")
        desk.socket.reads.clear()
        for n in range(OUTBOX_LIMIT - 1):
            desk.call.send(AudioOut(bytes([n % 256, 0]), 0, n))
        desk.call.over.set()
        desk.socket.reads.set()

    assert served(desk, play).outcome is CallOutcome.FINISHED
    assert [pcm(one)[0] for one in desk.socket.sent[1:]] == [
        n % 256 for n in range(OUTBOX_LIMIT - 1)
    ]


def test_what_is_to_be_told_is_told_when_the_socket_is_given_it() -> None:
    desk = Desk(ready())

    async def play() -> None:
        await desk.socket.until_sent("bot-ready")
        desk.socket.reads.clear()
        desk.call.send(AudioOut(PCM, 0, 0, tell=False))
        desk.call.send(AudioOut(PCM, 0, SAMPLES, tell=True))
        for _ in range(5):
            await asyncio.sleep(0)
        assert desk.call.heard == []
        now = asyncio.get_running_loop().time()
        desk.socket.reads.set()
        for _ in range(2):
            await desk.socket.outbox.get()
        [sent] = desk.call.heard
        assert isinstance(sent, Sent)
        assert sent == Sent(0, SAMPLES, sent.at_s)
        assert now <= sent.at_s <= asyncio.get_running_loop().time()
        desk.call.over.set()

    assert served(desk, play).outcome is CallOutcome.FINISHED


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

    assert last.outcome is CallOutcome.DRAINED
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


# ---- limits ----


def test_a_client_of_which_nothing_is_heard_is_let_go() -> None:
    desk = Desk(ready(), limits=Limits(idle_s=0.0))
    last = served(desk)
    assert last.outcome is CallOutcome.IDLE
    assert desk.socket.closed == (1008, "nothing was heard of the client for too long")


def test_a_client_that_says_it_is_muted_may_be_silent() -> None:
    mute = message("client-message", {"t": "mute", "d": {"muted": True}})
    desk = Desk(ready(), mute, limits=Limits(idle_s=0.01, call_s=0.05))
    assert served(desk).outcome is CallOutcome.TOO_LONG


def test_a_call_may_not_last_for_ever() -> None:
    desk = Desk(ready(), limits=Limits(call_s=0.0))
    last = served(desk)
    assert last.outcome is CallOutcome.TOO_LONG
    assert desk.socket.closed == (1008, "the call has lasted as long as it may")


@pytest.mark.parametrize(
    ("flood", "reason"),
    [
        ([message("client-message", {"t": "stop-speaking"})] * 30, "too many messages"),
        ([message("no such thing")] * 30, "too many messages"),
        (
            [message("client-message", {"t": "played", "d": {"generation": 0, "samples": 1}})]
            * 700,
            "too many messages",
        ),
    ],
)
def test_a_flood_ends_the_call(flood: list[bytes], reason: str) -> None:
    desk = Desk(ready(), *flood)
    last = served(desk)
    assert last == Farewell(CallOutcome.BROKE_PROTOCOL, 1008, reason)


def test_audio_over_the_rate_is_dropped_counted_and_logged_and_the_call_goes_on() -> None:
    desk = Desk(ready(), *[audio(PCM)] * 2000, typed("goodbye"))
    with capture_logs() as logs:
        last = served(desk)
    assert last.outcome is CallOutcome.FINISHED
    heard = sum(isinstance(event, AudioIn) for event in desk.call.heard)
    assert 1000 <= heard < 1900  # and what time has passed meanwhile
    [line] = [line for line in logs if line["event"] == "audio is dropped"]
    assert (line["reason"], line["log_level"]) == ("faster than real time", "warning")
    counted = 'halfsecond_dropped_audio_seconds_total{reason="faster than real time"} '
    [figure] = [one for one in desk.metrics.text().decode().splitlines() if counted in one]
    assert float(figure.removeprefix(counted)) == pytest.approx(0.01 * (2000 - heard))


@pytest.mark.parametrize(("library", "stall_s"), [("stock", 0.75), ("halfsecond-web", 15.0)])
def test_a_client_that_sends_all_of_the_time_is_waited_for(library: str, stall_s: float) -> None:
    desk = Desk(ready(library), None)
    served(desk)
    assert desk.call.form.stall_s == stall_s


@pytest.mark.parametrize(
    "phone", [TelephoneConfig(), TelephoneConfig(transfers={"Ann": "+15550100"})]
)
def test_twilio_which_sends_all_of_the_time_is_waited_for(phone: TelephoneConfig) -> None:
    messages = [said(CONNECTED), said(start())]
    stream = Start(STREAM, CALL)
    line = TelephoneLine(FakeSocket(None), Opening(stream, messages), phone, None)
    engine = EchoEngine()

    async def play() -> Farewell:
        return await serve(
            line,
            line.codec,
            line.around(engine.new_call),
            Metrics(),
            Seat(),
            phone.limits(Limits()),
        )

    assert asyncio.run(play()).outcome is CallOutcome.LEFT
    [call] = engine.calls
    assert (call.form.stall_s, call.form.reports_playout) == (SENDS_ALWAYS_STALL_S, True)


# ---- dropped, and back ----

OURS = "halfsecond-web"
GONE = ConnectionError()


def played(generation: int, samples: int) -> bytes:
    data = {"t": "played", "d": {"generation": generation, "samples": samples}}
    return message("client-message", data)


def test_a_client_that_was_cut_off_goes_on_with_its_call() -> None:
    desk = Desk(ready(OURS), audio(PCM), GONE)

    async def play() -> None:
        await desk.socket.until_sent("audio")
        second = await desk.come_back(ready(OURS), played(0, 100), audio(PCM), typed("goodbye"))
        assert [kind(one) for one in second.sent] == ["bot-ready", "server-message", "audio"]
        assert second.closed == (1000, "")

    last = served(desk, play)

    assert last.outcome is CallOutcome.FINISHED
    assert desk.call.heard[:5] == [
        AudioIn(PCM),
        LineDropped(),
        Played(0, 100),
        LineRestored(),
        AudioIn(PCM),
    ]


def test_a_client_that_cannot_flush_is_not_waited_for() -> None:
    desk = Desk(ready(), GONE)
    assert served(desk).outcome is CallOutcome.VANISHED


def test_a_client_that_does_not_come_back_is_given_up() -> None:
    desk = Desk(ready(OURS), GONE, limits=Limits(return_s=0.0))
    last = served(desk)
    assert last.outcome is CallOutcome.VANISHED
    assert not desk.call.running


def test_what_was_said_meanwhile_is_shown_once_the_client_is_ready_and_not_played() -> None:
    desk = Desk(ready(OURS), GONE)

    async def play() -> None:
        await desk.socket.until_sent("bot-ready")
        await desk.call.until_heard(LineDropped())
        desk.call.send(Caption("user", "hello", final=True, turn=1))
        desk.call.send(AudioOut(PCM, 0, 0))
        desk.call.send(Flush(1))
        second = await desk.come_back(ready(OURS), typed("goodbye"))
        shown = [kind(one) for one in second.sent]
        assert shown == ["bot-ready", "server-message", "user-transcription", "server-message"]

    served(desk, play)


def test_a_client_that_comes_back_takes_the_call_from_its_old_socket() -> None:
    desk = Desk(ready(OURS))

    async def play() -> None:
        await desk.socket.until_sent("bot-ready")
        second = await desk.come_back(ready(OURS), typed("goodbye"))
        assert second.closed == (1000, "")

    served(desk, play)

    assert desk.socket.closed == (1008, "the call goes on over another connection")
    assert desk.call.heard[0] == LineDropped()


def test_a_client_may_be_cut_off_again_and_again() -> None:
    desk = Desk(ready(OURS), GONE)

    async def play() -> None:
        await desk.socket.until_sent("bot-ready")
        await desk.come_back(GONE)
        await desk.come_back(ready(OURS), audio(PCM), GONE)
        await desk.come_back(ready(OURS), typed("goodbye"))

    assert served(desk, play).outcome is CallOutcome.FINISHED
    assert len(desk.engine.calls) == 1
    assert [e for e in desk.call.heard if isinstance(e, LineRestored | AudioIn)] == [
        AudioIn(PCM),
        LineRestored(),
        LineRestored(),
    ]


def test_of_two_that_come_back_at_once_the_later_has_the_call() -> None:
    desk = Desk(ready(OURS))

    async def play() -> None:
        await desk.socket.until_sent("bot-ready")
        async with asyncio.TaskGroup() as tasks:
            earlier = tasks.create_task(desk.come_back(ready(OURS)))
            later = tasks.create_task(desk.come_back(ready(OURS), typed("goodbye")))
        assert earlier.result().closed == (1008, "the call goes on over another connection")
        assert later.result().closed == (1000, "")

    served(desk, play)


def test_of_a_crowd_that_comes_back_while_sockets_are_slow_to_close_one_at_most_waits() -> None:
    desk = Desk(ready(OURS))

    class SlowSocket(FakeSocket):
        async def close(self, code: int, reason: str) -> None:
            await super().close(code, reason)
            for _ in range(3):
                await asyncio.sleep(0)

    async def play() -> None:
        await desk.socket.until_sent("bot-ready")
        crowd = [SlowSocket(ready(OURS)) for _ in range(20)]
        async with asyncio.TaskGroup() as tasks:
            for socket in crowd:
                tasks.create_task(desk.seat.come_back(socket))
            for _ in range(50):
                await asyncio.sleep(0)
            [last] = [socket for socket in crowd if socket.closed is None]
            last.inbox.put_nowait(typed("goodbye"))
        moved = (1008, "the call goes on over another connection")
        assert [one.closed for one in crowd if one is not last] == [moved] * 19
        assert last.closed == (1000, "")

    served(desk, play)


def test_who_comes_back_as_the_call_ends_is_told_so() -> None:
    desk = Desk(ready(OURS), GONE)

    async def play() -> None:
        await desk.socket.until_sent("bot-ready")
        await desk.call.until_heard(LineDropped())
        async with asyncio.TaskGroup() as tasks:
            returning = tasks.create_task(desk.come_back(ready(OURS)))
            await asyncio.sleep(0)
            desk.seat.ending.set()
        assert returning.result().closed == (1012, "the server is shutting down")
        late = await desk.come_back(ready(OURS))
        assert late.closed == (1012, "the server is shutting down")

    assert served(desk, play).outcome is CallOutcome.DRAINED


def test_a_server_that_must_go_does_not_wait_for_those_who_were_cut_off() -> None:
    desk = Desk(ready(OURS), GONE)

    async def play() -> None:
        await desk.socket.until_sent("bot-ready")
        await desk.call.until_heard(LineDropped())
        desk.seat.ending.set()

    assert served(desk, play).outcome is CallOutcome.DRAINED


def test_long_news_for_a_client_that_is_away_ends_the_call_sooner() -> None:
    desk = Desk(ready(OURS), GONE)

    async def play() -> None:
        await desk.socket.until_sent("bot-ready")
        await desk.call.until_heard(LineDropped())
        for _ in range(OUTBOX_BYTES // 60_000 + 2):
            desk.call.send(Caption("user", "a" * 60_000, final=False, turn=1))

    assert served(desk, play).outcome is CallOutcome.READ_TOO_SLOWLY


def test_more_news_than_a_client_that_is_away_can_be_kept_ends_the_call() -> None:
    desk = Desk(ready(OURS), GONE)

    async def play() -> None:
        await desk.socket.until_sent("bot-ready")
        await desk.call.until_heard(LineDropped())
        for n in range(OUTBOX_LIMIT + 1):
            desk.call.send(Flush(n))

    assert served(desk, play).outcome is CallOutcome.READ_TOO_SLOWLY
