"""A client's own time, as the server maps it."""

import pytest

from pipelines.core.speaking.client_clock import ClientClock


def test_a_client_without_a_clock_speaks_of_now() -> None:
    assert ClientClock().at(None, 12.0) == 12.0


def test_what_comes_late_is_put_where_it_belongs() -> None:
    clock = ClientClock()
    assert clock.at(100.0, 1000.002) == pytest.approx(1000.002)
    assert clock.at(101.0, 1001.152) == pytest.approx(1001.002, abs=0.001)
    assert clock.at(102.0, 1002.001) == pytest.approx(1002.001)
    assert clock.at(103.0, 1003.5) == pytest.approx(1003.001, abs=0.001)


def test_it_is_never_later_than_now() -> None:
    clock = ClientClock()
    for client_s, now in [(5.0, 50.0), (7.0, 51.0), (7.1, 60.0), (90.0, 60.1)]:
        assert clock.at(client_s, now) <= now


def test_a_clock_that_drifts_is_followed() -> None:
    clock = ClientClock()
    for second in range(3600):
        now = 1000.0 + second
        assert abs(clock.at(second * (1 - 50e-6), now) - now) < 0.001
