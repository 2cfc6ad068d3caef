"""Reports of a call: lines for a person, and JSON for a program.

The JSON of `as_json`; every time is in seconds:

    {"turns": [{"call": 0, "file": "a.wav", "turn": 0,
                "labelled": true,             the end of speech comes from a label
                "reference": "..." | null,    what was said, where a label tells
                "transcript": "...", "answer": "...",
                "cut_off": "..." | null,      what the server thinks was heard of its answer
                "voice_to_voice_s": 0.412,    5.0 where missed
                "missed": false,
                "cut_ins_s": [],              from the start of the person's speech
                "cut_ins_heard_s": [],        for how long each was audible
                "barge_in": null | {"silent_s": 0.09, "next_sound_s": 1.2 | null},
                "ledger": {...} | null}],     the server's own row, as it was received
     "summary": {"turns": 1, "p50_s": ..., "p95_s": ..., "p99_s": ...,   null without turns
                 "cut_in": 0,                  turns that were cut into ...
                 "noticed": 0,                 ... for more than 0.3 s
                 "missed": 0, "word_error_rate": 0.05 | null},
     "microphone": {"late_s": 0.002, "silence": "zeros" | "-60 dBFS noise"},
     "telephone": [null | {...}],              of each call as Twilio: `client.caller.twilio.Tally`
     "faults": ["..."]}
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import cycle
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from client.caller.call import CallResult, TurnResult
from client.caller.measure import Summary, summarise
from client.caller.twilio import Tally
from client.caller.wording import count_word_errors

NAME_CELLS, BAR_CELLS = 19, 32
SHOWN_S = 0.0005
"""Shorter than this is 0 ms."""
SMALLEST_EARS = "moonshine-tiny-en"
THEIR_WORTH = (
    f"Misheard? {SMALLEST_EARS} is the smallest model: it gets 21.6 % of the words of natural "
    "telephone speech wrong. Better ones: docs/guide/engines.md."
)
"""Measured: docs/measurements/human-pace.md."""
SEGMENT_COLOURS = ("cyan", "blue", "magenta", "yellow", "green", "bright_blue", "red", "white")


def as_json(results: Sequence[CallResult], floor_dbfs: float | None) -> dict[str, Any]:
    """See the module's own words."""
    summary = _summary(results)
    times = {"p50_s": summary.p50_s, "p95_s": summary.p95_s, "p99_s": summary.p99_s}
    return {
        "turns": [
            {"call": call, **_turn_as_json(turn, index)}
            for call, result in enumerate(results)
            for index, turn in _numbered(result)
        ],
        "summary": {
            "turns": summary.turns,
            **{name: None if math.isnan(value) else value for name, value in times.items()},
            "cut_in": summary.cut_in,
            "noticed": summary.noticed,
            "missed": summary.missed,
            "word_error_rate": word_error_rate(results),
        },
        "microphone": {
            "late_s": max((result.microphone_late_s for result in results), default=0.0),
            "silence": _silence(floor_dbfs),
        },
        "telephone": [result.tally and asdict(result.tally) for result in results],
        "faults": [fault for result in results for fault in result.faults],
    }


def word_error_rate(results: Sequence[CallResult]) -> float | None:
    """Over all turns whose words are labelled; None if there are none, or nobody told them."""
    counts = [
        count_word_errors(turn.turn.transcript, turn.words.transcript)
        for result in results
        for turn in result.turns
        if turn.turn.transcript is not None and result.tally is None
    ]
    words = sum(count.words for count in counts)
    return sum(count.errors for count in counts) / words if words else None


def print_report(console: Console, results: Sequence[CallResult], floor_dbfs: float | None) -> None:
    turns = [(turn, result) for result in results for turn in result.turns]
    for number, (turn, result) in enumerate(turns, start=1):
        console.print(_turn(number, turn, told=result.tally is None))
    console.print(_table(_summary(results), word_error_rate(results)))
    if any(_ears(turn) == SMALLEST_EARS for turn, _ in turns):
        console.print(THEIR_WORTH, style="dim", soft_wrap=True)
    late_ms = 1000 * max((result.microphone_late_s for result in results), default=0.0)
    console.print(
        f"Between the recordings the microphone heard {_silence(floor_dbfs)}; "
        f"its frames left at most {late_ms:.1f} ms late.",
        style="dim",
    )
    for tally in (result.tally for result in results if result.tally is not None):
        _print_tally(console, tally)
    for fault in (fault for result in results for fault in result.faults):
        console.print(Text(f"the server says: {fault}", style="red"))


def _print_tally(console: Console, tally: Tally) -> None:
    """Prints what Twilio would know of a call, which is not its words."""
    got = tally.received
    told = (
        f"Twilio was sent {got.get('media', 0)} pieces of audio, {got.get('mark', 0)} marks and "
        f"{got.get('clear', 0)} clears; it held at most {_ms(tally.most_ahead_s)} of audio, "
        f"and ran dry {tally.starved} times."
    )
    console.print(told, style="dim")
    for said in tally.said:
        console.print(Text(f"Twilio says: {said}"))
    if tally.ended:
        console.print(Text(tally.ended, style="yellow"))


