"""Questions of the operator's machines, on a real socket."""

import asyncio
import socket
from pathlib import Path

from bot.calls.sessions import Doors
from bot.server.access import AccessPolicy
from bot.server.telemetry import Metrics
from bot.wiring.serving import Terms, run
from pipelines.services.minding import Minders
from tests.echo import EchoEngine
from tests.serving import serving


def test_the_server_lives_before_it_is_ready() -> None:
    async def scenario() -> None:
        engine = EchoEngine()
        engine.may_open.clear()
        async with serving(engine, settle=False) as served:
            alive = await served.http.get("/healthz")
            loading = await served.http.get("/readyz")
            engine.may_open.set()
            await served.sessions.until(Doors.OPEN)
            ready = await served.http.get("/readyz")
        assert (alive.status_code, alive.json()) == (200, {"status": "alive"})
        why = {"status": "loading", "detail": "the models are still loading"}
        assert (loading.status_code, loading.json()) == (503, why)
        assert (ready.status_code, ready.json()) == (200, {"status": "open"})

    asyncio.run(scenario())


class Away:
    """Minds a process that may be away."""

    def __init__(self) -> None:
        self.trouble: str | None = None
        self.is_minded = False

    async def run(self) -> None:
        self.is_minded = True
        await asyncio.Event().wait()


def test_a_process_that_is_down_is_no_readiness_and_refuses_nobody() -> None:
    async def scenario() -> None:
        process = Away()
        async with serving(minders=Minders([process])) as served:
            assert process.is_minded
            process.trouble = "the demo engine is down, and is being started again"
            away = await served.http.get("/readyz")
            start = await served.http.post("/start")
            process.trouble = None
            back = await served.http.get("/readyz")
        assert (away.status_code, start.status_code, back.status_code) == (503, 200, 200)
        assert away.json()["detail"] == "the demo engine is down, and is being started again"

    asyncio.run(scenario())


def test_the_figures_are_in_prometheus_format() -> None:
    async def scenario() -> None:
        async with serving() as served:
            await served.http.post("/start")
            figures = await served.http.get("/metrics")
        assert figures.headers["content-type"].startswith("text/plain; version=")
        assert "# TYPE halfsecond_voice_to_voice_seconds histogram" in figures.text

    asyncio.run(scenario())


def test_the_page_is_served_where_there_is_one(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(web=tmp_path) as served:
            assert (await served.http.get("/")).status_code == 404
        (tmp_path / "index.html").write_text("<title>Halfsecond</title>")
        async with serving(web=tmp_path) as served:
            page = await served.http.get("/")
            assert (page.status_code, page.text) == (200, "<title>Halfsecond</title>")
            assert (await served.http.get("/healthz")).status_code == 200
            assert (await served.http.get("/../pyproject.toml")).status_code == 404

    asyncio.run(scenario())


def test_a_server_whose_engine_cannot_be_opened_ends_by_itself() -> None:
    async def scenario() -> tuple[bool, EchoEngine]:
        engine = EchoEngine(broken=True)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            served = await run(engine, Metrics(), listener, Terms(access=AccessPolicy(token="t")))
        return served, engine

    served, engine = asyncio.run(scenario())

    assert not served
    assert engine.closed
