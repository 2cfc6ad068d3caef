"""A replay that is kept as a recording of its own."""

from pathlib import Path

import pytest

from replay.call_folder import load
from replay.performance import Company, Options
from replay.suite import BOX
from replay.turns import decisions_of, turns_of


@pytest.mark.parametrize("recording", ["phone"])
def test_what_is_recorded_anew_replays_as_it_went(tmp_path: Path, recording: str) -> None:
    company = Company()
    try:
        old = company.play(load(BOX / "smoke" / recording), Options(record=tmp_path))
        kept = load(tmp_path / recording)
        again = company.play(kept, Options())
    finally:
        company.close()

    assert [one.name for one in tmp_path.iterdir()] == [recording]
    assert kept.about["ended_s"] is not None
    assert kept.about["lost"] == 0
    assert turns_of(kept.events) == turns_of(old.replayed.lines)
    assert decisions_of(again.replayed.lines) == decisions_of(kept.events)
    assert again.again == {}
    assert (kept.sound[:, 0] == old.replayed.sound[: len(kept.sound), 0]).all()
