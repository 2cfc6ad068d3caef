"""Who may ask the language model next: calls before texts, and the texts' clients in turn.

An engine serves so many requests at once. A call that is connected has a place kept for it, so that
it never waits for a text; where the texts had all places before it came, the youngest gives way.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    CALL = "call"
    TEXT = "text"


class State(Enum):
    OUTSIDE = "outside"
    WAITING = "waiting"
    SERVED = "served"
    GIVING_WAY = "giving way"
    """Its place is wanted for a call; it holds it until `put_off` or `leave`."""


@dataclass(slots=True, eq=False)
class Ticket:
    """One request."""

    kind: Kind
    client: str = ""
    """Whose it is; texts only."""
    state: State = State.OUTSIDE


class FullError(Exception):
    """Nothing more can wait. The message may be shown to the client."""


class Queue:
    """`places` requests are served at once; `size` texts may wait, a client's own at most half."""

    def __init__(self, places: int, size: int) -> None:
        self.places = places
        self._size = size
        self._share = (size + 1) // 2
        self._calls: deque[Ticket] = deque()
        self._texts: dict[str, deque[Ticket]] = {}
        """By client, in the order in which they have their turns; none is empty."""
        self._served: list[Ticket] = []
        self._lines = 0

    # ---- what happens ----

    def call_began(self) -> None:
        self._lines += 1

    def call_ended(self) -> None:
        self._lines -= 1

    def enter(self, ticket: Ticket) -> None:
        """Raises FullError, for a text only: there are no more calls than the server admits."""
        assert ticket.state is State.OUTSIDE
        if ticket.kind is Kind.CALL:
            self._calls.append(ticket)
        else:
            own = self._texts.get(ticket.client, ())
            if self.waiting(Kind.TEXT) >= self._size:
                raise FullError(f"the queue is full ({self._size} are waiting): try again later")
            if len(own) >= self._share:
                raise FullError(f"your part of the queue is full ({len(own)} are waiting)")
            self._texts.setdefault(ticket.client, deque()).append(ticket)
        ticket.state = State.WAITING

    def leave(self, ticket: Ticket) -> None:
        """Waiting, served or gone: afterwards it is gone."""
        match ticket.state:
            case State.SERVED | State.GIVING_WAY:
                self._served.remove(ticket)
            case State.WAITING if ticket.kind is Kind.CALL:
                self._calls.remove(ticket)
            case State.WAITING:
                self._texts[ticket.client].remove(ticket)
                if not self._texts[ticket.client]:
                    del self._texts[ticket.client]
            case State.OUTSIDE:
                pass
        ticket.state = State.OUTSIDE

    def put_off(self, ticket: Ticket) -> None:
        """It gave way: it waits again, before all other texts."""
        assert ticket.state is State.GIVING_WAY
        self._served.remove(ticket)
        own = self._texts.pop(ticket.client, deque())
        own.appendleft(ticket)
        self._texts = {ticket.client: own, **self._texts}
        ticket.state = State.WAITING

    def settle(self) -> None:
        """Serve whom there is a place for; ask texts to give way to calls that have none."""
        while self._calls and len(self._served) < self.places:
            self._serve(self._calls.popleft())
        while self._texts and len(self._served) + self._kept() < self.places:
            client, own = next(iter(self._texts.items()))
            self._serve(own.popleft())
            del self._texts[client]
            if own:
                self._texts[client] = own
        wanted = min(len(self._calls), self._kept())  # one a call: it may withdraw and ask at once
        leaving = sum(ticket.state is State.GIVING_WAY for ticket in self._served)
        for ticket in reversed(self._served):
            if leaving >= wanted:
                break
            if ticket.kind is Kind.TEXT and ticket.state is State.SERVED:
                ticket.state = State.GIVING_WAY
                leaving += 1

    def _serve(self, ticket: Ticket) -> None:
        ticket.state = State.SERVED
        self._served.append(ticket)

    def _kept(self) -> int:
        """Places that belong to calls that are connected and have none now."""
        return max(0, self._lines - sum(one.kind is Kind.CALL for one in self._served))

    # ---- what there is ----

    def waiting(self, kind: Kind) -> int:
        return len(self._calls) if kind is Kind.CALL else sum(map(len, self._texts.values()))

    def served(self, kind: Kind) -> int:
        return sum(ticket.kind is kind for ticket in self._served)

    def place(self, ticket: Ticket) -> int:
        """How many are served up to and with it, if none comes or goes; 0 once it is not waiting.

        Calls go before it, and come as they like: they are counted as they are now.
        """
        if ticket.state is not State.WAITING:
            return 0
        if ticket.kind is Kind.CALL:
            return self._calls.index(ticket) + 1
        turn = self._texts[ticket.client].index(ticket)
        place = len(self._calls) + turn + 1
        is_before = True
        for client, own in self._texts.items():
            if client == ticket.client:
                is_before = False
            else:
                place += min(len(own), turn + is_before)
        return place
