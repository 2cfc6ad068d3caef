"""The access policy, without a socket."""

import pytest

from bot.server.access import (
    NO_TOKEN,
    TICKET_S,
    TICKETS_LIMIT,
    WRONG_ORIGIN,
    AccessPolicy,
    RequestIdentity,
    Tickets,
    asks_for_token,
    decide,
    is_forwarded,
    socket_base,
)
from bot.settings.addresses import base_of, origin_of

HOME = AccessPolicy(token="right")
LOOPBACK = "127.0.0.1:7860"
PUBLIC = AccessPolicy(token="right", public="https://voice.example")


def identity(
    host: str = LOOPBACK, *origins: str, scheme: str = "http", **more: object
) -> RequestIdentity:
    return RequestIdentity(scheme=scheme, host=host, origins=origins, **more)  # type: ignore[arg-type]


# ---- the token ----


@pytest.mark.parametrize(
    "host", [LOOPBACK, "localhost:7860", "LOCALHOST", "[::1]:7860", "127.8.9.1", "localhost"]
)
def test_a_program_on_this_machine_needs_no_token(host: str) -> None:
    assert decide(HOME, identity(host)) is None


@pytest.mark.parametrize(
    "host",
    [
        *("", "voice.example", "192.168.1.5:7860", "0.0.0.0:7860", "127.0.0.1.evil.example"),
        *("localhost.evil.example", "127.0.0.1@evil.example", "localhost:7860/x", "[::2]:7860"),
        *("127.0.0.1:7860, evil.example", "localhost:", " localhost", "localhost:99999999"),
        *("[::ffff:192.168.1.5]:7860", "локалхост", "2130706433"),
    ],
)
def test_asked_for_by_any_other_address_it_wants_the_token(host: str) -> None:
    assert decide(HOME, identity(host)) == NO_TOKEN
    assert decide(HOME, identity(host, authorization="Bearer right")) is None


def test_a_token_that_the_operator_set_is_asked_of_a_program_that_says_localhost() -> None:
    access = AccessPolicy(token="right", token_is_set=True)
    for host in (LOOPBACK, "localhost", "[::1]:7860"):
        assert decide(access, identity(host)) == NO_TOKEN
        assert decide(access, identity(host, authorization="Bearer right")) is None


@pytest.mark.parametrize(
    ("access", "asks"),
    [
        (HOME, False),
        (AccessPolicy(token="right", listens_beyond_loopback=True), True),
        (AccessPolicy(token="right", token_is_set=True), True),
        (AccessPolicy(token="right", token_is_set=True, public="http://localhost:80"), True),
        (PUBLIC, True),
        (AccessPolicy(token="right", public="http://localhost:8080"), False),
    ],
)
def test_what_the_operator_set_up_can_make_it_ask_everyone(
    access: AccessPolicy, asks: bool
) -> None:
    assert asks_for_token(access, identity()) is asks


