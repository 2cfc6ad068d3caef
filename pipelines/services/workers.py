"""Threads for models: the most urgent job first, a limit, and jobs that can be called off."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pipelines.services.give_way_queue import GiveWayQueue
from pipelines.services.protocols import ServiceError

Q = TypeVar("Q")
T = TypeVar("T")

LET_GO_S = 2.0
"""A thread that is stuck in a model is left behind: it cannot be ended, only outlived."""

CalledOff = Callable[[], bool]
"""To be asked between the steps of a long job: is anybody still waiting for it?"""


@dataclass(frozen=True, slots=True)
class JobResult(Generic[T]):
    result: T
    queued_s: float
    busy_s: float


Together = Callable[[Sequence[Q], Sequence[CalledOff]], Sequence[T]]
"""Work on several questions in one go: an answer to each, in their order."""


@dataclass(slots=True, eq=False)
class _Job:
    work: Together[Any, Any]
    question: Any
    alone: bool
    urgent: bool
    answer: asyncio.Future[JobResult[Any]]
    asked_at: float
    called_off: bool = False


class Workers:
    """`threads` threads that share one queue of at most `limit` jobs.

    Urgent jobs go before all others, and within each kind the oldest goes first. When the queue
    is full, the oldest job that is not urgent gives way with a retryable `ServiceError`.
    """

    def __init__(self, service: str, *, threads: int, limit: int = 64, most: int = 1) -> None:
        """`most`: questions that a thread takes at once, where they are asked with `ask`."""
        self._service = service
        self._most = most
        self._queue = GiveWayQueue[_Job](limit)
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"{service}-{n}", daemon=True)
            for n in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    async def run(self, work: Callable[[CalledOff], T], *, urgent: bool = False) -> JobResult[T]:
        """Runs `work` on one of the threads. Raises ServiceError.

        Cancelled, it takes the job off the queue, or tells it that nobody waits any more.
        """

        def alone(_: Sequence[None], called_off: Sequence[CalledOff]) -> Sequence[T]:
            return [work(called_off[0])]

        return await self._do(alone, None, alone=True, urgent=urgent)

    async def ask(self, work: Together[Q, T], question: Q, *, urgent: bool = False) -> JobResult[T]:
        """As `run`, but a thread takes what waits for the same `work`, and is as urgent, with it.

        What fails for one of them fails for all.
        """
        return await self._do(work, question, alone=False, urgent=urgent)

    async def _do(
        self, work: Together[Q, T], question: Q, *, alone: bool, urgent: bool
    ) -> JobResult[T]:
        answer: asyncio.Future[JobResult[T]] = asyncio.get_running_loop().create_future()
        job = _Job(work, question, alone, urgent, answer, time.monotonic())
        with self._changed:
            if self._closed:
                raise ServiceError(self._service, "is closed", retryable=False)
            given_up = self._queue.push(job, urgent=urgent)
            self._changed.notify()
        if given_up is not None:
            self._fail(given_up, "too busy")
        try:
            return await answer
        except asyncio.CancelledError:
            self._call_off(job)
            raise

    async def close(self, let_go_s: float = LET_GO_S) -> None:
        """Fail whatever waits, call off whatever runs, and see the threads end in that time."""
        with self._changed:
            self._closed = True
            waiting = self._queue.clear()
            self._changed.notify_all()
        for job in waiting:
            self._fail(job, "is closing")
        for thread in self._threads:
            await asyncio.to_thread(thread.join, let_go_s)

    def _call_off(self, job: _Job) -> None:
        job.called_off = True
        with self._changed:
            self._queue.remove(job)

    def _work(self) -> None:
        while jobs := self._next():
            started_at = time.monotonic()
            try:
                questions = [job.question for job in jobs]
                results = jobs[0].work(questions, [self._called_off(job) for job in jobs])
            except BaseException as exc:  # noqa: BLE001 - a thread outlives any job
                failure = exc
                if not isinstance(exc, ServiceError):
                    failure = ServiceError(self._service, repr(exc), retryable=False)
                    failure.__cause__ = exc
                for job in jobs:
                    self._deliver(job, failure)
            else:
                busy_s = time.monotonic() - started_at
                for job, result in zip(jobs, results, strict=True):
                    self._deliver(job, JobResult(result, started_at - job.asked_at, busy_s))

    def _next(self) -> list[_Job]:
        """The most urgent job, with others that can be done together with it; none at the end."""
        with self._changed:
            while not self._queue and not self._closed:
                self._changed.wait()
            if self._closed:
                return []
            jobs = [self._queue.pop()]
            while (
                self._queue and len(jobs) < self._most and _go_together(jobs[0], self._queue.first)
            ):
                jobs.append(self._queue.pop())
            return jobs

    def _called_off(self, job: _Job) -> CalledOff:
        return lambda: job.called_off or self._closed

    def _fail(self, job: _Job, why: str) -> None:
        self._deliver(job, ServiceError(self._service, why, retryable=True))

    def _deliver(self, job: _Job, outcome: JobResult[Any] | BaseException) -> None:
        def settle() -> None:
            if job.answer.done():
                return
            if isinstance(outcome, BaseException):
                job.answer.set_exception(outcome)
            else:
                job.answer.set_result(outcome)

        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits
            job.answer.get_loop().call_soon_threadsafe(settle)


def _go_together(first: _Job, other: _Job) -> bool:
    same = first.work == other.work and first.urgent == other.urgent
    return same and not (first.alone or other.alone)
