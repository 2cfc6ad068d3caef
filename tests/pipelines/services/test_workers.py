import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence

import pytest

from pipelines.services.protocols import ServiceError
from pipelines.services.workers import CalledOff, Workers


class Gate:
    """A job that occupies a thread until it is opened."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self._open = threading.Event()

    def __call__(self, called_off: CalledOff) -> None:
        self.entered.set()
        self._open.wait()

    def open(self) -> None:
        self._open.set()


async def busy(workers: Workers, tasks: asyncio.TaskGroup) -> Gate:
    gate = Gate()
    tasks.create_task(workers.run(gate))
    await asyncio.to_thread(gate.entered.wait)
    return gate


def noting(done: list[str], name: str) -> Callable[[CalledOff], None]:
    return lambda called_off: done.append(name)


async def outcome(run: Awaitable[object]) -> object:
    try:
        return await run
    except ServiceError as exc:
        return exc


def test_urgent_jobs_go_first_and_each_kind_in_order() -> None:
    done: list[str] = []

    async def scenario() -> None:
        workers = Workers("stt", threads=1)
        async with asyncio.TaskGroup() as tasks:
            gate = await busy(workers, tasks)
            for name in ("partial 1", "final 1", "partial 2", "final 2"):
                tasks.create_task(workers.run(noting(done, name), urgent=name.startswith("final")))
            await asyncio.sleep(0)
            gate.open()
        await workers.close()

    asyncio.run(scenario())
    assert done == ["final 1", "final 2", "partial 1", "partial 2"]


def test_when_the_queue_is_full_the_oldest_that_is_not_urgent_gives_way() -> None:
    done: list[str] = []

    async def scenario() -> list[object]:
        workers = Workers("stt", threads=1, limit=2)
        async with asyncio.TaskGroup() as tasks:
            gate = await busy(workers, tasks)
            answers = [
                tasks.create_task(outcome(workers.run(noting(done, name), urgent=urgent)))
                for name, urgent in [("old", False), ("final", True), ("new", False)]
            ]
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            gate.open()
        await workers.close()
        return [task.result() for task in answers]

    gave_way, *others = asyncio.run(scenario())
    assert isinstance(gave_way, ServiceError)
    assert gave_way.retryable
    assert not any(isinstance(answer, ServiceError) for answer in others)
    assert done == ["final", "new"]


def test_a_queue_full_of_urgent_jobs_turns_the_newest_away() -> None:
    done: list[str] = []

    async def scenario() -> list[object]:
        workers = Workers("stt", threads=1, limit=1)
        async with asyncio.TaskGroup() as tasks:
            gate = await busy(workers, tasks)
            answers = [
                tasks.create_task(outcome(workers.run(noting(done, name), urgent=True)))
                for name in ("first", "second")
            ]
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            gate.open()
        await workers.close()
        return [task.result() for task in answers]

    _, second = asyncio.run(scenario())
    assert isinstance(second, ServiceError)
    assert done == ["first"]


def test_a_cancelled_job_never_starts() -> None:
    done: list[str] = []

    async def scenario() -> None:
        workers = Workers("stt", threads=1)
        async with asyncio.TaskGroup() as tasks:
            gate = await busy(workers, tasks)
            cancelled = tasks.create_task(workers.run(noting(done, "cancelled")))
            tasks.create_task(workers.run(noting(done, "kept")))
            await asyncio.sleep(0)
            cancelled.cancel()
            await asyncio.sleep(0)
            gate.open()
        await workers.close()

    asyncio.run(scenario())
    assert done == ["kept"]


def test_a_running_job_learns_that_nobody_waits() -> None:
    async def scenario() -> None:
        workers = Workers("stt", threads=1)
        entered, left = threading.Event(), threading.Event()

        def step_until_called_off(called_off: CalledOff) -> None:
            entered.set()
            while not called_off():
                left.wait(0.001)
            left.set()

        async with asyncio.TaskGroup() as tasks:
            job = tasks.create_task(workers.run(step_until_called_off))
            await asyncio.to_thread(entered.wait)
            job.cancel()
        assert await asyncio.to_thread(left.wait)
        await workers.close()

    asyncio.run(scenario())


def test_a_job_that_breaks_is_a_service_error_and_the_thread_lives_on() -> None:
    async def scenario() -> tuple[object, int]:
        workers = Workers("turn", threads=1)
        broken = await outcome(workers.run(lambda called_off: 1 // 0))
        alive = await workers.run(lambda called_off: 42)
        await workers.close()
        return broken, alive.result

    broken, alive = asyncio.run(scenario())
    assert isinstance(broken, ServiceError)
    assert (broken.service, broken.retryable) == ("turn", False)
    assert alive == 42


def test_closing_fails_what_waits_and_ends_the_threads() -> None:
    before = threading.active_count()

    async def scenario() -> object:
        workers = Workers("stt", threads=2)
        gates = [Gate(), Gate()]
        async with asyncio.TaskGroup() as tasks:
            for gate in gates:
                tasks.create_task(workers.run(gate))
                await asyncio.to_thread(gate.entered.wait)
            waiting = tasks.create_task(outcome(workers.run(lambda called_off: None)))
            await asyncio.sleep(0)
            closing = tasks.create_task(workers.close())
            await asyncio.sleep(0)
            for gate in gates:
                gate.open()
            await closing
        with pytest.raises(ServiceError):
            await workers.run(lambda called_off: None)
        return waiting.result()

    assert isinstance(asyncio.run(scenario()), ServiceError)
    assert threading.active_count() == before


def test_questions_for_the_same_work_are_taken_together_by_urgency() -> None:
    taken: list[list[str]] = []

    def work(questions: Sequence[str], called_off: Sequence[CalledOff]) -> list[str]:
        taken.append(list(questions))
        assert not any(off() for off in called_off)
        return [question.upper() for question in questions]

    async def scenario() -> list[str]:
        workers = Workers("stt", threads=1, most=3)
        names = ["a", "B", "c", "D", "e", "f", "g"]
        async with asyncio.TaskGroup() as tasks:
            gate = await busy(workers, tasks)
            asked = [
                tasks.create_task(workers.ask(work, name, urgent=name.isupper())) for name in names
            ]
            await asyncio.sleep(0)
            gate.open()
        await workers.close()
        return [task.result().result for task in asked]

    assert asyncio.run(scenario()) == ["A", "B", "C", "D", "E", "F", "G"]
    assert taken == [["B", "D"], ["a", "c", "e"], ["f", "g"]]


def test_what_fails_for_one_of_them_fails_for_all() -> None:
    def work(questions: Sequence[int], called_off: Sequence[CalledOff]) -> list[int]:
        return [1 // question for question in questions]

    async def scenario() -> list[object]:
        workers = Workers("stt", threads=1, most=4)
        async with asyncio.TaskGroup() as tasks:
            gate = await busy(workers, tasks)
            asked = [tasks.create_task(outcome(workers.ask(work, n))) for n in (1, 0, 1)]
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            gate.open()
        await workers.close()
        return [task.result() for task in asked]

    assert all(isinstance(each, ServiceError) for each in asyncio.run(scenario()))


def test_a_thread_that_is_stuck_is_left_behind() -> None:
    async def scenario() -> Gate:
        workers = Workers("stt", threads=1)
        async with asyncio.TaskGroup() as tasks:
            gate = Gate()
            stuck = tasks.create_task(outcome(workers.run(gate)))
            await asyncio.to_thread(gate.entered.wait)
            await workers.close(let_go_s=0.01)
            stuck.cancel()
        return gate

    asyncio.run(scenario()).open()
