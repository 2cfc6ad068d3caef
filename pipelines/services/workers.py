"""Threads for models: the most urgent job first, a limit, and jobs that can be called off."""

import asyncio
import contextlib
import heapq
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pipelines.services.protocols import ServiceError

T = TypeVar("T")

CalledOff = Callable[[], bool]
"""To be asked between the steps of a long job: is anybody still waiting for it?"""


@dataclass(frozen=True, slots=True)
class Worked(Generic[T]):
    result: T
    queued_s: float
    busy_s: float


@dataclass(slots=True, eq=False)
class _Job:
    work: Callable[[CalledOff], Any]
    urgent: bool
    answer: asyncio.Future[Worked[Any]]
    asked_at: float
    called_off: bool = False


class Workers:
    """`threads` threads that share one queue of at most `limit` jobs.

    Urgent jobs go before all others, and within each kind the oldest goes first. When the queue
    is full, the oldest job that is not urgent gives way with a retryable `ServiceError`.
    """

    def __init__(self, service: str, *, threads: int, limit: int = 64) -> None:
        self._service = service
        self._limit = limit
        self._queue: list[tuple[bool, int, _Job]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"{service}-{n}", daemon=True)
            for n in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    async def run(self, work: Callable[[CalledOff], T], *, urgent: bool = False) -> Worked[T]:
        """What `work` returns on one of the threads. Raises ServiceError.

        Cancelled, it takes the job off the queue, or tells it that nobody waits any more.
        """
        answer: asyncio.Future[Worked[T]] = asyncio.get_running_loop().create_future()
        job = _Job(work, urgent, answer, time.monotonic())
        with self._changed:
            if self._closed:
                raise ServiceError(self._service, "is closed", retryable=False)
            heapq.heappush(self._queue, (not urgent, next(self._order), job))
            given_up = self._give_up_one() if len(self._queue) > self._limit else None
            self._changed.notify()
        if given_up is not None:
            self._fail(given_up, "too busy")
        try:
            return await answer
        except asyncio.CancelledError:
            self._call_off(job)
            raise

    async def close(self) -> None:
        """Fail whatever waits, call off whatever runs, and see the threads end."""
        with self._changed:
            self._closed = True
            waiting = [job for _, _, job in self._queue]
            self._queue.clear()
            self._changed.notify_all()
        for job in waiting:
            self._fail(job, "is closing")
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    def _give_up_one(self) -> _Job:
        oldest = min(self._queue, key=lambda entry: (not entry[0], entry[1]))
        worst = oldest if oldest[0] else max(self._queue)  # nothing but urgent jobs: the newest
        self._queue.remove(worst)
        heapq.heapify(self._queue)
        return worst[2]

    def _call_off(self, job: _Job) -> None:
        job.called_off = True
        with self._changed:
            self._queue = [entry for entry in self._queue if entry[2] is not job]
            heapq.heapify(self._queue)

    def _work(self) -> None:
        while (job := self._next()) is not None:
            started_at = time.monotonic()
            try:
                result = job.work(self._called_off(job))
            except ServiceError as exc:
                self._deliver(job, exc)
            except Exception as exc:  # noqa: BLE001 - a thread outlives any job
                failure = ServiceError(self._service, repr(exc), retryable=False)
                failure.__cause__ = exc
                self._deliver(job, failure)
            else:
                ended_at = time.monotonic()
                self._deliver(job, Worked(result, started_at - job.asked_at, ended_at - started_at))

    def _next(self) -> _Job | None:
        with self._changed:
            while not self._queue and not self._closed:
                self._changed.wait()
            if self._closed:
                return None
            return heapq.heappop(self._queue)[2]

    def _called_off(self, job: _Job) -> CalledOff:
        return lambda: job.called_off or self._closed

    def _fail(self, job: _Job, why: str) -> None:
        self._deliver(job, ServiceError(self._service, why, retryable=True))

    def _deliver(self, job: _Job, outcome: Worked[Any] | ServiceError) -> None:
        def settle() -> None:
            if job.answer.done():
                return
            if isinstance(outcome, ServiceError):
                job.answer.set_exception(outcome)
            else:
                job.answer.set_result(outcome)

        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits
            job.answer.get_loop().call_soon_threadsafe(settle)
