"""The ASGI application: its lifespan, which opens the engine, its guard and its routers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.staticfiles import StaticFiles
from starlette.routing import Match, Mount
from starlette.types import Scope

from bot import __version__
from bot.browser import door as browser
from bot.calls import health
from bot.calls.sessions import Sessions
from bot.phone import door as twilio
from bot.phone.line import TelephoneConfig
from bot.server.access import AccessPolicy
from bot.server.guard import REFUSALS, Guard
from bot.server.methods import MethodGuard
from bot.server.prefix import Prefix
from bot.server.telemetry import Metrics
from bot.texts import door as chat
from bot.texts import pages as chat_pages
from bot.texts.sharing import SharedModel


def create_app(
    sessions: Sessions,
    metrics: Metrics,
    access: AccessPolicy,
    *,
    web: Path | None = None,
    shared: SharedModel | None = None,
    phone: TelephoneConfig | None = None,
) -> FastAPI:
    """`web` is the folder of the page, served under / if it has an index.html.

    With `shared`, the calls' language model takes texts too.
    """

    telephone = twilio.TelephoneDoor(sessions, phone or TelephoneConfig())

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            # In the background: the server answers, if only "not yet", while the models load.
            running = tasks.create_task(sessions.open_and_mind())
            yield
            running.cancel()
        await telephone.close()
        await sessions.close()

    app = FastAPI(  # its page of documentation would come from other hosts
        title="Halfsecond",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        servers=[{"url": access.prefix}] if access.prefix else None,
        responses=REFUSALS,
    )
    app.include_router(health.routes(sessions, metrics))
    app.include_router(browser.routes(sessions, access))
    app.include_router(telephone.routes())
    if shared is not None:
        metrics.include(shared.metrics)
        app.include_router(chat.routes(sessions, shared))
        app.include_router(chat_pages.routes(sessions, shared))
    page: frozenset[str] = frozenset()
    if web is not None and (web / "index.html").is_file():
        page = paths(web)
        app.mount("/", StaticFiles(directory=web, html=True))
    app.add_middleware(MethodGuard, routes=app.router.routes, page=page)
    app.add_middleware(Guard, access=access, metrics=metrics, page=page)
    app.add_middleware(  # around the guard, so that a page elsewhere can read why it is turned away
        CORSMiddleware,
        allow_origins=access.origins,
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type", *chat.CLIENT_HEADERS],
        expose_headers=[chat.PLACE, "Retry-After"],
    )
    if access.prefix:

        def is_ours(scope: Scope) -> bool:
            return scope["path"] in page or _is_route(app, scope)

        app.add_middleware(Prefix, prefix=access.prefix, is_route=is_ours)
    return app


def _is_route(app: FastAPI, scope: Scope) -> bool:
    """By any method."""
    routes = (route for route in app.router.routes if not isinstance(route, Mount))
    return any(route.matches(scope)[0] is not Match.NONE for route in routes)


def paths(web: Path) -> frozenset[str]:
    files = (file.relative_to(web).as_posix() for file in web.rglob("*") if file.is_file())
    return frozenset({"/", *(f"/{file}" for file in files)})
