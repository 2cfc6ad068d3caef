"""Chooses the ears, and says which and why. Engines are imported when chosen: some take seconds."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bot.engines.models.catalogue import UnknownModelError, find
from bot.engines.models.model import CatalogueModel
from bot.engines.models.store import Store
from bot.settings import Settings, SettingsError
from bot.terminal.program import program
from bot.wiring.imported import function_at
from pipelines.addresses import printable
from pipelines.core.turn.endpointing import (
    PATIENCES_S,
    Completes,
    EndpointingPolicy,
    nothing_known,
)
from pipelines.core.turn.policy import TurnPolicy
from pipelines.services.protocols import SpeechToText
from pipelines.services.stt.stt_moonshine import MoonshineSpeechToText
from pipelines.services.stt.stt_moonshine_library import (
    SIZES,
    MoonshineLibrarySpeechToText,
    size_of,
)
from pipelines.services.stt.stt_restarting import RestartingSpeechToText
from pipelines.services.turn.turn_words import load_completeness

ON_CUDA, ON_CPU = "large-v3-turbo", "distil-small.en"
"""The Whisper that is taken where none is named."""
WHISPER_HUNG_S = 7.0
"""On a CPU a job can take seconds and be no sign of death; after 8 a turn gives up on its ears."""
KNOWN = ("en", "auto")
"""Languages of the model of words; where it knows few of the words, it says nothing."""
BESIDE = "with Silero VAD and Smart Turn"


def _has_nvidia() -> bool:
    """One of them is there where a driver is; the second is Windows' own Linux."""
    return any(Path(device).exists() for device in ("/dev/nvidiactl", "/dev/dxg"))


def _cuda_devices() -> int:
    from pipelines.services.stt.whisper import cuda_devices

    return cuda_devices()


