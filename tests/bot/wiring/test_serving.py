"""TLS of our own, and TLS of the proxy in the documentation."""

import asyncio
import os
import select
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2
import pytest
from websockets.asyncio.client import connect

import bot.wiring.serving
from bot.calls.limits import Limits
from bot.commands.serve import check_certificate
from bot.server.access import AccessPolicy
from bot.settings import Settings, SettingsError
from bot.wiring.serving import Certificate
from tests.bot.browser.test_door import closing, enter
from tests.certificates import make_certificate, trusting
from tests.conftest import SYSTEM_PATH
from tests.echo import audio, message, pcm
from tests.serving import TOKEN, serving

PCM = b"\1\2" * 160
EXAMPLE = Path(__file__).parents[3] / "docs" / "guide" / "nginx.conf"


# ---- a certificate of our own ----


@pytest.mark.needs("openssl")
def test_a_call_over_tls(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)

    async def scenario() -> None:
        async with serving(certificate=certificate) as served:
            url = await served.ws_url()
            assert url.startswith(f"wss://127.0.0.1:{served.port}/ws?ticket=")
            async with connect(url, ssl=trusting(certificate)) as client:
                await enter(client)
                await client.send(audio(PCM))
                assert pcm(await client.recv(decode=False)) == PCM

    asyncio.run(scenario())


@pytest.mark.needs("openssl")
def test_a_certificate_that_cannot_be_used_gives_one_line(tmp_path: Path) -> None:
    good = make_certificate(tmp_path)
    (tmp_path / "other").mkdir()
    other = make_certificate(tmp_path / "other")
    torn = tmp_path / "torn.pem"
    torn.write_text("-----BEGIN CERTIFICATE-----\nMIIB\n")

    def check(chain: Path, key: Path) -> None:
        check_certificate(Settings.model_validate({"tls_cert": chain, "tls_key": key}))

    check(good.chain, good.key)
    check_certificate(Settings.model_validate({}))
    for chain, key in (
        (good.chain, other.key),
        (torn, good.key),
        (good.chain, tmp_path / "nowhere.pem"),
    ):
        with pytest.raises(SettingsError, match="TLS_CERT and TLS_KEY cannot be used: "):
            check(chain, key)


@pytest.mark.needs("openssl")
@pytest.mark.parametrize(
    "sent", [b"", b"\x16\x03\x01", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"]
)
def test_a_handshake_that_does_not_come_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(bot.wiring.serving, "REQUEST_S", 0.2)
    certificate = make_certificate(tmp_path)

    async def scenario() -> None:
        async with serving(certificate=certificate) as served:
            reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
            writer.write(sent)
            async with asyncio.timeout(10):
                with suppress(ConnectionError):
                    assert await reader.read() == b""
            writer.close()

    asyncio.run(scenario())


# ---- behind a proxy ----


@contextmanager
def nginx(
    folder: Path,
    certificate: Certificate,
    upstream: int,
    changes: Iterable[tuple[str, str]] = (),
) -> Iterator[int]:
    """The example of the documentation, on a port of its own, which is yielded.

    `changes` are made first: what stands there, and what is to stand there instead.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    site = EXAMPLE.read_text()
    for ours, theirs in (
        *changes,
        ("listen 443", f"listen 127.0.0.1:{port}"),
        ("server_name voice.example", "server_name localhost"),
        ("/etc/letsencrypt/live/voice.example/fullchain.pem", str(certificate.chain)),
        ("/etc/letsencrypt/live/voice.example/privkey.pem", str(certificate.key)),
        ("/var/log/nginx/halfsecond.log", str(folder / "access.log")),
        ("127.0.0.1:7860", f"127.0.0.1:{upstream}"),
    ):
        assert ours in site
        site = site.replace(ours, theirs)
    (folder / "site.conf").write_text(site)
    own = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = " ".join(f"{name}_temp_path {folder}/{name};" for name in own)
    (folder / "nginx.conf").write_text(
        f"master_process off; pid {folder}/pid; error_log {folder}/error.log;"
        f"events {{}} http {{ {temporary} include {folder}/site.conf; }}"
    )
    program = shutil.which("nginx", path=SYSTEM_PATH)
    assert program is not None
    command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    # It goes to the background once it listens.
    subprocess.run([*command, "-e", str(folder / "error.log")], check=True, timeout=30)
    pid = int((folder / "pid").read_text())
    gone = os.pidfd_open(pid)
    try:
        yield port
    finally:
        os.kill(pid, signal.SIGTERM)
        select.select([gone], [], [], 30)
        os.close(gone)


@pytest.mark.needs("nginx")
@pytest.mark.needs("openssl")
def test_a_call_through_the_proxy_of_the_documentation(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    trusted = trusting(certificate)
    web = tmp_path / "web"
    web.mkdir()
    (web / "index.html").write_text("the page")
    access = AccessPolicy(token=TOKEN, public="https://localhost")

    async def scenario() -> None:
        limits = Limits(calls=3, calls_per_address=1)
        async with serving(access=access, web=web, limits=limits) as served:
            with nginx(tmp_path, certificate, served.port) as port:
                base = f"https://localhost:{port}"
                async with httpx2.AsyncClient(base_url=base, verify=trusted) as http:
                    await call_through(http, port)
                log = (tmp_path / "access.log").read_text()
                assert '"GET /ws" 101' in log
                assert "ticket" not in log

    async def call_through(http: httpx2.AsyncClient, port: int) -> None:
        assert (await http.get("/")).text == "the page"
        assert (await http.post("/start")).status_code == 401, "it came over loopback, forwarded"
        shown = {"Authorization": f"Bearer {TOKEN}", "Origin": "https://localhost"}
        # A caller cannot say that it is somebody else.
        shown["X-Forwarded-For"] = "192.0.2.7"
        url = (await http.post("/start", headers=shown)).json()["wsUrl"]
        assert url.startswith("wss://localhost/ws?ticket=")
        url = url.replace("localhost", f"localhost:{port}")
        async with connect(url, ssl=trusted, compression="deflate") as client:
            assert client.protocol.extensions == []
            await enter(client)
            await client.send(audio(PCM))
            assert pcm(await client.recv(decode=False)) == PCM
            full = await http.post("/start", headers={**shown, "X-Forwarded-For": "192.0.2.8"})
            assert full.status_code == 429
            await client.send(message("disconnect-bot"))
            assert await closing(client) == (1000, "")

    asyncio.run(scenario())
