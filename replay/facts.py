"""A recorded call's facts through the core alone: no sound, no models, no event loop.

Time passes where it passed then. Other rules may want to be woken at other times: the first
decision that differs is right, those after it are a guess.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from functools import cache
from itertools import zip_longest
from typing import Any

from pydantic import TypeAdapter

from pipelines.core.announcements import Announcements
from pipelines.core.call import CallCore
from pipelines.core.commands import CallCommand
from pipelines.core.events import CallFact, CallOpened
from pipelines.core.policies import CallFormat, Policies
from pipelines.core.recording import MONOTONIC, RECORD_TYPES, TOLD_TYPES, Noted, line_of
from pipelines.services.tools.tools_builtin import hang_up
from replay.call_folder import RecordedCall, UnreadableError

Decision = Mapping[str, Any]
"""A fact or a command of the turn, as a recording has it, without its times."""


@dataclass(frozen=True, slots=True)
class FactsReplayed:
    facts: int
    took_s: float
    decisions: tuple[Decision, ...]
    commands: tuple[CallCommand, ...]
    difference: tuple[Decision | None, Decision | None] | None
    """The first decision that is not the recording's: then, and now. None: all are the same."""


def told_in(call: RecordedCall) -> list[tuple[CallFact, float]]:
    """The facts that its core was given, and when. Raises UnreadableError where it has none."""
    lines = [line for line in call.events if line["k"] == "told" and "given" in line]
    if not lines:
        raise UnreadableError(
            f"{call.name}: holds no facts; RECORD_CALLS=full writes them since version 0.2.0"
        )
    return [(_fact(line), line["now"]) for line in lines]


def replay_facts(
    call: RecordedCall, policies: Policies, announcements: Announcements | None
) -> FactsReplayed:
    """`policies` and `announcements`: as the call had them. Raises UnreadableError."""
    (opened, now), *told = told_in(call)
    if not isinstance(opened, CallOpened):
        raise UnreadableError(f"{call.name}: its facts do not begin with the call's opening")
    if policies.hangs_up:
        policies = replace(policies, tools=(hang_up(lambda: None), *policies.tools))
    form = CallFormat(
        in_rate_hz=call.caller_rate_hz,
        out_rate_hz=call.about["bot_rate_hz"],
        lead_s=call.about["lead_s"],
        reports_playout=call.about["reports_playout"],
        announcements=announcements,
    )
    noted: list[Noted] = []
    commands: list[CallCommand] = []
    core = CallCore(policies, form, opened, now=now, note=noted.append)
    began_s = time.perf_counter()
    for fact, now in told:
        commands += core.handle(fact, now)
    took_s = time.perf_counter() - began_s
    decisions = tuple(_decisions(line_of(item, 0.0, "full") for item in noted))
    return FactsReplayed(
        facts=len(told),
        took_s=took_s,
        decisions=decisions,
        commands=tuple(commands),
        difference=_difference(tuple(_decisions(call.events)), decisions),
    )


def _difference(
    then: tuple[Decision, ...], now: tuple[Decision, ...]
) -> tuple[Decision | None, Decision | None] | None:
    pairs = zip_longest(then, now)
    return next(((one, other) for one, other in pairs if one != other), None)


def _decisions(lines: Iterable[Mapping[str, Any]]) -> Iterable[Decision]:
    """Compared as JSON has them: a tuple is a list there. A field that a recording's version had
    not yet has its default.
    """
    for line in lines:
        if line["k"] in ("fact", "command"):
            whole = {**_defaults(line["type"]), **line}
            yield {name: _plain(value) for name, value in whole.items() if name not in _TIMES}


_TIMES = MONOTONIC | {"t"}


@cache
def _defaults(name: str) -> Mapping[str, Any]:
    """Those that are written: None is not."""
    given = {field.name: field.default for field in fields(RECORD_TYPES[name])}
    return {name: value for name, value in given.items() if value not in (None, MISSING)}


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return value


def _fact(line: Mapping[str, Any]) -> CallFact:
    name = line["of"]
    if name not in TOLD_TYPES:
        raise UnreadableError(f"a fact of a kind that this version does not know: {name}")
    fact: CallFact = _adapter(name).validate_python(line["given"])
    return fact


@cache
def _adapter(name: str) -> TypeAdapter[Any]:
    return TypeAdapter(TOLD_TYPES[name])