def _in_hub_cache(repo: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(repo, "model.bin")
    return Path(path).parent if isinstance(path, str) else None


@dataclass(frozen=True, slots=True)
class Machine:
    """Facts about the machine that the choice is for."""

    has_nvidia: Callable[[], bool] = _has_nvidia
    cuda_devices: Callable[[], int] = _cuda_devices
    """GPUs that CTranslate2 can use."""
    in_hub_cache: Callable[[str], Path | None] = _in_hub_cache
    """The folder of a repository that Hugging Face's own cache has."""


THIS_MACHINE = Machine()


@dataclass(frozen=True, slots=True)
class Choice:
    service: SpeechToText
    """Not open yet."""
    model: str
    """For the ledger."""
    in_words: Callable[[], str]
    """For the operator; with what was measured, once it is open."""


def choose_ears(settings: Settings, machine: Machine = THIS_MACHINE) -> Choice:
    """Raises SettingsError, with what to run, where the model that is named is not here."""
    match settings.stt_engine:
        case "auto":
            return _best(settings, machine)
        case "moonshine":
            return _moonshine(settings, "as STT_ENGINE says")
        case "faster-whisper":
            return _whisper(settings, machine, "as STT_ENGINE says")
        case "openai":
            return _openai(settings)
        case "pipecat":
            return _pipecat(settings)


def ears_for(settings: Settings) -> SpeechToText:
    """Not open yet. Raises SettingsError."""
    return choose_ears(settings).service


def turn_policy_for(settings: Settings) -> TurnPolicy:
    """As patient as the settings want it."""
    patience_s = PATIENCES_S[settings.turn_patience]
    return TurnPolicy(endpointing=EndpointingPolicy(patience_s=patience_s))


def completes_for(settings: Settings) -> Completes:
    """The model of whole thoughts knows English only."""
    return load_completeness().probability if settings.stt_language in KNOWN else nothing_known


def _best(settings: Settings, machine: Machine) -> Choice:
    if settings.stt_device == "cpu":
        return _moonshine(settings, "no CUDA is wanted")
    if not machine.has_nvidia():
        return _moonshine(settings, "no CUDA is here")
    name = settings.stt_model or ON_CUDA
    if _whisper_folder(settings, machine, name) is None:
        return _moonshine(settings, f"CUDA is here, {name} is not: {_download(name)}")
    if not machine.cuda_devices():
        return _moonshine(settings, "CTranslate2 finds no CUDA")
    return _whisper(settings, machine, "CUDA and its model are here")


def _moonshine(settings: Settings, why: str) -> Choice:
    if settings.stt_engine == "moonshine" and settings.stt_model:
        return _moonshine_library(settings, settings.stt_model)
    return Choice(
        RestartingSpeechToText(MoonshineSpeechToText),
        "moonshine-tiny-en",
        lambda: f"Moonshine tiny English on this machine's CPU ({why}), {BESIDE}",
    )


def _moonshine_library(settings: Settings, name: str) -> Choice:
    folder = Path(name).expanduser()
    if not folder.is_dir():
        folder = _downloaded(settings, name)
    size = size_of(folder.name)
    if size is None:
        raise SettingsError(f"STT_MODEL: {folder.name} does not say which of {', '.join(SIZES)}")

    def new() -> MoonshineLibrarySpeechToText:
        return MoonshineLibrarySpeechToText(folder=folder, size=size)

    return Choice(
        RestartingSpeechToText(new),
        f"moonshine-{size}-en",
        lambda: f"Moonshine {size} from {folder}, on this machine's CPU, {BESIDE}",
    )


def _downloaded(settings: Settings, name: str) -> Path:
    model = _find(name)
    folder = Store(settings.models_dir).installed(model)
    if folder is None or model.kind != "moonshine":
        raise SettingsError(f"STT_MODEL: {name} is no Moonshine that is here: {_download(name)}")
    return folder


def _whisper(settings: Settings, machine: Machine, why: str) -> Choice:
    from pipelines.services.stt.stt_whisper import WhisperSpeechToText

    device = settings.stt_device
    if device == "auto":
        device = "cuda" if machine.cuda_devices() else "cpu"
    name = settings.stt_model or (ON_CUDA if device == "cuda" else ON_CPU)
    if (folder := _whisper_folder(settings, machine, name)) is None:
        raise SettingsError(f"STT_MODEL: {name} is not here: {_download(name)}")

    def new() -> WhisperSpeechToText:
        return WhisperSpeechToText(folder=folder, device=device, language=_language(settings))

    service = RestartingSpeechToText(new, hung_s=WHISPER_HUNG_S)

    def in_words() -> str:
        engine = service.engine
        says = engine.says if isinstance(engine, WhisperSpeechToText) else f"{name} on {device}"
        return f"faster-whisper {says} ({why}), {BESIDE}"

    return Choice(service, f"faster-whisper {name}", in_words)


def _whisper_folder(settings: Settings, machine: Machine, name: str) -> Path | None:
    """The folder at a path, of a downloaded model, or in Hugging Face's own cache."""
    folder = Path(name).expanduser()
    if (folder / "model.bin").is_file():
        return folder
    model = _find(name)
    return Store(settings.models_dir).installed(model) or machine.in_hub_cache(model.origin)


def _find(name: str) -> CatalogueModel:
    try:
        return find(name)
    except UnknownModelError as error:
        raise SettingsError(f"STT_MODEL: {error}") from None


def _download(name: str) -> str:
    return f"{program()} models download {name}"


def _openai(settings: Settings) -> Choice:
    from pipelines.services.stt.stt_openai import OpenAiSpeechToText

    url, model = settings.stt_base_url, settings.stt_model
    assert url is not None
    assert model is not None
    service = OpenAiSpeechToText(
        base_url=url,
        model=model,
        api_key=settings.stt_api_key.get_secret_value(),
        language=_language(settings),
    )
    return Choice(service, model, lambda: f"{model} at {printable(url)}, {BESIDE}")


def _pipecat(settings: Settings) -> Choice:
    from pipelines.services.stt.stt_pipecat import PipecatSpeechToText

    where = settings.stt_model
    assert where is not None
    new_service = function_at(where, "STT_MODEL")
    service = PipecatSpeechToText(new_service=new_service)
    return Choice(service, where, lambda: f"the Pipecat service of {where}, {BESIDE}")


def _language(settings: Settings) -> str | None:
    return None if settings.stt_language == "auto" else settings.stt_language
