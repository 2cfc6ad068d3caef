"""A model hub on loopback, in a thread of its own: the file contract that downloads rely on.

Revisions, paths-info with git's and LFS's digests, resolve with a redirect to where the bytes
lie, HEAD, Range, 404; and what a network does: a connection cut in the middle, damaged bytes.
"""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "5d27bb15b3a5e3d3e1c5e4c0dc4c30a5a9f6a3d1"


class Hub:
    def __init__(self) -> None:
        self.files: dict[str, dict[str, bytes]] = {}
        """By repository and path; those that end in .bin or .onnx are large."""
        self.cut_after: int | None = None
        """Bytes of the next large file that are sent before the connection is cut."""
        self.damages = False
        self.ranges: list[str] = []
        """The range in each request for a large file's bytes; "" for all of it."""
        self.url = ""

    def add(self, repo: str, **files: bytes) -> None:
        self.files[repo] = {name.replace("__", "."): data for name, data in files.items()}


def is_large(path: str) -> bool:
    return path.endswith((".bin", ".onnx", ".gguf"))


def described(path: str, data: bytes) -> dict[str, object]:
    oid = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    file: dict[str, object] = {"type": "file", "path": path, "size": len(data), "oid": oid}
    if is_large(path):
        sha256 = hashlib.sha256(data).hexdigest()
        file |= {"oid": "0" * 40, "lfs": {"oid": sha256, "size": len(data), "pointerSize": 134}}
    return file


class Answers(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.do_GET(body=False)

    def do_GET(self, *, body: bool = True) -> None:
        path = unquote(urlsplit(self.path).path)
        match path.strip("/").split("/"):
            case ["api", "models", owner, name, "revision", "main"] if self.knows(owner, name):
                self.send_json({"id": f"{owner}/{name}", "sha": COMMIT})
            case [owner, name, "resolve", str(commit), *rest] if commit == COMMIT:
                self.redirect(f"/cdn/{owner}/{name}/{'/'.join(rest)}")
            case ["cdn", owner, name, *rest]:
                data = self.hub.files[f"{owner}/{name}"].get("/".join(rest))
                self.send_file("/".join(rest), data, body=body)
            case _:
                self.send_json({"error": "Repository not found"}, 404, "RepoNotFound")

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers["content-length"])).decode()
        match self.path.strip("/").split("/"):
            case ["api", "models", owner, name, "paths-info", str(commit)] if commit == COMMIT:
                files = self.hub.files[f"{owner}/{name}"]
                wanted = [path for path in parse_qs(form)["paths"] if path in files]
                self.send_json([described(path, files[path]) for path in wanted])
            case _:
                self.send_json({"error": "Not Found"}, 404)

    def knows(self, owner: str, name: str) -> bool:
        return f"{owner}/{name}" in self.hub.files

    def redirect(self, to: str) -> None:
        self.send_response(302)
        self.send_header("Location", to)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def send_json(self, data: object, status: int = 200, error: str = "") -> None:
        body = json.dumps(data).encode()
        self.send_response(status)
        if error:
            self.send_header("X-Error-Code", error)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def send_file(self, path: str, data: bytes | None, *, body: bool) -> None:
        if data is None:
            self.send_json({"error": "Entry not found"}, 404)
            return
        asked = self.headers.get("Range", "")
        start = int(asked.removeprefix("bytes=").rstrip("-") or 0)
        if is_large(path) and body:
            self.hub.ranges.append(asked)
        if start >= len(data) > 0:
            self.send_json({}, 416)
            return
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        if body:
            self.send_bytes(path, data, start)

    def send_bytes(self, path: str, data: bytes, start: int) -> None:
        if self.hub.damages and is_large(path):
            data = bytes(len(data))
        if self.hub.cut_after is not None and is_large(path):
            data, self.hub.cut_after = data[: start + self.hub.cut_after], None
            self.close_connection = True
        self.wfile.write(data[start:])

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    answers = type("AnswersOfThisHub", (Answers,), {"hub": hub})
    with ThreadingHTTPServer(("127.0.0.1", 0), answers) as server:
        hub.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()
