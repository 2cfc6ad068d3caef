"""Twilio's REST API, as far as a telephone needs it: calls, numbers, and the account.

https://www.twilio.com/docs/voice/api/call-resource
"""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx2

from pipelines.addresses import printable

PATIENCE_S = 5.0
"""For one request: somebody is on the line."""

OVER = 20404
"""Twilio's code for what is not there (any more)."""

Form = Mapping[str, str]


class TwilioError(Exception):
    """The message is one line for the operator; no secret is in it."""

    def __init__(self, message: str, *, status: int | None = None, code: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        """HTTP's, None where there was no answer."""
        self.code = code
        """Twilio's own, if it gave one: https://www.twilio.com/docs/api/errors."""


class TwilioRest:
    """One account's. Use it with `async with`, or call `close`."""

    def __init__(self, base_url: str, account_sid: str, auth_token: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._account_sid = account_sid
        self._client = httpx2.AsyncClient(auth=(account_sid, auth_token), timeout=PATIENCE_S)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._client.aclose()

    async def account(self) -> dict[str, Any]:
        """Raises TwilioError, as all of these do."""
        return await self._ask("GET", f"{self._base_url}/2010-04-01/Accounts/{self._sid}.json")

    async def dial(self, form: Form) -> dict[str, Any]:
        """Place a call: To, From, Url and what else the API takes. Returns the call."""
        return await self.post("Calls.json", form)

    async def hang_up(self, call_sid: str) -> None:
        """Also of a call that is over already."""
        try:
            await self._update_call(call_sid, {"Status": "completed"})
        except TwilioError as error:
            if error.status != 404 or error.code not in (OVER, None):
                raise

    async def follow(self, call_sid: str, twiml: str) -> None:
        """Let the call go on with this document: its stream ends."""
        await self._update_call(call_sid, {"Twiml": twiml})

    async def numbers(self, number: str = "") -> list[dict[str, Any]]:
        """The account's, or this one of them (E.164)."""
        asked = {"PhoneNumber": number} if number else {}
        answer = await self.get("IncomingPhoneNumbers.json", asked)
        found: list[dict[str, Any]] = answer.get("incoming_phone_numbers") or []
        return found

    async def point(self, number_sid: str, form: Form) -> dict[str, Any]:
        """Set a number's webhooks: VoiceUrl, VoiceMethod and their like."""
        return await self.post(f"IncomingPhoneNumbers/{quote(number_sid, safe='')}.json", form)

    async def get(self, path: str, asked: Form) -> dict[str, Any]:
        """`path` is below the account: Calls.json."""
        return await self._ask("GET", self._url(path), params=asked)

    async def post(self, path: str, form: Form) -> dict[str, Any]:
        return await self._ask("POST", self._url(path), form=form)

    async def _update_call(self, call_sid: str, form: Form) -> None:
        await self.post(f"Calls/{quote(call_sid, safe='')}.json", form)

    @property
    def _sid(self) -> str:
        return quote(self._account_sid, safe="")

    def _url(self, path: str) -> str:
        return f"{self._base_url}/2010-04-01/Accounts/{self._sid}/{path}"

    async def _ask(
        self, method: str, url: str, *, params: Form | None = None, form: Form | None = None
    ) -> dict[str, Any]:
        try:
            answer = await self._client.request(method, url, params=params, data=form)
        except httpx2.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise TwilioError(
                f"Twilio's API cannot be reached at {printable(self._base_url)}: {reason}"
            ) from None
        try:
            read = answer.json()
        except ValueError:
            read = None
        if answer.is_success and isinstance(read, dict):
            return read
        raise _refusal(answer.status_code, read)


def _refusal(status: int, read: object) -> TwilioError:
    said = read if isinstance(read, dict) else {}
    code = said.get("code")
    message = said.get("message")
    words = message if isinstance(message, str) and message else "no reason given"
    if status == 401:
        words = "the account SID or the auth token is wrong (TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN)"
    number = f", error {code}" if isinstance(code, int) else ""
    return TwilioError(
        f"Twilio answered HTTP {status}{number}: {words}",
        status=status,
        code=code if isinstance(code, int) else None,
    )
