"""The only reader of the environment: every setting, its default, and what is wrong with it."""

import difflib
import os
from collections.abc import Iterable
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.access import origin_of
from bot.engines.latency_profile import ProfileName

ENV_FILE = Path(".env")
"""Read from the folder that the program was started in; the environment goes before it."""

_PREFIXES = ("LLM_", "STT_", "TTS_", "VAD_", "TURN_", "BUDGET_", "TLS_", "TWILIO_")
"""A variable that begins so is meant for us."""

_CLOSE = 0.85
"""difflib's ratio from which another name is a slip of the pen: one letter in seven."""

List = Annotated[tuple[str, ...], NoDecode]
"""Written with commas."""

Milliseconds = Annotated[float, Field(gt=0, le=10_000)]


class SettingsError(Exception):
    """Something in the settings cannot be meant; the message is one line for the operator."""


class Settings(BaseSettings):
    """Each field is set by the variable of the same name in capitals."""

    model_config = SettingsConfigDict(
        env_file=ENV_FILE, extra="ignore", frozen=True, use_attribute_docstrings=True
    )

    host: str = Field("127.0.0.1", min_length=1)
    """Address to listen on. 0.0.0.0 opens the server to the network: it needs TLS then."""

    port: int = Field(7860, ge=0, le=65535)
    """Port to listen on; 0 takes any that is free."""

    tls_cert: Path | None = None
    """Certificate chain (PEM). A page from another machine has no microphone without TLS."""

    tls_key: Path | None = None
    """The certificate's private key (PEM)."""

    public_base_url: str | None = None
    """Where the world reaches this server: https and a host, without a path."""

    access_token: SecretStr | None = None
    """What clients from beyond this machine must show. Unset, one is made at each start."""

    allowed_origins: List = ()
    """Other sites whose pages may call: https://a.example,https://b.example; exact matches."""

    trusted_proxies: List = ("127.0.0.1", "::1")
    """Proxies (addresses, networks) whose X-Forwarded-For names the caller, for its limits."""

    max_calls: int = Field(8, ge=1, le=10_000)
    """Calls at once; the next one is turned away with 503."""

    calls_per_address: int = Field(4, ge=1, le=10_000)
    """Calls at once from one address; the next one is turned away with 429."""

    drain_s: float = Field(30.0, ge=0, le=3600)
    """Seconds that calls may take to finish after SIGTERM."""

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

    twilio_account_sid: str | None = None
    """Twilio account (AC...). Unset, there is no telephone."""

    twilio_auth_token: SecretStr | None = None
    """The account's token."""

    twilio_api_base_url: str = "https://api.twilio.com"
    """Where Twilio's REST API is."""

    stt_engine: Literal["auto", "moonshine"] = "auto"
    """Which ears. auto takes the best that this machine can run: Moonshine tiny English."""

    tts_engine: Literal["espeak", "stub"] = "espeak"
    """Which voice. stub is a tone whose length follows the text: for tests and latency work."""

    tts_stub_first_audio_s: float = Field(0.0, ge=0, le=10)
    """How long the stub voice takes to its first audio, in seconds."""

    tts_rate_wpm: int = Field(165, ge=80, le=450)
    """How fast the voice speaks, in words a minute."""

    budget_endpointing_ms: Milliseconds = 200
    """Of the 500 ms: deciding that the person has finished."""

    budget_stt_ms: Milliseconds = 60
    """Of the 500 ms: having the last word."""

    budget_llm_first_token_ms: Milliseconds = 150
    """Of the 500 ms: the LLM's first token."""

    budget_first_clause_ms: Milliseconds = 40
    """Of the 500 ms: from the first token to the first clause that can be spoken."""

    budget_tts_ms: Milliseconds = 30
    """Of the 500 ms: the voice's first audible sample."""

    budget_transport_ms: Milliseconds = 20
    """Of the 500 ms: the way to the caller's ear."""

    log_format: Literal["text", "json"] = "text"
    """text for people, json for machines."""

    log_words: bool = False
    """Write what callers say into the log. It is personal data: off unless you need it."""

    profile: ProfileName = "none"
    """The hardware whose latencies the demo engine plays. Means nothing to a real endpoint."""

    seed: int = Field(0, ge=0)
    """For whatever the demo engine draws by chance."""

    @field_validator(
        *("tls_cert", "tls_key", "public_base_url", "access_token"),
        *("twilio_account_sid", "twilio_auth_token"),
        mode="before",
    )
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("public_base_url")
    @classmethod
    def _an_origin(cls, url: str | None) -> str | None:
        return None if url is None else origin_of(url)

    @field_validator("allowed_origins", "trusted_proxies", mode="before")
    @classmethod
    def _a_list(cls, value: object) -> object:
        return value.replace(",", " ").split() if isinstance(value, str) else value

    @field_validator("allowed_origins")
    @classmethod
    def _origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(origin_of, origins))

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        for network in networks:
            ip_network(network)
        return networks

    @model_validator(mode="after")
    def _a_certificate_and_its_key(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("TLS_CERT and TLS_KEY belong together")
        return self

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


SECRETS = frozenset(
    name.upper()
    for name, field in Settings.model_fields.items()
    if "SecretStr" in str(field.annotation)
)


def load(**overrides: object) -> Settings:
    """Overrides (from the command line; None is none) before the environment before `ENV_FILE`.

    Raises SettingsError for a value out of range and for a name that is nearly one of ours.
    """
    names = [*os.environ, *(dotenv_values(ENV_FILE) if ENV_FILE.is_file() else ())]  # noqa: TID251
    _refuse_misspelt(names)
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        raise SettingsError("; ".join(map(_one_line, error.errors()))) from None


def _one_line(error: object) -> str:
    assert isinstance(error, dict)
    name = ".".join(map(str, error["loc"])).upper()
    wrong = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    shown = "" if name in SECRETS else f"={error['input']}"
    return f"{name}{shown} {wrong}" if name else wrong


def _refuse_misspelt(names: Iterable[str]) -> None:
    ours = [field.upper() for field in Settings.model_fields]
    for name in names:
        if (upper := name.upper()) in ours:
            continue
        close = difflib.get_close_matches(upper, ours, n=1, cutoff=_CLOSE)
        if close or upper.startswith(_PREFIXES):
            meant = difflib.get_close_matches(upper, ours, n=1, cutoff=0.5)
            hint = f"did you mean {meant[0]}?" if meant else ".env.example lists all."
            raise SettingsError(f"{name} is not a setting: {hint}")
