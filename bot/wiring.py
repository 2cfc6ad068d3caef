"""The composition root: which ears, which LLM, which voice. Nothing else chooses."""

import asyncio
from collections.abc import Callable

from bot.engines.demo import MODEL
from bot.engines.demo_process import DemoProcess
from bot.settings import Settings
from pipelines.cascade import Call, CallFormat, Policies, Services
from pipelines.core.budget import Budget
from pipelines.core.exchange import ToCaller
from pipelines.core.ledger import Fact
from pipelines.services.llm_openai import OpenAiLanguageModel
from pipelines.services.protocols import (
    LanguageModel,
    ServiceError,
    TextToSpeech,
    VoiceActivity,
)
from pipelines.services.stt_moonshine import MoonshineSpeechToText
from pipelines.services.tts_espeak import EspeakTextToSpeech
from pipelines.services.tts_stub import StubTextToSpeech
from pipelines.services.turn_smart import SmartTurn
from pipelines.services.vad_silero import SileroVad, load_silero


class Wiring:
    """The `Engine` behind the server: loads what the settings ask for, once, for all calls."""

    ears = "Moonshine tiny English, with Silero VAD and Smart Turn, on this machine's CPU"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._demo = None if settings.llm_base_url else DemoProcess(settings.profile, settings.seed)
        self._stt = MoonshineSpeechToText()
        self._turn = SmartTurn()
        self._tts = voice_for(settings)
        self._llm: LanguageModel | None = None
        self._services: Services | None = None
        self._policies = Policies(
            system_prompt=settings.llm_system_prompt,
            budget=_budget(settings),
            tells_last_wait=self.is_demo,
            facts=self._facts(),
        )

    @property
    def is_demo(self) -> bool:
        return self._demo is not None

    @property
    def llm(self) -> str:
        if self.is_demo:
            return f"none: the demo engine, at the pace of profile {self._settings.profile}"
        return f"{self._settings.llm_model} at {self._settings.llm_base_url}"

    @property
    def voice(self) -> str:
        if self._settings.tts_engine == "stub":
            return "the stub, a tone (TTS_ENGINE=espeak speaks)"
        return "espeak-ng, a robot's"

    async def open(self) -> None:
        """Load everything, at once. Raises ServiceError; `close` is owed either way."""
        try:
            async with asyncio.TaskGroup() as tasks:
                silero = tasks.create_task(asyncio.to_thread(load_silero))
                llm = tasks.create_task(self._open_llm())
                for service in (self._stt, self._turn, self._tts):
                    tasks.create_task(service.open())
        except* ServiceError as group:
            raise _first(group) from None
        model = silero.result()

        def new_vad() -> VoiceActivity:
            return SileroVad(model)

        self._services = Services(
            new_vad=new_vad, stt=self._stt, turn=self._turn, llm=llm.result(), tts=self._tts
        )

    def new_call(self, form: CallFormat, send: Callable[[ToCaller], None]) -> Call:
        assert self._services is not None, "calls come after `open`"
        return Call(self._services, form, send, self._policies)

    async def close(self) -> None:
        """Also after an `open` that failed or was cancelled."""
        self._services = None
        for service in (self._llm, self._demo, self._tts, self._turn, self._stt):
            if service is not None:
                await service.close()

    async def _open_llm(self) -> LanguageModel:
        url = self._settings.llm_base_url or await self._open_demo()
        self._llm = llm = language_model_for(self._settings, url)
        await llm.open()
        return llm

    async def _open_demo(self) -> str:
        assert self._demo is not None
        return await self._demo.open()

    def _facts(self) -> dict[str, Fact]:
        settings = self._settings
        return {
            "stt": "moonshine-tiny-en",
            "llm": MODEL if self.is_demo else settings.llm_model,
            "tts": settings.tts_engine,
            "profile": settings.profile if self.is_demo else None,
        }


def _first(group: BaseExceptionGroup[ServiceError]) -> ServiceError:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, ServiceError)
    return error


def language_model_for(settings: Settings, base_url: str) -> LanguageModel:
    """Not open yet."""
    return OpenAiLanguageModel(
        base_url=base_url,
        api_key=settings.llm_api_key.get_secret_value(),
        model=settings.llm_model if settings.llm_base_url else MODEL,
        max_tokens=settings.llm_max_tokens,
        temperature=settings.llm_temperature,
    )


def voice_for(settings: Settings) -> TextToSpeech:
    """Not open yet."""
    if settings.tts_engine == "stub":
        return StubTextToSpeech(first_audio_s=settings.tts_stub_first_audio_s)
    return EspeakTextToSpeech(words_a_minute=settings.tts_rate_wpm)


def _budget(settings: Settings) -> Budget:
    return Budget(
        endpointing_s=settings.budget_endpointing_ms / 1000,
        stt_s=settings.budget_stt_ms / 1000,
        llm_first_token_s=settings.budget_llm_first_token_ms / 1000,
        first_clause_s=settings.budget_first_clause_ms / 1000,
        tts_first_audio_s=settings.budget_tts_ms / 1000,
        transport_s=settings.budget_transport_ms / 1000,
    )