@pytest.mark.parametrize(
    "name",
    [
        *("forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "via"),
        *("x-forwarded-anything", "x-real-ip", "cf-connecting-ip", "ngrok-trace-id"),
    ],
)
def test_a_forwarding_header_means_a_tunnel_or_a_proxy(name: str) -> None:
    assert is_forwarded(["host", name, "accept"])
    assert decide(HOME, identity(forwarded=True)) == NO_TOKEN


def test_ordinary_headers_do_not() -> None:
    assert not is_forwarded(["host", "origin", "authorization", "x-requested-with", "forward"])


@pytest.mark.parametrize(
    "shown",
    [
        *("", "right", "Bearer", "Bearer ", "Bearer wrong", "Basic right", "Bearer right x"),
        *("Bearer rıght", "Bearer rightright"),
    ],
)
def test_nothing_but_the_token_will_do(shown: str) -> None:
    assert decide(PUBLIC, identity(authorization=shown)) == NO_TOKEN


def test_a_house_without_a_token_lets_nobody_in_who_must_show_one() -> None:
    access = AccessPolicy(token="", listens_beyond_loopback=True)
    assert decide(access, identity(authorization="Bearer ")) == NO_TOKEN


# ---- the origin ----


@pytest.mark.parametrize(
    ("asked", "origin"),
    [
        (LOOPBACK, "http://127.0.0.1:7860"),
        (LOOPBACK, "http://localhost:7860"),
        ("localhost:7860", "http://127.0.0.1:7860"),
        ("[::1]:7860", "http://[::1]:7860"),
        ("localhost", "http://localhost"),
    ],
)
def test_our_own_page_may_come_in(asked: str, origin: str) -> None:
    assert decide(HOME, identity(asked, origin)) is None


@pytest.mark.parametrize(
    "origin",
    [
        *("http://evil.example", "null", "", "http://127.0.0.1:7861", "https://127.0.0.1:7860"),
        *("http://127.0.0.1:7860.evil.example", "http://127.0.0.1", "http://127.0.0.1:7860/"),
        *("HTTP://127.0.0.1:7860", "file://", "http://192.168.1.5:7860"),
    ],
)
def test_no_other_page_may(origin: str) -> None:
    assert decide(HOME, identity(LOOPBACK, origin)) == WRONG_ORIGIN


def test_two_origins_are_none() -> None:
    page = "http://127.0.0.1:7860"
    assert decide(HOME, identity(LOOPBACK, page, page)) == WRONG_ORIGIN


def test_a_name_that_was_made_to_point_here_is_not_ours() -> None:
    rebound = identity(
        "evil.example:7860", "http://evil.example:7860", authorization="Bearer right"
    )
    assert decide(HOME, rebound) == WRONG_ORIGIN


def test_the_page_at_this_machines_address_may_come_in_with_the_token() -> None:
    access = AccessPolicy(token="right", listens_beyond_loopback=True)
    page = ("192.168.1.5:7860", "https://192.168.1.5:7860")
    assert decide(access, identity(*page, scheme="https")) == NO_TOKEN
    assert decide(access, identity(*page, scheme="https", authorization="Bearer right")) is None


def test_configured_origins_are_matched_exactly() -> None:
    access = AccessPolicy(
        token="right",
        public="https://voice.example",
        origins=frozenset({"https://shop.example", "http://localhost:3000"}),
    )
    shown = "Bearer right"
    for welcome in (*access.origins, "https://voice.example"):
        assert decide(access, identity(LOOPBACK, welcome, authorization=shown)) is None
    for other in (
        *("https://www.shop.example", "http://shop.example", "https://shop.example:8443"),
        *("https://shop.example.evil.example", "https://evilshop.example"),
    ):
        assert decide(access, identity(LOOPBACK, other, authorization=shown)) == WRONG_ORIGIN


@pytest.mark.parametrize("site", ["cross-site", "same-site", "Cross-Site", "anything-else"])
def test_a_page_of_another_site_may_not_come_in_without_naming_its_origin(site: str) -> None:
    assert decide(HOME, identity(fetch_site=site)) == WRONG_ORIGIN
    shown = identity(fetch_site=site, authorization="Bearer right")
    assert decide(PUBLIC, shown) == WRONG_ORIGIN, "the token does not make it another page"


@pytest.mark.parametrize("site", ["", "none", "same-origin"])
def test_our_own_page_a_typed_address_and_other_programs_name_no_origin(site: str) -> None:
    assert decide(HOME, identity(fetch_site=site)) is None


def test_a_page_of_an_allowed_origin_comes_from_another_site() -> None:
    access = AccessPolicy(token="right", origins=frozenset({"https://shop.example"}))
    page = identity(LOOPBACK, "https://shop.example", fetch_site="cross-site")
    assert decide(access, page) is None


@pytest.mark.parametrize(
    ("written", "base"),
    [
        ("https://shop.example/voice", "https://shop.example/voice"),
        (" https://Shop.Example:443/Voice/ ", "https://shop.example/Voice"),
        ("https://shop.example/a/b-c/v1.2", "https://shop.example/a/b-c/v1.2"),
        ("http://127.0.0.1:8080/voice", "http://127.0.0.1:8080/voice"),
        ("https://shop.example/my%20voice", "https://shop.example/my%20voice"),
        ("https://shop.example/süß", "https://shop.example/s%C3%BC%C3%9F"),
        ("https://shop.example/", "https://shop.example"),
    ],
)
def test_a_public_address_may_have_a_path_before_everything(written: str, base: str) -> None:
    assert base_of(written) == base
    access = AccessPolicy(token="x", public=base)
    assert access.public_origin == origin_of(base[: base.find("/", 8)] if "/" in base[8:] else base)
    assert f"{access.public_origin}{access.prefix}" == base


@pytest.mark.parametrize(
    "written",
    [
        *("shop.example/voice", "ftp://shop.example/voice", "https:///voice", "/voice"),
        *("https://user:secret@shop.example/voice", "https://shop.example/voice?x=1"),
        *(
            "https://shop.example/voice#top",
            "https://shop.example/a//b",
            "https://shop.example/a b",
        ),
        *("https://shop.example/../voice", "https://shop.example/%2e%2e/voice"),
        *("https://shop.example/a%2Fb", "https://shop.example/%zz", 'https://shop.example/"'),
    ],
)
def test_a_public_address_is_nothing_else(written: str) -> None:
    with pytest.raises(ValueError, match=r"should be like https://voice\.example or "):
        base_of(written)


def test_a_path_before_everything_is_in_the_sockets_address_and_not_in_the_origin() -> None:
    access = AccessPolicy(token="right", public="https://shop.example/voice")
    page = identity("shop.example", "https://shop.example", authorization="Bearer right")
    assert decide(access, page) is None
    assert access.asks_everybody
    assert socket_base(access, page) == "wss://shop.example/voice"
    tunnelled = identity(LOOPBACK, "https://shop.example", forwarded=True)
    assert socket_base(access, tunnelled) == "wss://shop.example/voice"
    assert socket_base(access, identity(LOOPBACK)) == f"ws://{LOOPBACK}"
    elsewhere = identity("shop.example", "https://shop.example/voice", authorization="Bearer right")
    assert decide(access, elsewhere) == WRONG_ORIGIN


@pytest.mark.parametrize(
    ("written", "origin"),
    [
        ("https://Voice.Example/", "https://voice.example"),
        ("https://voice.example:443", "https://voice.example"),
        ("http://voice.example:80", "http://voice.example"),
        (" https://voice.example:8443 ", "https://voice.example:8443"),
        ("http://[::1]:7860", "http://[::1]:7860"),
    ],
)
def test_an_origin_is_read_as_a_browser_writes_it(written: str, origin: str) -> None:
    assert origin_of(written) == origin


@pytest.mark.parametrize(
    "written",
    ["*", "voice.example", "ftp://voice.example", "https://voice.example/app", "https://", "null"],
)
def test_what_is_no_origin_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="should be like"):
        origin_of(written)


