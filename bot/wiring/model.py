"""Chooses the language model."""

from bot.engines.demo import MODEL
from bot.settings import Settings
from pipelines.services.llm_openai import OpenAiLanguageModel
from pipelines.services.protocols import LanguageModel


def language_model_for(settings: Settings, base_url: str) -> LanguageModel:
    """Not open yet."""
    return OpenAiLanguageModel(
        base_url=base_url,
        api_key=settings.llm_api_key.get_secret_value(),
        model=settings.llm_model if settings.llm_base_url else MODEL,
        max_tokens=settings.llm_max_tokens,
        temperature=settings.llm_temperature,
    )
