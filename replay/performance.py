"""Plays recorded calls again: on virtual time with the answers of then, or in real time."""

import asyncio
import statistics
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeAlias

from bot.server.telemetry import silence_pipecat
from bot.settings import Settings, load
from bot.settings.latency_profile import PROFILES, LatencyProfile
from bot.settings.recording_policy import RecordingSettings
from bot.settings.removed import renamed
from bot.settings.server import ServerSettings
from bot.settings.telephony import TelephoneSettings
from bot.wiring.engine import Wiring
from bot.wiring.flight_recorder import shown
from pipelines.cascade import CallFormat, Policies, Services
from pipelines.core.announcements import Announcements
from pipelines.core.recording import Model
from pipelines.services.protocols import EAR_RATE_HZ, VAD_CHUNK
from replay import virtual_time
from replay.asking import (
    AskedVad,
    Costs,
    Models,
    ModelsAsked,
)
from replay.call_folder import RecordedCall, UnreadableError
from replay.cores import Waits
from replay.keeping import kept
from replay.memory import Memory
from replay.remembered import (
    Recalled,
    RememberedLanguageModel,
    RememberedSpeechToText,
    RememberedTextToSpeech,
    RememberedTurnModel,
    RememberedVad,
)
from replay.stage import Replayed, Script, ScriptPlayer
from replay.turns import turns_of

Source: TypeAlias = Literal["recording", "live"]
Change: TypeAlias = Callable[[Services, Policies], tuple[Services, Policies]]

NOT_THE_CALLS = frozenset(
    {*ServerSettings.model_fields, *TelephoneSettings.model_fields, *RecordingSettings.model_fields}
)  # fmt: skip
"""Settings that say nothing about how a call goes."""
OF_MODEL: Mapping[str, Model] = {
    "stt_": "stt", "turn_": "turn", "llm_": "llm", "profile": "llm", "tts_": "tts"
}  # fmt: skip
"""Settings that make a model another one, by how they begin."""
HARMLESS = frozenset({"llm_api_key", "tts_stub_first_audio_s"})


def profile_of(name: str) -> LatencyProfile | None:
    """One of those with a name, or fixed-N: N ms to the first token, 25 between. None if none."""
    word, _, number = name.partition("-")
    if word == "fixed" and number.isdecimal():
        return LatencyProfile(int(number) / 1000, int(number) / 1000, 0.025)
    return PROFILES.get(name)


