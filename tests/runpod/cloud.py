"""RunPod on loopback: keeps the contract of its REST API v1 (openapi.json) as far as we ask of it.

Fields and their kinds are the API's own, of August 2026. It refuses all that it does not know.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

KEY = "rpa_canary"

TEMPLATE: Final = {
    "name": str,
    "imageName": str,
    "isServerless": bool,
    "isPublic": bool,
    "category": str,
    "containerDiskInGb": int,
    "containerRegistryAuthId": str,
    "dockerEntrypoint": list,
    "dockerStartCmd": list,
    "env": dict,
    "ports": list,
    "readme": str,
    "volumeInGb": int,
    "volumeMountPath": str,
}
ENDPOINT: Final = {
    "templateId": str,
    "name": str,
    "allowedCudaVersions": list,
    "computeType": str,
    "dataCenterIds": list,
    "executionTimeoutMs": int,
    "flashboot": bool,
    "gpuCount": int,
    "gpuTypeIds": list,
    "idleTimeout": int,
    "minCudaVersion": str,
    "networkVolumeId": str,
    "scalerType": str,
    "scalerValue": int,
    "workersMax": int,
    "workersMin": int,
}
POD: Final = {
    "templateId": str,
    "name": str,
    "cloudType": str,
    "gpuCount": int,
    "gpuTypeIds": list,
    "imageName": str,
    "containerDiskInGb": int,
    "volumeInGb": int,
    "volumeMountPath": str,
    "minRAMPerGPU": int,
    "minVCPUPerGPU": int,
    "ports": list,
    "env": dict,
}
FIELDS: Final = {"templates": TEMPLATE, "endpoints": ENDPOINT, "pods": POD}
NEEDED: Final = {
    "templates": {"name", "imageName"},
    "endpoints": {"templateId"},
    "pods": set[str](),
}
MADE: Final = {"templates": 200, "endpoints": 200, "pods": 201}

PRICES: Final = {"NVIDIA A100-SXM4-80GB": 1.89, "NVIDIA A100 80GB PCIe": 1.64, "NVIDIA L4": 0.43}


@dataclass
class Cloud:
    things: dict[str, dict[str, dict[str, Any]]] = field(
        default_factory=lambda: {"templates": {}, "endpoints": {}, "pods": {}}
    )
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Method and path of every request that changes something."""
    trouble: dict[tuple[str, str], str] = field(default_factory=dict)
    """Faults, by method and kind: "refuse", "break" (500), "lose" (done, never said)."""
    url: str = ""

    def costing(self) -> list[str]:
        """Things that cost money at rest."""
        kept = [one["id"] for one in self.things["endpoints"].values() if one.get("workersMin")]
        return kept + list(self.things["pods"])

    def make(self, kind: str, wanted: dict[str, Any]) -> dict[str, Any] | None:
        """None if it is refused."""
        if not NEEDED[kind] <= wanted.keys() or not known(kind, wanted):
            return None
        names = [one["name"] for one in self.things["templates"].values()]
        if kind == "templates" and wanted["name"] in names:
            return None  # a template's name is unique
        if kind != "templates" and wanted.get("templateId") not in self.things["templates"]:
            return None
        name = f"{kind[:3]}{sum(map(len, self.things.values())) + 1:05d}"
        thing = {**wanted, "id": name}
        if thing.pop("flashboot", False):
            thing["name"] += " -fb"
        if kind == "pods":
            for untold in ("cloudType", "minRAMPerGPU", "minVCPUPerGPU", "gpuTypeIds", "gpuCount"):
                thing.pop(untold, None)
            thing |= {"desiredStatus": "RUNNING", "costPerHr": 1.64}
        self.things[kind][name] = thing
        return thing

    def may_go(self, kind: str, name: str) -> bool:
        """A template stays while it is used; an endpoint while it may have workers."""
        if kind == "endpoints":
            return not self.things[kind][name].get("workersMax")
        users = [*self.things["endpoints"].values(), *self.things["pods"].values()]
        return kind == "pods" or name not in [one["templateId"] for one in users]


def known(kind: str, given: dict[str, Any]) -> bool:
    fields = FIELDS[kind]
    return all(name in fields and type(value) is fields[name] for name, value in given.items())


class _Server(ThreadingHTTPServer):
    def __init__(self, there: Cloud) -> None:
        super().__init__(("127.0.0.1", 0), Api)
        self.there = there


class Api(BaseHTTPRequestHandler):
    server: "_Server"

    @property
    def _there(self) -> Cloud:
        return self.server.there

    def do_GET(self) -> None:
        if (kind := self._begin("GET")) is not None:
            self._say(200, list(self._there.things[kind].values()))

    def do_POST(self) -> None:
        if self.path == "/graphql":
            kinds = [{"id": name, "securePrice": price} for name, price in PRICES.items()]
            self._say(200, {"data": {"gpuTypes": kinds}})
        elif (kind := self._begin("POST")) is not None:
            made = self._there.make(kind, self._body())
            self._done("POST", kind, MADE[kind] if made else 400, made)

    def do_PATCH(self) -> None:
        if (kind := self._begin("PATCH")) is not None:
            thing, changes = self._there.things[kind].get(self._name), self._body()
            fine = thing is not None and known(kind, changes)
            if thing is not None and fine:
                thing.update(changes)
            self._done("PATCH", kind, 200 if fine else 400, thing)

    def do_DELETE(self) -> None:
        if (kind := self._begin("DELETE")) is not None:
            if self._name not in self._there.things[kind]:
                self._say(404, {"error": "not found"})
            elif not self._there.may_go(kind, self._name):
                self._say(400, {"error": "it is in use"})
            else:
                del self._there.things[kind][self._name]
                self._done("DELETE", kind, 204, None)

    def _begin(self, method: str) -> str | None:
        """The kind of thing, unless this goes no further."""
        if self.headers.get("Authorization") != f"Bearer {KEY}":
            self._say(401, {"message": "Unauthorized"})
            return None
        _, kind, *name = self.path.split("/")
        self._name = name[0] if name else ""
        if method != "GET":
            self._there.asked.append((method, kind))
        match self._there.trouble.get((method, kind)):
            case "refuse":
                self._say(400, {"error": "there are no instances currently available"})
                return None
            case "break":
                self._say(500, {"error": "internal"})
                return None
            case _:
                return kind

    def _body(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        return read

    def _done(self, method: str, kind: str, status: int, said: object) -> None:
        if self._there.trouble.get((method, kind)) == "lose":
            self.close_connection = True
            return
        self._say(status, said)

    def _say(self, status: int, said: object) -> None:
        body = b"" if said is None else json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None: ...


@contextmanager
def cloud() -> Iterator[Cloud]:
    there = Cloud()
    with _Server(there) as server:
        there.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield there
        finally:
            server.shutdown()
            thread.join()
