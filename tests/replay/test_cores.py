"""How long threads waited for a processor core, of which stretch."""

import pytest

from replay.cores import Waits, waited_s


def test_what_was_waited_in_a_stretch_is_what_was_added_in_it() -> None:
    waits = Waits(begun_s=0.0)
    for at_s, total_s in ((0.0, 5.0), (1.0, 5.0), (1.1, 5.08), (2.0, 5.08)):
        waits.note(at_s, total_s)
    assert waits.between(0.2, 0.9) == 0.0
    assert waits.between(0.5, 1.5) == pytest.approx(0.08)
    assert waits.between(1.05, 1.5) == pytest.approx(0.04)
    assert waits.between(1.9, 9.0) == 0.0


def test_where_the_kernel_tells_nothing_nothing_is_known() -> None:
    assert Waits(begun_s=0.0).between(0.0, 1.0) is None


def test_what_was_waited_never_becomes_less() -> None:
    first, second = waited_s(), waited_s()
    assert first is None or second is None or 0.0 <= first <= second
