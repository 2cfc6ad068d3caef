"""Checks of the telephone: the account, and all that Twilio does to reach this server."""

import asyncio
import secrets
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, ParseError, fromstring

import httpx2
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidMessage, InvalidStatus

from bot.commands.checks.finding import Finding, bad, good, poor
from bot.commands.checks.network import EXPIRES_SOON_DAYS, WITHIN_S, mend_of
from bot.phone.line import TelephoneConfig
from bot.phone.rest import TwilioError
from bot.phone.signature import HEADER, signature
from bot.settings import Settings
from bot.terminal.program import program
from bot.wiring.telephone import phone_for

VOICE, MEDIA, STATUS = "/twilio/voice", "/twilio/media", "/twilio/status"
PORT = 443
"""Twilio's streams use no other."""


class NoTelephoneError(Exception):
    """A setting that a telephone needs is missing; the message is one line for the operator."""


def line_of(settings: Settings) -> TelephoneConfig:
    """The telephone, complete. Raises NoTelephoneError if any of it is missing."""
    line = phone_for(settings)
    wanted = {
        "TWILIO_ACCOUNT_SID": line.account_sid,
        "TWILIO_AUTH_TOKEN": line.auth_token,
        "PUBLIC_BASE_URL": line.public,
    }
    missing = [name for name, value in wanted.items() if not value]
    if missing:
        raise NoTelephoneError(f"the telephone needs {' and '.join(missing)} (docs/guide/phone.md)")
    return line


async def examine(line: TelephoneConfig, context: ssl.SSLContext | None = None) -> list[Finding]:
    """Each check once; those that need what failed before are left out.

    `context` holds the authorities to trust, where they are not the system's.
    """
    findings = await _check_account(line)
    reached = [check_address(line), await check_certificate(line, context)]
    findings += [one for one in reached if one is not None]
    if any(one.verdict == "fail" for one in reached if one is not None):
        return findings
    verify = context or True
    async with httpx2.AsyncClient(timeout=WITHIN_S, verify=verify, trust_env=False) as http:
        for check in (check_webhook, check_forgery):
            findings.append(await _guarded("webhook", check, line, http))
    findings.append(await check_stream(line, context))
    return findings


async def _check_account(line: TelephoneConfig) -> list[Finding]:
    try:
        async with line.rest() as rest:
            account = await rest.account()
            numbers = await rest.numbers()
    except TwilioError as error:
        return [bad("account", str(error), mend_of(error))]
    return [check_status(account), check_numbers(line, numbers)]


def check_status(account: Any) -> Finding:
    status, kind = str(account.status), str(account.type)
    if status != "active":
        return bad("account", f"it is {status}", "see console.twilio.com for what it asks of you")
    if kind == "Trial":
        return poor(
            "account",
            "active, on trial: each call begins with Twilio's own announcement",
            "verify the numbers that you dial, or upgrade the account",
        )
    return good("account", "active")


def check_numbers(line: TelephoneConfig, numbers: Sequence[Any]) -> Finding:
    ours = line.public + VOICE
    here = [str(one.phone_number) for one in numbers if rings_at(one) == ours]
    if here:
        return good("numbers", f"{', '.join(here)} rings here")
    if not numbers:
        return poor("numbers", "the account has none", "buy one at console.twilio.com")
    first = numbers[0].phone_number
    return poor("numbers", f"none rings at {ours}", f"{program()} phone setup {first}")


def rings_at(number: Any) -> str:
    """The place that Twilio turns to: an application or a trunk goes before a webhook."""
    names = ("trunk_sid", "voice_application_sid", "voice_url")
    return next((str(getattr(number, name)) for name in names if getattr(number, name)), "")


def check_address(line: TelephoneConfig) -> Finding:
    parts = urlsplit(line.public)
    if parts.scheme != "https" or (parts.port or PORT) != PORT:
        return bad(
            "address",
            f"{line.public}: Twilio's streams come by wss on port {PORT} and by nothing else",
            "set PUBLIC_BASE_URL to the https address of your tunnel or proxy, without a port",
        )
    return good("address", line.public)


