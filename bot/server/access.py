"""Access: decided for each request from its own statements and the operator's settings.

A tunnel or a proxy arrives over loopback, and so does a page of another site in a browser on this
machine: the address that a request comes from proves nothing. Proof is the address that was
asked for, forwarding headers, and the origin, which a page cannot choose. A program that comes
through a plain TCP forward can say that it asked for localhost: only a token that everybody is
asked for keeps it out.
"""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.settings.addresses import (
    DEFAULT_PORTS,
    is_address,
    split_authority,
    split_base,
)
from pipelines.addresses import is_loopback

TICKET_S = 30.0
TICKETS_LIMIT = 1024
"""Tickets that wait to be used; the oldest gives way."""

_FORWARDING = frozenset(
    {
        *("forwarded", "via", "x-real-ip", "x-client-ip", "x-original-host", "true-client-ip"),
        *("x-cluster-client-ip", "fastly-client-ip", "fly-client-ip", "cf-ray", "cdn-loop"),
        *("cf-connecting-ip", "cf-visitor", "tailscale-user-login", "ngrok-trace-id"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessPolicy:
    """The operator's decisions."""

    token: str
    token_is_set: bool = False
    """The operator has set it: then everybody is asked for it."""
    listens_beyond_loopback: bool = False
    public: str | None = None
    """The address that the world knows: an origin, and a path before everything if there is one."""
    origins: frozenset[str] = frozenset()
    """Others whose pages may come in."""

    @property
    def public_origin(self) -> str | None:
        return None if self.public is None else split_base(self.public)[0]

    @property
    def prefix(self) -> str:
        """The path before everything, "/voice"; empty where there is none."""
        return "" if self.public is None else split_base(self.public)[1]

    @property
    def asks_everybody(self) -> bool:
        """For the token, on this machine too: a client that comes by a tunnel comes from it."""
        public = urlsplit(self.public or "").hostname
        is_public = public is not None and not is_loopback(public)
        return self.token_is_set or self.listens_beyond_loopback or is_public


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestIdentity:
    """A request's statements about itself."""

    scheme: str
    """http or https, as the client sees it."""
    host: str = ""
    """The Host header."""
    origins: tuple[str, ...] = ()
    """The Origin headers: a browser sends one, other programs none."""
    forwarded: bool = False
    authorization: str = ""
    fetch_site: str = ""
    """The Sec-Fetch-Site header: how the page that asks is related to this server."""


@dataclass(frozen=True, slots=True)
class Refusal:
    status: int
    reason: str
    """For the metric: one of few."""
    message: str


OUR_OWN_PAGES = ("", "none", "same-origin")
"""Values of Sec-Fetch-Site, missing included, of requests that no page of another origin made:
"same-site" is a page of another port, or of a sister host.
"""

WRONG_ORIGIN = Refusal(403, "origin", "pages of this origin may not come in (ALLOWED_ORIGINS)")
NO_TOKEN = Refusal(401, "token", "the access token is missing or wrong")
NO_TICKET = Refusal(403, "ticket", "the ticket is missing, used or too old: ask POST /start")


def decide(access: AccessPolicy, identity: RequestIdentity) -> Refusal | None:
    """None lets it in."""
    return check_origin(access, identity) or check_token(access, identity)


def check_origin(access: AccessPolicy, identity: RequestIdentity) -> Refusal | None:
    """A browser names no origin when a page asks for an image, a script, a frame or a link.

    It says then whether that page is of another site; other programs do not, and old browsers.
    """
    for origin in identity.origins:
        if len(identity.origins) > 1 or not is_welcome(access, identity, origin):
            return WRONG_ORIGIN
    if not identity.origins and identity.fetch_site.lower() not in OUR_OWN_PAGES:
        return WRONG_ORIGIN
    return None


def is_welcome(access: AccessPolicy, identity: RequestIdentity, origin: str) -> bool:
    """Exactly a configured one, or the page that this server serves at the address asked for.

    A name in that address must be configured: anyone's name can be made to point here.
    """
    if origin in access.origins or origin == access.public_origin:
        return True
    asked = split_authority(identity.host)
    if asked is None or not (is_loopback(asked[0]) or is_address(asked[0])):
        return False
    names = ("localhost", "127.0.0.1", "[::1]", asked[0]) if is_loopback(asked[0]) else asked[:1]
    return origin in {f"{identity.scheme}://{name}{asked[1]}" for name in names}


def check_token(access: AccessPolicy, identity: RequestIdentity) -> Refusal | None:
    if not asks_for_token(access, identity):
        return None
    scheme, _, given = identity.authorization.partition(" ")
    is_right = hmac.compare_digest(given.strip().encode(), access.token.encode())
    return None if is_right and access.token and scheme.lower() == "bearer" else NO_TOKEN


def asks_for_token(access: AccessPolicy, identity: RequestIdentity) -> bool:
    asked = split_authority(identity.host)
    return access.asks_everybody or asked is None or not is_loopback(asked[0]) or identity.forwarded


def is_forwarded(names: Iterable[str]) -> bool:
    """By the names of a request's headers, in lower case: has a proxy or a tunnel handed it on?"""
    return any(name in _FORWARDING or name.startswith("x-forwarded-") for name in names)


def socket_base(access: AccessPolicy, identity: RequestIdentity) -> str:
    """The beginning of a WebSocket's address, as this client can reach it: ws(s)://host/prefix."""
    if access.public is not None:
        origin, prefix = split_base(access.public)
        if identity.forwarded or _names(origin, identity.host):
            return origin.replace("http", "ws", 1) + prefix
    return f"{identity.scheme.replace('http', 'ws', 1)}://{identity.host}"


def _names(origin: str, host: str) -> bool:
    scheme, _, authority = origin.partition("://")
    return host.lower() in (authority, authority + DEFAULT_PORTS[scheme])


@dataclass(frozen=True, slots=True)
class AccessTicket:
    expires_s: float
    call: str
    """The call that it is for, where it is for one: the key of one to go on with, or a CallSid."""


class Tickets:
    """Each lets one client in once. The caller makes the keys: they must not be guessed."""

    def __init__(self) -> None:
        self._waiting: dict[str, AccessTicket] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def issue(self, key: str, now: float, *, call: str = "") -> None:
        for old, ticket in list(self._waiting.items()):  # the oldest first
            if now < ticket.expires_s and len(self._waiting) < TICKETS_LIMIT:
                break
            del self._waiting[old]
        self._waiting[key] = AccessTicket(now + TICKET_S, call)

    def redeem(self, key: str, now: float) -> AccessTicket | None:
        ticket = self._waiting.pop(key, None)
        return ticket if ticket is not None and now < ticket.expires_s else None
