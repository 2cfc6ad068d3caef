"""Processes that are started again, on virtual time."""

import asyncio
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from typing import cast

import pytest

from pipelines.services.minding import Minders, Pauses, ProcessMinder, end_within, ended_with
from pipelines.services.protocols import ServiceError
from replay.virtual_time import run


class Flaky:
    """A process that lives for as long as its script says, and may fail to start."""

    def __init__(self, *lives_s: float, failures: int = 0) -> None:
        self._lives_s = list(lives_s)
        self._failures = failures
        self.started_at_s: list[float] = []
        self.minder = ProcessMinder("the flaky one", self._until_gone, self._start_again)

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
