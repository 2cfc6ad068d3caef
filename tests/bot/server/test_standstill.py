"""Time in which the process itself stands still is counted by no timer."""

import asyncio
import time

import pytest

from bot.server.standstill import TURN_S, PatientClock, PatientLoop


class Loop:
    """A loop that rests and turns, on a time of the test's own."""

    def __init__(self) -> None:
        self.now = 100.0
        self.clock = PatientClock(self.now)

    def rest(self, timeout_s: float | None, took_s: float) -> None:
        self.clock.rest(self.now, timeout_s)
        self.now += took_s
        self.clock.turn(self.now)

    def work(self, took_s: float) -> None:
        self.now += took_s

    @property
    def time(self) -> float:
        return self.clock.read(self.now)


def test_a_loop_that_turns_in_time_has_the_time_of_the_machine() -> None:
    loop = Loop()
    for n in range(10_000):
        loop.rest(0.1, 0.1 if n % 3 else 0.001)
        loop.work(0.02)
    assert loop.time == pytest.approx(loop.now)
    assert loop.clock.stood_still_s == 0


@pytest.mark.parametrize("stood_s", [0.5, 3.0, 30.0, 86_400.0])
@pytest.mark.parametrize("timeout_s", [0.0, 0.02, 0.1])
def test_a_machine_that_is_paused_while_it_rests_loses_no_time(
    stood_s: float, timeout_s: float
) -> None:
    loop = Loop()
    before = loop.time
    loop.rest(timeout_s, stood_s)
    assert loop.time - before == pytest.approx(min(stood_s, timeout_s + TURN_S))
    loop.rest(0.1, 0.1)
    assert loop.time - before == pytest.approx(min(stood_s, timeout_s + TURN_S) + 0.1)


@pytest.mark.parametrize("held_s", [0.5, 3.0, 30.0])
def test_a_turn_that_takes_long_counts_as_a_short_one(held_s: float) -> None:
    loop = Loop()
    loop.rest(0.1, 0.1)
    before = loop.time
    loop.work(held_s)
    assert loop.time - before == pytest.approx(TURN_S)
    loop.rest(0.1, 0.1)
    assert loop.time - before == pytest.approx(TURN_S + 0.1)


def test_a_long_rest_that_was_meant_is_time() -> None:
    loop = Loop()
    before = loop.time
    loop.rest(20.0, 20.0)
    loop.rest(None, 50.0)
    assert loop.time - before == pytest.approx(70.0)


def test_time_never_goes_back() -> None:
    loop, last = Loop(), 0.0
    for n in range(1000):
        for step in (0.0, 0.01, (n * 37 % 11) / 3):
            loop.work(step)
            assert loop.time >= last
            last = loop.time
        loop.rest(n % 3 / 10, n % 7 / 2)
        assert loop.time >= last
        last = loop.time


def test_a_timer_does_not_count_the_time_in_which_the_loop_was_held() -> None:
    """On a real loop, whose machine's clock leaps by a minute while a callback runs."""
    leaped_s = 0.0

    def new_loop() -> PatientLoop:
        return PatientLoop(lambda: time.monotonic() + leaped_s)

    async def scenario() -> None:
        nonlocal leaped_s
        loop = asyncio.get_running_loop()
        assert isinstance(loop, PatientLoop)
        before = loop.time()
        async with asyncio.timeout(30.0):
            leaped_s = 60.0
            for _ in range(10):
                await asyncio.sleep(0)
        assert loop.time() - before < 1.0
        assert loop.clock.stood_still_s > 59.0

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(scenario())
