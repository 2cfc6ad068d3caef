"""Suites: a folder with `suite.toml`: what is played, what is right, and what is owed."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from client.caller.measure import MISSED_S, stretches
from pipelines.audio.audible import audible_ranges
from replay.call_folder import Pcm, UnreadableError
from replay.run import Marks
from replay.turns import STAGES, ReplayTurn

NAME = "suite.toml"
BOX = Path(__file__).parent / "suites"
"""Those that come with the program."""
STOP_GAP_S = 0.25
"""Silence for so long is having stopped."""
EARLY_S = 0.7
"""The end of a turn may be seen so much before its label."""

_BUDGETS = {
    *(f"{stage}_{percent}_ms" for stage in (*STAGES, "v2v") for percent in ("p50", "p95", "p99")),
    "cut_ins",
    "noticed_cut_ins",
    "missed",
    "late_stops",
    "word_error_rate",
}


@dataclass(frozen=True, slots=True)
class LabelledTurn:
    """A turn as it is labelled, in seconds of the caller's sound."""

    start_s: float
    end_s: float
    transcript: str | None = None
    must_answer: bool = True
    must_stop_by_s: float | None = None
    """It is spoken over the bot, which is silent by then."""


@dataclass(frozen=True, slots=True)
class SuiteItem:
    path: Path
    said: tuple[LabelledTurn, ...] = ()
    silent: tuple[tuple[float, float], ...] = ()
    """Stretches in which no answer may begin, beside the turns themselves."""


@dataclass(frozen=True, slots=True)
class Suite:
    name: str
    items: tuple[SuiteItem, ...]
    repeats: int = 1
    llm: str = "recording"
    budgets: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)


def find(word: str) -> Path:
    """The path that is meant: as it is written, or a suite that comes with the program."""
    path = Path(word)
    return BOX / word if not path.exists() and (BOX / word / NAME).exists() else path


def load_suite(folder: Path) -> Suite:
    """Raises UnreadableError."""
    file = folder / NAME
    try:
        document = tomllib.loads(file.read_text())
    except OSError:
        raise UnreadableError(f"{file}: cannot be read") from None
    except tomllib.TOMLDecodeError as error:
        raise UnreadableError(f"{file}: {error}") from None
    budgets = dict(document.get("budgets", {}))
    if unknown := sorted(set(budgets) - _BUDGETS):
        raise UnreadableError(f"{file}: no budget is called {unknown[0]}")
    try:
        items = tuple(_item(folder, one) for one in document["recordings"])
        return Suite(
            name=str(document.get("name", folder.name)),
            items=items,
            repeats=int(document.get("repeats", 1)),
            llm=str(document.get("llm", "recording")),
            budgets={name: float(value) for name, value in budgets.items()},
            settings={name: str(value) for name, value in document.get("settings", {}).items()},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableError(f"{file}: {error!r} is missing or wrong") from None


def _item(folder: Path, one: Mapping[str, Any]) -> SuiteItem:
    said = tuple(
        LabelledTurn(
            start_s=float(turn["start_s"]),
            end_s=float(turn["end_s"]),
            transcript=turn.get("transcript"),
            must_answer=bool(turn.get("must_answer", True)),
            must_stop_by_s=turn.get("must_stop_by_s"),
        )
        for turn in one.get("turns", ())
    )
    silent = tuple((float(start), float(end)) for start, end in one.get("silent", ()))
    return SuiteItem(folder / one["path"], said, silent)


def marks_of(item: SuiteItem, turns: Sequence[ReplayTurn], sound: Pcm, rate_hz: int) -> Marks:
    """`sound`: shape (n, 2), the caller and the bot on the recording's clock."""
    bot = audible_ranges(sound[:, 1], rate_hz) / rate_hz
    found = stretches([(float(start), float(end)) for start, end in bot])
    starts = [at for at, _ in found]
    forbidden = [(said.start_s, said.end_s) for said in item.said] + list(item.silent)
    cut_ins = [one for one in found if any(start < one[0] < end for start, end in forbidden)]
    references: dict[int, str] = {}
    unheard: list[str] = []
    for said in item.said:
        at = _place(said, turns)
        if said.transcript is not None and at is not None:
            references[at] = f"{references.get(at, '')} {said.transcript}".strip()
        elif said.transcript is not None:
            unheard.append(said.transcript)
    return Marks(
        references=references,
        unheard=unheard,
        cut_ins_s=[at for at, _ in cut_ins],
        cut_ins_heard_s=[round(heard_s, 4) for _, heard_s in cut_ins],
        missed_s=[
            said.end_s
            for said, next_s in zip(item.said, _nexts(item.said), strict=True)
            if said.must_answer
            and not any(said.end_s <= at < min(next_s, said.end_s + MISSED_S) for at in starts)
        ],
        late_stops_s=[
            said.must_stop_by_s
            for said in item.said
            if said.must_stop_by_s is not None and _sounds(bot.tolist(), said.must_stop_by_s)
        ],
    )


def _nexts(said: Sequence[LabelledTurn]) -> list[float]:
    """When each turn's answer is too late, because the next turn is over too."""
    return [*(one.end_s for one in said[1:]), float("inf")][: len(said)]


def _place(said: LabelledTurn, turns: Sequence[ReplayTurn]) -> int | None:
    """The answered turn that it is a part of: the first that ends with it, or later."""
    later = (at for at, turn in enumerate(turns) if turn.ended_media_s > said.end_s - EARLY_S)
    return next(later, None)


def _sounds(bot: Sequence[Sequence[float]], at_s: float) -> bool:
    return any(start < at_s + STOP_GAP_S and end > at_s for start, end in bot)
