"""A path before everything (PUBLIC_BASE_URL=https://shop.example/voice), taken off each request.

Some proxies hand on the whole path, others take the prefix off themselves, and a request from this
machine has none: all three reach the same routes, and nothing behind this has to know of it.
"""

from collections.abc import Callable
from urllib.parse import unquote

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class Prefix:
    def __init__(
        self, app: ASGIApp, prefix: str, is_route: Callable[[Scope], bool] = lambda scope: False
    ) -> None:
        """`prefix` as it stands in an address, "/voice", without a slash at its end.

        A path that is a route as it stands (`is_route`) is left alone: with the prefix /api, where
        a proxy has taken it off, /api/v1/chat/submit is a route of ours.
        """
        self._app = app
        self._prefix = prefix
        self._is_route = is_route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            rest = without(self._prefix, scope["path"])
            if rest is not None and not self._is_route(scope):
                if not rest and scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
                    # The page asks for its files beside itself: it has to be in the folder.
                    await RedirectResponse(self._page(scope))(scope, receive, send)
                    return
                scope = {**scope, "path": rest or "/", "raw_path": self._raw(scope, rest)}
        await self._app(scope, receive, send)

    def _page(self, scope: Scope) -> str:
        query: bytes = scope["query_string"]
        return f"{self._prefix}/" + (f"?{query.decode('latin-1')}" if query else "")

    def _raw(self, scope: Scope, rest: str) -> bytes:
        """The rest byte by byte, since it may be signed."""
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        found = raw.split(b"/", self._prefix.count("/") + 1)
        is_whole = unquote(b"/".join(found[:-1]).decode("latin-1")) == unquote(self._prefix)
        return b"/" + found[-1] if is_whole and rest else (rest or "/").encode()


def without(prefix: str, path: str) -> str | None:
    """The rest of a decoded path after the prefix: "/start", or "". None without the prefix."""
    prefix = unquote(prefix)
    if path == prefix:
        return ""
    return path.removeprefix(prefix) if path.startswith(f"{prefix}/") else None
