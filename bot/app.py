"""The ASGI application: its lifespan, which opens the engine, and its routers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from bot.endpoints import browser, health
from bot.sessions import Sessions
from bot.telemetry import Metrics


def create_app(sessions: Sessions, metrics: Metrics, *, web: Path | None = None) -> FastAPI:
    """`web` is the folder of the page, served under / if it has an index.html."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            # In the background: the server answers, if only "not yet", while the models load.
            opening = tasks.create_task(sessions.open())
            yield
            opening.cancel()
        await sessions.close()

    app = FastAPI(title="Halfsecond", lifespan=lifespan)
    app.include_router(health.routes(sessions, metrics))
    app.include_router(browser.routes(sessions))
    if web is not None and (web / "index.html").is_file():
        app.mount("/", StaticFiles(directory=web, html=True))
    return app
