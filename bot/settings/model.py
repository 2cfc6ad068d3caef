"""Which language model answers, how it is asked, and the demo engine that stands in for one."""

from pydantic import Field, SecretStr, field_validator

from bot.engines.latency_profile import ProfileName
from bot.settings.group import Group


class Model(Group):
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

    llm_system_prompt: str = (
        "You are a friendly voice assistant on a phone call. Answer in one to three short spoken "
        "sentences, begin with a short clause, and use no lists, markdown or emoji."
    )
    """What the model is told before the conversation."""

    llm_max_concurrency: int = Field(30, ge=1, le=10_000)
    """Requests that the endpoint serves at once, of calls and texts: 1 if it cannot batch."""

    llm_queue_size: int = Field(64, ge=1, le=10_000)
    """Texts that may wait for it; one client's may fill half of that. Calls go before them."""

    profile: ProfileName = "none"
    """The hardware whose latencies the demo engine plays. Means nothing to a real endpoint."""

    seed: int = Field(0, ge=0)
    """For whatever the demo engine draws by chance."""

    @field_validator("llm_base_url")
    @classmethod
    def _an_address(cls, url: str | None) -> str | None:
        if not url:
            return None
        if not url.startswith(("http://", "https://")):
            raise ValueError("should begin with http:// or https://")
        if url.rstrip("/").endswith("/chat/completions"):
            raise ValueError("should end before /chat/completions")
        return url.rstrip("/")
