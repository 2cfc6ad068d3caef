"""Checks of the way in: port, TLS, token, the public address, and Twilio's account."""

import ssl
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx2

from bot.commands.checks.finding import Finding, bad, good, poor
from bot.commands.serve import check_certificate
from bot.phone.rest import TwilioError
from bot.server.listening import CannotListenError, listen
from bot.settings import Settings, SettingsError
from bot.wiring.telephone import phone_for
from pipelines.addresses import is_loopback

WITHIN_S = 5.0
EXPIRES_SOON_DAYS = 14
NO_CHECK_TIME = ssl.VerifyFlags(0x200000)
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, for which the ssl module has no name."""

SHORT_TOKEN = 16
"""Characters: shorter ones can be guessed."""

NO_MICROPHONE = "browsers give a page from another machine no microphone without TLS"


async def check_port(settings: Settings) -> Finding:
    """Free, or taken by a server of ours, whose health is then the finding, or by something else.

    A server that was started with other settings may speak TLS where these do not, or the reverse.
    """
    where = f"{settings.host} port {settings.port}"
    try:
        listen(settings.host, settings.port).close()
    except CannotListenError as error:
        if (url := await at_home(settings)) is not None:
            return await _health(url)
        return bad("port", f"cannot listen on {where}", error.mend)
    return good("port", f"{where} is free")


async def at_home(settings: Settings) -> str | None:
    """The address on this machine of the server that runs with these settings, if one does."""
    schemes = ("https", "http") if settings.tls_cert else ("http", "https")
    for scheme in schemes:
        url = f"{scheme}://{_in_url(settings.host)}:{settings.port}"
        if await _is_alive(url, verify=False):
            return url
    return None


def _in_url(host: str) -> str:
    """As a URL on this machine has it: a server that listens everywhere is asked on loopback."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{host}]" if ":" in host else host


async def _health(url: str) -> Finding:
    """How the server there fares, by its /readyz; its certificate may be for another name."""
    here = f"Halfsecond answers at {url}"
    try:
        async with httpx2.AsyncClient(timeout=WITHIN_S, verify=False) as http:
            answer = await http.get(f"{url}/readyz")
            said = answer.json()
    except (httpx2.HTTPError, ValueError):
        return bad("port", f"{here}, but its /readyz does not", "see its log, and restart it")
    if answer.is_success:
        return good("port", f"{here}, and is well: it takes calls")
    match said:
        case {"status": "loading"}:
            return poor("port", f"{here}, and loads its models still", "ask again in a moment")
        case {"status": "draining"}:
            return poor(
                "port", f"{here}, and takes no more calls: it is leaving", "wait for its end"
            )
        case {"detail": str(why)}:
            return bad("port", f"{here}, and takes no calls: {why}", "see its log, and restart it")
        case _:
            return bad("port", f"{here}, and takes no calls", "see its log, and restart it")


async def _is_alive(base_url: str, *, verify: bool = True) -> bool:
    try:
        async with httpx2.AsyncClient(timeout=WITHIN_S, verify=verify) as http:
            answer = await http.get(f"{base_url}/healthz")
            return bool(answer.json() == {"status": "alive"})
    except (httpx2.HTTPError, ValueError):
        return False


def check_tls(settings: Settings, now: datetime | None = None) -> Finding:
    if settings.tls_cert is None:
        if is_loopback(settings.host) or (settings.public_base_url or "").startswith("https:"):
            return good("tls", "none, and none needed here")
        return poor("tls", f"none: {NO_MICROPHONE}", "set TLS_CERT and TLS_KEY, or use a proxy")
    assert settings.tls_key is not None
    try:
        check_certificate(settings)
        expires = expiry(settings.tls_cert, settings.tls_key)
    except SettingsError as error:
        return bad("tls", str(error), "give a PEM chain and the key that belongs to it")
    left = (expires - (now or datetime.now(UTC))).days
    found = f"{settings.tls_cert} ends on {expires:%Y-%m-%d}"
    if left < 0:
        return bad("tls", found, "renew it")
    if left < EXPIRES_SOON_DAYS:
        return poor("tls", found, "renew it")
    return good("tls", found)


def expiry(chain: Path, key: Path) -> datetime:
    """The expiry of the certificate that a client is shown."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain, key)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.load_verify_locations(chain)
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # trusted because it is in the file
    client.verify_flags |= NO_CHECK_TIME
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    shown, showing = client.wrap_bio(back, there), server.wrap_bio(there, back, server_side=True)
    for side in (shown, showing, shown):  # hello, certificate, verified
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()
    certificate = shown.getpeercert() or {}
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)


def check_token(settings: Settings) -> Finding:
    token = settings.access_token
    if token is None:
        if is_loopback(settings.host) and settings.public_base_url is None:
            found = (
                "made at each start; nobody on this machine, or by a TCP forward to it, needs it"
            )
            return good("access token", found)
        return poor(
            "access token", "made anew at each start", "set ACCESS_TOKEN to one of your own"
        )
    if len(token.get_secret_value()) < SHORT_TOKEN:
        return poor(
            "access token",
            f"shorter than {SHORT_TOKEN} characters",
            "python3 -c 'import secrets; print(secrets.token_urlsafe(24))' makes a better one",
        )
    return good("access token", "set")


async def check_public_address(settings: Settings) -> Finding:
    url = settings.public_base_url
    if url is None:
        return good("public address", "none: reached at its own address only")
    if url.startswith("http:") and not is_loopback(url):
        return poor("public address", f"{url}: {NO_MICROPHONE}", "put TLS before it: https://...")
    if not await _is_alive(url):
        return poor(
            "public address",
            f"{url}/healthz does not answer as Halfsecond does",
            "start the server, and see that the proxy or the tunnel points at its port",
        )
    return good("public address", f"{url} answers")


async def check_twilio(settings: Settings) -> Finding | None:
    """None where no account is set."""
    sid, token = settings.twilio_account_sid, settings.twilio_auth_token
    if sid is None and token is None:
        return None
    if sid is None or token is None:
        shut = bad("twilio", "the door is shut: no token", "set TWILIO_AUTH_TOKEN")
        can_be_called = "calls can come in; it can place, end and transfer none"
        return shut if token is None else poor("twilio", can_be_called, "set TWILIO_ACCOUNT_SID")
    if not (settings.public_base_url or "").startswith("https://"):
        return bad(
            "twilio", "it could not reach this server", "set PUBLIC_BASE_URL to an https address"
        )
    try:
        async with phone_for(settings).rest() as rest:
            await rest.account()
    except TwilioError as error:
        return bad("twilio", str(error), mend_of(error))
    return good("twilio", f"account {sid[:6]}... answers")


def mend_of(error: TwilioError) -> str:
    if error.status is None:
        return "see to the network, or to TWILIO_API_BASE_URL"
    return "copy TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN from console.twilio.com"
