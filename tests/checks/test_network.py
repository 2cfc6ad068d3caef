"""What the doctor says of the way in, with servers on loopback at the other end."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.checks import network
from bot.checks.finding import Finding, Verdict
from bot.settings import Settings
from tests.certificates import make_certificate
from tests.serving import serving

pytestmark = pytest.mark.usefixtures("empty_folder")


def settings(**given: object) -> Settings:
    return Settings.model_validate(given)


# ---- the port ----


def test_a_port_is_free_or_taken_or_ours() -> None:
    async def scenario() -> list[Finding]:
        findings = [await network.check_port(settings(port=0))]
        with socket.create_server(("127.0.0.1", 0)) as taken:
            asking = asyncio.to_thread(lambda: taken.accept()[0].close())
            port = taken.getsockname()[1]
            finding, _ = await asyncio.gather(network.check_port(settings(port=port)), asking)
            findings.append(finding)
        async with serving() as served:
            findings.append(await network.check_port(settings(port=served.port)))
        return findings

    free, taken, ours = asyncio.run(scenario())
    assert free.verdict is Verdict.PASS
    assert taken.verdict is Verdict.FAIL
    assert taken.mend == "stop what listens there, or take another --port"
    assert ours.verdict is Verdict.WARN
    assert ours.found.startswith("Halfsecond is running on 127.0.0.1 port")


# ---- TLS ----


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ({}, Verdict.PASS),
        ({"host": "0.0.0.0"}, Verdict.WARN),
        ({"host": "0.0.0.0", "public_base_url": "https://voice.example"}, Verdict.PASS),
    ],
)
def test_tls_is_missed_where_it_is_needed(given: dict[str, str], verdict: Verdict) -> None:
    assert network.check_tls(settings(**given)).verdict is verdict


@pytest.mark.needs("openssl")
def test_a_certificate_is_good_for_a_while_and_then_no_more(tmp_path: Path) -> None:
    made = make_certificate(tmp_path, days=60)
    given = settings(tls_cert=made.chain, tls_key=made.key)
    now = datetime.now(UTC)

    def verdict(days: int) -> Verdict:
        return network.check_tls(given, now + timedelta(days=days)).verdict

    assert verdict(0) is Verdict.PASS
    assert verdict(50) is Verdict.WARN
    assert verdict(61) is Verdict.FAIL
    assert abs(network.expiry(made.chain, made.key) - now - timedelta(days=60)).days < 1

    (tmp_path / "other").mkdir()
    other = make_certificate(tmp_path / "other")
    mixed = network.check_tls(settings(tls_cert=made.chain, tls_key=other.key))
    assert mixed.verdict is Verdict.FAIL


# ---- the token ----


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ({}, Verdict.PASS),
        ({"host": "0.0.0.0"}, Verdict.WARN),
        ({"public_base_url": "https://voice.example"}, Verdict.WARN),
        ({"access_token": "guess-me"}, Verdict.WARN),
        ({"access_token": "x" * 32, "host": "0.0.0.0"}, Verdict.PASS),
    ],
)
def test_the_token_is_looked_at_and_not_shown(given: dict[str, str], verdict: Verdict) -> None:
    finding = network.check_token(settings(**given))
    assert finding.verdict is verdict
    assert given.get("access_token", "?") not in finding.found


# ---- the public address ----


def test_the_public_address_must_lead_here() -> None:
    async def check(url: str | None) -> Finding:
        return await network.check_public_address(settings(public_base_url=url))

    async def scenario() -> None:
        assert (await check(None)).verdict is Verdict.PASS
        assert (await check("http://voice.example")).verdict is Verdict.WARN
        assert (await check("http://127.0.0.1:1")).verdict is Verdict.WARN
        async with serving() as served:
            found = await check(f"http://127.0.0.1:{served.port}")
        assert found.verdict is Verdict.PASS

    asyncio.run(scenario())


# ---- Twilio ----

SID, SECRET = "AC0123456789", "canary-twilio"


@asynccontextmanager
async def answering(status: str) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Twilio's API, which says this to everyone: its address, and what it was asked."""
    asked: list[bytes] = []

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        head = f"HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + b"{}")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(respond, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked


def twilio(url: str, **more: object) -> Settings:
    known = {
        "twilio_account_sid": SID,
        "twilio_auth_token": SECRET,
        "twilio_api_base_url": url,
        "public_base_url": "https://voice.example",
    }
    return settings(**{**known, **more})


@pytest.mark.parametrize(
    ("status", "verdict"), [("200 OK", Verdict.PASS), ("401 Unauthorized", Verdict.FAIL)]
)
def test_the_account_is_asked_after(status: str, verdict: Verdict) -> None:
    async def scenario() -> None:
        async with answering(status) as (url, asked):
            finding = await network.check_twilio(twilio(url))
        assert finding is not None
        assert finding.verdict is verdict
        assert SECRET not in finding.found + finding.mend
        assert asked[0].startswith(f"GET /2010-04-01/Accounts/{SID}.json ".encode())

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "given",
    [
        {"twilio_auth_token": None},
        {"public_base_url": None},
        {"public_base_url": "http://voice.example"},
        {},
    ],
)
def test_a_telephone_that_cannot_work_is_found(given: dict[str, object]) -> None:
    finding = asyncio.run(network.check_twilio(twilio("http://127.0.0.1:1", **given)))
    assert finding is not None
    assert finding.verdict is Verdict.FAIL
    assert finding.mend


def test_a_telephone_that_can_only_be_called_is_a_warning() -> None:
    finding = asyncio.run(
        network.check_twilio(twilio("http://127.0.0.1:1", twilio_account_sid=None))
    )
    assert finding is not None
    assert finding.verdict is Verdict.WARN


def test_without_an_account_nothing_is_said_of_it() -> None:
    assert asyncio.run(network.check_twilio(settings())) is None