async def check_certificate(
    line: TelephoneConfig, context: ssl.SSLContext | None = None
) -> Finding | None:
    """None where the address is not https."""
    parts = urlsplit(line.public)
    if parts.scheme != "https" or parts.hostname is None:
        return None
    context = context or ssl.create_default_context()
    try:
        async with asyncio.timeout(WITHIN_S):
            _, writer = await asyncio.open_connection(
                parts.hostname, parts.port or PORT, ssl=context
            )
    except ssl.SSLCertVerificationError as error:
        return bad(
            "certificate",
            error.verify_message or "it cannot be trusted",
            "serve one of a public authority (Let's Encrypt), with its whole chain (fullchain.pem)",
        )
    except (OSError, TimeoutError) as error:
        return bad(
            "certificate",
            f"nothing answers at {line.public} ({str(error) or 'no answer'})",
            "start the tunnel or the proxy",
        )
    shown = writer.get_extra_info("peercert") or {}
    writer.close()
    with suppress(OSError, ssl.SSLError):
        await writer.wait_closed()
    expires = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC)
    found = f"trusted, until {expires:%Y-%m-%d}"
    if (expires - datetime.now(UTC)).days < EXPIRES_SOON_DAYS:
        return poor("certificate", found, "renew it")
    return good("certificate", found)


async def _guarded(
    name: str,
    check: Callable[[TelephoneConfig, httpx2.AsyncClient], Awaitable[Finding]],
    line: TelephoneConfig,
    http: httpx2.AsyncClient,
) -> Finding:
    try:
        return await check(line, http)
    except httpx2.HTTPError as error:
        return bad(
            name,
            f"{line.public} does not answer ({str(error) or type(error).__name__})",
            "start the server, and see that the tunnel points at its port",
        )


async def check_webhook(line: TelephoneConfig, http: httpx2.AsyncClient) -> Finding:
    """As Twilio asks it, with a good signature."""
    answer = await _ring(line, http, line.auth_token)
    match answer.status_code:
        case 200:
            return _check_twiml(line, answer.text)
        case 403:
            return bad(
                "webhook",
                "the server refuses a good signature",
                "restart it with the TWILIO_AUTH_TOKEN and PUBLIC_BASE_URL that are set here, and "
                "see that no other server answers there",
            )
        case 404:
            mend = "start it with TWILIO_AUTH_TOKEN and PUBLIC_BASE_URL set, and point the tunnel"
            return bad("webhook", f"no {VOICE} at {line.public}", f"{mend} at its port")
        case status:
            return bad(
                "webhook", f"{VOICE} answers {status}", "read the server's or the tunnel's log"
            )


def _check_twiml(line: TelephoneConfig, document: str) -> Finding:
    try:
        stream = fromstring(document).find("./Connect/Stream")
    except ParseError:
        return bad("webhook", "its answer is not XML", "see which server answers there")
    if stream is None:
        said = _words(document)
        return poor("webhook", f"it takes no call now: {said!r}", "wait until it does")
    wanted = line.socket_base + MEDIA
    if stream.get("url") != wanted:
        return bad(
            "webhook",
            f"it sends the stream to {stream.get('url')}, not to {wanted}",
            "restart the server with the PUBLIC_BASE_URL that is set here",
        )
    return good("webhook", "answers a signed request with a stream")


def _words(document: str) -> str:
    says: list[Element] = fromstring(document).findall("./Say")
    return " ".join(one.text or "" for one in says)


async def check_forgery(line: TelephoneConfig, http: httpx2.AsyncClient) -> Finding:
    answer = await _ring(line, http, secrets.token_hex(16))
    if answer.status_code == httpx2.codes.FORBIDDEN:
        return good("signature", "a forged one is refused")
    return bad(
        "signature",
        f"a forged one is answered with {answer.status_code}",
        "what answers there is not this server: see where the tunnel points",
    )


async def _ring(line: TelephoneConfig, http: httpx2.AsyncClient, token: str) -> httpx2.Response:
    url = line.public + VOICE
    facts = {"AccountSid": line.account_sid, "CallSid": "CA" + secrets.token_hex(16)}
    return await http.post(url, data=facts, headers={HEADER: signature(token, url, facts.items())})


async def check_stream(line: TelephoneConfig, context: ssl.SSLContext | None = None) -> Finding:
    """Checks that a WebSocket comes through every proxy in between."""
    url = line.socket_base + MEDIA
    headers = {HEADER: signature(line.auth_token, url)}
    context = context or ssl.create_default_context()
    try:
        async with connect(
            url, ssl=context, additional_headers=headers, open_timeout=WITHIN_S, proxy=None
        ):
            return good("stream", "a WebSocket comes through")
    except InvalidStatus as error:
        found = f"the upgrade is answered with {error.response.status_code}"
    except (OSError, InvalidHandshake, InvalidMessage, TimeoutError) as error:
        found = f"no WebSocket comes through ({str(error) or type(error).__name__})"
    return bad("stream", found, "let the proxy pass upgrades (docs/guide/nginx.conf shows how)")
