"""The bot's announcements, and its waits for people."""

from typing import Annotated

from pydantic import Field

from bot.settings.group import EmptyIsUnset, Group

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
