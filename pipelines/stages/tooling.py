"""Calls the functions that a language model asks for, at once, each within its time."""

import asyncio
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from pipelines.core.tools import Afterwards, Tool, ToolError, told
from pipelines.services.protocols import ToolCall

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Called:
    call: ToolCall
    result: str
    """What the model is told, failures included."""
    afterwards: Afterwards | None = None


async def call_tools(calls: Sequence[ToolCall], tools: Mapping[str, Tool]) -> list[Called]:
    """In the order of `calls`. Whatever fails is told to the model; nothing is raised."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(_call(call, tools)) for call in calls]
    return [task.result() for task in running]


async def _call(call: ToolCall, tools: Mapping[str, Tool]) -> Called:
    tool = tools.get(call.name)
    if tool is None:
        return Called(call, f"error: there is no tool {call.name!r}")
    try:
        arguments = tool.arguments(call.arguments)
        async with asyncio.timeout(tool.limit_s):
            result = await _run(tool, arguments)
    except ToolError as error:
        return Called(call, f"error: {error}")
    except TimeoutError:
        log.warning("a tool took too long", tool=tool.name, limit_s=tool.limit_s)
        return Called(call, f"error: it took longer than {tool.limit_s:g} s")
    except Exception:  # whoever wrote it may raise anything; the call goes on
        log.exception("a tool failed", tool=tool.name)
        return Called(call, "error: it failed")
    if isinstance(result, Afterwards):
        return Called(call, told(result.result), result)
    return Called(call, told(result))


async def _run(tool: Tool, arguments: Mapping[str, object]) -> object:
    """What has run out of time on a thread runs on there; nobody waits for it."""
    if inspect.iscoroutinefunction(tool.function):
        return await tool.function(**arguments)
    return await asyncio.to_thread(tool.function, **arguments)
