"""The order of requests to the model: calls before texts, and the texts' addresses in turn.

Within an address its clients take turns. They name themselves: one who takes another name for each
request gains nothing over other addresses, and goes behind whoever waits at its own.

An engine serves so many requests at once. A call that is connected has a place kept for it, so that
it never waits for a text; where the texts had all places before it came, the youngest gives way.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum

MOST_WAITING = 64
"""Texts that may wait; one client's may fill half of that, one address's three quarters."""


class RequestKind(Enum):
    CALL = "call"
    TEXT = "text"


class QueueState(Enum):
    OUTSIDE = "outside"
    WAITING = "waiting"
    SERVED = "served"
    GIVING_WAY = "giving way"
    """Its place is wanted for a call; it holds it until `put_off` or `leave`."""


@dataclass(slots=True, eq=False)
class QueueTicket:
    """One request."""

    kind: RequestKind
    client: str = ""
    """Whose it is; texts only. An address, and after a slash who it is there."""
    state: QueueState = QueueState.OUTSIDE
    turn: int = 0
    """Among those of its address."""

    @property
    def address(self) -> str:
        return self.client.partition("/")[0]


class FullError(Exception):
    """Nothing more can wait. The message may be shown to the client."""


class Queue:
    """`places` requests are served at once; `size` texts may wait.

    A client's own are at most half of that, and those of an address three quarters.
    """

    def __init__(self, places: int, size: int) -> None:
        self.places = places
        self._size = size
        self._share, self._address_share = -(-size // 2), -(-3 * size // 4)
        self._calls: deque[QueueTicket] = deque()
        self._texts: dict[str, deque[QueueTicket]] = {}
        """By address, in the order in which they have their turns; none is empty."""
        self._turns: dict[str, int] = {}
        """For each address with a waiting request, the turn that was served last."""
        self._served: list[QueueTicket] = []
        self._lines = 0

    # ---- what happens ----

    def call_began(self) -> None:
        self._lines += 1

    def call_ended(self) -> None:
        self._lines -= 1

    def enter(self, ticket: QueueTicket) -> None:
        """Raises FullError, for a text only: there are no more calls than the server admits."""
        assert ticket.state is QueueState.OUTSIDE
        if ticket.kind is RequestKind.CALL:
            self._calls.append(ticket)
        else:
            own = self._texts.get(ticket.address, deque())
            mine = [one.turn for one in own if one.client == ticket.client]
            if self.waiting(RequestKind.TEXT) >= self._size:
                raise FullError(f"the queue is full ({self._size} are waiting): try again later")
            if len(mine) >= self._share or len(own) >= self._address_share:
                raise FullError(f"your part of the queue is full ({len(own)} are waiting)")
            ticket.turn = 1 + max(mine, default=self._turns.get(ticket.address, 0))
            later = (n for n, one in enumerate(own) if one.turn > ticket.turn)
            own.insert(next(later, len(own)), ticket)
            self._texts[ticket.address] = own
        ticket.state = QueueState.WAITING

    def leave(self, ticket: QueueTicket) -> None:
        """Waiting, served or gone: afterwards it is gone."""
        match ticket.state:
            case QueueState.SERVED | QueueState.GIVING_WAY:
                self._served.remove(ticket)
            case QueueState.WAITING if ticket.kind is RequestKind.CALL:
                self._calls.remove(ticket)
            case QueueState.WAITING:
                self._move_up(self._texts[ticket.address], ticket)
                if not self._texts[ticket.address]:
                    del self._texts[ticket.address]
                    self._turns.pop(ticket.address, None)
            case QueueState.OUTSIDE:
                pass
        ticket.state = QueueState.OUTSIDE

    def _move_up(self, own: deque[QueueTicket], gone: QueueTicket) -> None:
        """Each later one of the same client has the turn of the one before it."""
        at = own.index(gone)
        for later in range(at + 1, len(own)):
            one = own[later]
            if one.client == gone.client:
                own[at], own[later] = one, gone
                one.turn, gone.turn = gone.turn, one.turn
                at = later
        del own[at]

    def put_off(self, ticket: QueueTicket) -> None:
        """It gave way: it waits again, before all other texts."""
        assert ticket.state is QueueState.GIVING_WAY
        self._served.remove(ticket)
        own = self._texts.pop(ticket.address, deque())
        own.appendleft(ticket)
        self._texts = {ticket.address: own, **self._texts}
        ticket.state = QueueState.WAITING

    def settle(self) -> None:
        """Serve whom there is a place for; ask texts to give way to calls that have none."""
        while self._calls and len(self._served) < self.places:
            self._serve(self._calls.popleft())
        while self._texts and len(self._served) + self._kept() < self.places:
            address, own = next(iter(self._texts.items()))
            ticket = own.popleft()
            self._serve(ticket)
            del self._texts[address]
            if own:
                self._texts[address] = own
                self._turns[address] = ticket.turn
            else:
                self._turns.pop(address, None)
        wanted = min(len(self._calls), self._kept())  # one a call: it may withdraw and ask at once
        leaving = sum(ticket.state is QueueState.GIVING_WAY for ticket in self._served)
        for ticket in reversed(self._served):
            if leaving >= wanted:
                break
            if ticket.kind is RequestKind.TEXT and ticket.state is QueueState.SERVED:
                ticket.state = QueueState.GIVING_WAY
                leaving += 1

    def _serve(self, ticket: QueueTicket) -> None:
        ticket.state = QueueState.SERVED
        self._served.append(ticket)

    def _kept(self) -> int:
        """Places that belong to calls that are connected and have none now."""
        return max(0, self._lines - sum(one.kind is RequestKind.CALL for one in self._served))

    # ---- what there is ----

    def waiting(self, kind: RequestKind) -> int:
        return len(self._calls) if kind is RequestKind.CALL else sum(map(len, self._texts.values()))

    def served(self, kind: RequestKind) -> int:
        return sum(ticket.kind is kind for ticket in self._served)

    def place(self, ticket: QueueTicket) -> int:
        """How many are served up to and with it, if none comes or goes; 0 once it is not waiting.

        Calls go before it, and come as they like: they are counted as they are now.
        """
        if ticket.state is not QueueState.WAITING:
            return 0
        if ticket.kind is RequestKind.CALL:
            return self._calls.index(ticket) + 1
        turn = self._texts[ticket.address].index(ticket)
        place = len(self._calls) + turn + 1
        is_before = True
        for address, own in self._texts.items():
            if address == ticket.address:
                is_before = False
            else:
                place += min(len(own), turn + is_before)
        return place
