"""Twilio's REST API, as far as a telephone needs it: calls, numbers, and the account.

https://www.twilio.com/docs/voice/api/call-resource
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import quote

from pipelines.addresses import printable

if TYPE_CHECKING:
    from twilio.rest import Client

PATIENCE_S = 5.0
"""For one request: somebody is on the line."""

OVER = 20404
"""Twilio's code for what is not there (any more)."""

_T = TypeVar("_T")


class TwilioError(Exception):
    """The message is one line for the operator; no secret is in it."""

    def __init__(self, message: str, *, status: int | None = None, code: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        """HTTP's, None where there was no answer."""
        self.code = code
        """Twilio's own, if it gave one: https://www.twilio.com/docs/api/errors."""


class TwilioRest:
    """One account's calls and numbers. Use it with `async with`, or call `close`.

    Each method raises TwilioError. What they return are twilio's own resources.
    """

    def __init__(self, base_url: str, account_sid: str, auth_token: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._account_sid = account_sid
        self._auth_token = auth_token

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()

    async def close(self) -> None:
        if "_client" in self.__dict__:
            self._client.http_client.session.close()

    async def account(self) -> Any:
        return await self._ask(lambda client: client.api.v2010.account.fetch())

    async def dial(self, form: Mapping[str, Any]) -> Any:
        """Place a call: `to`, `from_`, `url` and what else the API takes. Returns the call."""
        return await self._ask(lambda client: client.calls.create(**form))

    async def call(self, call_sid: str) -> Any:
        return await self._ask(lambda client: client.calls(_safe(call_sid)).fetch())

    async def hang_up(self, call_sid: str) -> None:
        """Also of a call that is over already."""
        try:
            await self._update_call(call_sid, status="completed")
        except TwilioError as error:
            if error.status != 404 or error.code not in (OVER, None):
                raise

    async def follow(self, call_sid: str, twiml: str) -> None:
        """Let the call go on with this document: its stream ends."""
        await self._update_call(call_sid, twiml=twiml)

    async def numbers(self, number: str = "") -> list[Any]:
        """The account's, or this one of them (E.164)."""
        asked = {"phone_number": number} if number else {}
        found: list[Any] = await self._ask(
            lambda client: client.incoming_phone_numbers.list(**asked)
        )
        return found

    async def point(self, number_sid: str, form: Mapping[str, str]) -> None:
        """Set a number's webhooks: `voice_url`, `voice_method` and their like."""
        await self._ask(
            lambda client: client.incoming_phone_numbers(_safe(number_sid)).update(**form)
        )

    async def _update_call(self, call_sid: str, **form: str) -> None:
        await self._ask(lambda client: client.calls(_safe(call_sid)).update(**form))

    async def _ask(self, ask: Callable[["Client"], _T]) -> _T:
        """On a thread: twilio's blocking client is the one that keeps to its time limit."""
        return await asyncio.to_thread(self._answer, ask)

    def _answer(self, ask: Callable[["Client"], _T]) -> _T:
        from requests import RequestException
        from twilio.base.exceptions import TwilioException, TwilioRestException
        from twilio.base.version import Version
        from twilio.http.response import Response

        try:
            return ask(self._client)
        except TwilioRestException as error:
            raise _refusal(error.status, error.code, error.msg) from None
        except RequestException as error:
            raise TwilioError(
                f"Twilio's API cannot be reached at {printable(self._base_url)}: "
                f"{type(error).__name__}"
            ) from None
        except TwilioException as error:  # of a list, which has no exception of its own
            answer = error.args[-1]
            if not isinstance(answer, Response):
                raise self._unreadable() from None
            told = Version.exception("GET", "", answer, "Unable to fetch")
            raise _refusal(told.status, told.code, told.msg) from None
        except (ValueError, AttributeError):  # no JSON, or no object in it
            raise self._unreadable() from None

    def _unreadable(self) -> TwilioError:
        return TwilioError(
            f"{printable(self._base_url)} gives no answer of Twilio's", status=HTTPStatus.OK
        )

    @cached_property
    def _client(self) -> "Client":
        """Made on the thread, at the first request: the import takes half a second."""
        from twilio.http.http_client import TwilioHttpClient
        from twilio.rest import Client

        client = Client(
            self._account_sid, self._auth_token, http_client=TwilioHttpClient(timeout=PATIENCE_S)
        )
        client.api.base_url = self._base_url
        return client


def _safe(sid: str) -> str:
    """An id as one segment of a path."""
    return quote(sid, safe="")


def _refusal(status: int, code: int | None, words: str) -> TwilioError:
    code = None if code == status else code  # where there is none, twilio puts the status there
    if status == 401:
        words = "the account SID or the auth token is wrong (TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN)"
    number = f", error {code}" if code else ""
    return TwilioError(f"Twilio answered HTTP {status}{number}: {words}", status=status, code=code)
