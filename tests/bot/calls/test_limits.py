"""The limits of one client, on a clock that the test moves."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.browser.door import BODY_LIMIT
from bot.calls.connection import OUTBOX_LIMIT
from bot.calls.errors import PeerError
from bot.calls.farewell import CallOutcome, Over, farewell
from bot.calls.limits import Allowance, Bucket, Limits
from bot.calls.messages import FromClient
from bot.phone.line import LAST_WORDS_S, TelephoneConfig
from bot.phone.waiting import (
    SIGNED_START_S,
    SIGNED_WAITING,
    UNSIGNED_PER_ADDRESS,
    UNSIGNED_START_S,
    UNSIGNED_WAITING,
)
from bot.server.access import TICKET_S
from bot.server.crowd import CONNECTIONS_BESIDE_CALLS, CONNECTIONS_PER_ADDRESS
from bot.server.flow import (
    UNREAD_S,
    UNREAD_STUCK_S,
    WEBSOCKET_BYTES_BURST,
    WEBSOCKET_BYTES_PER_S,
    WEBSOCKET_FRAMES_BURST,
    WEBSOCKET_FRAMES_PER_S,
)
from bot.server.transport import REQUEST_S, UNSENT_BYTES
from bot.settings import Settings
from pipelines.core.exchange import AudioIn, Muted, Played

RATE_HZ = 16_000
FRAME = AudioIn(bytes(640))
"""20 ms."""


def spent(events: Sequence[FromClient], times: list[float]) -> int:
    """How many messages of this kind are let through, of one at each of the times."""
    allowance = Allowance(Limits(), RATE_HZ)
    for n, now in enumerate(times):
        try:
            allowance.spend(events, now)
        except PeerError:
            return n
    return len(times)


def test_too_much_is_a_breach_of_the_rules() -> None:
    with pytest.raises(PeerError, match="audio faster than real time") as error:
        Allowance(Limits(), RATE_HZ).spend([AudioIn(bytes(64_002))], 0.0)
    assert error.value.close_code == 1008


def test_two_seconds_of_audio_may_come_at_once() -> None:
    assert spent([FRAME], [7.0] * 1000) == 100


def test_audio_may_come_a_quarter_faster_than_real_time_for_ever() -> None:
    assert spent([FRAME], [n * 0.02 / 1.25 for n in range(20_000)]) == 20_000


def test_audio_may_not_come_half_as_fast_again() -> None:
    frames = spent([FRAME], [n * 0.02 / 1.5 for n in range(20_000)])
    seconds = frames * 0.02
    assert seconds == pytest.approx(2.0 + 1.25 * seconds / 1.5, abs=0.05)


def test_a_stall_of_two_seconds_is_forgiven() -> None:
    steady = [n * 0.02 for n in range(500)]
    burst = [12.0] * 100
    assert spent([FRAME], [*steady, *burst, *(12.02 + n * 0.02 for n in range(500))]) == 1100


def test_twenty_messages_may_come_at_once_and_twenty_each_second() -> None:
    assert spent([Muted(True)], [0.0] * 100) == 20
    assert spent([], [0.0] * 100) == 20, "one that means nothing counts too"
    assert spent([Muted(True)], [n / 20 for n in range(1000)]) == 1000


def test_reports_of_what_was_played_may_come_in_a_heap_after_a_stall() -> None:
    assert spent([Played(0, 1)], [0.0] * 1000) == LIMITS.reports_burst
    assert spent([Played(0, 1)], [n / 12.5 for n in range(1000)]) == 1000


def test_reports_do_not_use_up_what_other_messages_may() -> None:
    allowance = Allowance(Limits(), RATE_HZ)
    for _ in range(LIMITS.reports_burst):
        allowance.spend([Played(0, 1)], 0.0)
    for _ in range(20):
        allowance.spend([Muted(True)], 0.0)
    allowance.spend([FRAME], 0.0)


@given(
    st.floats(0.1, 100),
    st.floats(0.1, 100),
    st.lists(st.tuples(st.floats(0, 10), st.floats(0, 10)), max_size=50),
)
def test_a_bucket_never_gives_more_than_its_burst_and_its_rate(
    rate: float, burst: float, asked: list[tuple[float, float]]
) -> None:
    bucket, now, given_out = Bucket(rate, burst), 0.0, 0.0
    for pause, amount in asked:
        now += pause
        if bucket.take(amount, now):
            given_out += amount
        assert given_out <= burst + rate * now + 1e-6


TABLE = (Path(__file__).parents[3] / "docs" / "reference" / "limits.md").read_text()
LIMITS = Limits()
ON_PHONE = TelephoneConfig().limits(LIMITS)
CALL_S = Settings.model_fields["phone_call_s"].default


@pytest.mark.parametrize(
    "row",
    [
        f"WebSocket message | {LIMITS.message_bytes // 1024} KiB, in however many pieces | 1009 |",
        f"audio | {LIMITS.audio_rate:g} times real time, and {LIMITS.audio_burst_s:g} s at once |",
        f"| other messages | {LIMITS.control_per_s:g} a second | 1008 |",
        f"reports of what was played | {LIMITS.control_per_s:g} a second, and "
        f"{LIMITS.reports_burst} at once",
        f"| connections | {CONNECTIONS_BESIDE_CALLS} beside the calls,",
        f"one /64 of IPv6 | {CONNECTIONS_PER_ADDRESS} beside its calls;",
        f"| {WEBSOCKET_FRAMES_PER_S:g} a second, and {WEBSOCKET_FRAMES_BURST:,} at once | not read",
        f"| {WEBSOCKET_BYTES_PER_S // 1024} KiB a second, and {WEBSOCKET_BYTES_BURST >> 20} MiB at",
        f"what it is sent | {UNREAD_STUCK_S:g} s; {UNREAD_S:g} s if it never reads all of it |",
        f"that does not read them | {UNSENT_BYTES // 1024} KiB | nothing more is read of it |",
        f"| an HTTP request | {REQUEST_S:g} s from the open connection to its last byte |",
        f"| the body of `POST /start` | {BODY_LIMIT // 1024} KiB | HTTP 413 |",
        f"`client-ready` | within {LIMITS.opening_s:g} s of the open socket | 1008 |",
        f"| a client of which nothing is heard | {LIMITS.idle_s:g} s;",
        f"asked every {LIMITS.ping_s:g} s, gone after {2 * LIMITS.ping_s:g} s | 1011 |",
        f"| a client that does not read what it is sent | {OUTBOX_LIMIT} messages,",
        f"| a ticket | one connection, within {TICKET_S:g} s | HTTP 403 |",
        f"| calls at once | `MAX_CALLS` ({LIMITS.calls}) | HTTP 503, 1013 |",
        f"from one address | `CALLS_PER_ADDRESS` ({LIMITS.calls_per_address}) | HTTP 429, 1013 |",
        f"without a code), the call waits {LIMITS.return_s:g} s.",
        f"within {SIGNED_START_S:g} s, with its webhook's token, {TICKET_S:g} s old at most; "
        f"without a signature within {UNSIGNED_START_S:g} s | 1008 |",
        f"| signed media sockets that have not started | {SIGNED_WAITING} | HTTP 503 |",
        f"| unsigned ones | {UNSIGNED_WAITING}, from one address {UNSIGNED_PER_ADDRESS} | HTTP",
        f"audio | {ON_PHONE.audio_rate:g} times real time, and {ON_PHONE.audio_burst_s:g} s at",
        f"{ON_PHONE.control_per_s:g} a second each, and {ON_PHONE.reports_burst} marks at once",
        f"| a stream of which nothing is heard | {ON_PHONE.idle_s:g} s | 1008 |",
        f"`PHONE_CALL_S` ({CALL_S:g} s) and a word before its end; {LAST_WORDS_S:g} s more",
    ],
)
def test_the_documentation_has_the_limit_as_it_is(row: str) -> None:
    assert row in TABLE


def test_a_call_may_last_the_hour_that_is_written() -> None:
    assert "| a call | an hour | 1008 |" in TABLE
    assert LIMITS.call_s == 3600


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (CallOutcome.NEVER_READY, 1008),
        (CallOutcome.IDLE, 1008),
        (CallOutcome.TOO_LONG, 1008),
        (CallOutcome.READ_TOO_SLOWLY, 1013),
        (CallOutcome.DRAINED, 1012),
        (CallOutcome.FAILED, 1011),
        (CallOutcome.LEFT, 1000),
    ],
)
def test_each_end_has_the_code_that_is_written(outcome: CallOutcome, code: int) -> None:
    assert farewell([Over(outcome)]).code == code
