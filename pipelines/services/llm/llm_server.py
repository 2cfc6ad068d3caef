"""The program that serves a model, by what it says of itself, and the fields that it takes.

Beyond the API's own fields there are those of vLLM, and most servers ignore a field that they do
not know. So a field is sent only to a server that is known to take it.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import openai
from openai import AsyncOpenAI

from pipelines.services.protocols import IMAGES, ChatMessage, Sampling

STANDARD = frozenset(
    "max_tokens temperature top_p presence_penalty frequency_penalty seed stop logit_bias".split()
)
"""Fields of OpenAI's chat completions: every server is taken to know them."""

SAMPLING = frozenset(
    "top_k min_p repetition_penalty length_penalty stop_token_ids include_stop_str_in_output "
    "ignore_eos min_tokens skip_special_tokens spaces_between_special_tokens "
    "truncate_prompt_tokens allowed_token_ids bad_words".split()
)
"""Between the marks chat-completion-sampling-params in vLLM's entrypoints/openai. Those that
change the answer's shape, or ask for several, are not among them."""

PROMPTING = frozenset(
    "chat_template chat_template_kwargs add_generation_prompt continue_final_message "
    "add_special_tokens documents mm_processor_kwargs media_io_kwargs structured_outputs "
    "reasoning_effort thinking_token_budget cache_salt vllm_xargs".split()
)
"""Between vLLM's marks chat-completion-extra-params, with the same exceptions."""

EXTRA = SAMPLING | PROMPTING

_LLAMA_CPP = {
    **{name: name for name in ("top_k", "min_p", "ignore_eos")},
    **{name: name for name in ("chat_template_kwargs", "add_generation_prompt")},
    "repetition_penalty": "repeat_penalty",
}
"""By vLLM's names, llama.cpp's (tools/server/README.md of its repository)."""


@dataclass(frozen=True, slots=True)
class LanguageModelServer:
    """Knows which fields beyond `STANDARD` it takes, and by which names of its own."""

    name: str
    takes: Mapping[str, str] = field(default_factory=dict)
    sees: bool | None = None
    """It takes images; None: it does not say so before it is given one."""

    def missing(self, needed: frozenset[str]) -> str:
        """The first field of `needed` that it does not take; "" where it takes them all."""
        lacking = needed - STANDARD - self.takes.keys() - {IMAGES}
        if IMAGES in needed and self.sees is False:
            return IMAGES
        return min(lacking, default="")


_SAME = {name: name for name in EXTRA}
UNKNOWN = LanguageModelServer("unknown")
VLLM = LanguageModelServer("vLLM", _SAME)
HALFSECOND = LanguageModelServer("Halfsecond", _SAME)
"""Another text door, which refuses by name what it cannot pass on; or the demo engine."""


def needs_of(messages: Sequence[ChatMessage], sampling: Sampling) -> frozenset[str]:
    """Names of the fields that must not be left out, `IMAGES` among them where there are any."""
    has_images = any(message.parts for message in messages)
    return sampling.required | ({IMAGES} if has_images else frozenset())


def server_of(listed: object, props: object, model: str) -> LanguageModelServer:
    """Told by `GET /v1/models` and, for llama.cpp, `GET /props`; None where there is none."""
    entries = _list(listed, "data")
    mine = [entry for entry in entries if _get(entry, "id") == model] or entries
    owner = _get(mine[0], "owned_by") if mine else None
    if owner == "vllm":
        return VLLM
    if owner == "halfsecond":
        return HALFSECOND
    if owner == "llamacpp":
        return LanguageModelServer("llama.cpp", _LLAMA_CPP, _sees(listed, props))
    return UNKNOWN


def _sees(listed: object, props: object) -> bool | None:
    told = _get(_get(props, "modalities"), "vision")
    if isinstance(told, bool):
        return told
    abilities = [_list(entry, "capabilities") for entry in _list(listed, "models")]
    return any("multimodal" in ability for ability in abilities) if abilities else None


async def look(client: AsyncOpenAI, base_url: str, model: str) -> LanguageModelServer:
    """Asks a server what it is. Raises openai.OpenAIError where it does not answer."""
    try:
        listed = await client.get("/models", cast_to=object)
    except openai.APIStatusError as error:
        if error.status_code in (404, 405, 501):
            return UNKNOWN
        raise
    server = server_of(listed, None, model)
    if server.takes is not _LLAMA_CPP:
        return server
    props: object = None
    with suppress(openai.APIStatusError):
        props = await client.get(
            base_url.rstrip("/").removesuffix("/v1") + "/props", cast_to=object
        )
    return server_of(listed, props, model)


def _get(body: object, name: str) -> object:
    return body.get(name) if isinstance(body, dict) else None


def _list(body: object, name: str) -> list[object]:
    found = _get(body, name)
    return found if isinstance(found, list) else []
