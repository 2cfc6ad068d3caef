"""Twilio's door: asks a server's webhook what to do with a call, and does it."""

import secrets
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx2

from bot.calls.errors import PeerError
from bot.phone.signature import HEADER, signature
from client.caller import twiml
from client.caller.door import CallError, Entrance, reason_of, refusal_of
from client.caller.trouble import NetworkFaults
from client.caller.twilio import RATE_HZ, Tally, Twilio
from pipelines.addresses import printable

VOICE = "/twilio/voice"
NO_ACCOUNT = "AC" + "0" * 32
CALLER, CALLED = "+15005550006", "+15005550001"
"""Two of Twilio's magic test numbers: nobody has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TelephoneCaller:
    """The two numbers of a call, and the token that Twilio would sign with."""

    auth_token: str = field(repr=False)
    account_sid: str = NO_ACCOUNT
    public_url: str | None = None
    """The server's own address (PUBLIC_BASE_URL), which is what is signed. None: the url."""
    from_number: str = CALLER
    to_number: str = CALLED
    trouble: NetworkFaults = field(default_factory=NetworkFaults)

    @asynccontextmanager
    async def entered(self, url: str, timeout_s: float) -> AsyncIterator[Entrance]:
        """`url` is a server's http address, or a ws address: that is dialled without TwiML.

        Left, it goes on with the TwiML, if it was the server that ended the stream.
        Raises CallError.
        """
        tally = Tally("CA" + secrets.token_hex(16), "MZ" + secrets.token_hex(16))
        if url.startswith(("ws://", "wss://")):
            yield self._entrance(url, Twilio(tally, self.account_sid), {})
            return
        if not url.startswith(("http://", "https://")):
            raise CallError(f"{printable(url)}: not an address; it begins with http:// or ws://")
        # trust_env off: a proxy in between would be measured with the server.
        async with httpx2.AsyncClient(trust_env=False, timeout=timeout_s) as http:
            line = _Line(self, url.rstrip("/"), http, tally)
            stream, rest = _until_stream(await line.fetch(), tally)
            dialect = Twilio(tally, self.account_sid, stream.parameters)
            headers = {HEADER: signature(self.auth_token, stream.url)}
            socket_url = line.reached_at(stream.url, "ws")
            try:
                yield self._entrance(socket_url, dialect, headers)
            except CallError as exc:
                raise CallError(f"{exc}{_farewell(rest, tally)}") from exc
            else:
                if self.trouble.vanish is None:
                    _farewell(rest, tally)
            finally:
                await line.report(stream)

    def _entrance(self, url: str, dialect: Twilio, headers: Mapping[str, str]) -> Entrance:
        return Entrance(url, dialect, headers, RATE_HZ, self.trouble, dialect.tally)


class _Line:
    """The webhooks of one call."""

    def __init__(
        self, phone: TelephoneCaller, url: str, http: httpx2.AsyncClient, tally: Tally
    ) -> None:
        self._phone = phone
        self._url = url
        self._public = (phone.public_url or url).rstrip("/")
        self._http = http
        self._tally = tally

    def reached_at(self, public: str, scheme: str) -> str:
        """An address that the world knows, as it is reached from here."""
        parts, known = urlsplit(public), urlsplit(self._public)
        if parts.netloc != known.netloc:
            return public
        here = urlsplit(self._url)
        secure = "s" if here.scheme == "https" else ""
        rest = public.partition(parts.netloc)[2].removeprefix(known.path)
        return f"{scheme}{secure}://{here.netloc}{here.path}{rest}"

    async def fetch(self) -> list[twiml.Verb]:
        facts = {
            "AccountSid": self._phone.account_sid,
            "ApiVersion": "2010-04-01",
            "CallSid": self._tally.call_sid,
            "CallStatus": "ringing",
            "Called": self._phone.to_number,
            "Caller": self._phone.from_number,
            "Direction": "inbound",
            "From": self._phone.from_number,
            "To": self._phone.to_number,
        }
        at = self._url + VOICE
        try:
            answer = await self._post(self._public + VOICE, facts)
        except (httpx2.HTTPError, httpx2.InvalidURL) as exc:
            raise CallError(f"{at}: no server answers ({reason_of(exc)})") from exc
        if answer.status_code == httpx2.codes.FORBIDDEN:
            raise CallError(
                f"{at}: refused the signature (403): the auth token is not the server's, or it "
                f"knows itself by another address than {self._public} (PUBLIC_BASE_URL)"
            )
        if answer.status_code != httpx2.codes.OK:
            raise CallError(f"{at}: refused with {answer.status_code}{refusal_of(answer)} (11200)")
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if kind not in ("text/xml", "application/xml"):
            raise CallError(f"{at}: answered with {kind or 'nothing'}, not with TwiML (12300)")
        try:
            return twiml.parse(answer.text)
        except PeerError as exc:
            raise CallError(f"{at}: {exc}") from exc

    async def report(self, stream: twiml.Stream) -> None:
        """The stream's end, to whoever asked for it. As with Twilio, nobody minds if it fails."""
        if stream.status_callback is None:
            return
        facts = {
            "AccountSid": self._phone.account_sid,
            "CallSid": self._tally.call_sid,
            "StreamSid": self._tally.stream_sid,
            "StreamEvent": "stream-stopped",
        }
        try:
            await self._post(stream.status_callback, facts)
        except (httpx2.HTTPError, httpx2.InvalidURL) as exc:
            self._tally.ended = self._tally.ended or f"no status callback ({reason_of(exc)})"

    async def _post(self, public: str, facts: Mapping[str, str]) -> httpx2.Response:
        signed = signature(self._phone.auth_token, public, facts.items())
        return await self._http.post(
            self.reached_at(public, "http"), data=dict(facts), headers={HEADER: signed}
        )


def _until_stream(
    verbs: Sequence[twiml.Verb], tally: Tally
) -> tuple[twiml.Stream, Sequence[twiml.Verb]]:
    """The stream, and what comes after it. Raises CallError if there is none."""
    for index, verb in enumerate(verbs):
        if isinstance(verb, twiml.Stream):
            return verb, verbs[index + 1 :]
        if _is_last(verb, tally):
            break
    said = f" after saying {' '.join(tally.said)!r}" if tally.said else ""
    raise CallError(f"the server has Twilio hang up{said}")


def _farewell(verbs: Iterable[twiml.Verb], tally: Tally) -> str:
    """The rest of the TwiML, which counts if it was the server that ended the stream."""
    if not tally.ended:
        return ""
    before = len(tally.said)
    for verb in verbs:
        if _is_last(verb, tally):
            break
    said = tally.said[before:]
    return f"; Twilio then says {' '.join(said)!r}" if said else ""


def _is_last(verb: twiml.Verb, tally: Tally) -> bool:
    """Do what can be done without a network, which is to take note of it."""
    match verb:
        case twiml.TwimlSay(text):
            tally.said.append(text)
        case twiml.Dial(number):
            tally.said.append(f"(the call goes on with {number})")
        case twiml.Hangup():
            return True
        case twiml.TwimlPause() | twiml.Stream():
            pass
    return False
