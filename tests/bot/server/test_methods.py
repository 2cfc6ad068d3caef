"""A method that a path does not take is answered with those that it takes."""

import asyncio
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient

from bot.server.methods import MethodGuard
from bot.texts.sharing import SharedModel
from tests.serving import serving


async def hello(request: Request) -> Response:
    return PlainTextResponse("hello")


def client(folder: Path) -> TestClient:
    (folder / "index.html").write_text("hello")
    (folder / "style.css").write_text("")
    app = Starlette(
        routes=[
            Route("/both", hello, methods=["GET"]),
            Route("/both", hello, methods=["POST"]),
            Route("/one/{name}", hello, methods=["DELETE"]),
            Route("/one/two", hello, methods=["POST"]),
            Mount("/", StaticFiles(directory=folder, html=True)),
        ]
    )
    page = frozenset({"/", "/style.css"})
    return TestClient(MethodGuard(app, app.router.routes, page))


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/both", "GET, HEAD, POST"),
        ("DELETE", "/both", "GET, HEAD, POST"),
        ("OPTIONS", "/both", "GET, HEAD, POST"),
        ("BREW", "/both", "GET, HEAD, POST"),
        ("GET", "/one/two", "DELETE, POST"),
        ("GET", "/one/three", "DELETE"),
        ("POST", "/", "GET, HEAD"),
        ("DELETE", "/style.css", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_told_of_all_right_ones(
    tmp_path: Path, method: str, path: str, allowed: str
) -> None:
    answer = client(tmp_path).request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert "error" in answer.json()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/both", 200),
        ("HEAD", "/both", 200),
        ("POST", "/one/two", 200),
        ("DELETE", "/one/two", 200),
        ("GET", "/style.css", 200),
        ("GET", "/nowhere", 404),
    ],
)
def test_other_requests_pass(tmp_path: Path, method: str, path: str, status: int) -> None:
    assert client(tmp_path).request(method, path).status_code == status


def test_every_route_of_the_server_names_its_methods(tmp_path: Path) -> None:
    """On a real socket."""
    (tmp_path / "index.html").write_text("hello")

    async def scenario() -> None:
        async with serving(web=tmp_path, shared=SharedModel(1, 1)) as served:
            for path, allowed in (
                ("/healthz", "GET"),
                ("/metrics", "GET"),
                ("/start", "POST"),
                ("/v1/chat/completions", "POST"),
                ("/twilio/voice", "POST"),
                ("/", "GET, HEAD"),
            ):
                answer = await served.http.request("PATCH", path)
                assert (answer.status_code, answer.headers["allow"]) == (405, allowed), path
            away = {"Host": "voice.example"}
            assert (await served.http.patch("/metrics", headers=away)).status_code == 401

    asyncio.run(scenario())
