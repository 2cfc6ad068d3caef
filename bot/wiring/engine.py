"""The composition root: which ears, which LLM, which voice. Nothing else chooses."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import structlog

from bot.engines.demo import MODEL
from bot.engines.demo_process import DemoProcess
from bot.recordings.recorder import Rates
from bot.settings import Settings, SettingsError
from bot.terminal.program import program
from bot.texts.sharing import CallOnLine, SharedModel
from bot.wiring.clock import clock_for
from bot.wiring.ears import choose_ears, completes_for, turn_policy_for
from bot.wiring.flight_recorder import about_call, recorder_for, records_in_words
from bot.wiring.imported import function_at
from bot.wiring.model import (
    failover_for,
    failover_for_texts,
    nothing_listens_at,
    places_for,
)
from bot.wiring.telephone import announcements_for, phone_for
from bot.wiring.tools import hangs_up, tools_for
from bot.wiring.turn_completion import TurnCompletionCheck
from bot.wiring.voice import choose_voice
from pipelines.addresses import printable
from pipelines.cascade import PLACES, Between, Call, CallFormat, Policies, Services
from pipelines.core.exchange import ToCaller
from pipelines.core.ledger.budget import Budget
from pipelines.core.ledger.ledger import Fact
from pipelines.core.thinking.answering import AnsweringPolicy
from pipelines.services.llm.llm_failover import FailoverLanguageModel
from pipelines.services.minding import Minder, Minders
from pipelines.services.protocols import (
    ServiceError,
    VoiceActivity,
)
from pipelines.services.tools.tools_builtin import today
from pipelines.services.tts.tts_ahead import SpokenAhead
from pipelines.services.turn.turn_smart import SmartTurn
from pipelines.services.vad.vad_silero import SileroVad, load_silero
from pipelines.words import phrases_for

_log = structlog.get_logger(__name__)


class Wiring:
    """The `CallEngine` behind the server: loads what the settings ask for, once, for all calls."""

    def __init__(self, settings: Settings, engine: Minder | None = None) -> None:
        """`engine`: minds the language model's, where the server has started one.

        Raises SettingsError, with what to do, where something that is named is not here.
        """
        self._settings = settings
        self._clock = clock_for(settings)
        if self._clock.is_guess:
            _log.warning(
                "this machine's time zone has no IANA name: set TIME_ZONE, as in Europe/Berlin",
                until_then=str(self._clock.zone),
            )
        self._demo = (
            None
            if settings.llm_base_url
            else DemoProcess(settings.profile, time_zone=str(self._clock.zone))
        )
        self._between = _between(settings)
        self._ears = choose_ears(settings)
        self._stt = self._ears.service
        self._turn = SmartTurn()
        self.phone = phone_for(settings)
        announcements = announcements_for(settings)
        self._voice = choose_voice(settings)
        demo = None if self._demo is None else self._demo.minder
        minders = (engine, demo, self._voice.minder)
        self.minders = Minders([one for one in minders if one is not None])
        """They have something to mind from `open` on."""
        phrases = phrases_for(settings.tts_language)
        words = (
            *announcements.words,
            *self.phone.announcements.words,
            phrases.apology,
            phrases.cold,
            phrases.meanwhile,
            phrases.unheard,
        )
        self._tts = SpokenAhead(self._voice.service, words)
        self._llm: FailoverLanguageModel | None = None
        self._unheard = False
        """Nothing listened at its address when it was opened."""
        self._texts: FailoverLanguageModel | None = None
        self.shared = SharedModel(places_for(settings))
        """The language model, for the doors that take texts."""
        self._services: Services | None = None
        self._turn_completion = TurnCompletionCheck(
            settings.llm_turn_completion, _prompt(settings), is_demo=self.is_demo
        )
        self._recorder = recorder_for(settings, self._facts)
        self._policies = Policies(
            system_prompt=_prompt(settings),
            phrases=phrases,
            today=lambda: today(self._clock),
            prompt_tokens=settings.llm_context_tokens - settings.llm_max_tokens,
            answering=AnsweringPolicy(
                # The demo engine has no cache: there is nothing to warm.
                warm=settings.llm_warm and not self.is_demo,
                summarise=settings.llm_summarise,
            ),
            tools=tools_for(settings, self._clock),
            hangs_up=hangs_up(settings),
            announcements=announcements,
            turn=turn_policy_for(settings),
            completes=completes_for(settings),
            budget=_budget(settings),
            tells_last_wait=self.is_demo,
            facts=self._facts(),
        )

    @property
    def is_demo(self) -> bool:
        return self._demo is not None

    @property
    def ears(self) -> str:
        return self._ears.in_words()

    @property
    def llm(self) -> str:
        if self.is_demo:
            profile = self._settings.profile
            pace = "at once" if profile == "none" else f"at the pace of {profile}"
            return f"none: the demo engine answers, {pace} (--profile)"
        now = f", where nothing listens now ({program()} doctor)" if self._unheard else ""
        where = printable(self._settings.llm_base_url or "")
        return f"{self._settings.llm_model} at {where}{now}"

    @property
    def voice(self) -> str:
        return self._voice.in_words

    @property
    def telephone(self) -> str:
        return self.phone.in_words

    @property
    def clock(self) -> str:
        return self._clock.in_words

    @property
    def policies(self) -> Policies:
        return self._policies

    @property
    def services(self) -> Services:
        """Comes after `open`."""
        assert self._services is not None, "calls come after `open`"
        return self._services

    @property
    def records(self) -> str | None:
        return records_in_words(self._settings)

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
        self._policies = replace(self._policies, facts=self._facts())  # a second voice may speak

        def new_vad() -> VoiceActivity:
            return SileroVad(model)

        self._services = Services(
            new_vad=new_vad,
            stt=self._stt,
            turn=self._turn,
            llm=self.shared.calls,
            tts=self._tts,
            prompts=llm.result(),
            between=self._between,
        )
        self.shared.open(llm.result(), str(self._facts()["llm"]), self._texts)

    def new_call(self, form: CallFormat, send: Callable[[ToCaller], None]) -> CallOnLine:
        call = self._new_call(form, send)
        if self._llm is None or self._turn_completion.is_decided:
            return CallOnLine(call, self.shared)
        return CallOnLine(call, self.shared, partial(self._turn_completion.check, self._llm))

    def _new_call(self, form: CallFormat, send: Callable[[ToCaller], None]) -> Call:
        services, policies = self.services, self._policies
        if self._turn_completion.is_used:
            policies = replace(policies, turn=replace(policies.turn, asks_model=True))
        if self._recorder is None:
            return Call(services, form, send, policies)
        rates = Rates(
            caller_hz=form.in_rate_hz,
            bot_hz=form.out_rate_hz,
            voice_hz=services.tts.rate_hz,
        )
        recorder = self._recorder.new_call(rates, about_call(form))
        return Call(services, form, send, policies, recorder)

    async def close(self) -> None:
        """Also after an `open` that failed or was cancelled."""
        self._services = None
        self.shared.close()
        for service in (self._texts, self._llm, self._demo, self._tts, self._turn, self._stt):
            if service is not None:
                await service.close()
        if self._recorder is not None:
            await asyncio.to_thread(self._recorder.close)

    async def _open_llm(self) -> FailoverLanguageModel:
        url = self._settings.llm_base_url or await self._open_demo()
        self._unheard = await nothing_listens_at(url)
        self._llm = llm = failover_for(self._settings, url)
        self._texts = failover_for_texts(self._settings, url)
        await llm.open()
        await self._texts.open()
        if not self._unheard:
            await self._turn_completion.check(llm)
        return llm

    async def _open_demo(self) -> str:
        assert self._demo is not None
        return await self._demo.open()

    def _facts(self) -> dict[str, Fact]:
        settings = self._settings
        return {
            "stt": self._ears.model,
            "llm": MODEL if self.is_demo else settings.llm_model,
            "tts": self._voice.model,
            "profile": settings.profile if self.is_demo else None,
            **({} if settings.record_calls == "off" else {"recorded": settings.record_calls}),
        }


def _first(group: BaseExceptionGroup[ServiceError]) -> ServiceError:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, ServiceError)
    return error


def _prompt(settings: Settings) -> str:
    try:
        return settings.system_prompt
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"LLM_SYSTEM_PROMPT cannot be read: {_reason(error)}") from None


def _reason(error: OSError | UnicodeError) -> str:
    return (error.strerror or "") if isinstance(error, OSError) else "it is not written in UTF-8"


def _between(settings: Settings) -> Callable[[], Between]:
    """Raises SettingsError, also where the function names a place that there is not."""
    where = settings.processors
    if not where:
        return dict
    between = function_at(where, "PROCESSORS")
    if unknown := sorted(set(between()) - set(PLACES)):
        places = ", ".join(PLACES)
        raise SettingsError(f"PROCESSORS: {unknown[0]!r} is none of {places}")
    return between


def _budget(settings: Settings) -> Budget:
    return Budget(
        endpointing_s=settings.budget_endpointing_ms / 1000,
        stt_s=settings.budget_stt_ms / 1000,
        llm_first_token_s=settings.budget_llm_first_token_ms / 1000,
        first_clause_s=settings.budget_first_clause_ms / 1000,
        tts_first_audio_s=settings.budget_tts_ms / 1000,
        transport_s=settings.budget_transport_ms / 1000,
    )
