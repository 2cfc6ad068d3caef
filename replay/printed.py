"""Runs and comparisons for people: in the terminal, and as Markdown for a pull request."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from replay.comparison import Comparison, Difference, figures, name_of, values_of, word_error_rate
from replay.facts import FactsReplayed
from replay.run import ReplayRun
from replay.turns import STAGES, V2V
from replay.whatif import ASSUMPTIONS, CROWD_ASSUMPTIONS, GOAL_S, Foretold

Row = tuple[str, ...]
RUN_HEADS = ("stage", "turns", "p50", "p95", "p99", "of it waited for")
_HEAD = ("k", "type")
COMPARED_HEADS = ("stage", "before p50", "p95", "after p50", "p95", "a turn", "95 %", "")


def run_rows(run: ReplayRun) -> list[Row]:
    rows: list[Row] = []
    for stage in (V2V, *STAGES):
        values = values_of(run.turns, stage)
        if not values:
            continue
        found = figures(values)
        waited = [turn.waited[stage] for turn in run.turns if stage in turn.waited]
        rows.append(
            (
                name_of(stage),
                str(found.turns),
                ms(found.p50),
                ms(found.p95),
                ms(found.p99),
                ms(sum(waited) / len(waited)) if waited else "",
            )
        )
    return rows


def compared_rows(found: Comparison) -> list[Row]:
    return [_compared_row(one) for one in found.differences]


def _compared_row(one: Difference) -> Row:
    before, after, apart = one.before, one.after, one.typical_s
    verdict = "WORSE" if one.worse else ("changed" if one.changed else "")
    if one.by_machine:
        verdict = "busy"
    return (
        name_of(one.stage),
        ms(before.p50),
        ms(before.p95),
        ms(after.p50),
        ms(after.p95),
        f"{_signed(apart.value)} ms",
        f"{_signed(apart.low)} to {_signed(apart.high)}",
        verdict,
    )


def _signed(seconds: float) -> str:
    """In ms; zero has no sign."""
    whole = round(seconds * 1000)
    return f"{whole:+d}" if whole else "0"


def run_lines(run: ReplayRun) -> list[str]:
    """Lines about what the table does not say."""
    lines = []
    plays = run.played
    missed = sum(len(one.marks.missed_s) for one in plays)
    cut_ins = sum(len(one.marks.cut_ins_s) for one in plays)
    noticed = sum(one.marks.noticed_cut_ins for one in plays)
    withdrawn = sum(turn.withdrawn for turn in run.turns)
    lines.append(
        f"{_count(len(run.turns), 'turn')} in {_count(len(plays), 'call')}; "
        f"{cut_ins} cut-ins, {noticed} of them noticed, {missed} missed, "
        f"{withdrawn} answers begun and withdrawn."
    )
    rate = word_error_rate(plays)
    if rate is not None:
        lines.append(f"Word errors: {rate:.1%}.")
    again: Counter[str] = Counter()
    for one in plays:
        again.update(one.again)
    lines += [f"Asked anew, {why}: {_times(count)}." for why, count in sorted(again.items())]
    if missing := run.made.get("not_played"):
        lines.append(f"Ended early: {missing} more were to be played.")
    lines += [f"{one.name}: could not be played: {one.failed}" for one in plays if one.failed]
    return lines


def _count(number: int, of: str) -> str:
    return f"{number} {of}" if number == 1 else f"{number} {of}s"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def print_run(console: Console, run: ReplayRun, broken: Sequence[str] = ()) -> None:
    console.print(_table(run.name, RUN_HEADS, run_rows(run)))
    _print_lines(console, run_lines(run), broken)


def print_comparison(console: Console, found: Comparison, broken: Sequence[str]) -> None:
    title = f"{found.before} -> {found.after}, {found.pairs} turns"
    console.print(_table(title, COMPARED_HEADS, compared_rows(found)))
    _print_lines(console, found.sentences, broken)


def print_foretold(
    console: Console, was: Foretold, will: Foretold, most_s: float | None, *, crowd: bool
) -> None:
    rows = [(name, ms(one.p50), ms(one.p95), ms(one.p99)) for name, one in
            (("as it was", was), ("what if", will))]  # fmt: skip
    console.print(_table("voice to voice", ("", "p50", "p95", "p99"), rows))
    goal = ms(GOAL_S)
    console.print(
        f"p95 stays over {goal}, however early the first token is."
        if most_s is None
        else f"To stay under {goal} at p95 the first token may take up to {ms(most_s)}."
    )
    for line in (*ASSUMPTIONS, *(CROWD_ASSUMPTIONS if crowd else ())):
        console.print(Text(f"Assumed: {line}", style="dim"))


def _print_lines(console: Console, lines: Iterable[str], broken: Sequence[str]) -> None:
    for line in lines:
        console.print(Text(line))
    for line in broken:
        console.print(Text(f"gate: {line}", style="bold red"))


def _table(title: str, heads: Row, rows: Sequence[Row]) -> Table:
    table = Table(title=Text(title, style="bold"), title_justify="left")
    for at, head in enumerate(heads):
        table.add_column(head, justify="left" if at == 0 else "right")
    for row in rows:
        table.add_row(*row)
    return table


def markdown_of_run(run: ReplayRun, broken: Sequence[str] = ()) -> str:
    lines = [f"### Replay: {run.name}", "", *_markdown(RUN_HEADS, run_rows(run)), ""]
    return "\n".join([*lines, *(f"- {line}" for line in run_lines(run)), *_gate(broken)]) + "\n"


def markdown_of_comparison(found: Comparison, broken: Sequence[str]) -> str:
    heading = f"### Replay: {found.before} → {found.after} ({found.pairs} turns)"
    lines = [heading, "", *_markdown(COMPARED_HEADS, compared_rows(found)), ""]
    return "\n".join([*lines, *(f"- {line}" for line in found.sentences), *_gate(broken)]) + "\n"


def _gate(broken: Sequence[str]) -> list[str]:
    if not broken:
        return ["", "**Gate: passed.**"]
    return ["", "**Gate: failed.**", "", *(f"- {line}" for line in broken)]


def _markdown(heads: Row, rows: Sequence[Row]) -> list[str]:
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def ms(seconds: float) -> str:
    return "-" if math.isnan(seconds) else f"{seconds * 1000:.0f} ms"


def print_facts(console: Console, name: str, found: FactsReplayed) -> None:
    """One line for a call; the first difference below it."""
    size = f"{found.facts} facts in {1000 * found.took_s:.0f} ms, {len(found.decisions)} decisions"
    if found.difference is None:
        console.print(f"{name}: {size}, all as they were", markup=False)
        return
    then, now = found.difference
    console.print(f"{name}: {size}; the first that differs:", markup=False)
    console.print(f"  then: {_decision(then)}\n  now:  {_decision(now)}", markup=False)


def _decision(one: Mapping[str, Any] | None) -> str:
    if one is None:
        return "nothing more"
    given = ", ".join(f"{name}={value!r}" for name, value in one.items() if name not in _HEAD)
    return f"{one['type']}({given})"
