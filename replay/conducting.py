"""Plays whatever was asked for, one after another, and keeps what is done whatever happens."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

from bot.wiring.flight_recorder import code_version
from pipelines.services.protocols import ServiceError
from replay.call_folder import RecordedCall, UnreadableError, calls_at, from_sound, load
from replay.cores import Waits
from replay.performance import Company, Options, ReplayOutcome, in_real_time
from replay.run import ReplayPlay, ReplayRun, play_of, save_sound
from replay.suite import NAME, Suite, SuiteItem, find, load_suite, marks_of
from replay.turns import ReplayTurn, spans_of

Mode: TypeAlias = Literal["fast", "real time", "against a server"]


@dataclass(frozen=True, slots=True)
class Task:
    """One play of one recording."""

    item: SuiteItem
    call: RecordedCall
    repeat: int
    options: Options


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRequest:
    options: Options
    mode: Mode
    url: str | None = None
    token: str | None = None
    """The server's access token, where it asks for one."""
    repeats: int | None = None
    """In place of what a suite says."""
    keep_sound: Path | None = None
    """The folder for it."""


def suites_of(words: Sequence[str]) -> list[Suite]:
    """The suites that the words name; a recording, or a folder of recordings, becomes one.

    Raises UnreadableError.
    """
    found = []
    for word in words:
        path = find(word)
        if (path / NAME).exists():
            found.append(load_suite(path))
        else:
            found.append(Suite(path.resolve().name, tuple(map(SuiteItem, calls_at(path)))))
    return found


def tasks_of(suites: Sequence[Suite], wanted: ReplayRequest) -> list[Task]:
    """Raises UnreadableError."""
    return list(_tasks(suites, wanted))


def _tasks(suites: Sequence[Suite], wanted: ReplayRequest) -> Iterator[Task]:
    for suite in suites:
        options = wanted.options
        if options.llm == "recording" and suite.llm != "recording":
            options = replace(options, llm=suite.llm)
        options = replace(options, settings={**suite.settings, **options.settings})
        for item in suite.items:
            call = from_sound(item.path) if item.path.is_file() else load(item.path)
            for repeat in range(wanted.repeats or suite.repeats):
                yield Task(item, call, repeat, options)


def conduct(
    name: str,
    tasks: Sequence[Task],
    wanted: ReplayRequest,
    tell: Callable[[float], None],
    complain: Callable[[str], None],
) -> ReplayRun:
    """Everything in order; ended early by KeyboardInterrupt, with what is done.

    `tell` is told how many seconds of calls have been played. A recording that cannot be played is
    complained of and kept as failed. Raises SettingsError.
    """
    played: list[ReplayPlay] = []
    company = Company()
    before_s = 0.0
    try:
        for task in tasks:
            one = _play(task, wanted, company, partial(_add, tell, before_s))
            played.append(one)
            before_s += task.call.duration_s
            tell(before_s)
            if one.failed:
                complain(f"{one.name}: {one.failed}")
    except KeyboardInterrupt:
        pass
    finally:
        company.close()
    return ReplayRun(name=name, made=_made(wanted, len(tasks) - len(played)), played=played)


def _add(tell: Callable[[float], None], before_s: float, now_s: float) -> None:
    tell(before_s + now_s)


def _play(
    task: Task,
    wanted: ReplayRequest,
    company: Company,
    tell: Callable[[float], None],
) -> ReplayPlay:
    try:
        if wanted.mode == "fast":
            outcome = company.play(task.call, task.options, tell)
        elif wanted.url is not None:
            from replay.against import against

            outcome = asyncio.run(against(wanted.url, wanted.token, task.call, tell))
        else:
            outcome = asyncio.run(in_real_time(task.call, task.options, tell))
    except (UnreadableError, ServiceError, OSError) as error:
        return ReplayPlay(
            name=task.call.name, repeat=task.repeat, turns=[], decisions=[], failed=str(error)
        )
    return _judged(task, outcome, wanted)


def _judged(task: Task, outcome: ReplayOutcome, wanted: ReplayRequest) -> ReplayPlay:
    call, sound = task.call, outcome.replayed.sound
    rate_hz = call.caller_rate_hz
    played = play_of(call.name, outcome.replayed.lines, sound, rate_hz)
    file = None
    if wanted.keep_sound is not None and task.repeat == 0:
        file = f"{call.name}.flac"
        save_sound(wanted.keep_sound / file, sound, rate_hz)
    return replace(
        played,
        turns=[_held_up(turn, outcome.waits) for turn in played.turns],
        repeat=task.repeat,
        decisions=[] if wanted.url else played.decisions,  # they are the server's own affair
        again=dict(sorted(outcome.again.items())),
        marks=marks_of(task.item, played.turns, sound, rate_hz),
        sound=file,
    )


def _held_up(turn: ReplayTurn, waits: Waits | None) -> ReplayTurn:
    if waits is None:
        return turn
    known = {stage: waits.between(*span) for stage, span in spans_of(turn).items()}
    return replace(turn, held_up={name: one for name, one in known.items() if one is not None})


def _made(wanted: ReplayRequest, missing: int) -> dict[str, Any]:
    options = wanted.options
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "code": code_version(),
        "mode": wanted.mode,
        "llm": options.llm,
        "voice": options.voice,
        "settings": dict(options.settings),
        "not_played": missing,
    }
