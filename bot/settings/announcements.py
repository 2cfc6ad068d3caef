"""The bot's announcements, and its waits for people."""

from typing import Annotated

from pydantic import Field

from bot.settings.group import EmptyIsUnset, Group
from pipelines.core.keypad import KeypadPolicy

_KEYPAD = KeypadPolicy()

Silence = Annotated[float, Field(ge=3, le=3600)]


class AnnouncementSettings(Group):
    greeting: str = ""
    """The bot's first sentence on the page. Empty: it waits to be spoken to."""

    phone_greeting: str = "Hello! How can I help you?"
    """Its first sentence on the telephone, at once. Empty: it waits to be spoken to."""

    greeting_must_be_heard: bool = False
    """Speech, keys and text over either greeting do not stop it, and are answered after it."""

    phone_silence_s: Annotated[Silence | None, EmptyIsUnset] = 30.0
    """Silence on the telephone until the bot asks, and then until it hangs up. Empty: never."""

    phone_call_s: Annotated[float, Field(ge=10, le=86_400)] = 1800.0
    """Seconds that a telephone call may last; then the bot says so, and goodbye."""

    dtmf_pause_s: float = Field(_KEYPAD.pause_s, gt=0, le=60)
    """Without another key for so long, the keys that were pressed are complete."""

    dtmf_terminator: str = Field(_KEYPAD.terminator, pattern=r"^[0-9*#A-D]?$")
    """The key that completes them at once, and is not told to the model. Empty: there is none."""
