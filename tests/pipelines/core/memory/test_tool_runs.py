"""Which call of a tool is run, and which is answered by a run that was made before."""

import pytest

from pipelines.core.memory.tool_runs import Fate, Repeats, ToolRun, ToolRuns

ALL = tuple(Repeats)


class Shop:
    """Asks for one and the same call, and notes which of its runs is new."""

    def __init__(self, repeats: Repeats = Repeats.WHEN_TOLD) -> None:
        self.runs = ToolRuns("call")
        self.repeats = repeats

    def ask(self, turn_id: int, arguments: str = "{}", name: str = "book") -> tuple[ToolRun, bool]:
        return self.runs.ask(name, arguments, self.repeats, turn_id)

    def begins(self, turn_id: int) -> bool:
        return self.ask(turn_id)[1]


def end(run: ToolRun, fate: Fate = Fate.DONE, *, told: bool = True) -> None:
    run.fate, run.told = fate, told


def test_the_same_call_is_run_once_in_a_turn_however_often_it_is_asked_for() -> None:
    shop = Shop()
    run, begins = shop.ask(1)
    end(run)
    assert begins
    assert [shop.ask(1) for _ in range(3)] == [(run, False)] * 3


def test_a_call_is_not_run_again_while_the_first_one_runs() -> None:
    shop = Shop()
    run, _ = shop.ask(1)
    assert shop.ask(2) == (run, False)
    assert shop.ask(9) == (run, False)


def test_a_call_is_not_run_again_before_the_model_was_told_of_its_result() -> None:
    shop = Shop()
    run, _ = shop.ask(1)
    end(run, told=False)
    assert shop.ask(2) == (run, False)
    run.told = True
    assert shop.begins(3)


def test_a_turn_that_was_answered_from_a_run_before_does_not_run_it_again() -> None:
    shop = Shop()
    run, _ = shop.ask(1)
    assert not shop.begins(2)
    end(run)
    assert not shop.begins(2)
    assert shop.begins(3)


def test_after_that_it_is_the_models_own_choice() -> None:
    shop = Shop()
    for turn_id in (1, 2, 3):
        run, begins = shop.ask(turn_id)
        assert begins
        end(run)


def test_what_may_be_done_once_is_not_done_again_for_as_long_as_the_call_lasts() -> None:
    shop = Shop(Repeats.NEVER)
    end(shop.ask(1)[0])
    assert not any(shop.begins(turn_id) for turn_id in range(1, 100))


def test_what_may_be_repeated_is_run_whenever_it_is_asked_for() -> None:
    shop = Shop(Repeats.ALWAYS)
    assert [shop.begins(1) for _ in range(3)] == [True] * 3


@pytest.mark.parametrize("repeats", [Repeats.NEVER, Repeats.WHEN_TOLD])
def test_a_run_that_failed_is_tried_again_in_a_later_turn_under_its_id(repeats: Repeats) -> None:
    shop = Shop(repeats)
    first, _ = shop.ask(1)
    end(first, Fate.FAILED)
    assert not shop.begins(1)
    second, begins = shop.ask(2)
    assert begins
    assert second is not first
    assert second.run_id == first.run_id


def test_a_run_that_was_cancelled_counts_as_not_made() -> None:
    shop = Shop(Repeats.NEVER)
    end(shop.ask(1)[0], Fate.CANCELLED)
    assert shop.begins(1)


@pytest.mark.parametrize("repeats", ALL)
def test_another_name_or_other_arguments_are_another_call(repeats: Repeats) -> None:
    shop = Shop(repeats)
    asked = [("book", '{"people":2}'), ("book", '{"people":3}'), ("cancel", '{"people":2}')]
    runs = [shop.ask(1, arguments, name) for name, arguments in asked]
    assert all(begins for _, begins in runs)
    assert len({run.run_id for run, _ in runs}) == 3
