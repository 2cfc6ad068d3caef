"""Chooses the language model, and those that take its place."""

from bot.engines.demo import MODEL
from bot.settings import Settings
from pipelines.core.failover import Patience
from pipelines.services.llm_failover import FailoverLanguageModel
from pipelines.services.llm_openai import OpenAiLanguageModel

LONGEST_WAIT_S = 10.0
"""For whoever asks one endpoint alone; a call has its own clocks."""


def language_model_for(settings: Settings, base_url: str) -> OpenAiLanguageModel:
    """The first endpoint alone. Not open yet."""
    return _endpoint(
        settings,
        base_url,
        settings.llm_model if settings.llm_base_url else MODEL,
        settings.llm_api_key.get_secret_value(),
    )


def failover_for(settings: Settings, base_url: str) -> FailoverLanguageModel:
    """The first endpoint and its fallbacks, as one. Not open yet."""
    keys = settings.llm_fallback_api_keys.get_secret_value().split(",")
    fallbacks: list[OpenAiLanguageModel] = []
    for at, fallback in enumerate(settings.llm_fallbacks):
        model, _, url = fallback.rpartition("@")
        key = keys[at].strip() if at < len(keys) else ""
        fallbacks.append(_endpoint(settings, url, model or settings.llm_model, key))
    return FailoverLanguageModel(
        [language_model_for(settings, base_url), *fallbacks],
        Patience(
            first_token_s=settings.llm_first_token_s,
            first_clause_s=settings.llm_first_clause_s,
            apology_s=settings.llm_apology_s,
        ),
        settings.llm_hedge_after,
    )


def _endpoint(settings: Settings, base_url: str, model: str, api_key: str) -> OpenAiLanguageModel:
    return OpenAiLanguageModel(
        base_url=base_url,
        api_key=api_key,
        model=model,
        max_tokens=settings.llm_max_tokens,
        temperature=settings.llm_temperature,
        extra_body={
            "top_k": settings.llm_top_k,
            "repetition_penalty": settings.llm_repetition_penalty,
            "chat_template_kwargs": {"enable_thinking": settings.llm_enable_thinking},
        },
        first_token_s=max(LONGEST_WAIT_S, settings.llm_apology_s),
        idle_s=settings.llm_idle_s,
    )
