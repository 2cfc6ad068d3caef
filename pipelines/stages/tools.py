"""Runs the functions that a language model asks for. Which one is run is decided elsewhere."""

import asyncio
import contextvars
import functools
import inspect
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog

from pipelines.core.commands import ActAfterwards, CancelTool, ForgetAct, RunTool
from pipelines.core.events import ToolEnded
from pipelines.core.memory.tools import Afterwards, Tool, ToolError, told

LAST_S = 10.0
"""A call that is over waits so long for what cannot be cancelled."""
MOST_THREADS = 64
"""Threads for plain functions, in the whole process; one function more waits."""

log = structlog.get_logger(__name__)
_threads = ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="tool")


class Tools:
    """One call's. No stage: nothing that flows down the chain concerns it."""

    def __init__(
        self,
        tools: Sequence[Tool],
        create_task: Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"],
        tell: Callable[[ToolEnded], None],
    ) -> None:
        self._tools = {tool.name: tool for tool in tools}
        self._create_task = create_task
        self._tell = tell
        self._running: dict[str, tuple[asyncio.Task[None], Tool]] = {}
        self._acts: dict[str, Callable[[], None]] = {}

    def obey(self, command: RunTool | CancelTool | ActAfterwards | ForgetAct) -> None:
        match command:
            case RunTool(run_id, name, arguments):
                tool = self._tools[name]
                task = self._create_task(self._run(run_id, tool, arguments))
                self._running[run_id] = task, tool
            case CancelTool(run_id) if run_id in self._running:
                self._running.pop(run_id)[0].cancel()
            case ActAfterwards(run_id) if run_id in self._acts:
                self._acts.pop(run_id)()
            case ForgetAct(run_id):
                self._acts.pop(run_id, None)
            case _:
                pass

    async def close(self) -> None:
        """The call is over. What changes something has a while to come to its end."""
        for task, tool in self._running.values():
            if tool.cancellable:
                task.cancel()
        if tasks := [task for task, _ in self._running.values()]:
            _, late = await asyncio.wait(tasks, timeout=LAST_S)
            for task in late:
                log.warning("a tool was still running when its call had ended")
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, run_id: str, tool: Tool, arguments: Mapping[str, object]) -> None:
        slow = asyncio.get_running_loop().call_later(tool.limit_s, _warn, tool)
        try:
            result = await _execute(tool, arguments, run_id)
        except ToolError as error:
            ended = ToolEnded(run_id, f"error: {error}", failed=True)
        except Exception:  # whoever wrote it may raise anything; the call goes on
            log.exception("a tool failed", tool=tool.name)
            ended = ToolEnded(run_id, "error: it failed", failed=True)
        else:
            ended = self._learn(run_id, result)
        finally:
            slow.cancel()
        self._running.pop(run_id, None)
        self._tell(ended)

    def _learn(self, run_id: str, result: object) -> ToolEnded:
        """The fact for the call; a promised act is kept here."""
        if isinstance(result, Afterwards):
            self._acts[run_id] = result.act
            return ToolEnded(run_id, told(result.result), acts=True)
        return ToolEnded(run_id, told(result))


def _warn(tool: Tool) -> None:
    log.warning("a tool takes long", tool=tool.name, limit_s=tool.limit_s)


async def _execute(tool: Tool, arguments: Mapping[str, object], run_id: str) -> object:
    given = {**arguments, tool.run_id: run_id} if tool.run_id else dict(arguments)
    if inspect.iscoroutinefunction(tool.function):
        return await tool.function(**given)
    work = functools.partial(contextvars.copy_context().run, tool.function, **given)
    return await asyncio.get_running_loop().run_in_executor(_threads, work)
