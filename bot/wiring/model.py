"""Chooses the language model, and those that take its place."""

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit

from bot.settings import Settings
from bot.settings.addresses import split_endpoint
from pipelines.addresses import is_loopback
from pipelines.core.thinking.failover import Patience
from pipelines.services.llm.llm_failover import FailoverLanguageModel
from pipelines.services.llm.llm_openai import OpenAiLanguageModel

LONGEST_WAIT_S = 10.0
"""For whoever asks one endpoint alone; a call has its own clocks."""

TEXT_WAIT_S = 120.0
"""To the first token of a text; OpenAI's clients wait for ten minutes."""

TEXT_IDLE_S = 10.0

IDLE_S = 2.0
"""Without a token, after which an answer that has begun is given up; an engine that takes longer to
its first token may take as long to any."""

LISTENS_WITHIN_S = 1.0


def language_model_for(settings: Settings, base_url: str) -> OpenAiLanguageModel:
    """The first endpoint alone. Not open yet."""
    key = settings.llm_api_key.get_secret_value()
    if settings.llm_base_url:
        return _endpoint(settings, base_url, settings.llm_model, key)
    from bot.engines.demo import MODEL  # it brings a web server, which only the demo needs

    return _endpoint(settings, base_url, MODEL, key)


def places_for(settings: Settings) -> int:
    """Requests that the engine serves at once; llama.cpp that we start has so many slots."""
    most = settings.llm_max_concurrency
    return min(most, settings.llm_engine_slots) if settings.llm_engine == "llama.cpp" else most


def patience_for(settings: Settings) -> Patience:
    """An engine that is slow to its first token is slow to the rest: the clocks move together."""
    pace = settings.llm_first_token_s / Patience().first_token_s
    return Patience(
        first_token_s=pace * Patience().first_token_s,
        first_clause_s=pace * Patience().first_clause_s,
        apology_s=pace * Patience().apology_s,
    )


def failover_for(settings: Settings, base_url: str) -> FailoverLanguageModel:
    """The first endpoint and its fallbacks, as one. Not open yet."""
    return FailoverLanguageModel(
        _endpoints(settings, base_url),
        patience_for(settings),
        settings.llm_hedge_after,
    )


def failover_for_texts(settings: Settings, base_url: str) -> FailoverLanguageModel:
    """The same endpoints, for those who can wait: a long prompt takes a slow engine its time."""
    endpoints = _endpoints(settings, base_url)
    for endpoint in endpoints:
        endpoint.first_token_s, endpoint.idle_s = TEXT_WAIT_S, TEXT_IDLE_S
    patience = Patience(
        first_token_s=TEXT_WAIT_S, first_clause_s=TEXT_WAIT_S, apology_s=TEXT_WAIT_S
    )
    return FailoverLanguageModel(endpoints, patience, "off")


def _endpoints(settings: Settings, base_url: str) -> list[OpenAiLanguageModel]:
    keys = settings.llm_fallback_api_keys.get_secret_value().split(",")
    fallbacks: list[OpenAiLanguageModel] = []
    for at, fallback in enumerate(settings.llm_fallbacks):
        model, url = split_endpoint(fallback)
        key = keys[at].strip() if at < len(keys) else ""
        fallbacks.append(_endpoint(settings, url, model or settings.llm_model, key))
    return [language_model_for(settings, base_url), *fallbacks]


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
        first_token_s=max(LONGEST_WAIT_S, patience_for(settings).apology_s),
        idle_s=max(IDLE_S, settings.llm_first_token_s),
    )


async def nothing_listens_at(url: str) -> bool:
    """On this machine. Beyond it a proxy may be in between, and nobody can tell so soon: False."""
    if not is_loopback(url):
        return False
    at = urlsplit(url)
    port = at.port or (443 if at.scheme == "https" else 80)
    try:
        async with asyncio.timeout(LISTENS_WITHIN_S):
            _, writer = await asyncio.open_connection(at.hostname, port)
    except OSError:  # TimeoutError is one
        return True
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return False