def _turn(number: int, turn: TurnResult, *, told: bool) -> RenderableType:
    """`told`: the protocol has words for what was said."""
    words = Table.grid(padding=(0, 1))
    words.add_column(style="dim", min_width=NAME_CELLS, no_wrap=True)
    words.add_column()
    if told:
        words.add_row("    heard", Text(turn.words.transcript or "-"))
        words.add_row("    answer", Text(turn.words.answer or "-"))
    if turn.words.cut_off is not None:
        words.add_row("    cut off after", Text(turn.words.cut_off or "-"))
    title = Text.assemble((f"{number:3} ", "dim"), turn.recording.name, "  ", _verdict(turn))
    row = turn.words.row
    return Group(title, words) if row is None else Group(title, words, _waterfall(row))


def _ears(turn: TurnResult) -> object:
    """The model that heard it, where the server tells."""
    return ((turn.words.row or {}).get("facts") or {}).get("stt")


def _verdict(turn: TurnResult) -> Text:
    wait = turn.wait
    if wait.missed:
        text = Text("no answer within 5 s", style="bold red")
    else:
        text = Text(f"{_ms(wait.v2v_s)} voice to voice", style="bold")
    if wait.cut_in:
        text.append(
            f"  cut in for {_ms(max(wait.cut_ins_heard_s, default=0.0))}", style="bold yellow"
        )
    if wait.barge_in is not None:
        text.append(f"  silent {_ms(wait.barge_in.silent_s)} after it was spoken over")
    return text


def _waterfall(row: Mapping[str, Any]) -> RenderableType:
    """The ledger's segments, each beginning where the one before it ended, and its verdict."""
    segments: Mapping[str, float] = row.get("segments", {})
    hidden: Mapping[str, float] = row.get("hidden", {})
    total_s = sum(segments.values())
    grid = Table.grid(padding=(0, 1))
    grid.add_column(style="dim", min_width=NAME_CELLS, no_wrap=True)
    grid.add_column(min_width=BAR_CELLS, no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(style="dim", no_wrap=True)
    begin_s = 0.0
    for (name, length_s), colour in zip(segments.items(), cycle(SEGMENT_COLOURS), strict=False):
        bar = Text(_bar(begin_s, begin_s + length_s, total_s), style=colour)
        behind_s = hidden.get(name, 0.0)
        behind = f"+ {_ms(behind_s)} hidden" if behind_s >= SHOWN_S else ""
        grid.add_row(f"    {name}", bar, _ms(length_s), behind)
        begin_s += length_s
    verdict = row.get("verdict", {}).get("text", "")
    unattributed = _ms(row.get("unattributed_s", math.nan))
    said = Table.grid(padding=(0, 1))
    said.add_column(style="dim", min_width=NAME_CELLS, no_wrap=True)
    said.add_column(style="dim")
    words = f"{_ms(total_s)}, of which unattributed {unattributed}: {verdict}"
    said.add_row("    the server says", words)
    return Group(grid, said)


def _bar(begin_s: float, end_s: float, total_s: float) -> str:
    if not total_s:
        return ""
    left, right = (round(BAR_CELLS * at_s / total_s) for at_s in (begin_s, end_s))
    return " " * left + "\N{FULL BLOCK}" * (right - left)


def _table(summary: Summary, error_rate: float | None) -> Table:
    table = Table("turns", "p50", "p95", "p99", "cut in", "noticed", "missed", "word errors")
    table.add_row(
        str(summary.turns),
        *(_ms(value) for value in (summary.p50_s, summary.p95_s, summary.p99_s)),
        str(summary.cut_in),
        str(summary.noticed),
        str(summary.missed),
        "-" if error_rate is None else f"{error_rate:.1%}",
    )
    return table


def _turn_as_json(turn: TurnResult, index: int) -> dict[str, Any]:
    barge_in = turn.wait.barge_in
    return {
        "file": turn.recording.name,
        "turn": index,
        "labelled": turn.recording.labelled,
        "reference": turn.turn.transcript,
        "transcript": turn.words.transcript,
        "answer": turn.words.answer,
        "cut_off": turn.words.cut_off,
        "voice_to_voice_s": turn.wait.v2v_s,
        "missed": turn.wait.missed,
        "cut_ins_s": list(turn.wait.cut_ins_s),
        "cut_ins_heard_s": list(turn.wait.cut_ins_heard_s),
        "barge_in": None
        if barge_in is None
        else {"silent_s": barge_in.silent_s, "next_sound_s": barge_in.next_sound_s},
        "ledger": None if turn.words.row is None else dict(turn.words.row),
    }


def _numbered(result: CallResult) -> Iterator[tuple[int, TurnResult]]:
    """Each turn with its place in its own recording."""
    for turn in result.turns:
        yield turn.recording.turns.index(turn.turn), turn


def _summary(results: Sequence[CallResult]) -> Summary:
    return summarise([turn.wait for result in results for turn in result.turns])


def _silence(floor_dbfs: float | None) -> str:
    return "zeros" if floor_dbfs is None else f"{floor_dbfs:g} dBFS noise"


def _ms(seconds: float) -> str:
    return "-" if math.isnan(seconds) else f"{1000 * seconds:.0f} ms"
