"""OpenAI's chat completions on the wire: the requests that a client may send.

A field that only says who is asking is let pass. One that would change the answer's shape (tools,
several choices, JSON, sound), and any that is not named here, is refused by its name.
"""

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)

from pipelines.services.protocols import ChatMessage, Image, Sampling, sampling_of

TOKENS_LIMIT = 32_768
"""The limit of one answer; the model's own limit is lower."""
LIST_LIMIT = 1024
"""Tokens, words or names that one field may list."""
IMAGES_LIMIT = 64
"""The limit of one request; more are counted as text."""
MESSAGES_LIMIT = 4096
VALUES_LIMIT = 16_384
"""Values in a request's JSON: objects, lists, and what they hold. They are counted before the JSON
is parsed, for parsed they are many times its size: so many are checked in some 15 ms."""
FIELDS_LIMIT = 64
"""Fields of a request: more than there are."""
USER_LIMIT = 512
"""Characters of a client's name for its user."""
_LONGEST_PLACE = 100
"""Characters of a field's place, as a complaint names it: the client may have made its name."""
CLIENT_ID = "^[A-Za-z0-9_-]{1,64}$"

_IMAGE = b'"data:image'
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_SIGNATURES = ("iVBORw0K", "/9j/", "R0lG", "UklG")
"""The first bytes of PNG, JPEG, GIF and WebP, in base64."""
_IMAGE_PATTERN = rf"^data:image/[a-z+.-]+;base64,({'|'.join(_SIGNATURES)})([A-Za-z0-9+/]{{4}})*$"
"""For the description of the API; `ImageUrl` takes padding too."""


def text_size(body: bytes) -> int:
    """Bytes of a request beside the images in it."""
    before, *images = body.split(_IMAGE, IMAGES_LIMIT)
    size = len(before)
    for image in images:
        data, _, rest = image.partition(b'"')
        size += len(data.translate(None, _BASE64 + b"=\\")) + len(rest)  # JSON may have \\/ for /
    return size


_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)


def has_too_many_values(body: bytes) -> bool:
    """True if the JSON holds more values than `VALUES_LIMIT`. Nothing of it is parsed."""
    if _values(body) <= VALUES_LIMIT:
        return False  # even if all the marks are in strings
    most = 2 * VALUES_LIMIT  # a string is a value, or the name of one
    outside = _STRING.split(body, most)
    return len(outside) > most or _values(b"".join(outside)) > VALUES_LIMIT


def _values(json: bytes) -> int:
    return 1 + sum(json.count(mark) for mark in b",[{")


def _is_base64(text: str) -> bool:
    """In a quarter of the time that it takes to decode it."""
    data = text.rstrip("=")
    padded = len(text) - len(data) <= 2 and len(text) % 4 == 0
    return padded and text.isascii() and not data.encode().translate(None, _BASE64)


