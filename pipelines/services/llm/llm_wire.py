"""OpenAI's chat completions on the wire, as a server of them answers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipelines.services.protocols import Finished

DONE = b"data: [DONE]\n\n"


def failure(
    message: str, kind: str, *, code: str | None = None, param: str | None = None
) -> dict[str, dict[str, str | None]]:
    """An error, as OpenAI's clients read it."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def failure_event(body: Mapping[str, object]) -> bytes:
    """In mid-stream: OpenAI's clients raise it, an EventSource hears it as `error`."""
    return event(body, "error")


def event(body: Mapping[str, object], name: str = "") -> bytes:
    named = f"event: {name}\n" if name else ""
    return f"{named}data: {json.dumps(body)}\n\n".encode()


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer's name and date, and its parts as they go out."""

    id: str
    created: int
    """Unix time, seconds."""
    model: str

    def first(self) -> bytes:
        return self._chunk({"role": "assistant", "content": ""})

    def piece(self, text: str) -> bytes:
        return self._chunk({"content": text})

    def last(self, reason: str) -> bytes:
        return self._chunk({}, reason)

    def count(self, finished: Finished) -> bytes:
        return event(self._header("chat.completion.chunk") | {"choices": [], **usage(finished)})

    def whole(self, pieces: Sequence[str], finished: Finished) -> dict[str, object]:
        message = {"role": "assistant", "content": "".join(pieces), "refusal": None}
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": finished.reason,
        }
        return self._header("chat.completion") | {"choices": [choice], **usage(finished)}

    def _header(self, kind: str) -> dict[str, object]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}

    def _chunk(self, delta: Mapping[str, str], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return event(self._header("chat.completion.chunk") | {"choices": [choice]})


def usage(finished: Finished) -> dict[str, object]:
    """Empty where the engine did not count."""
    asked, said = finished.prompt_tokens, finished.completion_tokens
    if asked is None or said is None:
        return {}
    counted: dict[str, object] = {
        "prompt_tokens": asked,
        "completion_tokens": said,
        "total_tokens": asked + said,
    }
    if finished.cached_tokens is not None:
        counted["prompt_tokens_details"] = {"cached_tokens": finished.cached_tokens}
    return {"usage": counted}


def models(names: Sequence[str]) -> dict[str, object]:
    data = [
        {"id": name, "object": "model", "created": 0, "owned_by": "halfsecond"} for name in names
    ]
    return {"object": "list", "data": data}
