"""Python functions as a language model is offered them: a name, a sentence, and a JSON schema.

`tool` reads all three off the function: what its docstring says first, and its parameters' types.
Parameters may be str, int, float, bool, a Literal of strings, a list of these, or one of these or
None; one with a default may be left out. A parameter of type `RunId` is filled in by us, and the
model is not told of it.

    @once
    def book_table(people: int, run_id: RunId) -> str:
        ...
"""

import inspect
import json
import re
import types
import typing
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NewType, TypeAlias, TypeVar, get_args, get_origin

from pipelines.core.memory.tool_runs import Repeats

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
"""The form of a function's name in the API."""


RunId = NewType("RunId", str)
"""Names one run of a tool among all runs of all calls: an idempotency key for those it asks.

Where a run has failed, the same call has the same id when it is run again.
"""


class ToolError(Exception):
    """A call that the model got wrong, and of which nothing was done; the message is for it."""


@dataclass(frozen=True, slots=True)
class Afterwards:
    """A tool's result, and what is done once the listener has heard the last word of the reply.

    Who interrupts the reply keeps it from being done.
    """

    result: str
    act: Callable[[], None]
    """Must not block."""


Result: TypeAlias = object
"""A tool's result: text as it is, `Afterwards`, anything else as JSON."""


# ---- what a function says of itself ----


@dataclass(frozen=True, slots=True, kw_only=True)
class _Traits:
    repeats: Repeats = Repeats.WHEN_TOLD
    cancellable: bool = False


_Function = TypeVar("_Function", bound=Callable[..., Any])


def once(function: _Function) -> _Function:
    """Decorator: done once, the same call is not run again for as long as the call lasts."""
    return _marked(function, repeats=Repeats.NEVER)


def repeatable(function: _Function) -> _Function:
    """Decorator: it changes nothing, and may be run whenever the model asks for it."""
    return _marked(function, repeats=Repeats.ALWAYS)


def cancellable(function: _Function) -> _Function:
    """Decorator for a coroutine function: it is cancelled when the caller speaks over the wait."""
    return _marked(function, cancellable=True)


def _marked(function: _Function, **traits: Any) -> _Function:
    function.tool_traits = replace(_traits(function), **traits)  # type: ignore[attr-defined]
    return function


def _traits(function: Callable[..., Any]) -> _Traits:
    traits = getattr(function, "tool_traits", None)
    return traits if isinstance(traits, _Traits) else _Traits()


# ---- what a model is offered ----


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
    """How long an answer waits for it. Then the model is told that it is still running."""
    repeats: Repeats = Repeats.WHEN_TOLD
    cancellable: bool = False
    """It may be stopped in the middle, and nothing is lost by it."""
    run_id: str = ""
    """The parameter that is given the run's id; "" for none."""
    defaults: Mapping[str, object] = field(default_factory=dict)
    """Defaults of the parameters that may be left out."""

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
        """The model's arguments, checked against the types. Raises ToolError."""
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

    def canonical(self, arguments: Mapping[str, object]) -> str:
        """JSON, the same for all calls that mean the same: sorted, and without defaults."""
        told = {
            name: value
            for name, value in arguments.items()
            if name not in self.defaults or value != self.defaults[name]
        }
        return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def tool(
    function: Callable[..., Result | Awaitable[Result]],
    *,
    name: str | None = None,
    limit_s: float = DEFAULT_LIMIT_S,
) -> Tool:
    """How it may be repeated and cancelled is what its decorators say.

    Raises ValueError for a function that no model could be told of, and for a plain one that is
    marked as cancellable: a thread cannot be stopped.
    """
    name = name or str(getattr(function, "__name__", ""))
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name for a tool")
    described = inspect.getdoc(function)
    if not described:
        raise ValueError(f"{name} has no docstring: the model would not know what it is for")
    traits = _traits(function)
    if traits.cancellable and not inspect.iscoroutinefunction(function):
        raise ValueError(f"{name} is marked as cancellable, and a plain function cannot be stopped")
    hints = typing.get_type_hints(function)
    named = inspect.signature(function).parameters
    run_id = next((n for n in named if hints.get(n) is RunId), "")
    parameters = [parameter for n, parameter in named.items() if n != run_id]
    schemas: dict[str, object] = {}
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise ValueError(f"{name}: a model cannot fill *{parameter.name}")
        if parameter.name not in hints:
            raise ValueError(f"{name}: {parameter.name} has no type")
        schemas[parameter.name] = _schema(f"{name}: {parameter.name}", hints[parameter.name])
    defaults = {p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty}
    return Tool(
        name=name,
        description=" ".join(described.split("\n\n")[0].split()),
        parameters={
            "type": "object",
            "properties": schemas,
            "required": [p.name for p in parameters if p.name not in defaults],
        },
        function=function,
        types={name: hints[name] for name in schemas},
        limit_s=limit_s,
        repeats=traits.repeats,
        cancellable=traits.cancellable,
        run_id=run_id,
        defaults=defaults,
    )


def told(result: Result) -> str:
    """A result as the model is told it."""
    if isinstance(result, str):
        return result[:LONGEST_RESULT]
    try:
        return json.dumps(result, default=str)[:LONGEST_RESULT]
    except (TypeError, ValueError, RecursionError):  # it was done, whatever it returned
        return str(result)[:LONGEST_RESULT]


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
