"""The ASGI application: its lifespan, which opens the engine, its guard and its routers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.staticfiles import StaticFiles

from bot.access import House
from bot.endpoints import browser, health
from bot.guard import Guard
from bot.sessions import Sessions
from bot.telemetry import Metrics


def create_app(
    sessions: Sessions, metrics: Metrics, house: House, *, web: Path | None = None
) -> FastAPI:
    """`web` is the folder of the page, served under / if it has an index.html."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            # In the background: the server answers, if only "not yet", while the models load.
            opening = tasks.create_task(sessions.open())
            yield
            opening.cancel()
        await sessions.close()

    app = FastAPI(title="Halfsecond", lifespan=lifespan, openapi_url=None)
    app.include_router(health.routes(sessions, metrics))
    app.include_router(browser.routes(sessions, house))
    page: frozenset[str] = frozenset()
    if web is not None and (web / "index.html").is_file():
        page = paths(web)
        app.mount("/", StaticFiles(directory=web, html=True))
    app.add_middleware(Guard, house=house, metrics=metrics, page=page)
    app.add_middleware(  # around the guard, so that a page elsewhere can read why it is turned away
        CORSMiddleware,
        allow_origins=house.origins,
        allow_methods=["POST"],
        allow_headers=["Authorization", "Content-Type"],
    )
    return app


def paths(web: Path) -> frozenset[str]:
    files = (file.relative_to(web).as_posix() for file in web.rglob("*") if file.is_file())
    return frozenset({"/", *(f"/{file}" for file in files)})
