"""The suites that are built in: each recording that they name is there."""

from replay.suite import BOX, NAME, load_suite


def test_every_recording_that_a_suite_names_is_there() -> None:
    suites = [load_suite(path.parent) for path in sorted(BOX.glob(f"*/{NAME}"))]
    named = [item.path for suite in suites for item in suite.items]
    assert len(named) > 100
    assert [path for path in named if not path.exists()] == []
