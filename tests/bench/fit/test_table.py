"""The fit of the weights: it follows the rows as far as they go, and the prior elsewhere."""

import numpy as np
import pytest

from bench.fit.pauses import HeardSilence, HeardTurn, LabelledSilence
from bench.fit.table import PRIOR, Table, rows_of


def turn(speaker: str, *silences: tuple[str, str], source: str = "calls") -> HeardTurn:
    """Its silences: what had been said by then, and the kind of pause."""
    return HeardTurn(
        name=f"{speaker}/{silences[-1][0]}",
        speaker=speaker,
        source=source,
        asked="",
        silences=tuple(
            HeardSilence(LabelledSilence(1.0, 1.0, kind), text, (), (0.5, 0.5))
            for text, kind in silences
        ),
    )


def table(*turns: HeardTurn) -> Table:
    return Table(rows_of(turns))


def every(of: Table) -> np.ndarray:
    return np.ones(len(of.rows), dtype=bool)


GOES_ON = ("It is nice and", "hanging"), ("It is nice and we came again on Monday,", "end")


def test_without_rows_the_weights_are_those_set_by_hand() -> None:
    one = table(turn("a", *GOES_ON))

    assert one.fit(~every(one)) == PRIOR


def test_a_weight_of_which_no_row_tells_stays_where_it_was() -> None:
    one = table(*[turn("a", *GOES_ON)] * 20)
    fitted = one.fit(every(one))

    assert fitted.counted == PRIOR.counted
    assert fitted.comma > PRIOR.comma


@pytest.mark.parametrize("count", [2, 20, 400])
def test_the_more_rows_say_so_the_farther_a_weight_goes(count: int) -> None:
    fewer, more = (table(*[turn("a", *GOES_ON)] * n) for n in (count, 2 * count))

    assert more.fit(every(more)).comma > fewer.fit(every(fewer)).comma > PRIOR.comma


def test_the_fitted_weights_are_the_likeliest() -> None:
    """Fitting again from what was found, by no more than rounding: the gradient there is nought."""
    one = table(*[turn("a", *GOES_ON), turn("b", ("I live in Paris.", "end"))] * 10)
    mirrored = table(*reversed([row.turn for row in one.rows if row.is_end]))

    assert one.fit(every(one)) == mirrored.fit(every(mirrored))


def test_a_speaker_is_judged_by_weights_that_never_heard_them() -> None:
    with_b = table(turn("a", *GOES_ON), *[turn("b", ("My name is", "end"))] * 30)
    without_b = table(turn("a", *GOES_ON))

    assert with_b.left_out()[-1] == without_b.fit(every(without_b))
    assert with_b.left_out()[0].bias > PRIOR.bias


def test_the_held_half_of_the_read_suite_is_in_no_fit() -> None:
    held = turn("held", ("My name is", "end"), source="read")
    both = table(turn("a", *GOES_ON), *[held] * 30)
    alone = table(turn("a", *GOES_ON))

    assert both.left_out()[-1] == alone.fit(every(alone))
