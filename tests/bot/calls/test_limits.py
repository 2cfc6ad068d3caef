"""The limits of one client, on a clock that the test moves."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.calls.connection import SENDS_ALWAYS_STALL_S
from bot.calls.errors import PeerError
from bot.calls.farewell import CallOutcome, Over, farewell
from bot.calls.limits import FLOOD_WINDOW_S, Allowance, Bucket, Limits
from bot.calls.messages import FromClient
from bot.phone.line import LAST_WORDS_S, TelephoneConfig
from bot.server.crowd import CONNECTIONS_BESIDE_CALLS, CONNECTIONS_PER_ADDRESS
from bot.server.standstill import TURN_S
from bot.settings import Settings
from pipelines.core.exchange import AudioIn, Muted, Played
from pipelines.core.hearing.inbox import SOUND_S

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


def heard_s(times: Iterable[float], limits: Limits | None = None) -> float:
    """Seconds of audio that are let through, of 20 ms at each of the times."""
    allowance = Allowance(limits or Limits(), RATE_HZ)
    return sum(0.02 for now in times if allowance.spend([FRAME], now))


def steady(begins_s: float, seconds: float, rate: float = 1.0) -> list[float]:
    """Times of frames at `rate` times real time, for so many seconds of the clock."""
    return [begins_s + n * 0.02 / rate for n in range(round(seconds * rate / 0.02))]


def test_ten_seconds_of_audio_may_come_at_once_and_the_rest_is_dropped() -> None:
    assert heard_s([7.0] * 1000) == pytest.approx(10.0)


def test_audio_may_come_a_quarter_faster_than_real_time_for_ever() -> None:
    assert heard_s(steady(0.0, 400, 1.25)) == pytest.approx(500)


@pytest.mark.parametrize("rate", [1.5, 1.9])
def test_over_the_rate_audio_is_dropped_and_nobody_is_let_go(rate: float) -> None:
    assert heard_s(steady(0.0, 600, rate)) == pytest.approx(10 + 1.25 * 600, abs=0.1)


@pytest.mark.parametrize("rate", [2.1, 3.0, 10.0, 50.0])
def test_a_client_that_goes_on_at_over_twice_real_time_is_let_go_after_half_a_minute(
    rate: float,
) -> None:
    times = [*steady(0.0, 100.0), *steady(100.0, 60.0, rate)]
    ended_s = times[spent([FRAME], times)]
    assert LIMITS.flood_s <= ended_s - 100.0 <= LIMITS.flood_s + 2 * FLOOD_WINDOW_S


def test_a_client_that_sends_in_heaps_at_over_twice_real_time_is_let_go() -> None:
    heaps = [at for n in range(40) for at in [2.0 * n] * 250]
    assert heaps[spent([FRAME], heaps)] == pytest.approx(LIMITS.flood_s, abs=6.0)


@pytest.mark.parametrize("seconds", [5.0, 20.0, 29.0])
def test_a_client_that_was_too_fast_for_a_while_stays(seconds: float) -> None:
    times = [*steady(0.0, 10.0), *steady(10.0, seconds, 3.0), *steady(10.0 + seconds, 300.0)]
    assert spent([FRAME], times) == len(times)


@pytest.mark.parametrize("stood_s", [0.5, 2.0, 6.0, 15.0, 30.0, 60.0, 110.0])
@pytest.mark.parametrize("times", [1, 3])
def test_the_audio_of_time_that_has_passed_is_in_order_however_late_it_comes(
    stood_s: float, times: int
) -> None:
    """The network or the machine stands still; then everything comes at once."""
    came: list[float] = []
    now = 0.0
    for _ in range(times):
        came += steady(now, 5.0)
        came += [now + 5.0 + stood_s] * round(stood_s / 0.02)
        now += 5.0 + stood_s
    came += steady(now, 60.0)
    assert heard_s(came) == pytest.approx(0.02 * len(came))


def test_a_dropped_frame_uses_nothing_up() -> None:
    """At three times real time one frame of three is in time, and is heard."""
    limits = Limits(audio_burst_s=1.0)
    assert heard_s(steady(0.0, 20.0, 3.0), limits) == pytest.approx(1.0 + 1.25 * 20.0, abs=0.1)


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
        f"| connections | {CONNECTIONS_BESIDE_CALLS} beside the calls,",
        f"one /64 of IPv6 | {CONNECTIONS_PER_ADDRESS} beside its calls;",
        f"there a stall is waited out for {SENDS_ALWAYS_STALL_S:g} s.",
        f"leaves out what a turn of it takes beyond {TURN_S:g} s.",
        f"Of more than {SOUND_S:g} s the newest are heard",
        f"| calls at once | `MAX_CALLS` ({LIMITS.calls}) | HTTP 503, 1013 |",
        f"from one address | `CALLS_PER_ADDRESS` ({LIMITS.calls_per_address}) | HTTP 429, 1013 |",
        f"without a code), the call waits {LIMITS.return_s:g} s.",
        f"{ON_PHONE.control_per_s:g} marks and {ON_PHONE.control_per_s:g} other messages a second",
        f"{ON_PHONE.idle_s:g} s without anything heard",
        f"`PHONE_CALL_S` ({CALL_S:g} s) and a word before its end; {LAST_WORDS_S:g} s more",
    ],
)
def test_the_documentation_has_the_limit_as_it_is(row: str) -> None:
    assert row in TABLE


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
