"""The findings of `./run phone check`, with Twilio and the public address on loopback."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import httpx2
import pytest

from bot.commands.checks import twilio_reach as phone
from bot.commands.checks.finding import CheckVerdict, Finding
from bot.phone.line import TelephoneConfig
from tests.certificates import make_certificate, trusting
from tests.client.caller.telephone_server import SECRET, Exchange, serving
from tests.twilio_cloud import NUMBER, SID, Cloud, running
from tests.twilio_cloud import SECRET as API_SECRET

LINE = TelephoneConfig(
    account_sid=SID,
    auth_token=SECRET,
    api_base_url="http://127.0.0.1:1",
    public="https://voice.example",
)


def examined(line: TelephoneConfig) -> dict[str, Finding]:
    return {one.name: one for one in asyncio.run(phone.examine(line))}


# ---- the account ----


@pytest.mark.parametrize(
    ("status", "kind", "verdict"),
    [
        ("active", "Full", CheckVerdict.PASS),
        ("active", "Trial", CheckVerdict.WARN),
        ("suspended", "Full", CheckVerdict.FAIL),
    ],
)
def test_an_account_must_be_active(status: str, kind: str, verdict: CheckVerdict) -> None:
    assert phone.check_status(SimpleNamespace(status=status, type=kind)).verdict is verdict


def test_a_number_should_ring_here() -> None:
    def check(*voice_urls: str) -> Finding:
        numbers = [
            SimpleNamespace(
                phone_number=NUMBER, voice_url=url, trunk_sid=None, voice_application_sid=None
            )
            for url in voice_urls
        ]
        return phone.check_numbers(LINE, numbers)

    assert check().verdict is CheckVerdict.WARN
    elsewhere = check("https://demo.twilio.com/welcome/voice/")
    assert (elsewhere.verdict, elsewhere.mend) == (
        CheckVerdict.WARN,
        f"./run phone setup {NUMBER}",
    )
    assert check("https://voice.example/twilio/voice").found == f"{NUMBER} rings here"


def test_the_account_is_asked_and_an_address_that_cannot_be_is_not_dialled() -> None:
    with running(Cloud()) as cloud:
        cloud.own()
        line = TelephoneConfig(
            account_sid=SID,
            auth_token=API_SECRET,
            api_base_url=cloud.url,
            public="http://127.0.0.1:7860",
        )
        found = examined(line)
        refused = examined(replace(line, auth_token="wrong"))

    assert [(name, one.verdict) for name, one in found.items()] == [
        ("account", CheckVerdict.PASS),
        ("numbers", CheckVerdict.WARN),
        ("address", CheckVerdict.FAIL),
    ]
    assert refused["account"].verdict is CheckVerdict.FAIL
    assert "numbers" not in refused


# ---- the way here ----


@pytest.mark.parametrize(
    ("url", "verdict"),
    [
        ("https://voice.example", CheckVerdict.PASS),
        ("https://voice.example:8443", CheckVerdict.FAIL),
        ("http://voice.example", CheckVerdict.FAIL),
    ],
)
def test_streams_come_by_wss_on_its_own_port(url: str, verdict: CheckVerdict) -> None:
    assert phone.check_address(replace(LINE, public=url)).verdict is verdict


@pytest.mark.needs("openssl")
def test_a_certificate_must_be_trusted_and_fresh(tmp_path: Path) -> None:
    made = make_certificate(tmp_path, days=60)
    (tmp_path / "old").mkdir()
    old = make_certificate(tmp_path / "old", days=3)

    async def scenario() -> list[Finding | None]:
        found = []
        for certificate, trusted in ((made, made), (made, None), (old, old)):
            async with serving(Exchange(), certificate) as exchange:
                context = trusting(trusted) if trusted else ssl.create_default_context()
                line = replace(LINE, public=exchange.url)
                found.append(await phone.check_certificate(line, context))
        found.append(await phone.check_certificate(replace(LINE, public="https://127.0.0.1:1")))
        return found

    good, unknown, stale, absent = asyncio.run(scenario())
    verdicts = [one.verdict for one in (good, unknown, stale, absent) if one is not None]
    assert verdicts == [CheckVerdict.PASS, CheckVerdict.FAIL, CheckVerdict.WARN, CheckVerdict.FAIL]
    assert unknown is not None
    assert "self-signed" in unknown.found
    assert absent is not None
    assert absent.found.startswith("nothing answers")


@pytest.mark.needs("openssl")
def test_all_that_twilio_does_is_tried_at_the_real_address(tmp_path: Path) -> None:
    made = make_certificate(tmp_path, days=60)

    async def scenario() -> list[Finding]:
        async with serving(Exchange(), made) as exchange:
            line, context = replace(LINE, public=exchange.url), trusting(made)
            async with httpx2.AsyncClient(verify=context, trust_env=False) as http:
                return [
                    await phone.check_webhook(line, http),
                    await phone.check_forgery(line, http),
                    await phone.check_stream(line, context),
                ]

    found = asyncio.run(scenario())
    assert [one.verdict for one in found] == [CheckVerdict.PASS] * 3, found


Answer = tuple[int, str]
Check = Callable[[TelephoneConfig, httpx2.AsyncClient], Awaitable[Finding]]


def told(check: Check, answer: Answer) -> Finding:
    """The finding about a server that gives this answer to everyone."""

    async def scenario() -> Finding:
        transport = httpx2.MockTransport(lambda _: httpx2.Response(answer[0], text=answer[1]))
        async with httpx2.AsyncClient(transport=transport) as http:
            return await check(LINE, http)

    return asyncio.run(scenario())


STREAM = "<Response><Connect><Stream url='{}'/></Connect></Response>"


@pytest.mark.parametrize(
    ("answer", "verdict", "found"),
    [
        (
            (200, STREAM.format("wss://voice.example/twilio/media")),
            CheckVerdict.PASS,
            "with a stream",
        ),
        (
            (200, STREAM.format("wss://other.example/twilio/media")),
            CheckVerdict.FAIL,
            "wss://other",
        ),
        (
            (200, "<Response><Say>All lines are busy.</Say></Response>"),
            CheckVerdict.WARN,
            "are busy",
        ),
        ((200, "<html><p>"), CheckVerdict.FAIL, "not XML"),
        ((403, ""), CheckVerdict.FAIL, "refuses a good signature"),
        ((404, ""), CheckVerdict.FAIL, "no /twilio/voice"),
        ((502, ""), CheckVerdict.FAIL, "answers 502"),
    ],
)
def test_each_answer_of_the_webhook_has_its_line(
    answer: Answer, verdict: CheckVerdict, found: str
) -> None:
    one = told(phone.check_webhook, answer)
    assert one.verdict is verdict
    assert found in one.found
    assert bool(one.mend) is (verdict is not CheckVerdict.PASS)


@pytest.mark.parametrize(
    ("status", "verdict"), [(403, CheckVerdict.PASS), (200, CheckVerdict.FAIL)]
)
def test_a_forged_signature_must_be_refused(status: int, verdict: CheckVerdict) -> None:
    assert told(phone.check_forgery, (status, "")).verdict is verdict


def test_a_proxy_without_upgrades_is_found() -> None:
    found = asyncio.run(phone.check_stream(replace(LINE, public="https://127.0.0.1:1")))
    assert found.verdict is CheckVerdict.FAIL
    assert found.found.startswith("no WebSocket")
