"""Getting in, staying out, and coming back when the connection is lost."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, WebSocketRoute, expect

from bot.browser.browser_pb2 import Frame, MessageFrame
from pipelines.core.exchange import Caption, LineDropped, LineRestored, Played
from tests.client.web.acting import begin, rtvi, scripted, tone, until, witnessed
from tests.client.web.puppet import OUT_HZ, Puppeteer, puppeteer

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.timeout(180)]


def test_a_full_server_says_so_and_lets_in_later(browser: Browser) -> None:
    with (
        puppeteer(max_calls=1) as small,
        witnessed(browser, small) as first,
        witnessed(browser, small, "503") as second,
    ):
        call = begin(first, small)
        second.locator("#call").click()
        expect(second.locator("#word")).to_have_text("full")
        expect(second.locator("#problem strong")).to_have_text("All lines are busy")
        first.locator("#call").click()
        assert call.left.wait(15)
        begin(second, small)
        expect(second.locator("#problem")).to_be_hidden()


def test_the_token_is_asked_for_once_and_again_if_it_is_wrong(
    browser: Browser, server: Puppeteer
) -> None:
    asked: list[str | None] = []

    def guard(route: Route) -> None:
        asked.append(route.request.headers.get("authorization"))
        if asked[-1] == "Bearer open sesame":
            route.continue_()
        else:
            route.fulfill(status=401, json={"error": "an access token is needed"})

    with witnessed(browser, server, "401") as page:
        page.route("**/start", guard)
        page.locator("#call").click()
        token = page.get_by_label("Access token", exact=True)
        token.fill("guess")
        page.keyboard.press("Enter")
        expect(page.locator("#token-wrong")).to_be_visible()
        token.fill("open sesame")
        page.keyboard.press("Enter")
        expect(page.locator("#word")).to_have_text("listening")
        server.engine.next_call()
        assert asked == [None, "Bearer guess", "Bearer open sesame"]
        page.locator("#call").click()
        page.locator("#call").click()
        expect(page.locator("#word")).to_have_text("listening")
        server.engine.next_call()
        assert asked[3:] == ["Bearer open sesame"]


def test_who_has_no_token_stays_outside(browser: Browser, server: Puppeteer) -> None:
    with witnessed(browser, server, "401") as page:
        page.route("**/start", lambda route: route.fulfill(status=401, json={}))
        page.locator("#call").click()
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator("#word")).to_have_text("ready")
        expect(page.locator("#problem strong")).to_contain_text("access token")


def test_a_call_that_is_ended_while_it_begins_is_over(page: Page, server: Puppeteer) -> None:
    page.route("**/start", lambda _: None)  # no answer comes
    page.locator("#call").click()
    expect(page.locator("#word")).to_have_text("connecting")
    page.get_by_role("button", name="End call").click()
    expect(page.locator("#word")).to_have_text("ready")
    expect(page.locator("#problem")).to_be_hidden()
    page.unroute("**/start")
    begin(page, server)


def test_a_dropped_socket_is_made_again(browser: Browser, server: Puppeteer) -> None:
    with witnessed(browser, server, "WebSocket") as page:
        call = begin(page, server)
        call.say(Caption("user", "Before.", final=True, turn=1))
        expect(page.locator("#lines li")).to_have_count(1)
        page.evaluate(
            "() => { window.words = []; new MutationObserver(() => "
            "window.words.push([word.textContent, last.textContent]))"
            ".observe(document.querySelector('.face'), {childList: true, subtree: true}) }"
        )
        call.speak(tone(1.5))
        heard = call.next(Played)
        server.drop_sockets()
        call.next(LineDropped)
        call.flush()
        told = call.next(Played)
        assert told.generation == 0
        assert heard.samples <= told.samples < 1.5 * OUT_HZ
        call.next(LineRestored)
        expect(page.locator("#word")).to_have_text("listening")
        shown = page.evaluate("() => window.words")
        assert any(
            word == "reconnecting" and last.startswith("next try in") for word, last in shown
        )
        call.say(Caption("user", "After.", final=True, turn=2))
        expect(page.locator("#lines li p")).to_have_text(["Before.", "After."])
        call.speak(tone(0.2))
        call.next(Played, lambda report: report.samples == 0.2 * OUT_HZ)


def lost(page: Page, server: Puppeteer, refuse: Callable[[Route], None]) -> None:
    """A call whose connection is cut, on a clock that the test moves."""
    page.clock.install()
    begin(page, server)
    page.route("**/start", refuse)
    server.drop_sockets()
    expect(page.locator("#word")).to_have_text("reconnecting")


def test_it_tries_for_as_long_as_the_page_is_open_and_says_when(
    browser: Browser, server: Puppeteer
) -> None:
    tries: list[int] = []

    def refuse(route: Route) -> None:
        tries.append(1)
        route.abort()

    with witnessed(browser, server, "Failed to load", "WebSocket") as page:
        page.add_init_script(
            "window.said = []; addEventListener('DOMContentLoaded', () => new MutationObserver("
            "() => said.push(announcements.textContent)).observe(announcements, {childList: true}))"
        )
        page.goto(server.url)
        lost(page, server, refuse)

        def is_at_it() -> bool:
            page.clock.run_for(2000)
            return len(tries) >= 9

        until(page, is_at_it)
        shown = [text for text in page.evaluate("() => window.said") if "try" in text]
        waits_s = [1, 1, 2, 4, 8, 16, 30, 30, 30]
        assert shown[:9] == [f"reconnecting, next try in {wait} s" for wait in waits_s]
        expect(page.locator("#word")).to_have_text("reconnecting")
        expect(page.locator("#problem strong")).to_have_text("The server does not answer")
        expect(page.locator("#problem .mend")).to_contain_text("goes on trying")


def test_a_try_that_is_asked_for_comes_at_once_and_brings_the_call_back(
    browser: Browser, server: Puppeteer
) -> None:
    with witnessed(browser, server, "Failed to load", "WebSocket") as page:
        lost(page, server, lambda route: route.abort())
        page.clock.run_for(600)
        expect(page.locator("#problem strong")).to_have_text("The server does not answer")
        page.unroute("**/start")
        page.get_by_role("button", name="Try now").click()
        expect(page.locator("#word")).to_have_text("listening")
        expect(page.locator("#problem")).to_be_hidden()
        expect(page.get_by_role("button", name="Try now")).to_be_hidden()


def test_a_call_that_is_ended_while_it_tries_is_over(browser: Browser, server: Puppeteer) -> None:
    with witnessed(browser, server, "Failed to load", "WebSocket") as page:
        lost(page, server, lambda route: route.abort())
        page.clock.run_for(600)
        expect(page.locator("#problem strong")).to_be_visible()
        page.get_by_role("button", name="End call").click()
        expect(page.locator("#word")).to_have_text("ready")
        expect(page.locator("#problem")).to_be_hidden()


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (503, {"error": "all lines are busy"}, "All lines are busy"),
        (503, {"error": "the server is shutting down"}, "The server takes no calls just now"),
        (502, {}, "The server takes no calls just now"),
        (429, {"error": "too many calls"}, "Too many calls from this address"),
        (404, {}, "The page and the server do not understand each other"),
    ],
)
def test_a_refusal_on_the_way_back_is_told_and_tried_again(
    browser: Browser, server: Puppeteer, status: int, body: dict[str, str], told: str
) -> None:
    with witnessed(browser, server, "Failed to load", "WebSocket") as page:
        lost(page, server, lambda route: route.fulfill(status=status, json=body))
        page.clock.run_for(600)
        expect(page.locator("#problem strong")).to_have_text(told)
        page.unroute("**/start")
        page.clock.run_for(1100)
        expect(page.locator("#word")).to_have_text("listening")


def test_a_token_that_is_no_longer_right_ends_the_trying(
    browser: Browser, server: Puppeteer
) -> None:
    with witnessed(browser, server, "Failed to load", "WebSocket") as page:
        lost(page, server, lambda route: route.fulfill(status=401, json={}))
        page.clock.run_for(600)
        expect(page.locator("#word")).to_have_text("ready")
        expect(page.locator("#problem strong")).to_contain_text("access token")


def test_a_server_that_kept_nothing_begins_a_new_call_and_it_is_said(page: Page) -> None:
    opened: list[int] = []

    def play(socket: WebSocketRoute, message: dict[str, Any]) -> None:
        if message["type"] == "client-ready":
            opened.append(1)
            socket.send(rtvi("bot-ready", {"version": "2.0.0"}, message["id"]))
            session = {"type": "session", "resume": f"key-{len(opened)}", "resumed": False}
            socket.send(rtvi("server-message", session))
            if len(opened) == 1:
                socket.close(code=1012, reason="restart")

    scripted(page, play)
    page.locator("#call").click()
    expect(page.locator("#problem strong")).to_have_text("This is a new conversation")
    expect(page.locator("#word")).to_have_text("listening")


def test_the_key_to_go_on_with_is_given_back(page: Page) -> None:
    opened: list[object] = []
    begun: list[object] = []

    def note(route: Route) -> None:
        begun.append(route.request.post_data_json)
        route.continue_()

    def play(socket: WebSocketRoute, message: dict[str, Any]) -> None:
        if message["type"] == "client-ready":
            opened.append(message["data"].get("resume"))
            socket.send(rtvi("bot-ready", {"version": "2.0.0"}, message["id"]))
            if len(opened) == 1:
                socket.send(rtvi("server-message", {"type": "session", "resume": "key-1"}))
                socket.close(code=1012, reason="restart")

    page.route("**/start", note)
    scripted(page, play)
    page.locator("#call").click()
    expect(page.locator("#word")).to_have_text("reconnecting")
    expect(page.locator("#word")).to_have_text("listening")
    assert opened == [None, "key-1"]
    assert begun == [{}, {"resume": "key-1"}]


def closed_once_with(page: Page, code: int, reason: str) -> None:
    """The server closes the socket of a call that is under way; a second one it keeps."""
    opened: list[int] = []

    def play(socket: WebSocketRoute, message: dict[str, Any]) -> None:
        if message["type"] == "client-ready":
            opened.append(1)
            socket.send(rtvi("bot-ready", {"version": "2.0.0"}, message["id"]))
            if len(opened) == 1:
                socket.close(code=code, reason=reason)

    scripted(page, play)
    page.locator("#call").click()


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (1001, ""),
        (1008, "audio faster than real time"),
        (1008, "too many messages"),
        (1008, "nothing was heard of the client for too long"),
        (1008, "the client was never ready"),
        (1011, "keepalive ping timeout"),
        (1012, "the server is shutting down"),
        (1013, "the client reads too slowly"),
        (1013, "try again later"),
        (4000, "a proxy's own"),
    ],
)
def test_it_comes_back_from_each_close_that_is_not_its_own_doing(
    page: Page, code: int, reason: str
) -> None:
    closed_once_with(page, code, reason)
    expect(page.locator("#word")).to_have_text("reconnecting")
    expect(page.locator("#word")).to_have_text("listening")
    expect(page.locator("#problem")).to_be_hidden()


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (1000, ""),
        (1002, "torn protobuf frame"),
        (1003, "messages must be binary"),
        (1009, "a message that is too big"),
        (1008, "the call goes on over another connection"),
        (1008, "the call has lasted as long as it may"),
    ],
)
def test_it_stays_away_where_the_call_is_over_or_the_page_is_at_fault(
    page: Page, code: int, reason: str
) -> None:
    closed_once_with(page, code, reason)
    expect(page.locator("#word")).to_have_text("ready")


def test_what_it_does_not_know_harms_nobody(page: Page) -> None:
    def play(socket: WebSocketRoute, message: dict[str, Any]) -> None:
        if message["type"] != "client-ready":
            return
        socket.send(rtvi("bot-ready", {"version": "9.0.0"}, message["id"]))
        socket.send(b"\xff\xff\xff")
        socket.send("text")
        socket.send(Frame(message=MessageFrame(data="{")).SerializeToString())
        for kind in ("turn", "state", "flush", "unheard-of"):
            socket.send(rtvi("server-message", {"type": kind, "row": None, "state": "dancing"}))
        socket.send(rtvi("server-message", None))
        socket.send(rtvi("unheard-of", [1]))
        socket.send(rtvi("server-message", {"type": "state", "state": "thinking"}))

    scripted(page, play)
    page.locator("#call").click()
    expect(page.locator("#word")).to_have_text("thinking")
