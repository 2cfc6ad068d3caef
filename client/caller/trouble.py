"""Faults of the network between Twilio and a server, on demand."""

import math
import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields

from client.caller.dialect import Message

STALL_EVERY_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFaults:
    """None of it by default. Chance is seeded."""

    jitter: float = 0.0
    """Seconds that a message is late, at most; each by a chance of its own, the order kept."""
    loss: float = 0.0
    """Share of audio messages that never arrive."""
    stall: float = 0.0
    """Seconds for which nothing arrives, every STALL_EVERY_S; then all of it at once."""
    duplicate: float = 0.0
    """Share of audio messages that arrive twice."""
    reorder: float = 0.0
    """Share of audio messages that arrive after the one that follows them."""
    vanish: float | None = None
    """Seconds into the call after which the caller is gone, the socket left open and unread."""
    seed: int = 0


SHARES = ("loss", "duplicate", "reorder")


def parse(text: str) -> NetworkFaults:
    """`jitter=0.06,loss=0.05`. Raises ValueError with a line for a person."""
    known = {field.name for field in fields(NetworkFaults)}
    found: dict[str, float] = {}
    for item in text.replace(",", " ").split():
        name, _, value = item.partition("=")
        if name not in known:
            raise ValueError(f"{name!r} is no trouble; there are {', '.join(sorted(known))}")
        try:
            found[name] = float(value)
        except ValueError:
            raise ValueError(f"{item!r} should be like {name}=0.1") from None
        most = 1.0 if name in SHARES else math.inf
        if not (0 <= found[name] <= most and math.isfinite(found[name])):
            raise ValueError(f"{item!r} is out of range")
    seed = int(found.pop("seed", 0))
    return NetworkFaults(**found, seed=seed)


class SimulatedNetwork:
    """Messages on their way to the server: put in when they are sent, taken out when they arrive.

    It owes its messages to the order in which they were put, but for `reorder`.
    """

    def __init__(self, trouble: NetworkFaults, is_audio: Callable[[Message], bool]) -> None:
        self._trouble = trouble
        self._is_audio = is_audio
        self._random = random.Random(trouble.seed)
        self._under_way: deque[tuple[float, Message]] = deque()
        self._held: Message | None = None
        """An audio message that waits for the next one to overtake it."""
        self._latest_s = -math.inf
        self._began_s: float | None = None

    @property
    def deadline(self) -> float:
        """When the next message arrives."""
        return self._under_way[0][0] if self._under_way else math.inf

    def put(self, messages: Sequence[Message], now: float) -> None:
        for message in messages:
            if self._is_audio(message):
                self._put_audio(message, now)
            else:
                self._let_go(now)
                self._send(message, now)

    def take(self, now: float) -> Iterator[Message]:
        """Messages that have arrived by `now`, each taken out as it is asked for: two may ask by
        turns.
        """
        while self._under_way and self._under_way[0][0] <= now:
            yield self._under_way.popleft()[1]

    def _put_audio(self, message: Message, now: float) -> None:
        chance = self._random.random
        if chance() < self._trouble.loss:
            return
        if self._held is None and chance() < self._trouble.reorder:
            self._held = message
            return
        self._send(message, now)
        if chance() < self._trouble.duplicate:
            self._send(message, now)
        self._let_go(now)

    def _let_go(self, now: float) -> None:
        held, self._held = self._held, None
        if held is not None:
            self._send(held, now)

    def _send(self, message: Message, now: float) -> None:
        if self._began_s is None:
            self._began_s = now
        late_s = self._random.uniform(0.0, self._trouble.jitter)
        self._latest_s = max(self._latest_s, self._after_stall(now + late_s))
        self._under_way.append((self._latest_s, message))

    def _after_stall(self, at_s: float) -> float:
        """The last `stall` of each STALL_EVERY_S are silent, however long `stall` is."""
        if not self._trouble.stall or self._began_s is None:
            return at_s
        period_s = STALL_EVERY_S + self._trouble.stall
        into_s = (at_s - self._began_s) % period_s
        return at_s if into_s < STALL_EVERY_S else at_s + period_s - into_s
