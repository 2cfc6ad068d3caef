"""Chooses the tools that the language model may call."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from bot.settings import Settings, SettingsError
from bot.wiring.imported import function_at
from pipelines.core.memory.tools import Tool, tool
from pipelines.services.tools.tools_builtin import Clock, current_time, find_date

HANG_UP = "hang_up"
"""Made anew for each call: `pipelines.cascade` does."""
_IN_THE_BOX = {"current_time": current_time, "find_date": find_date}


def hangs_up(settings: Settings) -> bool:
    return HANG_UP in settings.llm_tools


def tools_for(settings: Settings, clock: Clock) -> tuple[Tool, ...]:
    """Raises SettingsError."""
    named = [name for name in settings.llm_tools if name != HANG_UP]
    tools = tuple(_tool(name, clock, _at(settings, name)) for name in named)
    names = [HANG_UP, *(one.name for one in tools)]
    if len(set(names)) < len(names):
        raise SettingsError("LLM_TOOLS has two tools of one name")
    return tools


def _at(settings: Settings, name: str) -> str:
    """As a message has it, without what is set: "LLM_TOOLS, number 2,"."""
    return f"LLM_TOOLS, number {settings.llm_tools.index(name) + 1},"


def _tool(where: str, clock: Clock, at: str) -> Tool:
    if where in _IN_THE_BOX:
        return _IN_THE_BOX[where](clock)
    if ":" not in where:
        raise SettingsError(
            f"{at} is no tool: {', '.join((HANG_UP, *_IN_THE_BOX))}, module:function or file.py:f"
        )
    path = where.rpartition(":")[0]
    found = _in_file(where, at) if path.endswith(".py") else function_at(where, at)
    try:
        return tool(found)
    except ValueError as error:
        raise SettingsError(f"{at} {error}") from None


def _in_file(where: str, at: str) -> Any:
    path, _, name = where.rpartition(":")
    spec = spec_from_file_location(Path(path).stem, path)
    if spec is None or spec.loader is None or not Path(path).is_file():
        raise SettingsError(f"{at} is in a file that is not there")
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        return getattr(module, name)
    except Exception as error:  # noqa: BLE001 - it is somebody else's program
        raise SettingsError(f"{at} cannot be imported: {error}") from None
