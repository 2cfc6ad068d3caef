"""Urgent before others, old before new; and when too many wait, the right one gives way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.services.give_way_queue import GiveWayQueue


def filled(*urgent: bool, limit: int = 9) -> GiveWayQueue[list[int]]:
    """Items are lists, so that equal ones are told apart."""
    queue = GiveWayQueue[list[int]](limit)
    for number, one in enumerate(urgent):
        queue.push([number], urgent=one)
    return queue


def test_urgent_items_go_first_and_the_oldest_of_a_kind_before_the_others() -> None:
    queue = filled(False, True, False, True)
    assert queue.first == [1]
    assert [queue.pop() for _ in range(4)] == [[1], [3], [0], [2]]
    with pytest.raises(IndexError):
        queue.pop()


@pytest.mark.parametrize(
    ("waiting", "urgent", "gone"),
    [
        ([False, False], False, [0]),
        ([False, False], True, [0]),
        ([True, False], False, [1]),
        ([True, True], False, [2]),
        ([True, True], True, [2]),
    ],
)
def test_the_oldest_that_is_not_urgent_gives_way_else_the_newest(
    waiting: list[bool], urgent: bool, gone: list[int]
) -> None:
    assert filled(*waiting, limit=2).push([2], urgent=urgent) == gone


def test_an_item_is_taken_out_by_what_it_is_and_not_by_what_it_equals() -> None:
    queue, mine, equal = GiveWayQueue[list[int]](9), [7], [7]
    queue.push(equal, urgent=True)
    queue.push(mine, urgent=True)
    queue.remove(mine)
    queue.remove(mine)
    assert queue.clear()[0] is equal
    assert len(queue) == 0


@given(st.lists(st.booleans(), max_size=40), st.integers(1, 9))
def test_never_more_wait_than_may_and_none_is_lost(urgent: list[bool], limit: int) -> None:
    queue, gone = GiveWayQueue[list[int]](limit), []
    for number, one in enumerate(urgent):
        if (given_up := queue.push([number], urgent=one)) is not None:
            gone.append(given_up)
        assert len(queue) <= limit
    assert sorted([*gone, *queue]) == [[number] for number in range(len(urgent))]