# ---- where the socket is ----


@pytest.mark.parametrize(
    ("access", "asked", "base"),
    [
        (HOME, identity(), "ws://127.0.0.1:7860"),
        (HOME, identity(scheme="https"), "wss://127.0.0.1:7860"),
        (PUBLIC, identity(), "ws://127.0.0.1:7860"),
        (PUBLIC, identity("voice.example", scheme="http"), "wss://voice.example"),
        (PUBLIC, identity("Voice.Example:443"), "wss://voice.example"),
        (PUBLIC, identity(forwarded=True), "wss://voice.example"),
        (HOME, identity("t.example", scheme="https", forwarded=True), "wss://t.example"),
    ],
)
def test_the_socket_is_where_the_client_can_reach_it(
    access: AccessPolicy, asked: RequestIdentity, base: str
) -> None:
    assert socket_base(access, asked) == base


# ---- tickets ----


def test_a_ticket_lets_in_once() -> None:
    tickets = Tickets()
    tickets.issue("t", 100.0, call="r")
    redeemed = tickets.redeem("t", 100.0)
    assert redeemed is not None
    assert redeemed.call == "r"
    assert tickets.redeem("t", 100.0) is None


def test_a_ticket_is_good_for_half_a_minute() -> None:
    tickets = Tickets()
    tickets.issue("early", 0.0)
    tickets.issue("late", 0.0)
    assert tickets.redeem("early", TICKET_S - 0.001) is not None
    assert tickets.redeem("late", TICKET_S) is None


@pytest.mark.parametrize("key", ["", "u", "t "])
def test_a_ticket_that_was_never_issued_lets_nobody_in(key: str) -> None:
    tickets = Tickets()
    tickets.issue("t", 0.0)
    assert tickets.redeem(key, 1.0) is None
    assert tickets.redeem("t", 1.0) is not None


def test_tickets_that_nobody_uses_are_forgotten_the_oldest_first() -> None:
    tickets = Tickets()
    for n in range(TICKETS_LIMIT + 10):
        tickets.issue(str(n), 0.0)
    assert tickets.redeem("9", 1.0) is None
    assert tickets.redeem("10", 1.0) is not None
    tickets.issue("fresh", TICKET_S)
    assert len(tickets) == 1
