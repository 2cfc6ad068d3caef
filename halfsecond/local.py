"""The models that run in a bot's own process, and any OpenAI-compatible language model."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from pipelines.cascade import Services
from pipelines.services.llm.llm_openai import OpenAiLanguageModel
from pipelines.services.protocols import LanguageModel, SpeechToText, TextToSpeech
from pipelines.services.stt.stt_moonshine import MoonshineSpeechToText
from pipelines.services.stt.stt_restarting import RestartingSpeechToText
from pipelines.services.tts.tts_espeak import espeak_voice
from pipelines.services.turn.turn_smart import SmartTurn
from pipelines.services.vad.vad_silero import SileroVad, load_silero


@asynccontextmanager
async def local_services(
    *,
    llm_base_url: str = "",
    llm_model: str = "",
    llm_api_key: str | None = None,
    llm: LanguageModel | None = None,
    stt: SpeechToText | None = None,
    tts: TextToSpeech | None = None,
) -> AsyncIterator[Services]:
    """One set of models for the process, open: Silero VAD, Smart Turn, Moonshine tiny English and
    espeak-ng, none of which downloads anything, beside the language model at `llm_base_url`.

    `llm`, `stt` and `tts` take the place of these; they are opened and closed here too. Raises
    ServiceError where one cannot be opened.
    """
    llm = llm or OpenAiLanguageModel(base_url=llm_base_url, model=llm_model, api_key=llm_api_key)
    stt = stt or RestartingSpeechToText(MoonshineSpeechToText)
    tts = tts or espeak_voice()
    turn = SmartTurn()
    silero = load_silero()
    async with AsyncExitStack() as stack:
        for service in (llm, stt, tts, turn):
            await service.open()
            stack.push_async_callback(service.close)
        yield Services(new_vad=lambda: SileroVad(silero), stt=stt, turn=turn, llm=llm, tts=tts)
