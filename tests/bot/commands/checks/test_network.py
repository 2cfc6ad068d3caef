"""The doctor's findings about the way in, with servers on loopback at the other end."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.commands.checks import network
from bot.commands.checks.finding import CheckVerdict, Finding
from bot.settings import Settings
from tests.certificates import make_certificate
from tests.echo import EchoEngine
from tests.serving import serving

pytestmark = pytest.mark.usefixtures("empty_folder")


def settings(**given: object) -> Settings:
    return Settings.model_validate(given)


# ---- the port ----


def test_a_port_is_free_or_taken_by_a_stranger() -> None:
    async def scenario() -> list[Finding]:
        findings = [await network.check_port(settings(port=0))]
        async with mute_server() as port:
            findings.append(await network.check_port(settings(port=port)))
        return findings

    free, taken = asyncio.run(scenario())
    assert free.verdict is CheckVerdict.PASS
    assert taken.verdict is CheckVerdict.FAIL
    assert taken.mend == "stop what listens there, or take another --port"


@asynccontextmanager
async def mute_server() -> AsyncIterator[int]:
    """Hangs up on whoever comes."""

    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


def test_a_server_of_ours_is_well_when_it_takes_calls() -> None:
    async def scenario() -> tuple[int, Finding]:
        async with serving() as served:
            return served.port, await network.check_port(settings(port=served.port))

    port, found = asyncio.run(scenario())
    assert found.verdict is CheckVerdict.PASS
    assert found.found == (
        f"Halfsecond answers at http://127.0.0.1:{port}, and is well: it takes calls"
    )
    assert not found.mend


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("is_set", [True, False])
def test_a_server_with_tls_is_well_whether_these_settings_name_it_or_not(
    tmp_path: Path, is_set: bool
) -> None:
    made = make_certificate(tmp_path)
    given = {"tls_cert": made.chain, "tls_key": made.key} if is_set else {}

    async def scenario() -> Finding:
        async with serving(certificate=made) as served:
            return await network.check_port(settings(port=served.port, **given))

    found = asyncio.run(scenario())
    assert found.verdict is CheckVerdict.PASS
    assert "answers at https://127.0.0.1:" in found.found


@pytest.mark.needs("openssl")
def test_a_server_without_tls_is_well_where_these_settings_have_a_certificate(
    tmp_path: Path,
) -> None:
    made = make_certificate(tmp_path)

    async def scenario() -> Finding:
        async with serving() as served:
            given = settings(port=served.port, tls_cert=made.chain, tls_key=made.key)
            return await network.check_port(given)

    assert asyncio.run(scenario()).verdict is CheckVerdict.PASS


def test_a_server_that_loads_its_models_is_a_warning() -> None:
    async def scenario() -> Finding:
        engine = EchoEngine()
        engine.may_open.clear()
        async with serving(engine, settle=False) as served:
            found = await network.check_port(settings(port=served.port))
            engine.may_open.set()
        return found

    loading = asyncio.run(scenario())
    assert loading.verdict is CheckVerdict.WARN
    assert "loads its models still" in loading.found


def test_a_server_without_its_models_fails() -> None:
    said = {"status": "broken", "detail": "the server could not start its models"}
    found = asyncio.run(found_of(503, said))
    assert found.verdict is CheckVerdict.FAIL
    assert "the server could not start its models" in found.found
    assert found.mend


@pytest.mark.parametrize(
    ("status", "said", "verdict"),
    [
        (200, {"status": "open"}, CheckVerdict.PASS),
        (503, {"status": "draining", "detail": "the server is shutting down"}, CheckVerdict.WARN),
        (503, {"status": "loading"}, CheckVerdict.WARN),
        (503, [], CheckVerdict.FAIL),
        (502, None, CheckVerdict.FAIL),
    ],
)
def test_what_a_server_says_of_itself_is_the_finding(
    status: int, said: object, verdict: CheckVerdict
) -> None:
    assert asyncio.run(found_of(status, said)).verdict is verdict


async def found_of(status: int, said: object) -> Finding:
    """The finding about the port of a server that is alive and says this of its readiness; None is
    no JSON.
    """

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        is_alive = asked.startswith(b"GET /healthz ")
        answer = {"status": "alive"} if is_alive else said
        body = "" if answer is None else json.dumps(answer)
        code = 200 if is_alive else status
        head = f"HTTP/1.1 {code} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write((head + body).encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(respond, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        return await network.check_port(settings(port=port))


# ---- TLS ----


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ({}, CheckVerdict.PASS),
        ({"host": "0.0.0.0"}, CheckVerdict.WARN),
        ({"host": "0.0.0.0", "public_base_url": "https://voice.example"}, CheckVerdict.PASS),
    ],
)
def test_tls_is_missed_where_it_is_needed(given: dict[str, str], verdict: CheckVerdict) -> None:
    assert network.check_tls(settings(**given)).verdict is verdict


@pytest.mark.needs("openssl")
def test_a_certificate_is_good_for_a_while_and_then_no_more(tmp_path: Path) -> None:
    made = make_certificate(tmp_path, days=60)
    given = settings(tls_cert=made.chain, tls_key=made.key)
    now = datetime.now(UTC)

    def verdict(days: int) -> CheckVerdict:
        return network.check_tls(given, now + timedelta(days=days)).verdict

    assert verdict(0) is CheckVerdict.PASS
    assert verdict(50) is CheckVerdict.WARN
    assert verdict(61) is CheckVerdict.FAIL
    assert abs(network.expiry(made.chain, made.key) - now - timedelta(days=60)).days < 1

    (tmp_path / "other").mkdir()
    other = make_certificate(tmp_path / "other")
    mixed = network.check_tls(settings(tls_cert=made.chain, tls_key=other.key))
    assert mixed.verdict is CheckVerdict.FAIL


# ---- the token ----


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ({}, CheckVerdict.PASS),
        ({"host": "0.0.0.0"}, CheckVerdict.WARN),
        ({"public_base_url": "https://voice.example"}, CheckVerdict.WARN),
        ({"access_token": "guess-me"}, CheckVerdict.WARN),
        ({"access_token": "x" * 32, "host": "0.0.0.0"}, CheckVerdict.PASS),
    ],
)
def test_the_token_is_looked_at_and_not_shown(given: dict[str, str], verdict: CheckVerdict) -> None:
    finding = network.check_token(settings(**given))
    assert finding.verdict is verdict
    assert given.get("access_token", "?") not in finding.found


# ---- the public address ----


def test_the_public_address_must_lead_here() -> None:
    async def check(url: str | None) -> Finding:
        return await network.check_public_address(settings(public_base_url=url))

    async def scenario() -> None:
        assert (await check(None)).verdict is CheckVerdict.PASS
        assert (await check("http://voice.example")).verdict is CheckVerdict.WARN
        assert (await check("http://127.0.0.1:1")).verdict is CheckVerdict.WARN
        async with serving() as served:
            found = await check(f"http://127.0.0.1:{served.port}")
        assert found.verdict is CheckVerdict.PASS

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
    ("status", "verdict"), [("200 OK", CheckVerdict.PASS), ("401 Unauthorized", CheckVerdict.FAIL)]
)
def test_the_account_is_asked_after(status: str, verdict: CheckVerdict) -> None:
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
    assert finding.verdict is CheckVerdict.FAIL
    assert finding.mend


def test_a_telephone_that_can_only_be_called_is_a_warning() -> None:
    finding = asyncio.run(
        network.check_twilio(twilio("http://127.0.0.1:1", twilio_account_sid=None))
    )
    assert finding is not None
    assert finding.verdict is CheckVerdict.WARN


def test_without_an_account_nothing_is_said_of_it() -> None:
    assert asyncio.run(network.check_twilio(settings())) is None
