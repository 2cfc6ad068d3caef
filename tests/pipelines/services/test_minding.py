"""Processes that are started again, on virtual time."""

import asyncio
import os
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from typing import cast

import pytest

from pipelines.services.minding import (
    Minders,
    Pauses,
    ProcessMinder,
    Pulse,
    cpu_s,
    end_within,
    ended_with,
)
from pipelines.services.protocols import ServiceError
from replay.virtual_time import VirtualLoop, run


class Flaky:
    """A process that lives for as long as its script says, and may fail to start."""

    def __init__(self, *lives_s: float, failures: int = 0) -> None:
        self._lives_s = list(lives_s)
        self._failures = failures
        self.started_at_s: list[float] = []
        self.minder = ProcessMinder(
            "the flaky one", self._until_gone, self._start_again, Pulse(self._is_there, self._kill)
        )

    async def _is_there(self) -> bool:
        return True

    def _kill(self) -> None:
        raise AssertionError("it answers")

    async def _until_gone(self) -> str:
        await asyncio.sleep(self._lives_s.pop(0) if self._lives_s else 1e9)
        return "it was killed by signal 9"

    async def _start_again(self) -> None:
        self.started_at_s.append(asyncio.get_running_loop().time())
        if self._failures:
            self._failures -= 1
            raise ServiceError("flaky", "does not start", retryable=False)


def minded(flaky: Flaky, play: Callable[[float], Awaitable[None]]) -> None:
    async def scenario() -> None:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(flaky.minder.run())
            await play(asyncio.get_running_loop().time())
            running.cancel()

    run(scenario())


def test_a_process_that_is_killed_is_started_again_at_once() -> None:
    flaky = Flaky(10.0)

    async def play(began_s: float) -> None:
        await asyncio.sleep(20.0)
        assert [at - began_s for at in flaky.started_at_s] == [pytest.approx(10.1)]
        assert flaky.minder.trouble is None

    minded(flaky, play)


def test_its_trouble_is_known_until_it_is_back() -> None:
    flaky = Flaky(10.0, failures=2)

    async def play(began_s: float) -> None:
        await asyncio.sleep(9.9)
        assert flaky.minder.trouble is None
        for _ in range(2):
            await asyncio.sleep(0.2)
            assert flaky.minder.trouble == "the flaky one is down, and is being started again"
        await asyncio.sleep(10.0)
        assert len(flaky.started_at_s) == 3
        assert flaky.minder.trouble is None

    minded(flaky, play)


def test_one_that_does_not_start_is_tried_for_ever_but_not_all_the_time() -> None:
    flaky = Flaky(1.0, failures=10**9)

    async def play(began_s: float) -> None:
        await asyncio.sleep(3600.0)
        assert flaky.minder.trouble is not None
        assert 100 < len(flaky.started_at_s) < 130

    minded(flaky, play)


def test_a_file_that_is_missing_does_not_end_the_minder() -> None:
    failing = iter([OSError(12, "Cannot allocate memory")])

    class Poor(Flaky):
        async def _start_again(self) -> None:
            await super()._start_again()
            for error in failing:
                raise error

    flaky = Poor(1.0)

    async def play(began_s: float) -> None:
        await asyncio.sleep(5.0)
        assert len(flaky.started_at_s) == 2
        assert flaky.minder.trouble is None

    minded(flaky, play)


def test_one_that_dies_again_and_again_is_given_more_time_until_it_has_been_steady() -> None:
    pauses = Pauses()
    in_a_row = [pauses.after(1.0) for _ in range(9)]
    assert in_a_row == [0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 30.0, 30.0]
    assert pauses.after(61.0) == 0.1
    assert pauses.after(0.0) == 0.5


class Hanging:
    """A process that answers each question after so many seconds, and then no more."""

    def __init__(self, *answers_s: float, cpu_share: float = 0.0, refuses: bool = False) -> None:
        self._answers_s = list(answers_s)
        self._cpu_share = cpu_share
        self._refuses = refuses
        self._killed = asyncio.Event()
        self.killed_at_s: float | None = None
        self.pulse = Pulse(self._is_there, self._kill, self._cpu_s)
        self.minder = ProcessMinder("the slow one", self._until_gone, self._start, self.pulse)

    async def _is_there(self) -> bool:
        if self._refuses:
            return False
        await asyncio.sleep(self._answers_s.pop(0) if self._answers_s else 1e9)
        return True

    def _cpu_s(self) -> float:
        return self._cpu_share * asyncio.get_running_loop().time()

    def _kill(self) -> None:
        self.killed_at_s = asyncio.get_running_loop().time()
        self._killed.set()

    async def _until_gone(self) -> str:
        await self._killed.wait()
        return "it was killed by signal 9"

    async def _start(self) -> None:
        self._killed.clear()
        self._answers_s = [0.1] * 1000
        self._refuses = False


