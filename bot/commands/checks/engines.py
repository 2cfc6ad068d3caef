"""Checks of what answers: the voice, and the LLM's endpoint."""

import asyncio

from bot.commands.checks.finding import Finding, bad, good, poor
from bot.commands.checks.machine import new_environment
from bot.engines.recipe import EngineError
from bot.settings import Settings, SettingsError
from bot.settings.engine import EngineName
from bot.wiring.model import language_model_for
from bot.wiring.own_engine import recipe_for
from bot.wiring.voice import choose_voice
from pipelines.addresses import printable
from pipelines.services.protocols import ChatMessage, ServiceError, TextDelta

ASKED = "Count from one to ten, in words."


async def check_voice(settings: Settings) -> Finding:
    try:
        choice = choose_voice(settings)
    except SettingsError as error:
        return bad("voice", str(error), "or choose another TTS_ENGINE: espeak needs nothing")
    voice, now = choice.service, asyncio.get_running_loop().time
    try:
        await voice.open()
        asked_s, first_s, samples = now(), None, 0
        async for chunk in voice.synthesise("Ready when you are."):
            first_s = now() - asked_s if first_s is None else first_s
            samples += len(chunk.pcm)
    except ServiceError as error:
        return bad("voice", str(error), _mend_voice(settings))
    finally:
        await voice.close()
    if first_s is None:
        return bad("voice", f"{settings.tts_engine} says nothing", "choose another TTS_ENGINE")
    said = f"{choice.in_words}: first sound after {1000 * first_s:.0f} ms"
    said = f"{said}, {samples / voice.rate_hz:.1f} s in all"
    return poor("voice", said, new_environment()) if choice.is_makeshift else good("voice", said)


def _mend_voice(settings: Settings) -> str:
    if settings.tts_engine == "openai":
        return "see that it runs, that TTS_BASE_URL ends with /v1, and that it has TTS_MODEL"
    if settings.tts_engine == "pipecat":
        return "see that the service of TTS_MODEL speaks in a Pipecat bot"
    return new_environment()


def _check_own_engine(settings: Settings, name: EngineName) -> Finding:
    """Checks of an engine before it is started."""
    try:
        recipe = recipe_for(settings, name)
    except EngineError as error:
        return bad("llm", error.cause, error.mend)
    return good("llm", f"{name} with {recipe.shown} is started with the server")


async def check_llm(settings: Settings) -> Finding:
    """One short answer is asked for, and paid for."""
    if settings.llm_engine is not None:
        return _check_own_engine(settings, settings.llm_engine)
    if settings.llm_base_url is None:
        return poor(
            "llm",
            "none: the demo engine answers by rule",
            "set LLM_BASE_URL and LLM_MODEL to any OpenAI-compatible endpoint",
        )
    where = f"{settings.llm_model} at {printable(settings.llm_base_url)}"
    llm = language_model_for(settings, settings.llm_base_url)
    now = asyncio.get_running_loop().time
    try:
        await llm.open()
        asked_s = now()
        answer = llm.stream([ChatMessage("user", ASKED)])
        arrived = [now() - asked_s async for delta in answer if isinstance(delta, TextDelta)]
    except ServiceError as error:
        return bad("llm", f"{where}: {error}", _mend(error.trouble.status))
    finally:
        await llm.close()
    found = f"{where}: first token after {1000 * arrived[0]:.0f} ms, {len(arrived)} pieces"
    if len(arrived) < 2:
        return poor("llm", f"{found}: it does not stream", "let it stream: whole answers come late")
    if arrived[0] > settings.budget_llm_first_token_ms / 1000:
        return poor(
            "llm",
            f"{found}, over its {settings.budget_llm_first_token_ms:.0f} ms",
            "bring it nearer, or take a smaller model; the first answer after a start is slowest",
        )
    return good("llm", found)


def _mend(status: int | None) -> str:
    match status:
        case 401 | 403:
            return "set LLM_API_KEY to a key of that endpoint"
        case 404:
            return "set LLM_MODEL to a model that it serves, and end LLM_BASE_URL with /v1"
        case 429:
            return "wait, or see to the account's limits"
        case _:
            return "see that it runs and that LLM_BASE_URL is its address, up to and including /v1"
