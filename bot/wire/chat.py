"""OpenAI's chat completions on the wire: what a client may ask, and what it is answered.

What an answer's shape would depend on and we do not do (tools, several choices, JSON, sound) is
refused; what only says who is asking is let pass.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from pipelines.services.protocols import ChatMessage, Finished, Sampling

TOKENS_LIMIT = 32_768
"""Of one answer; the model's own limit is lower."""
CLIENT_ID = "^[A-Za-z0-9_-]{1,64}$"

DONE = b"data: [DONE]\n\n"
WAITING = b": waiting\n\n"
"""A comment: no client's program sees it, and every proxy sees that the line is alive."""


def _whole(value: object) -> object:
    """JSON's 5.0 is an integer."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_Tokens: TypeAlias = Annotated[int, Field(ge=1, le=TOKENS_LIMIT), BeforeValidator(_whole)]
_Seed: TypeAlias = Annotated[int, Field(gt=-(2**53), lt=2**53), BeforeValidator(_whole)]
_Word: TypeAlias = Annotated[str, Field(min_length=1)]
_STRICT = ConfigDict(strict=True, extra="ignore", frozen=True)


def _is(*kinds: type) -> Callable[[object], object]:
    """Python takes 0 for False and True for 1."""

    def check(value: object) -> object:
        if type(value) not in kinds:
            raise ValueError(f"should be {kinds[0].__name__}")
        return value

    return check


class TextPart(BaseModel):
    model_config = _STRICT
    type: Literal["text"]
    text: str


class Message(BaseModel):
    model_config = _STRICT
    role: Literal["system", "developer", "user", "assistant"]
    content: str | Annotated[list[TextPart], Field(min_length=1)]

    def plain(self) -> ChatMessage:
        said = self.content
        text = said if isinstance(said, str) else "".join(part.text for part in said)
        return ChatMessage("system" if self.role == "developer" else self.role, text)


class StreamOptions(BaseModel):
    model_config = _STRICT
    include_usage: bool | None = None


class TextFormat(BaseModel):
    model_config = _STRICT
    type: Literal["text"]


class ChatRequest(BaseModel):
    """The body of `POST /v1/chat/completions`; what is not named here has no effect."""

    model_config = ConfigDict(
        **_STRICT,
        json_schema_extra={
            "example": {
                "model": "halfsecond-demo",
                "messages": [{"role": "user", "content": "Count to three."}],
            }
        },
    )
    model: str
    messages: list[Message] = Field(min_length=1)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: _Tokens | None = None
    max_completion_tokens: _Tokens | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    presence_penalty: float | None = Field(None, ge=-2, le=2)
    frequency_penalty: float | None = Field(None, ge=-2, le=2)
    seed: _Seed | None = None
    stop: _Word | Annotated[list[_Word], Field(min_length=1, max_length=4)] | None = None
    user: str | None = None
    """Of whom: clients behind one address are told apart by it."""
    n: Annotated[Literal[1], BeforeValidator(_is(int, float))] | None = None
    response_format: TextFormat | None = None
    modalities: Annotated[list[Literal["text"]], Field(min_length=1)] | None = None
    tools: Annotated[list[None], Field(max_length=0)] | None = None
    functions: Annotated[list[None], Field(max_length=0)] | None = None
    logprobs: Annotated[Literal[False], BeforeValidator(_is(bool))] | None = None

    @property
    def sampling(self) -> Sampling:
        return Sampling(
            max_tokens=self.max_completion_tokens or self.max_tokens,
            temperature=self.temperature,
            others={name: value for name in _OTHERS if (value := getattr(self, name)) is not None},
        )

    @property
    def counts(self) -> bool:
        return self.stream_options is not None and bool(self.stream_options.include_usage)


_OTHERS = ("top_p", "presence_penalty", "frequency_penalty", "seed", "stop")


class Submission(BaseModel):
    """The body of `POST /api/v1/chat/submit`."""

    model_config = _STRICT
    prompt: Annotated[str, Field(min_length=1)]
    context: str | list[Message] | None = None
    """What the model is told before: in plain words, or as earlier messages."""
    client_id: str = Field(pattern=CLIENT_ID)

    def messages(self) -> list[ChatMessage]:
        asked = ChatMessage("user", self.prompt)
        match self.context:
            case None | "":
                return [asked]
            case str(told):
                return [ChatMessage("system", told), asked]
            case before:
                return [*(message.plain() for message in before), asked]


class BadRequestError(Exception):
    """They asked for what cannot be; the message is for them."""

    def __init__(self, message: str, param: str | None) -> None:
        super().__init__(message)
        self.param = param


def read_chat(body: bytes) -> ChatRequest:
    """Raises BadRequestError."""
    try:
        return ChatRequest.model_validate_json(body)
    except ValidationError as error:
        raise _bad_request(error) from None


def read_submission(body: bytes) -> Submission:
    """Raises BadRequestError."""
    try:
        return Submission.model_validate_json(body)
    except ValidationError as error:
        raise _bad_request(error) from None


def _bad_request(error: ValidationError) -> BadRequestError:
    wrong = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in wrong["loc"])
    return BadRequestError(f"{where or 'body'}: {wrong['msg']}", where or None)


# ---- what is answered ----


def failure(
    message: str, kind: str, *, code: str | None = None, param: str | None = None
) -> dict[str, object]:
    """An error, as OpenAI's clients read it."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def failure_event(body: Mapping[str, object]) -> bytes:
    """In mid-stream: OpenAI's clients raise it, an EventSource hears it as `error`."""
    return event(body, "error")


def event(body: Mapping[str, object], name: str = "") -> bytes:
    named = f"event: {name}\n" if name else ""
    return f"{named}data: {json.dumps(body)}\n\n".encode()


def place_comment(place: int) -> bytes:
    return f": place {place} in the queue\n\n".encode()


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
