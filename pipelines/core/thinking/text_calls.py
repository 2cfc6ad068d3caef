"""Calls of tools that a model wrote as text, whatever its template writes them in.

A call counts where it names a tool that was offered; all else that is written there is nothing.
"""

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

MOST_CALLS = 16
"""In one answer."""
MOST_TORN = 8
"""Braces from which no JSON could be read, before it is given up."""

Tools: TypeAlias = Mapping[str, Mapping[str, Mapping[str, object]]]
"""The tools offered, by name: the JSON schema of each parameter, by name."""

_NAMES = ("name", "tool_name", "tool", "function", "action")
ARGUMENTS = ("arguments", "parameters", "args", "input", "tool_input", "action_input", "kwargs")
BESIDE = frozenset({*_NAMES, "type", "id", "index", "call_id", "tool_call_id"})

_QUOTES = re.compile(r'<\|"\|>|</?escape>')
"""Gemma 4's and FunctionGemma's quotation marks."""
_TOKENS = re.compile(r"\[call_id\]\w*|<[|｜][^<>]*>|\[/?[a-z_]{2,24}\]|```\w*", re.IGNORECASE)
_BARE_KEY = re.compile(r"([{,]\s*)([A-Za-z_]\w*)\s*:")
_TAGGED = re.compile(
    r"<[^<>/]*?(?:function|invoke|tool)(?:\s*=\s*|\s+name\s*=\s*)[\"']?([\w.-]+)[^<>]*>", re.I
)
"""`<function=name>`, `<invoke name="name">`."""
_PARAMETER = re.compile(
    r"<[^<>/]*?parameter(?:\s*=\s*|\s+name\s*=\s*)[\"']?([\w.-]+)[^<>]*>(.*?)</[^<>]*parameter[^<>]*>",
    re.I | re.S,
)
_ARG_PAIR = re.compile(
    r"<(?:longcat_)?arg_key>(.*?)</(?:longcat_)?arg_key>\s*"
    r"<(?:longcat_)?arg_value>(.*?)</(?:longcat_)?arg_value>",
    re.S,
)
_ACTION = re.compile(
    r"(?im)^\W{0,4}action[*_]{0,2}[ ]?:[*_ ]{0,4}[\[`]?([\w.-]+)[\]`]?[ ]*$"
    r"(?:\W{1,6}action[ ]input[*_]{0,2}[ ]?:[*_ ]{0,4}(.*)$)?"
)
"""`Action: name`, and in the next line `Action Input: value`."""
_PREFIX = re.compile(r"^(?:functions|default_api|tools?)\.")
_BRACE = re.compile(r"[{\[]")
_CONSTANTS = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class TextCall:
    name: str
    arguments: str
    """An object, in JSON."""


def schemas_of(tools: Sequence[Mapping[str, Any]]) -> Tools:
    """As the API's `tools` holds them."""
    functions = [tool.get("function", {}) for tool in tools]
    return {
        str(one.get("name")): one.get("parameters", {}).get("properties", {}) for one in functions
    }


def calls_in(text: str, tools: Tools) -> list[TextCall]:
    """The calls of `tools` in `text`, in their order; by the first form that any is found in."""
    text = _QUOTES.sub('"', text)
    for read in (_tagged, _objects, _named, _expressions, _react):
        if found := list(read(text, tools)):
            return [
                TextCall(n, json.dumps(given, ensure_ascii=False))
                for n, given in found[:MOST_CALLS]
            ]
    return []


def names_a_call(text: str) -> bool:
    """True if an object in `text` has a call's form, whatever tool it names."""
    return any(_has_form(value) for value in _values(text))


def _has_form(value: object) -> bool:
    match value:
        case list():
            return any(_has_form(one) for one in value)
        case (
            {"function": dict(inner)} | {"tool_call": dict(inner)} | {"function_call": dict(inner)}
        ):
            return _has_form(inner)
        case {"tool_calls": list(calls)}:
            return _has_form(calls)
        case dict():
            given = [value[key] for key in ARGUMENTS if key in value]
            names = [value[key] for key in _NAMES if isinstance(value.get(key), str)]
            return bool(names) and any(isinstance(one, dict) for one in given)
        case _:
            return False


_Found: TypeAlias = Iterator[tuple[str, dict[str, Any]]]


def _tagged(text: str, tools: Tools) -> _Found:
    """Names and parameters in tags: Llama 3.1, Qwen3-Coder, MiniMax, DeepSeek-V3.2; GLM-4.5."""
    tags = list(_TAGGED.finditer(text))
    for at, tag in enumerate(tags):
        end = tags[at + 1].start() if at + 1 < len(tags) else len(text)
        name, body = _PREFIX.sub("", tag[1]), text[tag.end() : end]
        if name in tools:
            given = {
                key: _read(value, tools[name].get(key)) for key, value in _PARAMETER.findall(body)
            }
            yield name, given or next((one for one in _values(body) if isinstance(one, dict)), {})
    if not tags and (pairs := _ARG_PAIR.findall(text)):
        name = re.sub(r"<[^<>]*>", "", re.split("<(?:longcat_)?arg_key>", text)[0]).strip()
        if name in tools:
            yield name, {key.strip(): _read(v, tools[name].get(key.strip())) for key, v in pairs}


def _read(value: str, schema: Mapping[str, object] | None) -> object:
    """A parameter's value, which stands there as text."""
    value = value.strip()
    if schema is not None and schema.get("type") == "string":
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _objects(text: str, tools: Tools) -> _Found:
    """Objects of JSON that name the tool: Hermes, Qwen, Llama, Mistral, Granite, Command R."""
    for value in _values(text):
        yield from _calls(value, tools)


