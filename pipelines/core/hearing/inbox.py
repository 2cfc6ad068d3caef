"""Events on their way to a call that has not come to them: the newest sound of the caller is kept.

After a stall of the network or of the machine the sound of many seconds comes at once. What is
older than `SOUND_S` by then is left out, and the gap is marked where it was.
"""

from collections import deque
from dataclasses import dataclass, field

from pipelines.core.exchange import AudioIn, FromCaller, SoundLost

SOUND_S = 10.0
"""Seconds of sound that wait; of more, the newest are kept."""
EVENTS = 2048
"""Everything else, which is rare and must not be lost; one more, and the call has failed. At once
there may be 700: what a stalled network has kept on the telephone.
"""


@dataclass(slots=True)
class Inbox:
    rate_hz: int
    """The rate of the caller's sound."""
    _sound: deque[tuple[int, AudioIn]] = field(default_factory=deque)
    _others: deque[tuple[int, FromCaller]] = field(default_factory=deque)
    came_s: float = 0.0
    """Seconds of sound that were ever put in."""
    _number: int = 0
    _waiting: int = 0
    """Samples."""
    _gap: int = 0
    """Samples left out before the oldest sound that waits."""

    def __len__(self) -> int:
        return len(self._sound) + len(self._others)

    @property
    def waiting_s(self) -> float:
        """Seconds of sound."""
        return self._waiting / self.rate_hz

    def put(self, event: FromCaller) -> bool:
        """False if there is no room for it, and nothing is done."""
        if not isinstance(event, AudioIn):
            if len(self._others) >= EVENTS:
                return False
            self._others.append((self._number, event))
        else:
            self._sound.append((self._number, event))
            self._waiting += len(event.pcm) // 2
            self.came_s += len(event.pcm) // 2 / self.rate_hz
            while self.waiting_s > SOUND_S and len(self._sound) > 1:
                self._leave_out()
        self._number += 1
        return True

    def take(self) -> FromCaller | SoundLost | None:
        """The oldest; None if nothing waits."""
        if not self._sound or (self._others and self._others[0][0] < self._sound[0][0]):
            return self._others.popleft()[1] if self._others else None
        if self._gap:
            gap, self._gap = self._gap, 0
            return SoundLost(gap / self.rate_hz)
        _, sound = self._sound.popleft()
        self._waiting -= len(sound.pcm) // 2
        return sound

    def _leave_out(self) -> None:
        _, oldest = self._sound.popleft()
        samples = len(oldest.pcm) // 2
        self._waiting -= samples
        self._gap += samples
