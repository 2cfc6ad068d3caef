"""Python functions as a language model is offered them: a name, a sentence, and a JSON schema.

`tool` reads all three off the function: what its docstring says first, and its parameters' types.
Parameters may be str, int, float, bool, a Literal of strings, a list of these, or one of these or
None; one with a default may be left out.
"""

import inspect
import json
import re
import types
import typing
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args, get_origin

DEFAULT_LIMIT_S = 5.0
"""A person on a telephone hangs up on ten seconds of silence."""
LONGEST_RESULT = 4000
"""Characters: what a tool returns is paid for in the first token of the next answer."""

_JSON_TYPES: Mapping[object, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
}
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""What the API takes for a function's name."""


class ToolError(Exception):
    """A call that the model got wrong; the message is for the model."""


@dataclass(frozen=True, slots=True)
class Afterwards:
    """A tool's result, and what is done once the listener has heard the last word of the reply.

    Who interrupts the reply keeps it from being done.
    """

    result: str
    act: Callable[[], None]
    """Must not block."""


Result: TypeAlias = object
"""What a tool returns: text as it is, `Afterwards`, anything else as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    name: str
    description: str
    parameters: Mapping[str, object]
    """JSON schema."""
    function: Callable[..., Result | Awaitable[Result]]
    """A coroutine function runs on the event loop, any other on a thread of its own."""
    types: Mapping[str, object]
    limit_s: float = DEFAULT_LIMIT_S

    @property
    def schema(self) -> dict[str, object]:
        """As the API's `tools` holds it."""
        function = {
            "name": self.name,
            "description": self.description,
            "parameters": dict(self.parameters),
        }
        return {"type": "function", "function": function}

    def arguments(self, text: str) -> dict[str, object]:
        """What the model wrote, checked against the types. Raises ToolError."""
        try:
            given = json.loads(text or "{}")
        except (ValueError, RecursionError):
            raise ToolError("the arguments are not JSON") from None
        if not isinstance(given, dict):
            raise ToolError("the arguments are not an object")
        if unknown := sorted(set(given) - set(self.types)):
            raise ToolError(f"there is no parameter {unknown[0]!r}")
        required = self.parameters.get("required", [])
        assert isinstance(required, list)
        if missing := [name for name in required if name not in given]:
            raise ToolError(f"{missing[0]!r} is missing")
        return {name: _read(name, value, self.types[name]) for name, value in given.items()}


def tool(
    function: Callable[..., Result | Awaitable[Result]],
    *,
    name: str | None = None,
    limit_s: float = DEFAULT_LIMIT_S,
) -> Tool:
    """Raises ValueError for a function that no model could be told of."""
    name = name or str(getattr(function, "__name__", ""))
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name for a tool")
    described = inspect.getdoc(function)
    if not described:
        raise ValueError(f"{name} has no docstring: the model would not know what it is for")
    hints = typing.get_type_hints(function)
    parameters = inspect.signature(function).parameters
    schemas: dict[str, object] = {}
    for parameter in parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise ValueError(f"{name}: a model cannot fill *{parameter.name}")
        if parameter.name not in hints:
            raise ValueError(f"{name}: {parameter.name} has no type")
        schemas[parameter.name] = _schema(f"{name}: {parameter.name}", hints[parameter.name])
    required = [p.name for p in parameters.values() if p.default is inspect.Parameter.empty]
    return Tool(
        name=name,
        description=" ".join(described.split("\n\n")[0].split()),
        parameters={"type": "object", "properties": schemas, "required": required},
        function=function,
        types={name: hints[name] for name in schemas},
        limit_s=limit_s,
    )


def told(result: Result) -> str:
    """A result as the model is told it."""
    text = result if isinstance(result, str) else json.dumps(result, default=str)
    return text[:LONGEST_RESULT]


def _parts(kind: object) -> tuple[object, bool]:
    """The type without None, and whether None was in it."""
    if get_origin(kind) in (typing.Union, types.UnionType):
        rest = [part for part in get_args(kind) if part is not types.NoneType]
        if len(rest) == 1:
            return rest[0], len(get_args(kind)) > 1
    return kind, False


def _schema(where: str, kind: object) -> dict[str, object]:
    kind, _ = _parts(kind)
    if kind in _JSON_TYPES:
        return {"type": _JSON_TYPES[kind]}
    if get_origin(kind) is Literal and all(isinstance(one, str) for one in get_args(kind)):
        return {"type": "string", "enum": list(get_args(kind))}
    if get_origin(kind) is list:
        return {"type": "array", "items": _schema(where, get_args(kind)[0])}
    raise ValueError(f"{where} has a type that a model cannot fill")


def _read(name: str, value: Any, kind: object) -> object:
    kind, optional = _parts(kind)
    if value is None and optional:
        return None
    if get_origin(kind) is list and isinstance(value, list):
        return [_read(name, one, get_args(kind)[0]) for one in value]
    if get_origin(kind) is Literal and value in get_args(kind):
        return value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind in _JSON_TYPES and type(value) is kind:
        return value
    raise ToolError(f"{name!r} cannot be {json.dumps(value)[:80]}")
