"""What the operator's machines ask: is it alive, may calls come, what are the figures."""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST

from bot.sessions import Doors, Sessions
from bot.telemetry import Metrics


def routes(sessions: Sessions, metrics: Metrics) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The process answers."""
        return {"status": "alive"}

    @router.get("/readyz")
    async def readyz() -> JSONResponse:
        """200 while calls are taken; 503 while the models load, and from the drain on."""
        ready = sessions.doors is Doors.OPEN
        return JSONResponse({"status": sessions.doors.value}, 200 if ready else 503)

    @router.get(
        "/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}}
    )
    async def figures() -> Response:
        """In Prometheus' exposition format."""
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return router
