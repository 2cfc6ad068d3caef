"""The server's open connections, counted: which come in, and which have to go for them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

CONNECTIONS_BESIDE_CALLS = 768
"""Connections that are no calls: pages that load, texts, and strangers."""
CONNECTIONS_PER_ADDRESS = 64
"""The same from one address, or one network of IPv6 (/64): its calls come on top of that. A proxy
that is trusted has no share of its own.
"""

_IPV6_SHARE = 64
"""Bits of the network that one household or machine has."""


@dataclass(frozen=True, slots=True)
class Admission:
    """One more connection may stay; if the house was full, this one has to go for it."""

    evicted: int | None = None


class Crowd:
    """Connections by a number, the file descriptor. Those that wait for their client's next
    request hold a place as long as nobody else needs it, the oldest the shortest.
    """

    def __init__(self, most: int, per_address: int, proxies: Iterable[str] = ()) -> None:
        """`proxies` are addresses and networks that speak for many clients."""
        self._most = most
        self._per_address = per_address
        self._proxies = [ip_network(one) for one in proxies]
        self._addresses: dict[int, str] = {}
        self._shares: Counter[str] = Counter()
        self._waiting: dict[int, None] = {}
        """The oldest first."""
        self.refused = 0

    def __len__(self) -> int:
        return len(self._addresses)

    def enter(self, connection: int, address: str) -> Admission | None:
        """None if there is no place, and nothing is owed; else `leave` is owed."""
        share = self._share_of(address)
        evicted: int | None = None
        if share and self._shares[share] >= self._per_address:
            self.refused += 1
            return None
        if len(self._addresses) >= self._most:
            evicted = next(iter(self._waiting), None)
            self.refused += 1
            if evicted is None:
                return None
            self.leave(evicted)
        self._addresses[connection] = share
        self._shares[share] += 1
        self._waiting[connection] = None
        return Admission(evicted)

    def occupy(self, connection: int) -> None:
        """It is served: nobody takes its place."""
        self._waiting.pop(connection, None)

    def wait(self, connection: int) -> None:
        """We wait for its client."""
        if connection in self._addresses:
            self._waiting.setdefault(connection)

    def leave(self, connection: int) -> None:
        """It is closed, or about to be."""
        share = self._addresses.pop(connection, None)
        if share is None:
            return
        self._waiting.pop(connection, None)
        self._shares[share] -= 1
        if self._shares[share] <= 0:
            del self._shares[share]

    def _share_of(self, address: str) -> str:
        """The part of the world that has one share; empty for those that are not counted apart."""
        try:
            at = ip_address(address.partition("%")[0])
        except ValueError:  # no address: a local socket
            return ""
        plain = _unmapped(at)
        if any(plain in network for network in self._proxies):
            return ""
        if isinstance(plain, IPv4Address):
            return str(plain)
        return str(ip_network((plain, _IPV6_SHARE), strict=False))


def _unmapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
