"""The whole benchmark with one recording: real processes, real models, real time."""

import json
import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from bench.command import turns
from bench.playlist import playlist

app = typer.Typer()
app.command()(turns)


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_one_recording_at_both_servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = [item for item in playlist("fit") if item.what == "sentence" and not item.pauses]
    monkeypatch.setattr("bench.command.playlist", lambda half: plain[:1])
    rows, picture = tmp_path / "turns.json", tmp_path / "turns.svg"
    words = ["--peer", "stock", "--half", "fit"]
    result = CliRunner().invoke(app, [*words, "--json", str(rows), "--picture", str(picture)])

    assert result.exit_code == 0, result.output
    assert re.search(r"v2v p50 .* ms .* ms", result.output)
    told = json.loads(rows.read_text())
    assert [play["server"] for play in told["plays"]] == ["stock", "ours"]
    assert [play["failed"] for play in told["plays"]] == [None, None]
    assert all(play["opened"] >= 1 and play["asked"] for play in told["plays"])
    assert told["plays"][1]["ledger"]["segments"]
    assert [one["server"] for one in told["summary"]] == ["stock", "ours"]
    assert picture.read_text().startswith("<svg")
