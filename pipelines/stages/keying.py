"""Puts keys together that are pressed one after the other, and lets them interrupt."""

import asyncio

from pipecat.frames.frames import Frame
from pipecat.processors.frame_processor import (
    FrameDirection,
    FrameProcessor,
    FrameProcessorSetup,
)

from pipelines.core.exchange import Dtmf, StopSpeaking, Typed
from pipelines.core.keypad import Keypad, in_words
from pipelines.stages.frames import CallerFrame


class Keying(FrameProcessor):
    def __init__(self, keypad: Keypad) -> None:
        super().__init__(enable_direct_mode=True)
        self._keypad = keypad
        self._pressed = asyncio.Event()
        self._waiting: asyncio.Task[None] | None = None

    async def setup(self, setup: FrameProcessorSetup) -> None:  # type: ignore[override]
        await super().setup(setup)
        self._waiting = self.create_task(self._wait())

    async def cleanup(self) -> None:
        if self._waiting is not None:
            await self.cancel_task(self._waiting)
        await super().cleanup()  # type: ignore[no-untyped-call]

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        match frame:
            case CallerFrame(event=Dtmf(digit)):
                complete = self._keypad.press(digit, self._now())
                self._pressed.set()
                await self.push_frame(CallerFrame(StopSpeaking()))
                await self._tell(complete)
            case _:
                await self.push_frame(frame, direction)

    async def _wait(self) -> None:
        while True:
            try:
                async with asyncio.timeout_at(self._keypad.deadline()):
                    await self._pressed.wait()
            except TimeoutError:
                pass
            self._pressed.clear()
            await self._tell(self._keypad.due(self._now()))

    async def _tell(self, keys: str) -> None:
        if keys:
            await self.push_frame(CallerFrame(Typed(in_words(keys))))

    def _now(self) -> float:
        return self.get_event_loop().time()
