"""The suites that are built in: each recording that they name is there; and the marks they give."""

from pathlib import Path

import numpy as np
import pytest

from replay.suite import BOX, NAME, LabelledTurn, SuiteItem, load_suite, marks_of


def test_every_recording_that_a_suite_names_is_there() -> None:
    suites = [load_suite(path.parent) for path in sorted(BOX.glob(f"*/{NAME}"))]
    named = [item.path for suite in suites for item in suite.items]
    assert len(named) > 100
    assert [path for path in named if not path.exists()] == []


RATE_HZ = 16_000
ITEM = SuiteItem(
    Path("a"),
    said=(LabelledTurn(1.0, 4.0), LabelledTurn(8.0, 9.0, must_answer=False)),
    silent=((12.0, 13.0),),
)


@pytest.mark.parametrize(
    ("bot", "cut_ins_s", "heard_s"),
    [
        ([(4.4, 6.0)], [], []),
        ([(2.0, 2.2), (4.4, 6.0)], [2.0], [0.2]),
        ([(2.0, 2.2), (2.3, 2.5), (4.4, 6.0)], [2.0], [0.4]),
        ([(2.0, 2.2), (3.0, 3.5), (4.4, 6.0)], [2.0, 3.0], [0.2, 0.5]),
        ([(4.4, 6.0), (8.5, 9.5)], [8.5], [1.0]),
        ([(4.4, 6.0), (12.5, 12.75)], [12.5], [0.25]),
    ],
)
def test_each_cut_in_is_told_with_how_long_it_was_audible(
    bot: list[tuple[float, float]], cut_ins_s: list[float], heard_s: list[float]
) -> None:
    sound = np.zeros((15 * RATE_HZ, 2), np.int16)
    tone = (8000 * np.sin(np.arange(len(sound)) * 0.2)).astype(np.int16)
    for start_s, end_s in bot:
        loud = slice(round(start_s * RATE_HZ), round(end_s * RATE_HZ))
        sound[loud, 1] = tone[loud]
    marks = marks_of(ITEM, [], sound, RATE_HZ)

    assert marks.cut_ins_s == pytest.approx(cut_ins_s, abs=0.02)
    assert marks.cut_ins_heard_s == pytest.approx(heard_s, abs=0.03)
    assert marks.noticed_cut_ins == sum(one > 0.3 for one in heard_s)
