"""The loop's lag is measured, and a line says where it was held."""

import asyncio
import sys
import time

from structlog.testing import capture_logs

from bot.server.lag import HELD_S, LOG_EVERY_S, STUCK_S, TICK_S, Lag, place_of, watched


def test_a_loop_that_comes_in_time_is_not_spoken_of() -> None:
    lag = Lag()
    lag.wait(10.0, 1.0)
    assert lag.look(10.0 + TICK_S, lambda: "here") is None
    late_s, hold = lag.came(10.0 + TICK_S + 0.01, 1.0)
    assert (round(late_s, 6), hold) == (0.01, None)


def test_a_loop_that_comes_early_is_not_late() -> None:
    lag = Lag()
    lag.wait(10.0, 1.0)
    assert lag.came(10.0, 1.0) == (0.0, None)


def test_a_hold_is_told_with_the_place_where_it_stood_longest_and_its_work() -> None:
    lag = Lag()
    lag.wait(10.0, 1.0)
    places = iter(["one", "two", "two", "three"])
    for at in range(4):
        assert lag.look(10.1 + at * TICK_S, lambda: next(places)) is None
    late_s, hold = lag.came(10.4 + TICK_S, 1.3)
    assert round(late_s, 6) == 0.4
    assert hold is not None
    assert (hold.place, round(hold.worked_s, 6), hold.unsaid) == ("two", 0.3, 0)


def test_the_places_of_one_hold_are_not_those_of_the_next() -> None:
    lag = Lag()
    lag.wait(10.0, 0.0)
    lag.look(10.1, lambda: "before")
    lag.came(10.03 + TICK_S, 0.0)  # it was late for the thread alone
    lag.wait(20.0, 0.0)
    lag.look(20.1, lambda: "now")
    _, hold = lag.came(20.2, 0.0)
    assert hold is not None
    assert hold.place == "now"


def test_many_holds_are_one_line_in_a_while_with_their_number() -> None:
    lag, told = Lag(), []
    for at in range(20):
        now = 10.0 + at
        lag.wait(now, 0.0)
        _, hold = lag.came(now + TICK_S + HELD_S, 0.0)
        told += [hold.unsaid] if hold is not None else []
    assert LOG_EVERY_S == 5.0
    assert told == [0, 4, 4, 4]


def test_a_loop_that_is_stuck_is_told_of_once_while_it_is() -> None:
    lag = Lag()
    lag.wait(10.0, 0.0)
    told = [lag.look(10.0 + 0.1 * at, lambda: "there") for at in range(100)]
    assert [hold.place for hold in told if hold is not None] == ["there"]
    assert next(h for h in told if h is not None).late_s >= STUCK_S
    lag.came(20.0, 9.0)
    lag.wait(30.0, 9.0)
    again = [lag.look(30.0 + 0.1 * at, lambda: "here") for at in range(100)]
    assert [hold.place for hold in again if hold is not None] == ["here"]


def test_a_thread_that_looks_before_the_loop_has_begun_sees_nothing() -> None:
    assert Lag().look(1000.0, lambda: "nowhere") is None


def test_a_place_has_files_lines_and_names_and_no_values() -> None:
    def within(secret: str) -> str:
        return place_of(sys._getframe())

    innermost, around = within("a caller's words").split(" < ")[:2]
    assert innermost.startswith("tests/bot/server/test_lag.py:")
    assert innermost.endswith(" within")
    assert around.endswith(" test_a_place_has_files_lines_and_names_and_no_values")
    assert "a caller's words" not in innermost + around
    assert place_of(None) == ""


def hold_on(seconds: float) -> None:
    """Holds the loop, as work without end does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def test_a_loop_that_is_held_is_measured_and_its_place_is_named() -> None:
    observed: list[float] = []

    async def scenario() -> None:
        async with watched(observed.append):
            await asyncio.sleep(2 * TICK_S)
            hold_on(0.3)
            await asyncio.sleep(2 * TICK_S)

    with capture_logs() as logs:
        asyncio.run(scenario())
    assert max(observed) >= 0.25
    held = [line for line in logs if line["event"].startswith("the event loop was ")]
    assert any(" hold_on < " in line["place"] for line in held)
    assert any(line["worked_s"] > 0.02 for line in held)


def test_a_loop_that_waits_in_the_code_is_told_from_one_that_works() -> None:
    async def scenario() -> None:
        async with watched(lambda _: None):
            await asyncio.sleep(2 * TICK_S)
            time.sleep(0.2)  # noqa: ASYNC251 - the fault itself
            await asyncio.sleep(2 * TICK_S)

    with capture_logs() as logs:
        asyncio.run(scenario())
    assert [line["event"] for line in logs] == ["the event loop was kept waiting"]
    assert "test_a_loop_that_waits" in logs[0]["place"]
