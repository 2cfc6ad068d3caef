"""When the bot speaks of its own accord: a greeting, and a word before it ends the call."""

from dataclasses import dataclass

from pipelines.core.exchange import CallState, Caption, Say, StateChanged, ToCaller
from pipelines.words import ENGLISH


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcements:
    """The bot's announcements. Fields left out are not spoken."""

    greeting: str = ""
    greeting_must_be_heard: bool = False
    """Nothing that the person does stops it; they are answered after it."""
    silence_s: float | None = None
    """Seconds of silence until the person is asked; and until the call ends after that."""
    are_you_there: str = ENGLISH.are_you_there
    nobody_there: str = ENGLISH.nobody_there
    call_s: float | None = None
    """How long a call may last; then the bot ends it as soon as nobody speaks."""
    time_is_up: str = ENGLISH.time_is_up

    @property
    def words(self) -> tuple[str, ...]:
        """All that may be said."""
        asked = (self.are_you_there, self.nobody_there) if self.silence_s is not None else ()
        ended = (self.time_is_up,) if self.call_s is not None else ()
        return tuple(text for text in (self.greeting, *asked, *ended) if text)


class IdleTimer:
    """The idle timer of one call; both limits count only while it is nobody's turn."""

    def __init__(self, announcements: Announcements, now: float) -> None:
        self._announcements = announcements
        self._began_s = now
        self._quiet_since = now
        self._state: CallState | None = "listening"
        """None from what was asked for until something comes of it."""
        self._asked = False

    def observe(self, sent: ToCaller, now: float) -> None:
        """Observes the call's output: noises that turn out to be no speech break no silence."""
        match sent:
            case StateChanged(state):
                if state == "listening" and self._state != "hearing":
                    self._quiet_since = now
                self._state = state
            case Caption(speaker="user", text=str(text), final=True) if text:
                self._asked = False
                self._quiet_since = now
            case _:
                pass

    def deadline(self) -> float | None:
        """When to ask `due`, if nothing happens before."""
        if self._state != "listening":
            return None
        return min(
            (at for at in (self._silence_ends, self._call_ends) if at is not None), default=None
        )

    def due(self, now: float) -> Say | None:
        if self._state != "listening":
            return None
        if self._call_ends is not None and now >= self._call_ends - 1e-6:
            say = Say(self._announcements.time_is_up, ends_call=True)
        elif self._silence_ends is None or now < self._silence_ends - 1e-6:
            return None
        elif self._asked:
            say = Say(self._announcements.nobody_there, ends_call=True)
        else:
            self._asked = True
            say = Say(self._announcements.are_you_there)
        self._state = None
        return say

    @property
    def _silence_ends(self) -> float | None:
        silence_s = self._announcements.silence_s
        return None if silence_s is None else self._quiet_since + silence_s

    @property
    def _call_ends(self) -> float | None:
        call_s = self._announcements.call_s
        return None if call_s is None else self._began_s + call_s