def _calls(value: object, tools: Tools) -> _Found:
    match value:
        case list():
            for one in value:
                yield from _calls(one, tools)
        case {"function": dict(function)}:
            yield from _calls(function, tools)
        case {"tool_calls": list(calls)}:
            yield from _calls(calls, tools)
        case {"tool_call": dict(call)} | {"function_call": dict(call)}:
            yield from _calls(call, tools)
        case dict():
            name = next((value[key] for key in _NAMES if isinstance(value.get(key), str)), "")
            name = _PREFIX.sub("", name)
            held = [key for key in ARGUMENTS if key in value]
            if name in tools and (held or set(value) <= BESIDE):
                yield name, _given(value[held[0]] if held else {})
            elif len(value) == 1 and (name := next(iter(value))) in tools:  # Apertus
                yield name, _given(value[name])
        case _:
            pass


def _given(arguments: object) -> dict[str, Any]:
    if isinstance(arguments, str):
        arguments = next(iter(_values(arguments)), {})
    return arguments if isinstance(arguments, dict) else {}


def _values(text: str) -> Iterator[object]:
    """All that can be read as JSON, or as Python writes it, from the first brace or bracket on."""
    decoder, at, torn = json.JSONDecoder(strict=False), 0, 0
    while torn < MOST_TORN and (brace := _BRACE.search(text, at)):
        try:
            value, at = decoder.raw_decode(text, brace.start())
        except (ValueError, RecursionError):
            torn += 1
            end = _closing(text, brace.start())
            try:
                value = _literal(ast.parse(text[brace.start() : end], mode="eval").body)
            except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                at = brace.end()
                continue
            at = end
        yield value


def _named(text: str, tools: Tools) -> _Found:
    """A name before its arguments: Mistral, DeepSeek, Kimi K2, gpt-oss, Gemma 4."""
    text = _TOKENS.sub(" ", text)
    name = "|".join(map(re.escape, tools))
    between = (
        r"(?:\s|:|code\b|json\b|commentary\b|analysis\b|(?i:action input:|arguments:|input:))*"
    )
    pattern = rf"(?<![\w\"'])({name})(?::\d+)?{between}(?=\{{)"
    for found in islice(re.finditer(pattern, text) if tools else (), MOST_CALLS):
        rest = text[found.end() :]
        for written in (rest, _BARE_KEY.sub(r'\1"\2":', rest)):
            try:
                value, _ = json.JSONDecoder().raw_decode(written)
            except (ValueError, RecursionError):
                continue
            yield found[1], value
            break
    alone = re.fullmatch(rf"\W*(?:functions?\.?|call:)?\s*({name})(?::\d+)?\W*", text)
    if tools and alone is not None and "(" not in text and "{" not in text:
        yield alone[1], {}


def _expressions(text: str, tools: Tools) -> _Found:
    """Calls as Python writes them: Gemma 3, Llama 3.2 and 4, LFM2, OLMo 3."""
    name = "|".join(map(re.escape, tools))
    begun = re.finditer(rf"(?<!\w)({name})(?:\.call)?\(", text) if tools else ()
    for found in islice(begun, MOST_CALLS):
        inner = text[found.end() - 1 : _closing(text, found.end() - 1)]
        try:
            call = ast.parse(f"_{inner}", mode="eval").body
            yield found[1], _keywords(call, list(tools[found[1]]))
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue


def _react(text: str, tools: Tools) -> _Found:
    """A tool and one value without quotes, in two lines: ReAct's prompts."""
    for found in islice(_ACTION.finditer(text), MOST_CALLS):
        name, value = _PREFIX.sub("", found[1]), (found[2] or "").strip()
        if name in tools:
            keys = list(tools[name])
            is_value = len(keys) == 1 and value.lower() not in ("", "none", "null", "{}")
            yield name, {keys[0]: _read(value, tools[name][keys[0]])} if is_value else {}


def _closing(text: str, begin: int) -> int:
    """Behind the bracket that closes the one at `begin`; the text's end where none does."""
    balance = Balance()
    for at in range(begin, len(text)):
        if balance.closes(text[at]):
            return at + 1
    return len(text)


def _keywords(call: ast.expr, order: Sequence[str]) -> dict[str, Any]:
    """Raises ValueError."""
    if not isinstance(call, ast.Call):
        raise ValueError("no call")
    given = [_literal(one) for one in call.args]
    named = {word.arg or "": _literal(word.value) for word in call.keywords}
    if len(given) == 1 and isinstance(given[0], dict) and not named:
        return given[0]
    return dict(zip(order, given, strict=False)) | named


def _literal(node: ast.expr) -> object:
    match node:
        case ast.Name(id) if id in _CONSTANTS:
            return _CONSTANTS[id]
        case ast.List(elts):
            return [_literal(one) for one in elts]
        case ast.Dict(keys, values) if None not in keys:
            pairs = zip(keys, values, strict=True)
            return {_literal(key): _literal(one) for key, one in pairs if key is not None}
        case _:
            return ast.literal_eval(node)


class Balance:
    """True if the brackets of a text that is read character by character are closed."""

    def __init__(self, quotes: str = "\"'") -> None:
        self._quotes = quotes
        self._depth = 0
        self._quote = ""
        self._escaped = False

    def closes(self, char: str) -> bool:
        """True if `char` closes the first bracket."""
        if self._escaped:
            self._escaped = False
        elif self._quote:
            self._escaped = char == "\\"
            self._quote = "" if char == self._quote else self._quote
        elif char in self._quotes:
            self._quote = char
        elif char in "([{":
            self._depth += 1
        elif char in ")]}":
            self._depth -= 1
            return self._depth <= 0
        return False