def _whole(value: object) -> object:
    """JSON's 5.0 is an integer."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _is(*kinds: type) -> Callable[[object], object]:
    """Python takes 0 for False and True for 1."""

    def check(value: object) -> object:
        if type(value) not in kinds:
            raise ValueError(f"should be {kinds[0].__name__}")
        return value

    return check


def _without_nulls(body: object) -> object:
    if not isinstance(body, dict):
        return body
    there = {name: value for name, value in body.items() if value is not None}
    if len(there) > FIELDS_LIMIT:  # a complaint about each would be made, to tell of the first
        raise ValueError(f"has more than {FIELDS_LIMIT} fields")
    return there


def _brief(value: object) -> object:
    """Before any of it is checked: a complaint would be made about each."""
    if isinstance(value, dict) and len(value) > LIST_LIMIT:
        raise ValueError(f"lists more than {LIST_LIMIT}")
    return value


_Int: TypeAlias = Annotated[int, Field(gt=-(2**53), lt=2**53), BeforeValidator(_whole)]
_Tokens: TypeAlias = Annotated[int, Field(ge=1, le=TOKENS_LIMIT), BeforeValidator(_whole)]
_Word: TypeAlias = Annotated[str, Field(min_length=1)]
_Ids: TypeAlias = Annotated[list[_Int], Field(max_length=LIST_LIMIT, fail_fast=True)]
_Nothing: TypeAlias = Annotated[list[None], Field(max_length=0, fail_fast=True)]
_Temperature: TypeAlias = Annotated[float, Field(ge=0, le=2)]
_Share: TypeAlias = Annotated[float, Field(gt=0, le=1)]
_Options: TypeAlias = dict[str, Any]
_Never: TypeAlias = Annotated[Literal[False], BeforeValidator(_is(bool))]
_STRICT = ConfigDict(strict=True, extra="ignore", frozen=True, allow_inf_nan=False)
_NOTHING_ELSE = ConfigDict(**{**_STRICT, "extra": "forbid"})
_NULL_ELSE: dict[str, Any] = {"additionalProperties": {"type": "null"}}
"""For the description: a field that is null is one that is not there."""


# ---- messages ----


class TextPart(BaseModel):
    model_config = _STRICT
    type: Literal["text"]
    text: str


class ImageUrl(BaseModel):
    model_config = _STRICT
    url: Annotated[str, Field(json_schema_extra={"pattern": _IMAGE_PATTERN})]
    detail: Literal["auto", "low", "high"] | None = None

    @field_validator("url")
    @classmethod
    def _is_within_the_request(cls, url: str) -> str:
        head, _, data = url.partition(",")
        kind = head.lower()
        if kind.startswith(("http:", "https:")):
            raise ValueError(
                "this server fetches no images from other addresses: "
                "send the image itself, as data:image/jpeg;base64,..."
            )
        if not (kind.startswith("data:image/") and kind.endswith(";base64")):
            raise ValueError("should be an image as data:image/jpeg;base64,...")
        if not _is_base64(data):
            raise ValueError("what follows the comma is not base64")
        if not data.startswith(_SIGNATURES):
            raise ValueError("is no image in a form that is known: PNG, JPEG, GIF or WebP")
        return url


class ImagePart(BaseModel):
    model_config = _STRICT
    type: Literal["image_url"]
    image_url: ImageUrl


def _kind_of_part(part: object) -> str | None:
    kind = part.get("type") if isinstance(part, dict) else getattr(part, "type", None)
    return {"text": "<text>", "image_url": "<image>"}.get(kind) if isinstance(kind, str) else None


def _kind_of_content(content: object) -> str:
    return "<parts>" if isinstance(content, list) else "<words>"


_Part: TypeAlias = Annotated[
    Annotated[TextPart, Tag("<text>")] | Annotated[ImagePart, Tag("<image>")],
    Discriminator(
        _kind_of_part,
        custom_error_type="part",
        custom_error_message="should be of the type text or image_url: no other part is taken",
    ),
]
_Content: TypeAlias = Annotated[
    Annotated[str, Tag("<words>")]
    | Annotated[
        list[_Part], Field(min_length=1, max_length=LIST_LIMIT, fail_fast=True), Tag("<parts>")
    ],
    Discriminator(_kind_of_content),
]


class Message(BaseModel):
    model_config = _STRICT
    role: Literal["system", "developer", "user", "assistant"]
    content: _Content
    tool_calls: _Nothing | None = None
    function_call: None = None
    audio: None = None

    def plain(self) -> ChatMessage:
        role = "system" if self.role == "developer" else self.role
        parts = self._parts()
        text = "".join(part.text for part in parts if isinstance(part, TextPart))
        if all(isinstance(part, TextPart) for part in parts):
            return ChatMessage(role, text)
        return ChatMessage(role, text, parts=tuple(map(_plain, parts)))

    def _parts(self) -> list[TextPart | ImagePart]:
        said = self.content
        return [TextPart(type="text", text=said)] if isinstance(said, str) else said


def _plain(part: TextPart | ImagePart) -> str | Image:
    if isinstance(part, TextPart):
        return part.text
    return Image(part.image_url.url, part.image_url.detail or "")


# ---- requests ----


class StreamOptions(BaseModel):
    model_config = _STRICT
    include_usage: bool | None = None


class TextFormat(BaseModel):
    model_config = _STRICT
    type: Literal["text"]


class _Asked(BaseModel):
    """A request, without the fields that are null, and how its answer is to be drawn."""

    model_config = ConfigDict(**_NOTHING_ELSE, json_schema_extra=_NULL_ELSE)
    max_tokens: _Tokens | None = None
    temperature: _Temperature | None = None
    """0: the likeliest answer each time. Left out: as the server is set up; so the others."""
    top_p: _Share | None = None
    seed: _Int | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_what_is_there(cls, body: object) -> object:
        return _without_nulls(body)


class ChatRequest(_Asked):
    """The body of `POST /v1/chat/completions`. The fields from `top_k` on are vLLM's: they are
    passed on where the server of the model is known to take them, and refused by name elsewhere.
    """

    model_config = ConfigDict(
        **_NOTHING_ELSE,
        json_schema_extra={
            "example": {
                "model": "halfsecond-demo",
                "messages": [{"role": "user", "content": "Count to three."}],
            },
            **_NULL_ELSE,
        },
    )
    model: str
    messages: list[Message] = Field(min_length=1, max_length=MESSAGES_LIMIT, fail_fast=True)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_completion_tokens: _Tokens | None = None
    presence_penalty: float | None = Field(None, ge=-2, le=2)
    frequency_penalty: float | None = Field(None, ge=-2, le=2)
    stop: (
        _Word | Annotated[list[_Word], Field(min_length=1, max_length=4, fail_fast=True)] | None
    ) = None
    logit_bias: (
        Annotated[
            dict[str, Annotated[float, Field(ge=-100, le=100)]],
            Field(max_length=LIST_LIMIT),
            BeforeValidator(_brief),
        ]
        | None
    ) = None

    user: str | None = Field(None, max_length=USER_LIMIT)
    """The user, by which clients behind one address are told apart."""
    metadata: (
        Annotated[dict[str, str], Field(max_length=LIST_LIMIT), BeforeValidator(_brief)] | None
    ) = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    service_tier: Literal["auto", "default"] | None = None
    parallel_tool_calls: bool | None = None
    """Without tools it says nothing, like the three above."""

    n: Annotated[Literal[1], BeforeValidator(_is(int, float))] | None = None
    response_format: TextFormat | None = None
    modalities: (
        Annotated[list[Literal["text"]], Field(min_length=1, max_length=8, fail_fast=True)] | None
    ) = None
    tools: _Nothing | None = None
    tool_choice: Literal["none", "auto"] | None = None
    functions: _Nothing | None = None
    function_call: Literal["none", "auto"] | None = None
    logprobs: _Never | None = None
    store: _Never | None = None

    top_k: Annotated[int, Field(ge=-1, le=100_000), BeforeValidator(_whole)] | None = None
    min_p: float | None = Field(None, ge=0, le=1)
    repetition_penalty: float | None = Field(None, gt=0, le=10)
    length_penalty: float | None = None
    stop_token_ids: _Ids | None = None
    include_stop_str_in_output: bool | None = None
    ignore_eos: bool | None = None
    min_tokens: Annotated[int, Field(ge=0, le=TOKENS_LIMIT), BeforeValidator(_whole)] | None = None
    skip_special_tokens: bool | None = None
    spaces_between_special_tokens: bool | None = None
    truncate_prompt_tokens: (
        Annotated[int, Field(ge=-1, lt=2**53), BeforeValidator(_whole)] | None
    ) = None
    allowed_token_ids: _Ids | None = None
    bad_words: Annotated[list[_Word], Field(max_length=LIST_LIMIT, fail_fast=True)] | None = None
    chat_template: str | None = None
    chat_template_kwargs: _Options | None = None
    add_generation_prompt: bool | None = None
    continue_final_message: bool | None = None
    add_special_tokens: bool | None = None
    documents: Annotated[list[_Options], Field(max_length=LIST_LIMIT, fail_fast=True)] | None = None
    mm_processor_kwargs: _Options | None = None
    media_io_kwargs: _Options | None = None
    structured_outputs: _Options | None = None
    reasoning_effort: str | None = None
    thinking_token_budget: _Int | None = None
    cache_salt: _Word | None = None
    vllm_xargs: _Options | None = None

    @property
    def sampling(self) -> Sampling:
        length = self.max_completion_tokens or self.max_tokens
        return sampling_of(
            length, self.temperature, {name: getattr(self, name) for name in _OTHERS}
        )

    @property
    def counts(self) -> bool:
        return self.stream_options is not None and bool(self.stream_options.include_usage)


_FIELDS = list(ChatRequest.model_fields)
_OTHERS = (
    *("top_p", "presence_penalty", "frequency_penalty", "seed", "stop", "logit_bias"),
    *_FIELDS[_FIELDS.index("top_k") :],
)


class Submission(_Asked):
    """The body of `POST /api/v1/chat/submit`."""

    prompt: Annotated[str, Field(min_length=1)]
    context: (
        str | Annotated[list[Message], Field(max_length=MESSAGES_LIMIT, fail_fast=True)] | None
    ) = None
    """The instructions before: in plain words, or as earlier messages."""
    client_id: str = Field(pattern=CLIENT_ID)

    @property
    def sampling(self) -> Sampling:
        others = {"top_p": self.top_p, "seed": self.seed}
        return sampling_of(self.max_tokens, self.temperature, others)

    def messages(self) -> list[ChatMessage]:
        asked = ChatMessage("user", self.prompt)
        match self.context:
            case None | "":
                return [asked]
            case str(told):
                return [ChatMessage("system", told), asked]
            case before:
                return [*(message.plain() for message in before), asked]


# ---- reading ----


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
    where = ".".join(str(part) for part in wrong["loc"] if not str(part).startswith("<"))
    where = where[:_LONGEST_PLACE]
    message = wrong["msg"].removeprefix("Value error, ")
    if wrong["type"] == "extra_forbidden":
        message = "this field is not taken here: leave it out"
    return BadRequestError(f"{where or 'body'}: {message}", where or None)
