"""Tables for a person to read after a run."""

import math
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from bench.playlist import KINDS
from bench.summary import PERCENTS, Demand, ServerFigures, Share
from pipelines.core.ledger.statistics import Estimate

TRUSTED_S = 0.010
"""The caller's own lateness at p95 up to which a run is trusted: half a frame of audio."""


def print_report(
    console: Console,
    found: Sequence[ServerFigures],
    ratio: dict[int, Estimate],
    apart: Estimate,
    heading: str,
) -> None:
    """A column for each server; `ratio` is ours over the first's, `apart` ours minus its wait."""
    both = len(found) > 1
    console.print(heading, style="bold")
    table = Table()
    table.add_column("", no_wrap=True)
    for one in found:
        table.add_column(one.server, justify="right")
    if both:
        table.add_column(f"ours / {found[0].server}", justify="right")
    for percent in PERCENTS:
        cells = [_seconds(one.v2v[percent]) for one in found]
        cells += [_plain(ratio[percent])] if both else []
        table.add_row(f"v2v p{percent}", *cells)
    for kind in KINDS:
        table.add_row(f"cut in at {kind} pauses", *(_share(one.cut_ins[kind]) for one in found))
    for what, cells in _rows(found):
        table.add_row(what, *cells)
    console.print(table)
    if both:
        told = f"v2v, ours - {found[0].server}, median over the turns: {_seconds(apart)}"
        console.print(told, style="bold")
    for one in found:
        _print_stages(console, one)
    if any(one.late[95] > TRUSTED_S for one in found):
        console.print(
            "This machine was too busy to trust the times: the caller itself was late.",
            style="bold red",
        )
    console.print(
        "Times from the last sample of speech, as labelled and sent, to the first audible sample "
        "of the answer, as received; a missed turn counts 5 s. In brackets: 95 % intervals, by "
        "source recording.",
        style="dim",
    )


def print_demands(console: Console, demands: Sequence[Demand]) -> None:
    for demand in demands:
        mark, style = ("met", "green") if demand.met else ("not met", "red")
        console.print(f"{mark:8} {demand.what}: {demand.told}", style=style)


def _rows(found: Sequence[ServerFigures]) -> list[tuple[str, list[str]]]:
    return [
        ("cut in elsewhere", [str(one.elsewhere) for one in found]),
        ("turns cut into", [f"{one.turns_cut_into} of {one.turns}" for one in found]),
        ("missed", [_missed(one) for one in found]),
        ("wasted LLM requests per turn", [_figure(one.wasted) for one in found]),
        ("wrong words in what the LLM was asked", [_percent(one.asked_wrongly) for one in found]),
        ("silent after speech over it, p50", [_silent(one, 50) for one in found]),
        ("silent after speech over it, p95", [_silent(one, 95) for one in found]),
        ("went on after a back-channel", [_of(one.went_on, one.back_channels) for one in found]),
        ("the caller itself was late, p50 / p95", [_late(one) for one in found]),
    ]


def _print_stages(console: Console, one: ServerFigures) -> None:
    if not one.stages:
        return
    told = "  ".join(
        f"{name} {_ms(value)}" + (f" ({_ms(hidden)} hidden)" if hidden >= 0.0005 else "")
        for name, value in one.stages.items()
        for hidden in [one.hidden.get(name, 0.0)]
    )
    console.print(f"{one.server}, its own ledger, the median of each: {told}")


def _seconds(estimate: Estimate) -> str:
    if math.isnan(estimate.value):
        return "-"
    return f"{_ms(estimate.value)} [{1000 * estimate.low:.0f}, {1000 * estimate.high:.0f}]"


def _plain(estimate: Estimate) -> str:
    if math.isnan(estimate.value):
        return "-"
    return f"{estimate.value:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]"


def _share(share: Share) -> str:
    if not share.total:
        return "-"
    low, high = 100 * share.estimate.low, 100 * share.estimate.high
    value = 100 * share.estimate.value
    return f"{value:.1f} % ({share.count} of {share.total}) [{low:.0f}, {high:.0f}]"


def _missed(one: ServerFigures) -> str:
    return str(one.missed) + (f" ({one.failed} calls failed)" if one.failed else "")


def _silent(one: ServerFigures, percent: int) -> str:
    beside = f", {one.no_chance} not speaking" if one.no_chance else ""
    return f"{_ms(one.silent[percent])} (n={one.barge_ins}{beside})"


def _late(one: ServerFigures) -> str:
    return f"{1000 * one.late[50]:.1f} / {1000 * one.late[95]:.1f} ms"


def _of(count: int, total: int) -> str:
    return f"{count} of {total}" if total else "-"


def _ms(seconds: float) -> str:
    return "-" if math.isnan(seconds) else f"{1000 * seconds:.0f} ms"


def _figure(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"


def _percent(value: float) -> str:
    return "-" if math.isnan(value) else f"{100 * value:.1f} %"
