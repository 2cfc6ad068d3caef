"""The report as one HTML file that needs nothing else."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.core.ledger.budget import SEGMENTS
from replay.comparison import Comparison, name_of, pair_up
from replay.printed import compared_rows, run_lines, run_rows
from replay.run import ReplayPlay, ReplayRun
from replay.turns import STAGES

_HERE = Path(__file__).parent / "page"
_SCRIPTS = ("sound.js", "report.js")


def page_of(
    runs: Sequence[ReplayRun], found: Comparison | None = None, *, sound: bool = False
) -> str:
    """A page about one run, or about two that are compared. `sound`: what was heard is in it, to
    listen to.
    """
    template = _part("report.html")
    data = json.dumps(_data(runs, found, sound=sound), ensure_ascii=False, separators=(",", ":"))
    return (
        template.replace("/*STYLE*/", _part("report.css"))
        .replace("/*SCRIPT*/", "\n".join(map(_part, _SCRIPTS)))
        .replace("/*DATA*/", data.replace("</", "<\\/"))
    )


def _part(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _data(runs: Sequence[ReplayRun], found: Comparison | None, *, sound: bool) -> dict[str, Any]:
    return {
        "names": {stage: name_of(stage) for stage in ("v2v", *STAGES, *SEGMENTS)},
        "segments": SEGMENTS,
        "stages": STAGES,
        "runs": [_run(run, sound=sound) for run in runs],
        "sentences": found.sentences if found else run_lines(runs[0]),
        "broken": found.broken if found else [],
        "table": compared_rows(found) if found else run_rows(runs[0]),
        "pairs": _pairs(runs) if len(runs) == 2 else [],
    }


def _run(run: ReplayRun, *, sound: bool) -> dict[str, Any]:
    return {
        "name": run.name,
        "made": run.made,
        "played": [_played(run, one, sound=sound) for one in run.played if one.repeat == 0],
        "v2v": [turn.v2v_s for turn in run.turns],
        "took": {
            stage: [turn.took[stage] for turn in run.turns if stage in turn.took]
            for stage in STAGES
        },
    }


def _played(run: ReplayRun, one: ReplayPlay, *, sound: bool) -> dict[str, Any]:
    return {
        "name": one.name,
        "lasts_s": one.lasts_s,
        "peaks": one.peaks,
        "again": one.again,
        "cut_ins_s": one.marks.cut_ins_s,
        "noticed_cut_ins": one.marks.noticed_cut_ins,
        "missed_s": one.marks.missed_s,
        "late_stops_s": one.marks.late_stops_s,
        "failed": one.failed,
        "turns": [turn.as_json() for turn in one.turns],
        "sound": _sound(run, one) if sound else None,
    }


def _sound(run: ReplayRun, one: ReplayPlay) -> str | None:
    file = one.sound or "call.flac"
    if run.folder is None or not (run.folder / file).is_file():
        return None
    return base64.b64encode((run.folder / file).read_bytes()).decode()


def _pairs(runs: Sequence[ReplayRun]) -> list[tuple[str, int, int]]:
    """The recording, and the numbers of a turn in the one and in the other."""
    return [(name, mine.number, theirs.number) for name, mine, theirs in pair_up(*runs[:2])[0]]
