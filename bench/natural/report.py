"""Tables for a person to read after a run over natural speech."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeAlias

from rich.console import Console
from rich.table import Table

from bench.natural.figures import PERCENTS, CutShares, NaturalFigures, SpeakerShare, WaitFigures
from bench.natural.speech import ENDS, KINDS, VERY_SURE
from bench.report import TRUSTED_S
from pipelines.core.ledger.statistics import Estimate

NOTHING_TOLD = "-"


Row: TypeAlias = tuple[str, Callable[[NaturalFigures], str]]


def print_natural(
    console: Console,
    found: Sequence[NaturalFigures],
    apart: Mapping[str, Estimate],
    heading: str,
) -> None:
    """A column for each server; `apart`: how much longer ours takes than each of the others."""
    console.print(heading, style="bold")
    table = Table()
    table.add_column("", no_wrap=True)
    for one in found:
        table.add_column(one.server, justify="right")
    for what, cell in _rows(found[0]):
        cells = [cell(one) for one in found]
        if any(told != NOTHING_TOLD for told in cells):
            table.add_row(what, *cells)
    console.print(table)
    for name, longer in apart.items():
        console.print(f"v2v, ours - {name}, median over the turns: {_time(longer)}", style="bold")
    if any(one.late_s > TRUSTED_S for one in found):
        console.print(
            "This machine was too busy to trust the times: the caller itself was late.",
            style="bold red",
        )
    console.print(
        "Times from the last sample of speech, as labelled and sent, to the first audible sample "
        "of the answer; a missed turn counts 5 s. Pauses up to 3 s. In brackets: 95 % intervals, "
        "by speaker.",
        style="dim",
    )


def _rows(first: NaturalFigures) -> Iterator[Row]:
    """`first` tells which sources and lengths there are."""
    yield "speakers", lambda one: str(one.speakers)
    yield from _waits(f"labels of {VERY_SURE:g} and more", lambda one: one.very_sure)
    yield from _waits("all labels", lambda one: one.all)
    for end in ENDS:
        yield end, partial(lambda end, one: _brief(one.ends[end]), end)
    for kind in KINDS:
        yield f"cut in at {kind} pauses", partial(lambda kind, one: _both(one.pauses[kind]), kind)
    for name in first.lengths:
        yield f"  {name}", partial(lambda name, one: _counts(one.lengths[name]), name)
    yield "cut in elsewhere", lambda one: str(one.elsewhere)
    for source in first.sources:
        yield f"source {source}", partial(lambda name, one: _brief(one.sources[name]), source)
    yield "prompted commands", lambda one: _brief(one.commands)
    yield "wasted LLM requests per turn", lambda one: _number(one.wasted, "{:.2f}")
    yield "wrong words asked", lambda one: _number(100 * one.wrong_words, "{:.1f} %")
    yield "calls failed", lambda one: str(one.failed)
    yield "the caller was late, p95", lambda one: f"{1000 * one.late_s:.1f} ms"


def _waits(what: str, waits: Callable[[NaturalFigures], WaitFigures]) -> Iterator[Row]:
    yield what, lambda one: f"n={waits(one).turns}"
    for percent in PERCENTS:
        yield (
            f"  v2v p{percent}",
            partial(lambda percent, one: _time(waits(one).v2v[percent]), percent),
        )
    yield "  turns cut into", lambda one: _share(waits(one).cut_into.all)
    yield "  as a person notices", lambda one: _share(waits(one).cut_into.noticed)
    yield "  missed", lambda one: str(waits(one).missed)


def _time(estimate: Estimate) -> str:
    if math.isnan(estimate.value):
        return NOTHING_TOLD
    value, low, high = (1000 * s for s in (estimate.value, estimate.low, estimate.high))
    return f"{value:.0f} ms [{low:.0f}, {high:.0f}]"


def _share(share: SpeakerShare) -> str:
    if not share.total:
        return NOTHING_TOLD
    value, low, high = (
        100 * s for s in (share.estimate.value, share.estimate.low, share.estimate.high)
    )
    return f"{share.count} of {share.total}, {value:.0f} % [{low:.0f}, {high:.0f}]"


def _both(shares: CutShares) -> str:
    if not shares.all.total:
        return NOTHING_TOLD
    return f"{_share(shares.all)}; noticed {shares.noticed.count}"


def _counts(shares: CutShares) -> str:
    if not shares.all.total:
        return NOTHING_TOLD
    return f"{shares.all.count} of {shares.all.total}; noticed {shares.noticed.count}"


def _brief(waits: WaitFigures) -> str:
    if not waits.turns:
        return NOTHING_TOLD
    p50_s, p95_s = (waits.v2v[percent].value for percent in PERCENTS)
    cut_into = f"cut into {waits.cut_into.all.count}, noticed {waits.cut_into.noticed.count}"
    missed = f", missed {waits.missed}" if waits.missed else ""
    return f"n={waits.turns}: {1000 * p50_s:.0f} / {1000 * p95_s:.0f} ms; {cut_into}{missed}"


def _number(value: float, form: str) -> str:
    return NOTHING_TOLD if math.isnan(value) else form.format(value)
