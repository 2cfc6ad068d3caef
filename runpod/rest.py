"""RunPod's API: REST v1 for what is made, GraphQL for what it costs."""

from typing import Any, TypeAlias

import httpx2

REST = "https://rest.runpod.io/v1"
GRAPHQL = "https://api.runpod.io/graphql"

ATTEMPTS = 3
"""For what may be asked twice: looking and removing, never making."""
TIMEOUT_S = 30.0

Thing: TypeAlias = dict[str, Any]


class CloudError(Exception):
    """RunPod did not do it, or did not say that it did; one line for the operator."""


class Cloud:
    """Close it: it keeps a connection."""

    def __init__(self, key: str, rest: str = REST, graphql: str = GRAPHQL) -> None:
        self.rest = rest
        self.graphql = graphql
        headers = {"Authorization": f"Bearer {key}"}
        self._http = httpx2.Client(headers=headers, timeout=TIMEOUT_S)

    def close(self) -> None:
        self._http.close()

    def there(self, kind: str) -> list[Thing]:
        """kind: templates, endpoints or pods. Raises CloudError."""
        found = self._ask("GET", f"{self.rest}/{kind}", attempts=ATTEMPTS)
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

    def make(self, kind: str, wanted: Thing) -> Thing:
        """Asked once: nobody knows whether what failed was made. Raises CloudError."""
        made: Thing = self._ask("POST", f"{self.rest}/{kind}", wanted)
        if not isinstance(made, dict) or not made.get("id"):
            raise CloudError(f"RunPod answered without an id for what it made in {kind}")
        return made

    def change(self, kind: str, name: str, changes: Thing) -> None:
        """Raises CloudError."""
        self._ask("PATCH", f"{self.rest}/{kind}/{name}", changes, attempts=ATTEMPTS)

    def remove(self, kind: str, name: str) -> None:
        """Removes a thing; one that is gone already is gone. Raises CloudError."""
        self._ask("DELETE", f"{self.rest}/{kind}/{name}", attempts=ATTEMPTS, missing_is_fine=True)

    def hourly(self, gpus: list[str]) -> dict[str, float]:
        """RunPod's price now for a pod with one of these, in dollars per hour; may lack some."""
        query = "query { gpuTypes { id securePrice } }"
        answer = self._ask("POST", self.graphql, {"query": query}, attempts=ATTEMPTS)
        match answer:
            case {"data": {"gpuTypes": list(kinds)}}:
                return {
                    kind["id"]: float(kind["securePrice"])
                    for kind in kinds
                    if kind.get("id") in gpus and kind.get("securePrice")
                }
            case _:
                raise CloudError("RunPod did not say what its GPUs cost")

    def _ask(
        self,
        method: str,
        url: str,
        body: Thing | None = None,
        *,
        attempts: int = 1,
        missing_is_fine: bool = False,
    ) -> Any:
        what = f"{method} {url}"
        for attempt in range(1, attempts + 1):
            try:
                answer = self._http.request(method, url, json=body)
            except httpx2.HTTPError as error:
                if attempt == attempts:
                    raise CloudError(f"{what}: {type(error).__name__}") from None
                continue
            if answer.status_code < 500:
                break
        if missing_is_fine and answer.status_code == 404:
            return None
        if answer.status_code == 401:
            raise CloudError("RunPod does not know this key: RUNPOD_API_KEY must be set and right")
        if not answer.is_success:
            raise CloudError(f"{what}: status {answer.status_code}: {answer.text[:200]}")
        try:
            return answer.json() if answer.content else None
        except ValueError:
            raise CloudError(f"{what}: the answer is no JSON") from None
