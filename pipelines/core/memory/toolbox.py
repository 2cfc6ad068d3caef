"""One call's tools: which call of one is run, what becomes of a run, what is done after a reply.

A run outlives the answer that asked for it.
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from pipelines.core.commands import ActAfterwards, CancelTool, ForgetAct, RunTool
from pipelines.core.events import ToolEnded
from pipelines.core.memory.chat import ToolCall
from pipelines.core.memory.conversation import Conversation
from pipelines.core.memory.entry import HistoryEntry
from pipelines.core.memory.tool_lines import CANCELLED, NOT_DONE, Use, undone
from pipelines.core.memory.tool_runs import Fate, Repeats, ToolRun, ToolRuns
from pipelines.core.memory.tools import Tool, ToolError

MOST_RUNNING = 16
"""Runs at once, of one call."""
CALL_IDS = 1024
"""Remembered, the newest ones: a prompt has room for fewer calls, each with its result."""
Order: TypeAlias = RunTool | CancelTool | ActAfterwards | ForgetAct


@dataclass(slots=True)
class _Running:
    run: ToolRun
    tool: Tool
    reply_id: int | None
    """The last one that asked for it, unless the caller has spoken over it."""


class Toolbox:
    def __init__(
        self,
        tools: Sequence[Tool],
        conversation: Conversation,
        run_prefix: str,
        order: Callable[[Order], None],
    ) -> None:
        """`run_prefix`: of the run ids, and no other call's."""
        self._tools = {tool.name: tool for tool in tools}
        self._conversation = conversation
        self._order = order
        self._runs = ToolRuns(run_prefix)
        self._running: dict[str, _Running] = {}
        self._acts: dict[str, tuple[ToolRun, int]] = {}
        """By run id: what has left something to be done, and the reply that it waits for."""
        self._call_ids: dict[str, None] = {}
        """In the order in which they were given."""
        self._numbers = itertools.count()

    # ---- what a reply asks for ----

    def changes_anything(self, calls: Iterable[ToolCall]) -> bool:
        """Some of these may not be repeated at will: they are not for an answer in doubt."""
        named = (self._tools.get(call.name) for call in calls)
        return any(tool.repeats is not Repeats.ALWAYS for tool in named if tool is not None)

    def call(
        self, calls: Sequence[ToolCall], turn_id: int, reply_id: int, spoken: str
    ) -> HistoryEntry:
        """Begins what is to be run, and writes into the history what was asked for.

        `spoken`: the model's words before it.
        """
        uses = [self._use(call, turn_id, reply_id) for call in calls]
        return self._conversation.called(turn_id, reply_id, uses, spoken)

    def waits_s(self, line: HistoryEntry) -> dict[str, float]:
        """The runs of a line that go on, by id, and for how many seconds each is waited for."""
        ids = (use.run.run_id for use in line.uses if use.run is not None)
        return {one: self._running[one].tool.limit_s for one in ids if one in self._running}

    def _use(self, call: ToolCall, turn_id: int, reply_id: int) -> Use:
        call = replace(call, call_id=self._call_id(call.call_id))
        tool = self._tools.get(call.name)
        if tool is None:
            return Use(call, None, f"error: there is no tool {call.name!r}")
        try:
            arguments = tool.arguments(call.arguments)
            key = tool.canonical(arguments)
        except ToolError as error:
            return Use(call, None, f"error: {error}")
        except Exception:  # noqa: BLE001 - defaults of any type are compared
            return Use(call, None, "error: the arguments cannot be understood")
        if len(self._running) >= MOST_RUNNING:
            return Use(call, None, "error: too many tools are running, wait for one to end")
        run, is_new = self._runs.ask(tool.name, key, tool.repeats, turn_id)
        if is_new:
            self._running[run.run_id] = _Running(run, tool, reply_id)
            self._order(RunTool(run.run_id, tool.name, arguments))
        elif run.run_id in self._running:
            self._running[run.run_id].reply_id = reply_id
        result = None if run.fate is Fate.RUNNING else run.result
        return Use(call, run, result, again=not is_new)

    def _call_id(self, wanted: str = "") -> str:
        """The model's own where it is new; else nine letters and figures, as Mistral wants."""
        taken = self._call_ids
        if not wanted or wanted in taken:
            numbered = (f"call{n:05d}" for n in self._numbers)
            wanted = next(one for one in numbered if one not in taken)
        taken[wanted] = None
        if len(taken) > CALL_IDS:
            del taken[next(iter(taken))]
        return wanted

    # ---- what becomes of it ----

    def ended(self, fact: ToolEnded) -> bool:
        """A run has come to its end, and the history knows of it; False if it was cancelled."""
        running = self._running.pop(fact.run_id, None)
        if running is None:
            return False
        run, result = running.run, fact.result
        if fact.acts and running.reply_id is None:
            self._order(ForgetAct(run.run_id))
            result = NOT_DONE
        elif fact.acts:
            self._acts[run.run_id] = run, running.reply_id or 0
        if result == NOT_DONE:
            undone(run, NOT_DONE)
        else:
            run.fate, run.result = Fate.FAILED if fact.failed else Fate.DONE, result
        self._conversation.ended(run, self._call_id())
        return True

    def acts_after(self, reply_id: int, lines: Iterable[HistoryEntry]) -> bool:
        """Puts off what these calls want done until the reply was heard; whether there is any."""
        for run in (use.run for line in lines for use in line.uses):
            if run is not None and run.run_id in self._acts:
                self._acts[run.run_id] = run, reply_id
        return any(after == reply_id for _, after in self._acts.values())

    def heard(self, reply_id: int) -> None:
        """The reply was heard to its end."""
        for run_id, (_, after) in list(self._acts.items()):
            if after == reply_id:
                del self._acts[run_id]
                self._order(ActAfterwards(run_id))

    def interrupted(self, reply_id: int) -> None:
        """The caller has spoken, and the reply is dropped: what can be taken back is."""
        for run_id, running in list(self._running.items()):
            if running.reply_id != reply_id:
                continue
            running.reply_id = None
            if running.tool.cancellable:
                del self._running[run_id]
                undone(running.run, CANCELLED)
                self._conversation.ended(running.run, self._call_id())
                self._order(CancelTool(run_id))
        for run_id, (run, after) in list(self._acts.items()):
            if after == reply_id:
                del self._acts[run_id]
                undone(run, NOT_DONE)
                self._conversation.undone(run)
                self._order(ForgetAct(run_id))
