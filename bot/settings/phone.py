"""The telephone, by way of Twilio."""

from typing import Annotated

from pydantic import SecretStr

from bot.settings.group import EmptyIsUnset, Group


class Phone(Group):
    twilio_account_sid: Annotated[str | None, EmptyIsUnset] = None
    """Twilio account (AC...). Unset, there is no telephone."""

    twilio_auth_token: Annotated[SecretStr | None, EmptyIsUnset] = None
    """The account's token."""

    twilio_api_base_url: str = "https://api.twilio.com"
    """Where Twilio's REST API is."""
