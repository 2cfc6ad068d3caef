"""A function of the operator's own, by its name in a setting."""

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from bot.settings import SettingsError


def function_at(where: str, setting: str) -> Callable[[], Any]:
    """`where`: module:function, seen from the working folder. Raises SettingsError."""
    module, _, name = where.partition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise SettingsError(f"{setting} cannot be imported: {error}") from None
    if not callable(found):
        raise SettingsError(f"{setting} is no function")
    return cast(Callable[[], Any], found)
