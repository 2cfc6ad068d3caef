"""The order of the queue: the next to be served, and who waits for whom."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.texts.queueing import FullError, Queue, QueueState, QueueTicket, RequestKind


def text(client: str = "a") -> QueueTicket:
    return QueueTicket(RequestKind.TEXT, client)


def call() -> QueueTicket:
    return QueueTicket(RequestKind.CALL)


def queue(*tickets: QueueTicket, places: int = 1, size: int = 64, lines: int = 0) -> Queue:
    made = Queue(places, size)
    for _ in range(lines):
        made.call_began()
    enter(made, *tickets)
    return made


def enter(into: Queue, *tickets: QueueTicket) -> None:
    for ticket in tickets:
        into.enter(ticket)
        into.settle()


def order(through: Queue, *tickets: QueueTicket) -> list[int]:
    """The numbers of the tickets, as they are served one after another."""
    left, served = list(tickets), []
    while left:
        now = [ticket for ticket in left if ticket.state is QueueState.SERVED]
        assert now
        for ticket in now:
            served.append(tickets.index(ticket))
            left.remove(ticket)
        for ticket in now:
            through.leave(ticket)
        through.settle()
    return served


def test_one_client_is_served_in_order() -> None:
    tickets = [text() for _ in range(5)]
    assert order(queue(*tickets), *tickets) == [0, 1, 2, 3, 4]


def test_clients_take_turns_however_much_one_has_asked() -> None:
    tickets = [*(text("greedy") for _ in range(4)), text("b"), text("c"), text("b")]
    assert order(queue(*tickets), *tickets) == [0, 1, 4, 5, 2, 6, 3]


def test_who_takes_another_name_for_each_request_has_one_address_turn_all_the_same() -> None:
    tickets = [*(text(f"greedy/{n}") for n in range(4)), text("b/1"), text("c/1"), text("b/2")]
    assert order(queue(*tickets), *tickets) == [0, 1, 4, 5, 2, 6, 3]


def test_the_clients_of_one_address_take_turns_too() -> None:
    tickets = [*(text("a/greedy") for _ in range(4)), text("a/b"), text("a/c"), text("a/b")]
    line = queue(*tickets)
    assert [line.place(ticket) for ticket in tickets] == [0, 1, 4, 6, 2, 3, 5]
    assert order(line, *tickets) == [0, 1, 4, 5, 2, 6, 3]


def test_who_leaves_gives_its_turn_to_its_clients_next() -> None:
    served, first, second, third, other = (text(f"a/{name}") for name in "sbbbc")
    line = queue(served, first, second, third, other)
    assert [line.place(one) for one in (first, other, second, third)] == [1, 2, 3, 4]
    line.leave(first)
    assert [line.place(one) for one in (second, other, third)] == [1, 2, 3]
    assert order(line, served, second, other, third) == [0, 1, 2, 3]


def test_new_names_do_not_keep_an_older_request_of_their_address_waiting() -> None:
    old = [text("a/old") for _ in range(3)]
    line, everyone = queue(*old), list(old)
    for n in range(3):
        everyone.append(text(f"a/new {n}"))
        enter(line, everyone[-1])
        [served] = [one for one in everyone if one.state is QueueState.SERVED]
        line.leave(served)
        line.settle()
    assert old[-1].state is QueueState.SERVED


def test_who_comes_back_each_time_does_not_keep_others_waiting() -> None:
    slow, quick = [text("slow") for _ in range(3)], [text("quick") for _ in range(3)]
    line = queue(*slow)
    enter(line, quick[0])
    line.leave(slow[0])
    line.settle()  # its second: it had its turn before the other came
    assert slow[1].state is QueueState.SERVED
    line.leave(slow[1])
    line.settle()
    assert quick[0].state is QueueState.SERVED
    enter(line, quick[1])
    line.leave(quick[0])
    line.settle()
    assert slow[2].state is QueueState.SERVED


def test_so_many_are_served_at_once_as_there_are_places() -> None:
    tickets = [text(str(i)) for i in range(5)]
    line = queue(*tickets, places=2)
    assert [ticket.state is QueueState.SERVED for ticket in tickets] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert (line.served(RequestKind.TEXT), line.waiting(RequestKind.TEXT)) == (2, 3)


def test_a_place_says_how_many_are_served_until_then() -> None:
    tickets = [*(text("greedy") for _ in range(4)), text("b"), text("c"), text("b")]
    line = queue(*tickets)
    assert [line.place(ticket) for ticket in tickets] == [0, 1, 4, 6, 2, 3, 5]


def test_who_leaves_the_queue_lets_the_others_move_up() -> None:
    tickets = [text(str(i)) for i in range(4)]
    line = queue(*tickets)
    line.leave(tickets[1])
    assert [line.place(ticket) for ticket in tickets] == [0, 0, 1, 2]
    line.leave(tickets[1])  # once is enough
    assert order(line, tickets[0], tickets[2], tickets[3]) == [0, 1, 2]


def test_who_leaves_while_served_frees_the_place_at_once() -> None:
    tickets = [text(str(i)) for i in range(3)]
    line = queue(*tickets)
    line.leave(tickets[0])
    line.settle()
    assert [line.place(ticket) for ticket in tickets[1:]] == [0, 1]


def test_a_full_queue_takes_nothing_more_and_one_client_fills_no_more_than_half() -> None:
    line = queue(text("served"), size=4)
    enter(line, text("greedy"), text("greedy"))
    with pytest.raises(FullError, match="your part of the queue is full"):
        line.enter(text("greedy"))
    enter(line, text("b"), text("c"))
    late = text("d")
    with pytest.raises(FullError, match=r"the queue is full \(4 are waiting\)"):
        line.enter(late)
    assert late.state is QueueState.OUTSIDE
    assert line.waiting(RequestKind.TEXT) == 4


def test_one_address_leaves_a_quarter_of_the_queue_to_others() -> None:
    line = queue(text("served"), size=8)
    enter(line, *(text(f"greedy/{n}") for n in range(6)))
    with pytest.raises(FullError, match="your part of the queue is full"):
        line.enter(text("greedy/new"))
    enter(line, text("b"))


def test_calls_go_before_texts_and_are_not_turned_away() -> None:
    served, waits, calls = call(), text(), [call() for _ in range(5)]
    line = queue(served, waits, *calls, size=1)
    assert order(line, served, *calls, waits) == [0, 1, 2, 3, 4, 5, 6]


def test_a_place_is_kept_for_each_call_that_is_connected() -> None:
    texts = [text(str(i)) for i in range(3)]
    line = queue(*texts, places=3, lines=2)
    assert line.served(RequestKind.TEXT) == 1
    thinks = call()
    enter(line, thinks)
    assert thinks.state is QueueState.SERVED
    assert line.served(RequestKind.TEXT) == 1
    line.leave(thinks)
    line.call_ended()
    line.settle()
    assert line.served(RequestKind.TEXT) == 2


def test_a_text_gives_way_to_a_call_that_came_later_the_youngest_first() -> None:
    old, young, waits = text("old"), text("young"), text("waits")
    line = queue(old, young, waits, places=2)
    line.call_began()
    thinks = call()
    enter(line, thinks)
    assert (old.state, young.state, thinks.state) == (
        QueueState.SERVED,
        QueueState.GIVING_WAY,
        QueueState.WAITING,
    )
    line.settle()  # one is enough
    assert old.state is QueueState.SERVED
    line.put_off(young)
    line.settle()
    assert thinks.state is QueueState.SERVED
    assert [line.place(ticket) for ticket in (young, waits)] == [1, 2]
    line.leave(thinks)
    line.call_ended()
    line.settle()
    assert young.state is QueueState.SERVED


def test_a_call_that_asks_twice_at_once_takes_no_second_place_from_a_text() -> None:
    first, second, writes = call(), call(), text()
    line = queue(first, writes, second, places=2, lines=1)
    assert (first.state, writes.state, second.state) == (
        QueueState.SERVED,
        QueueState.SERVED,
        QueueState.WAITING,
    )
    line.leave(first)  # it was withdrawn
    line.settle()
    assert (second.state, writes.state) == (QueueState.SERVED, QueueState.SERVED)


def test_who_was_put_off_goes_before_its_own_others() -> None:
    first, second = text("a"), text("a")
    line = queue(first, second)
    line.call_began()
    thinks = call()
    enter(line, thinks)
    line.put_off(first)
    line.settle()
    line.leave(thinks)
    line.call_ended()
    line.settle()
    assert (first.state, line.place(second)) == (QueueState.SERVED, 1)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("text"), st.integers(0, 3)),
        st.tuples(st.sampled_from(["call", "began", "ended"]), st.just(0)),
        st.tuples(st.sampled_from(["leave", "put off"]), st.integers(0, 20)),
    ),
    max_size=60,
)


@given(steps, st.integers(1, 3))
def test_whatever_happens_no_place_is_lost_and_none_is_taken_twice(
    script: list[tuple[str, int]], places: int
) -> None:
    line, tickets, lines = Queue(places, 8), list[QueueTicket](), 0
    for what, which in script:
        giving_way = [ticket for ticket in tickets if ticket.state is QueueState.GIVING_WAY]
        match what:
            case "text" | "call":
                came(line, tickets, text(f"{which % 2}/{which}") if what == "text" else call())
            case "began":
                line.call_began()
                lines += 1
            case "ended" if lines:
                line.call_ended()
                lines -= 1
            case "leave" if tickets:
                line.leave(tickets.pop(which % len(tickets)))
            case "put off" if giving_way:
                line.put_off(giving_way[0])
        line.settle()
        check(line, tickets, places, lines)


def came(line: Queue, tickets: list[QueueTicket], ticket: QueueTicket) -> None:
    try:
        line.enter(ticket)
    except FullError:
        assert line.waiting(RequestKind.TEXT) >= 4
    else:
        tickets.append(ticket)


def check(line: Queue, tickets: list[QueueTicket], places: int, lines: int) -> None:
    held = [t for t in tickets if t.state in (QueueState.SERVED, QueueState.GIVING_WAY)]
    waits = [t for t in tickets if t.state is QueueState.WAITING]
    assert len(held) == line.served(RequestKind.CALL) + line.served(RequestKind.TEXT) <= places
    assert len(held) + len(waits) == len(tickets)
    waiting_calls = [t for t in waits if t.kind is RequestKind.CALL]
    if waiting_calls:  # then no text keeps it from its place
        giving_way = sum(t.state is QueueState.GIVING_WAY for t in held)
        assert len(held) == places
        owed = max(0, lines - line.served(RequestKind.CALL))
        assert giving_way >= min(len(waiting_calls), owed, line.served(RequestKind.TEXT))
    elif waits and not lines:
        assert len(held) == places
    ahead = sorted(line.place(t) for t in waits if t.kind is RequestKind.TEXT)
    assert ahead == [*range(len(waiting_calls) + 1, len(waits) + 1)]


def test_a_call_that_waits_has_its_place_among_calls_and_may_leave() -> None:
    served, first, second = call(), call(), call()
    waiting = queue(served, first, second)
    assert [waiting.place(ticket) for ticket in (served, first, second)] == [0, 1, 2]

    waiting.leave(first)
    waiting.settle()

    assert waiting.place(second) == 1
    assert first.state is QueueState.OUTSIDE


def test_one_text_of_several_leaves_and_the_others_of_its_address_stay() -> None:
    tickets = [text("a"), text("a"), text("a"), text("a")]
    waiting = queue(*tickets)

    waiting.leave(tickets[1])

    assert [waiting.place(ticket) for ticket in tickets] == [0, 0, 1, 2]