def _unchanged(services: Services, policies: Policies) -> tuple[Services, Policies]:
    return services, policies


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a call is played."""

    settings: Mapping[str, str] = field(default_factory=dict)
    """In place of those that the recording has."""
    llm: str = "recording"
    """`recording`, `live`, or a profile: the recorded text at its pace."""
    voice: Source = "recording"
    speculates: bool = True
    """Answers are begun before the turn is over."""
    change: Change = _unchanged
    """To the pipeline, for those who try one out."""
    record: Path | None = None
    """The folder in which what comes of it is kept as a recording of its own."""


@dataclass(frozen=True, slots=True)
class ReplayOutcome:
    replayed: Replayed
    again: Counter[str]
    """The questions that were asked again, and why."""
    waits: Waits | None = None
    """For a core; of a play in real time."""


def settings_of(call: RecordedCall, options: Options) -> Settings:
    """Those of the recording, but for `options`; secrets are the environment's.

    Raises SettingsError.
    """
    recorded = {
        name: value
        for name, value in renamed(call.about["settings"]).items()
        if name in Settings.model_fields and name not in NOT_THE_CALLS and value != "***"
    }
    chosen = {name.lower(): value for name, value in options.settings.items()}
    if options.llm in PROFILES:  # others are ours alone
        chosen.setdefault("profile", options.llm)
    return load(**{**recorded, **chosen})


def others_than_then(call: RecordedCall, settings: Settings, options: Options) -> frozenset[Model]:
    """The models that are not those of the recording, by what the settings say.

    A setting that there was not yet, and that nobody asks for, makes no difference.
    """
    then = renamed(call.about["settings"])
    now = shown(settings, words=True)
    changed = [
        name
        for name in type(settings).model_fields
        if name not in HARMLESS
        and name not in NOT_THE_CALLS
        and (name in then or name.upper() in options.settings)
        and now.get(name) != then.get(name)
    ]
    return frozenset(
        model for name in changed for start, model in OF_MODEL.items() if name.startswith(start)
    )


def script_of(call: RecordedCall, *, listened: bool) -> Script:
    """`listened`: sound comes when the ears had taken it. Raises UnreadableError."""
    about = call.about
    form = CallFormat(
        in_rate_hz=call.caller_rate_hz,
        out_rate_hz=about["bot_rate_hz"],
        lead_s=about["lead_s"],
        reports_playout=about["reports_playout"],
        announcements=Announcements(),  # what the bot said of its own accord is among what came in
    )
    ways = [turn.waited["played"] for turn in turns_of(call.events)]
    return Script(
        events=list(call.from_caller(listened=listened)),
        form=form,
        lasts_s=call.duration_s,
        way_s=statistics.median(ways) if ways and form.reports_playout else 0.0,
    )


class Company:
    """Plays calls on virtual time; `close` is owed."""

    def __init__(self) -> None:
        self._models: dict[str, Models] = {}
        """By the settings that they are chosen by."""

    def play(
        self, call: RecordedCall, options: Options, tell: Callable[[float], None] = lambda _: None
    ) -> ReplayOutcome:
        """Raises UnreadableError, SettingsError, ServiceError."""
        script = script_of(call, listened=True)
        settings = settings_of(call, options)
        recalled = Recalled(Memory(call.events))
        services, policies = self._cast(call, settings, recalled, options)
        services, policies = options.change(services, _rules(policies, options))

        rate_hz = services.tts.rate_hz if options.record else 0
        silence_pipecat()
        with kept(options.record, call, settings, script.form, policies, rate_hz) as recorder:

            async def play() -> Replayed:
                return await ScriptPlayer(services, policies, script, recorder).play(tell)

            return ReplayOutcome(virtual_time.run(play()), recalled.again)

    def close(self) -> None:
        for models in self._models.values():
            models.close()

    def _cast(
        self, call: RecordedCall, settings: Settings, recalled: Recalled, options: Options
    ) -> tuple[Services, Policies]:
        others = set(others_than_then(call, settings, options))
        profile = profile_of(options.llm)
        if options.llm == "live":
            others.add("llm")
        elif profile is not None:
            others.discard("llm")
        if options.voice == "live" or not call.about["voice_rate_hz"]:
            others.add("tts")
        for model in sorted(others):
            recalled.ask_again(model, "another one than in the recording, asked for everything")
        costs = Costs(recalled.memory, frozenset(others), profile)
        # What it costs is said already: nobody has to wait for the words at that pace.
        asked = settings if profile is None else settings.model_copy(update={"profile": "none"})

        def models() -> Models:
            chosen = repr(asked)
            if chosen not in self._models:
                self._models[chosen] = Models(asked)
            return self._models[chosen]

        vad = RememberedVad(recalled) if recalled.memory.voiced else AskedVad(models)
        asks = ModelsAsked(models, costs)
        services = Services(
            new_vad=lambda: vad,
            stt=asks if "stt" in others else RememberedSpeechToText(recalled, asks),
            turn=asks
            if "turn" in others
            else RememberedTurnModel(recalled, asks, lambda: vad.chunks * VAD_CHUNK / EAR_RATE_HZ),
            llm=asks if "llm" in others else RememberedLanguageModel(recalled, asks, profile),
            tts=asks
            if "tts" in others
            else RememberedTextToSpeech(recalled, asks, call.voice, call.about["voice_rate_hz"]),
        )
        return services, Wiring(settings).policies


async def in_real_time(
    call: RecordedCall, options: Options, tell: Callable[[float], None] = lambda _: None
) -> ReplayOutcome:
    """Through this machine's own models. Raises UnreadableError, SettingsError, ServiceError."""
    script = script_of(call, listened=False)
    settings = settings_of(call, options)
    recalled = Recalled(Memory(call.events))
    profile: LatencyProfile | None = profile_of(options.llm)
    async with AsyncExitStack() as stack:
        wiring = Wiring(settings)
        stack.push_async_callback(wiring.close)
        await wiring.open()
        live = wiring.services
        services = Services(
            new_vad=live.new_vad,
            stt=live.stt,
            turn=live.turn,
            llm=live.llm
            if options.llm == "live"
            else RememberedLanguageModel(recalled, live.llm, profile),
            tts=live.tts
            if options.voice == "live"
            else RememberedTextToSpeech(
                recalled, live.tts, call.voice, call.about["voice_rate_hz"]
            ),
        )
        services, policies = options.change(services, _rules(wiring.policies, options))
        recorder = stack.enter_context(
            kept(options.record, call, settings, script.form, policies, services.tts.rate_hz)
        )
        recalled.begun_s = asyncio.get_running_loop().time()
        waits = Waits(recalled.begun_s)
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(waits.watch())
            played = await ScriptPlayer(services, policies, script, recorder).play(tell)
            watching.cancel()
        return ReplayOutcome(played, recalled.again, waits)


def _rules(policies: Policies, options: Options) -> Policies:
    """Without tools: what they did then, nobody wants done again."""
    turn = policies.turn if options.speculates else replace(policies.turn, most_speculations=0)
    return replace(policies, turn=turn, tools=())


__all__ = ["Change", "Company", "Options", "ReplayOutcome", "UnreadableError", "in_real_time"]
