"""One stock Pipecat service in a pipeline of its own, with an ear before it and one behind it."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from pipecat.frames.frames import Frame, SystemFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.utils.asyncio.task_manager import TaskManager
from pipecat.workers.runner import WorkerRunner

from pipelines.services.protocols import ServiceError

START_WITHIN_S = 10.0
END_WITHIN_S = 5.0

Service = TypeVar("Service", bound=FrameProcessor)


class _Begun(SystemFrame):
    """Comes through when the pipeline has started: one that is cancelled before leaves tasks."""


class PipecatRun:
    def __init__(self, stage: str, worker: PipelineWorker, runner: WorkerRunner) -> None:
        self._worker = worker
        self._runner = runner
        tasks = TaskManager(loop=asyncio.get_running_loop())
        self._running = tasks.create_task(runner.run(), f"{stage}-pipecat")

    async def queue_frame(self, frame: Frame) -> None:
        await self._worker.queue_frame(frame)

    async def close(self) -> None:
        await self._runner.cancel()
        async with asyncio.timeout(END_WITHIN_S):
            await self._running


def made(stage: str, new_service: Callable[[], Service]) -> Service:
    """Raises ServiceError, whatever somebody's own code raised."""
    try:
        return new_service()
    except Exception as exc:
        raise ServiceError(stage, f"cannot be made: {exc}", retryable=False) from exc


async def start(
    stage: str, service: FrameProcessor, hear: Callable[[Frame], None], params: PipelineParams
) -> PipecatRun:
    """`hear` is given every frame: before the service, errors, which go up; behind it, answers.

    Raises ServiceError.
    """
    started = asyncio.Event()

    def hear_the_start(frame: Frame) -> None:
        if isinstance(frame, _Begun):
            started.set()
        else:
            hear(frame)

    worker = PipelineWorker(
        Pipeline([_Listener(hear), service, _Listener(hear_the_start)]),
        params=params,
        enable_rtvi=False,
        enable_turn_tracking=False,
        idle_timeout_secs=None,
    )
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    run = PipecatRun(stage, worker, runner)
    await run.queue_frame(_Begun())
    try:
        async with asyncio.timeout(START_WITHIN_S):
            await started.wait()
    except BaseException as exc:
        await run.close()
        if isinstance(exc, TimeoutError):
            raise ServiceError(stage, "did not start in time", retryable=True) from exc
        raise
    return run


class _Listener(FrameProcessor):
    def __init__(self, hear: Callable[[Frame], None]) -> None:
        super().__init__(enable_direct_mode=True)
        self._hear = hear

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        self._hear(frame)
        await self.push_frame(frame, direction)
