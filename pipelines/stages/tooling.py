"""Runs the functions that a language model asks for. A run outlives the answer that asked for it.

Which call is run, and what the history holds of it, is decided in `pipelines.core`.
"""

import asyncio
import contextvars
import functools
import inspect
import itertools
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import structlog

from pipelines.core.memory.conversation import Conversation
from pipelines.core.memory.entry import HistoryEntry
from pipelines.core.memory.tool_lines import CANCELLED, NOT_DONE, Use, undone
from pipelines.core.memory.tool_runs import Fate, Repeats, ToolRun, ToolRuns
from pipelines.core.memory.tools import Afterwards, Tool, ToolError, told
from pipelines.services.protocols import ToolCall

LAST_S = 10.0
"""A call that is over waits so long for what cannot be cancelled."""
MOST_RUNNING = 16
"""Of one call."""
MOST_THREADS = 64
"""Of plain functions in the whole process; one more waits."""

log = structlog.get_logger(__name__)
_threads = ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="tool")


@dataclass(slots=True)
class _Running:
    task: asyncio.Task[None]
    tool: Tool
    reply_id: int | None
    """The last one that asked for it, unless the caller has spoken over it."""


class Tooling:
    """One call's tools and their runs."""

    def __init__(
        self,
        tools: Sequence[Tool],
        conversation: Conversation,
        create_task: Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"],
        ended: Callable[[], Awaitable[None]],
    ) -> None:
        """`ended` is called when a run has come to its end, and the history knows of it."""
        self._tools = {tool.name: tool for tool in tools}
        self._conversation = conversation
        self._create_task = create_task
        self._ended = ended
        self._runs = ToolRuns(uuid.uuid4().hex)
        self._running: dict[ToolRun, _Running] = {}
        self._acts: dict[ToolRun, tuple[int, Callable[[], None]]] = {}
        """The work to do, and the reply that it waits for."""
        self._call_ids: set[str] = set()

    # ---- what a reply asks for ----

    def changes_anything(self, calls: Iterable[ToolCall]) -> bool:
        """Some of these may not be repeated at will: they are not for an answer in doubt."""
        named = (self._tools.get(call.name) for call in calls)
        return any(tool.repeats is not Repeats.ALWAYS for tool in named if tool is not None)

    def call(
        self, calls: Sequence[ToolCall], turn_id: int, reply_id: int, spoken: str
    ) -> HistoryEntry:
        """Begins what is to be run, and writes into the history what was asked for.

        `spoken`: what the model has said before.
        """
        uses = [self._use(call, turn_id, reply_id) for call in calls]
        return self._conversation.called(turn_id, reply_id, uses, spoken)

    async def wait(self, line: HistoryEntry) -> None:
        """Until all that was asked for has ended, or its time is up."""
        waits = [self._wait_for(use.run) for use in line.uses if use.run is not None]
        await asyncio.gather(*waits)

    def _use(self, call: ToolCall, turn_id: int, reply_id: int) -> Use:
        call = replace(call, call_id=self._call_id(call.call_id))
        tool = self._tools.get(call.name)
        if tool is None:
            return Use(call, None, f"error: there is no tool {call.name!r}")
        try:
            arguments = tool.arguments(call.arguments)
        except ToolError as error:
            return Use(call, None, f"error: {error}")
        if len(self._running) >= MOST_RUNNING:
            return Use(call, None, "error: too many tools are running, wait for one to end")
        key = tool.canonical(arguments)
        run, is_new = self._runs.ask(tool.name, key, tool.repeats, turn_id)
        if is_new:
            task = self._create_task(self._run(run, tool, arguments))
            self._running[run] = _Running(task, tool, reply_id)
        elif run in self._running:
            self._running[run].reply_id = reply_id
        result = None if run.fate is Fate.RUNNING else run.result
        return Use(call, run, result, again=not is_new)

    def _call_id(self, wanted: str = "") -> str:
        """The model's own where it is new; else nine letters and figures, as Mistral wants."""
        taken = self._call_ids
        if not wanted or wanted in taken:
            numbered = (f"call{n:05d}" for n in itertools.count(len(taken)))
            wanted = next(one for one in numbered if one not in taken)
        taken.add(wanted)
        return wanted

    # ---- what becomes of it ----

    def acts_after(self, reply_id: int, lines: Iterable[HistoryEntry]) -> bool:
        """Puts off what these calls want done until the reply was heard; whether there is any."""
        for run in (use.run for line in lines for use in line.uses):
            if run in self._acts:
                self._acts[run] = reply_id, self._acts[run][1]
        return any(after == reply_id for after, _ in self._acts.values())

    def heard(self, reply_id: int) -> None:
        """The reply was heard to its end."""
        for run, (after, act) in list(self._acts.items()):
            if after == reply_id:
                del self._acts[run]
                act()

    def interrupted(self, reply_id: int) -> None:
        """The caller has spoken, and the reply is dropped: what can be taken back is."""
        for run, running in list(self._running.items()):
            if running.reply_id != reply_id:
                continue
            running.reply_id = None
            if running.tool.cancellable:
                del self._running[run]
                undone(run, CANCELLED)
                self._conversation.ended(run, self._call_id())
                running.task.cancel()
        for run, (after, _) in list(self._acts.items()):
            if after == reply_id:
                del self._acts[run]
                undone(run, NOT_DONE)
                self._conversation.undone(run)

    async def close(self) -> None:
        """The call is over. What changes something has a while to come to its end."""
        for running in self._running.values():
            if running.tool.cancellable:
                running.task.cancel()
        if tasks := [running.task for running in self._running.values()]:
            _, late = await asyncio.wait(tasks, timeout=LAST_S)
            for task in late:
                log.warning("a tool was still running when its call had ended")
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _wait_for(self, run: ToolRun) -> None:
        running = self._running.get(run)
        if running is None:
            return
        _, late = await asyncio.wait({running.task}, timeout=running.tool.limit_s)
        if late:
            tool = running.tool
            log.warning("a tool takes long", tool=tool.name, limit_s=tool.limit_s)

    async def _run(self, run: ToolRun, tool: Tool, arguments: Mapping[str, object]) -> None:
        fate, result = Fate.DONE, ""
        try:
            result = self._learn(run, await _execute(tool, arguments, run.run_id))
        except ToolError as error:
            fate, result = Fate.FAILED, f"error: {error}"
        except Exception:  # whoever wrote it may raise anything; the call goes on
            log.exception("a tool failed", tool=tool.name)
            fate, result = Fate.FAILED, "error: it failed"
        self._running.pop(run, None)
        if result == NOT_DONE:
            undone(run, NOT_DONE)
        else:
            run.fate, run.result = fate, result
        self._conversation.ended(run, self._call_id())
        await self._ended()

    def _learn(self, run: ToolRun, returned: object) -> str:
        """The model's text about it."""
        if not isinstance(returned, Afterwards):
            return told(returned)
        reply_id = self._running[run].reply_id if run in self._running else None
        if reply_id is None:
            return NOT_DONE
        self._acts[run] = reply_id, returned.act
        return told(returned.result)


async def _execute(tool: Tool, arguments: Mapping[str, object], run_id: str) -> object:
    given = {**arguments, tool.run_id: run_id} if tool.run_id else dict(arguments)
    if inspect.iscoroutinefunction(tool.function):
        return await tool.function(**given)
    work = functools.partial(contextvars.copy_context().run, tool.function, **given)
    return await asyncio.get_running_loop().run_in_executor(_threads, work)