def watched(hanging: Hanging, until_s: float) -> tuple[float | None, str | None]:
    """When it was killed, and its trouble at the end."""

    async def scenario() -> tuple[float | None, str | None]:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(hanging.minder.run())
            await asyncio.sleep(until_s)
            trouble = hanging.minder.trouble
            running.cancel()
        return hanging.killed_at_s, trouble

    return run(scenario())


def test_a_process_that_answers_no_more_is_killed_and_started_again() -> None:
    assert watched(Hanging(0.1, 0.1), 39.0) == (None, "the slow one has not answered for 25 s")
    killed_at_s, trouble = watched(Hanging(0.1, 0.1), 41.0)
    assert killed_at_s == pytest.approx(40.0)
    assert trouble is None


def test_one_that_can_no_longer_be_reached_is_killed_too() -> None:
    killed_at_s, trouble = watched(Hanging(refuses=True), 31.0)
    assert killed_at_s == pytest.approx(30.0)
    assert trouble is None


@pytest.mark.parametrize("answers_s", [[4.9], [29.0], [29.0, 0.1, 29.0], [9.0] * 100])
def test_one_that_is_slow_is_left_alone(answers_s: list[float]) -> None:
    killed_at_s, _ = watched(Hanging(*answers_s, *[0.1] * 1000), 600.0)
    assert killed_at_s is None


def test_one_that_is_slow_is_in_trouble_before_it_is_given_up() -> None:
    assert watched(Hanging(), 6.0)[1] is None
    assert watched(Hanging(), 11.0)[1] == "the slow one has not answered for 10 s"


@pytest.mark.parametrize(("cpu_share", "is_killed"), [(0.0, True), (0.05, True), (0.2, False)])
def test_one_that_works_and_answers_nothing_meanwhile_is_left_alone(
    cpu_share: float, *, is_killed: bool
) -> None:
    killed_at_s, trouble = watched(Hanging(cpu_share=cpu_share), 29.9 if not is_killed else 31.0)
    assert (killed_at_s is not None) is is_killed
    assert trouble is None


def test_while_the_machine_stands_still_nothing_is_counted_against_it() -> None:
    hanging = Hanging(0.1, 62.0, *[0.1] * 1000)

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(hanging.minder.run())
            await asyncio.sleep(6.0)
            loop._jumping.now += 60.0  # every timer of that minute is late, and due at once
            await asyncio.sleep(3.0)
            assert hanging.killed_at_s is None
            assert hanging.minder.trouble is None
            running.cancel()

    run(scenario())


def test_the_cpu_time_of_a_process_is_the_systems_own() -> None:
    mine_s = cpu_s(os.getpid())
    assert mine_s == pytest.approx(sum(os.times()[:2]), abs=0.05)
    assert cpu_s(2**22 + 1) == 0.0


def test_the_trouble_of_several_is_that_of_the_first_in_trouble() -> None:
    well, ill = Flaky(), Flaky(1.0, failures=10**9)
    both = Minders([well.minder, ill.minder])

    async def scenario() -> None:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(both.run())
            await asyncio.sleep(5.0)
            assert both.trouble == ill.minder.trouble is not None
            running.cancel()

    run(scenario())
    assert Minders().trouble is None


@pytest.mark.parametrize(
    ("code", "words"),
    [(-9, "it was killed by signal 9"), (1, "it ended with 1"), (0, "it ended with 0")],
)
def test_an_end_is_told_in_words(code: int, words: str) -> None:
    assert ended_with(code) == words


class Ending:
    """A process that was told to end, and takes its time."""

    def __init__(self, takes_s: float) -> None:
        self.was_killed = False
        self._takes_s = takes_s

    async def wait(self) -> None:
        if not self.was_killed:
            await asyncio.sleep(self._takes_s)

    def kill(self) -> None:
        self.was_killed = True


@pytest.mark.parametrize(("takes_s", "was_killed"), [(2.9, False), (3.1, True), (1e9, True)])
def test_a_process_that_does_not_end_in_time_is_killed(takes_s: float, *, was_killed: bool) -> None:
    process = Ending(takes_s)
    run(end_within(cast(Process, process), 3.0))
    assert process.was_killed is was_killed
