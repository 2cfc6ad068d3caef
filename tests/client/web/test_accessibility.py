"""axe-core looks at the page in every state, in light and in dark."""

import json
from collections.abc import Callable, Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from pipelines.core.exchange import CallState, Caption, Fault, StateChanged, TurnMeasured
from tests.client.web.acting import begin, row
from tests.client.web.npm import node_modules
from tests.client.web.puppet import PuppetCall, Puppeteer

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.needs("npm"),
    pytest.mark.timeout(400),
]

ACTS: dict[str, Callable[[Page, Puppeteer], object]] = {}


def act(play: Callable[[Page, Puppeteer], object]) -> Callable[[Page, Puppeteer], object]:
    ACTS[play.__name__.replace("_", " ")] = play
    return play


@act
def ready(page: Page, server: Puppeteer) -> None: ...


@act
def connecting(page: Page, server: Puppeteer) -> None:
    page.route("**/start", lambda _: None)  # no answer comes
    page.locator("#call").click()
    expect(page.locator("#word")).to_have_text("connecting")


@act
def listening(page: Page, server: Puppeteer) -> PuppetCall:
    return begin(page, server)


def turned(page: Page, server: Puppeteer, state: CallState, word: str) -> None:
    """A conversation that has gone on for a while."""
    call = begin(page, server)
    call.say(
        Caption("user", "Tell me a story.", final=True, turn=1),
        Caption("bot", "There lived a clockmaker who could not sleep.", final=False, turn=1),
        TurnMeasured(row(1)),
        Caption("bot", "There lived a", final=True, turn=1, heard="There lived a"),
        Caption("user", "Wait.", final=True, turn=2),
        Caption("bot", "Yes?", final=False, turn=2),
        TurnMeasured(row(2, llm_s=0.5)),
        Caption("user", "What ti", final=False, turn=3),
        StateChanged(state),
    )
    expect(page.locator("#turns details")).to_have_count(2)
    expect(page.locator("#word")).to_have_text(word)


@act
def hearing(page: Page, server: Puppeteer) -> None:
    turned(page, server, "hearing", "hearing you")


@act
def thinking(page: Page, server: Puppeteer) -> None:
    turned(page, server, "thinking", "thinking")


@act
def speaking(page: Page, server: Puppeteer) -> None:
    turned(page, server, "speaking", "speaking")


@act
def with_all_turns_opened(page: Page, server: Puppeteer) -> None:
    turned(page, server, "listening", "listening")
    page.locator("#turns summary").last.click()
    expect(page.locator("#turns .waterfall")).to_have_count(2)


@act
def muted(page: Page, server: Puppeteer) -> None:
    turned(page, server, "speaking", "speaking")
    page.keyboard.press("m")
    expect(page.locator("#mute")).to_have_attribute("aria-pressed", "true")


@act
def held_to_talk(page: Page, server: Puppeteer) -> None:
    page.get_by_text("Push to talk").click()
    begin(page, server)
    page.keyboard.down(" ")
    expect(page.locator("#hold")).to_have_text("Let go to send Space")


@act
def in_trouble(page: Page, server: Puppeteer) -> None:
    begin(page, server).say(Fault("the language model does not answer"))
    expect(page.locator("#problem")).to_be_visible()


@act
def without_a_microphone(page: Page, server: Puppeteer) -> None:
    page.evaluate(
        "() => { navigator.mediaDevices.getUserMedia = async () => "
        "{ throw new DOMException('no', 'NotAllowedError'); } }"
    )
    page.locator("#call").click()
    expect(page.locator("#problem")).to_be_visible()


@act
def unheard(page: Page, server: Puppeteer) -> None:
    begin(page, server)
    page.evaluate("() => { quiet.textContent = 'We can’t hear you.'; }")


@act
def full(page: Page, server: Puppeteer) -> None:
    busy = {"error": "all lines are busy"}
    page.route("**/start", lambda route: route.fulfill(status=503, json=busy))
    page.locator("#call").click()
    expect(page.locator("#word")).to_have_text("full")


@act
def asked_for_the_token(page: Page, server: Puppeteer) -> None:
    page.route("**/start", lambda route: route.fulfill(status=401, json={}))
    page.locator("#call").click()
    page.get_by_label("Access token", exact=True).fill("guess")
    page.keyboard.press("Enter")
    expect(page.locator("#token-wrong")).to_be_visible()


@act
def reconnecting(page: Page, server: Puppeteer) -> None:
    begin(page, server)
    page.route("**/start", lambda _: None)
    server.drop_sockets()
    expect(page.locator("#word")).to_have_text("reconnecting")


@act
def over(page: Page, server: Puppeteer) -> None:
    turned(page, server, "speaking", "speaking")
    page.locator("#call").click()
    expect(page.locator("#word")).to_have_text("ready")


@pytest.fixture(scope="module")
def axe() -> str:
    return (node_modules() / "axe-core" / "axe.min.js").read_text()


@pytest.fixture
def seen(browser: Browser, server: Puppeteer) -> Iterator[Callable[..., Page]]:
    contexts = []

    def see(scheme: Literal["light", "dark"], width: int) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
        )
        contexts.append(context)
        page = context.new_page()
        page.goto(server.url)
        return page

    yield see
    for context in contexts:
        context.close()


OFTEN = ("listening", "with all turns opened", "in trouble")
"""States that between them show nearly every element; the rest are for the full counts."""


@pytest.mark.parametrize(
    "state",
    [pytest.param(state, marks=() if state in OFTEN else pytest.mark.soak) for state in ACTS],
)
def test_axe_finds_nothing(
    seen: Callable[..., Page], server: Puppeteer, axe: str, state: str
) -> None:
    for scheme, width in (("light", 1280), ("dark", 1280), ("light", 320), ("dark", 320)):
        page = seen(scheme, width)
        ACTS[state](page, server)
        page.evaluate(axe)
        found = page.evaluate("async () => (await axe.run()).violations")
        faults = [
            (one["impact"], one["id"], [node["html"] for node in one["nodes"]]) for one in found
        ]
        assert faults == [], json.dumps([scheme, width, *faults], indent=1)
        page.close()


def test_axe_would_find_what_is_wrong(
    seen: Callable[..., Page], server: Puppeteer, axe: str
) -> None:
    page = seen("light", 1280)
    page.evaluate(
        "() => { document.querySelector('label[for=text]').remove();"
        " text.removeAttribute('placeholder'); reason.style.color = '#ddd'; }"
    )
    page.evaluate(axe)
    found = page.evaluate("async () => (await axe.run()).violations.map(({ id }) => id)")
    assert sorted(found) == ["color-contrast", "label"]
