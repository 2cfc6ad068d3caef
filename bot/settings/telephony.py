"""The telephone, by way of Twilio."""

import re
from typing import Annotated

from pydantic import SecretStr, field_validator

from bot.settings.group import EmptyIsUnset, Group, List

_TRANSFER = re.compile(r"[\w-]+=\+[1-9]\d{6,14}", re.ASCII)


class TelephoneSettings(Group):
    twilio_account_sid: Annotated[str | None, EmptyIsUnset] = None
    """Twilio account (AC...). Unset, the bot cannot hang up, hand on or place calls."""

    twilio_auth_token: Annotated[SecretStr | None, EmptyIsUnset] = None
    """The account's token. Unset (or PUBLIC_BASE_URL unset), the telephone's door is shut."""

    twilio_api_base_url: str = "https://api.twilio.com"
    """Where Twilio's REST API is."""

    phone_transfers: List = ()
    """Numbers that the model may hand a call on to: sales=+15551230001,support=+15551230002."""

    @field_validator("phone_transfers")
    @classmethod
    def _names_and_numbers(cls, transfers: tuple[str, ...]) -> tuple[str, ...]:
        for transfer in transfers:
            if _TRANSFER.fullmatch(transfer) is None:
                raise ValueError("should be like sales=+15551230001,support=+15551230002")
        return transfers

    @field_validator("twilio_api_base_url")
    @classmethod
    def _an_api(cls, url: str) -> str:
        if not url.startswith(("http://", "https://")):
            raise ValueError("should begin with http:// or https://")
        return url.rstrip("/")
