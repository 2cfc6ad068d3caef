"""Which language model answers, how it is asked, and the demo engine that stands in for one."""

from pathlib import Path
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, SecretStr, field_validator, model_validator

from bot.settings.addresses import is_reachable, split_endpoint
from bot.settings.group import EmptyIsUnset, Group, List
from bot.settings.latency_profile import PROFILES, profile_named
from pipelines.core.thinking.failover import Patience
from pipelines.core.thinking.prompt import SYSTEM_PROMPT

TurnCompletion: TypeAlias = Literal["off", "on", "auto"]


class LanguageModelSettings(Group):
    llm_base_url: str | None = None
    """An OpenAI-compatible endpoint, up to and including /v1. Unset starts the demo engine."""

    llm_api_key: SecretStr = SecretStr("EMPTY")
    """The endpoint's key; vLLM and llama.cpp take any."""

    llm_model: str = Field("google/gemma-3-27b-it", min_length=1)
    """The model to ask for. The demo engine has one of its own."""

    llm_max_tokens: int = Field(256, ge=1, le=32_768)
    """Tokens that one answer may have."""

    llm_temperature: float = Field(0.7, ge=0, le=2)
    """0 is a value: the likeliest answer each time."""

    llm_top_k: int = Field(50, ge=-1, le=100_000)
    """vLLM's and llama.cpp's; left out by itself where an endpoint refuses it."""

    llm_repetition_penalty: float = Field(1.1, gt=0, le=2)
    """vLLM's; left out by itself where an endpoint refuses it."""

    llm_enable_thinking: bool = False
    """A caller waits while a model thinks. Left out by itself where an endpoint refuses it."""

    llm_system_prompt: str = SYSTEM_PROMPT
    """The model's instructions before the conversation; @prompt.txt for those in a file."""

    llm_context_tokens: int = Field(4096, ge=512, le=1_000_000)
    """Tokens that a prompt and its answer may have together; the oldest turns go first."""

    llm_summarise: bool = False
    """Let the model sum up the turns that no longer fit, and remember the summary."""

    llm_warm: bool = True
    """Have the endpoint read the prompt's beginning when a call begins and after each answer."""

    llm_turn_completion: TurnCompletion = "off"
    """Let the model say that a caller goes on. auto: if it can, by a check at the start."""

    llm_tools: List = ()
    """Functions the model may call: hang_up, current_time, find_date, or file.py:f, module:f."""

    processors: Annotated[str | None, EmptyIsUnset] = None
    """module:function that returns Pipecat processors to stand between the stages of a call."""

    llm_fallbacks: List = ()
    """Endpoints to ask when the first fails, in order: model@http://host/v1,other@https://..."""

    llm_fallback_api_keys: SecretStr = SecretStr("")
    """Their keys, in the same order, with commas; EMPTY or nothing where one takes any."""

    llm_hedge_after: float | Literal["auto", "off"] = "auto"
    """Seconds of silence until a fallback is asked too, one time in ten. auto: 2.5 medians."""

    llm_first_token_s: float = Field(Patience().first_token_s, gt=0, le=600)
    """Seconds to the first token until a fallback, or it again, is asked; twice it: an apology."""

    llm_max_concurrency: int = Field(30, ge=1, le=10_000)
    """Requests that the endpoint serves at once, of calls and texts: 1 if it cannot batch."""

    profile: str = "none"
    """Whose latencies the demo engine plays: none, a100, h100-fp8, fixed-150, or a file."""

    @field_validator("llm_base_url")
    @classmethod
    def _an_address(cls, url: str | None) -> str | None:
        if not url:
            return None
        if not url.startswith(("http://", "https://")):
            raise ValueError("should begin with http:// or https://")
        if not is_reachable(url):
            raise ValueError("should be like http://host:8000/v1")
        if url.rstrip("/").endswith("/chat/completions"):
            raise ValueError("should end before /chat/completions")
        return url.rstrip("/")

    @field_validator("profile")
    @classmethod
    def _a_pace(cls, profile: str) -> str:
        profile_named(profile)
        return profile if profile in PROFILES else str(Path(profile).absolute())

    @field_validator("llm_fallbacks")
    @classmethod
    def _endpoints(cls, endpoints: tuple[str, ...]) -> tuple[str, ...]:
        for endpoint in endpoints:
            _, url = split_endpoint(endpoint)
            if not (url.startswith(("http://", "https://")) and is_reachable(url)):
                raise ValueError("should be like model@http://host/v1")
        return tuple(endpoint.rstrip("/") for endpoint in endpoints)

    @field_validator("llm_hedge_after")
    @classmethod
    def _a_time(cls, after: float | str) -> float | str:
        if not isinstance(after, str) and not 0 < after <= 600:
            raise ValueError("should be auto, off, or seconds")
        return after

    @model_validator(mode="after")
    def _a_prompt_that_can_be_read(self) -> Self:
        if self._prompt_file is not None and not self._prompt_file.is_file():
            raise ValueError("LLM_SYSTEM_PROMPT names a file that is not there")
        if self.llm_max_tokens + 256 > self.llm_context_tokens:
            raise ValueError("LLM_CONTEXT_TOKENS must leave 256 beside LLM_MAX_TOKENS")
        return self

    @property
    def system_prompt(self) -> str:
        """From the file, where one is named. Raises OSError and UnicodeError."""
        file = self._prompt_file
        return self.llm_system_prompt if file is None else file.read_text("utf-8").strip()

    @property
    def _prompt_file(self) -> Path | None:
        is_file = self.llm_system_prompt.startswith("@")
        return Path(self.llm_system_prompt[1:]) if is_file else None
