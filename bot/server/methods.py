"""Answers a request by a method that its path does not take, and says which it takes."""

from collections.abc import Iterable

from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Match, Mount
from starlette.types import ASGIApp, Receive, Scope, Send

METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


class MethodGuard:
    """Starlette names the methods of the first route alone that has the path, and none of files."""

    def __init__(
        self, app: ASGIApp, routes: Iterable[BaseRoute], page: frozenset[str] = frozenset()
    ) -> None:
        """`page` has the paths of files."""
        self._app = app
        self._routes = routes
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._takes(scope, scope["method"]):
            await self._app(scope, receive, send)
            return
        allowed = [method for method in METHODS if self._takes(scope, method)]
        if not allowed:  # there is no such path
            await self._app(scope, receive, send)
            return
        message = f"{scope['method']} is not a method of this path"
        answer = JSONResponse({"error": message}, 405, {"Allow": ", ".join(allowed)})
        await answer(scope, receive, send)

    def _takes(self, scope: Scope, method: str) -> bool:
        if scope["path"] in self._page and method in ("GET", "HEAD"):
            return True
        asked = {**scope, "method": method}
        return any(route.matches(asked)[0] is Match.FULL for route in self._routes_alone())

    def _routes_alone(self) -> Iterable[BaseRoute]:
        return (route for route in self._routes if not isinstance(route, Mount))
