"""Pacing of a connection, and the end of answers that stay unread."""

import pytest

from bot.server.flow import UNREAD_S, UNREAD_STUCK_S, Tap, Unread


def test_a_burst_is_read_at_once_and_what_is_more_is_paid_for_afterwards() -> None:
    tap = Tap(rate=10.0, burst=100.0)
    tap.spend(100, 5.0)
    assert tap.wait_s(5.0) == 0
    tap.spend(20, 5.0)
    assert tap.wait_s(5.0) == pytest.approx(2.0)
    assert tap.wait_s(6.0) == pytest.approx(1.0)
    assert tap.wait_s(7.0) == 0


def test_in_the_long_run_no_more_is_read_than_the_rate() -> None:
    tap, now, read = Tap(rate=10.0, burst=50.0), 0.0, 0
    while now < 1000.0:
        now += tap.wait_s(now) or 0.001
        tap.spend(7, now)
        read += 7
    assert read <= 50 + 10 * now + 7


def test_time_that_passes_without_anything_saves_up_no_more_than_a_burst() -> None:
    tap = Tap(rate=10.0, burst=50.0)
    tap.spend(1, 0.0)
    tap.spend(60, 10_000.0)
    assert tap.wait_s(10_000.0) == pytest.approx(1.0)


def overdue_at(sizes: list[int], every_s: float = 1.0) -> float | None:
    """When a connection is cut whose unsent bytes are these, looked at one after another."""
    unread = Unread()
    return next(
        (n * every_s for n, size in enumerate(sizes) if unread.is_overdue(size, n * every_s)), None
    )


def test_a_client_that_reads_nothing_is_cut_off() -> None:
    assert overdue_at([500] * 100) == UNREAD_STUCK_S


def test_more_that_is_written_is_no_progress() -> None:
    assert overdue_at([500 + n for n in range(100)]) == UNREAD_STUCK_S


def test_a_client_that_reads_drop_by_drop_is_cut_off() -> None:
    assert overdue_at([50_000 - n for n in range(100)]) == UNREAD_S


def test_a_network_that_stands_still_for_fifteen_seconds_costs_nothing() -> None:
    assert overdue_at([0, *[500] * 16, 200, *[400] * 16, 0] * 3) is None


def test_a_client_that_reads_as_fast_as_it_is_sent_to_stays() -> None:
    assert overdue_at([0, 400, 800, 0] * 100) is None
