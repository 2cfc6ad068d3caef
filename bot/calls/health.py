"""Questions of the operator's machines: is it alive, may calls come, what are the figures."""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST

from bot.calls.sessions import Sessions
from bot.server.telemetry import Metrics


def routes(sessions: Sessions, metrics: Metrics) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The process answers."""
        return {"status": "alive"}

    @router.get("/readyz")
    async def readyz() -> JSONResponse:
        """200 while calls are answered; 503, and why, while the models load, while a process that
        they need is down, and from the drain on.
        """
        status = {"status": sessions.doors.value}
        why = sessions.closed_because or sessions.trouble
        return JSONResponse(
            status if why is None else {**status, "detail": why}, 503 if why else 200
        )

    @router.get(
        "/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}}
    )
    async def figures() -> Response:
        """In Prometheus' exposition format."""
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return router
