"""The media sockets that have not said yet whose call they are: how many may wait, and how long."""

from collections import Counter
from dataclasses import dataclass

SIGNED_WAITING = 64
"""Sockets with Twilio's signature. Nobody else can take these places."""
UNSIGNED_WAITING = 32
"""Sockets without a signature, from all addresses together, ..."""
UNSIGNED_PER_ADDRESS = 4
"""... and from one."""
SIGNED_START_S = 5.0
"""From the open socket to Twilio's `start`."""
UNSIGNED_START_S = 2.0
"""The same, for a socket without a signature."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the waiting room; `address` is None where a signature vouches for the socket."""

    address: str | None

    @property
    def start_s(self) -> float:
        """Seconds within which the stream is to start."""
        return SIGNED_START_S if self.address is None else UNSIGNED_START_S


class WaitingRoom:
    """Places for signed and for unsigned sockets are counted apart."""

    def __init__(self) -> None:
        self._signed = 0
        self._unsigned: Counter[str] = Counter()

    def enter(self, address: str, *, is_signed: bool) -> Place | None:
        """None if there is no place; `leave` is owed for one that is given."""
        if is_signed:
            if self._signed >= SIGNED_WAITING:
                return None
            self._signed += 1
            return Place(None)
        is_full = self._unsigned.total() >= UNSIGNED_WAITING
        if is_full or self._unsigned[address] >= UNSIGNED_PER_ADDRESS:
            return None
        self._unsigned[address] += 1
        return Place(address)

    def leave(self, place: Place) -> None:
        if place.address is None:
            self._signed -= 1
        elif self._unsigned[place.address] > 1:
            self._unsigned[place.address] -= 1
        else:
            del self._unsigned[place.address]
