"""What is held goes out in the order in which it was made."""

import asyncio

import numpy as np
from pipecat.frames.frames import Frame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner

from pipelines.core.commands import CommitReply, StartReply, StopReply
from pipelines.stages.frames import CommandFrame, SpeechFrame
from pipelines.stages.releasing import Releasing
from replay.virtual_time import run


def piece(number: int) -> SpeechFrame:
    return SpeechFrame(1, np.zeros(1, np.int16), str(number))


class Listener(FrameProcessor):
    """Writes down the pieces; while it takes the first one, something else comes in."""

    def __init__(self, releasing: Releasing, meanwhile: Frame) -> None:
        super().__init__(enable_direct_mode=True)
        self._releasing = releasing
        self._meanwhile: Frame | None = meanwhile
        self.heard: list[str] = []

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, SpeechFrame):
            self.heard.append(frame.text)
            meanwhile, self._meanwhile = self._meanwhile, None
            if meanwhile is not None:
                await self._releasing.process_frame(meanwhile, FrameDirection.DOWNSTREAM)
        await self.push_frame(frame, direction)


def heard(meanwhile: Frame) -> list[str]:
    """Of three pieces that are held when the turn is committed."""

    async def scenario() -> list[str]:
        releasing = Releasing()
        listener = Listener(releasing, meanwhile)
        worker = PipelineWorker(Pipeline([releasing, listener]), enable_rtvi=False)
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(worker)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(runner.run())
            await worker.queue_frame(CommandFrame(StartReply(1, 1, "why"), 0.0))
            for number in (1, 2, 3):
                await worker.queue_frame(piece(number))
            await worker.queue_frame(CommandFrame(CommitReply(1, 1, "why"), 0.0))
            await asyncio.sleep(1.0)
            await runner.cancel()
            await running
        return listener.heard

    return run(scenario())


def test_what_the_voice_makes_meanwhile_goes_behind_what_was_held() -> None:
    assert heard(piece(4)) == ["1", "2", "3", "4"]


def test_what_is_stopped_meanwhile_goes_no_further() -> None:
    assert heard(CommandFrame(StopReply(1), 0.0)) == ["1"]
