"""The only reader of the environment: every setting, its default, and what is wrong with it."""

import difflib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from dotenv.parser import parse_stream
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.settings.announcements import AnnouncementSettings
from bot.settings.engine import EngineSettings
from bot.settings.model import LanguageModelSettings
from bot.settings.recording_policy import RecordingSettings
from bot.settings.removed import REMOVED, REPLACED, told_of
from bot.settings.server import ServerSettings
from bot.settings.shares import BudgetSettings
from bot.settings.speech import SpeechSettings
from bot.settings.telephony import TelephoneSettings

ENV_FILE = Path(".env")
"""Read from the folder that the program was started in; the environment goes before it."""

_LISTED = Path(__file__).with_name("env.example")
"""A link in a checkout, a file in a wheel."""
EXAMPLE = ".env.example" if _LISTED.is_symlink() else str(_LISTED)
"""The file that lists every setting, as an operator is told of it."""

_PREFIXES = ("LLM_", "STT_", "TTS_", "VAD_", "TURN_", "BUDGET_", "TLS_", "TWILIO_", "RECORD_")
"""A variable that begins so is meant for us."""

_CLOSE = 0.85
"""difflib's ratio from which another name is a slip of the pen: one letter in seven."""


class SettingsError(Exception):
    """Something in the settings cannot be meant; the message is one line for the operator."""


class Settings(
    ServerSettings,
    LanguageModelSettings,
    SpeechSettings,
    TelephoneSettings,
    AnnouncementSettings,
    BudgetSettings,
    RecordingSettings,
    EngineSettings,
    BaseSettings,
):
    """Each field is set by the variable of the same name in capitals."""

    model_config = SettingsConfigDict(
        env_file=ENV_FILE, extra="ignore", frozen=True, use_attribute_docstrings=True
    )


SECRETS = frozenset(
    name.upper()
    for name, field in Settings.model_fields.items()
    if "SecretStr" in str(field.annotation)
)


def load(**overrides: object) -> Settings:
    """Overrides (from the command line; None is none) before the environment before `ENV_FILE`.

    Raises SettingsError for a value out of range, for a name that is nearly one of ours, and for a
    file that cannot be understood.
    """
    _refuse_misspelt([*os.environ, *_names_in(ENV_FILE)])  # noqa: TID251
    return _validated({name: value for name, value in overrides.items() if value is not None})


def warnings() -> list[str]:
    """Lines about what is set and no longer does anything. Raises SettingsError as `load` does."""
    return list(told_of([*os.environ, *_names_in(ENV_FILE)]))  # noqa: TID251


def changed(settings: Settings, **changes: object) -> Settings:
    """The same settings but for these. Raises SettingsError."""
    return _validated({**settings.model_dump(), **changes})


def _validated(given: dict[str, object]) -> Settings:
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        raise SettingsError(_in_words(error.errors())) from None


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """The environment of a server of ours: all that is here, and `more` over it."""
    return {**os.environ, **more}  # noqa: TID251


def _in_words(errors: Sequence[ErrorDetails]) -> str:
    """No value is shown: it may be a secret that came into the wrong place.

    A setting that may be one thing or another says what is wrong with each.
    """
    told: dict[str, str] = {}
    for error in errors:
        name = str(error["loc"][0]).upper() if error["loc"] else ""
        wrong = error["msg"].partition(", unable to parse")[0]
        for beginning in ("Value error, ", "Input ", "String "):
            wrong = wrong.removeprefix(beginning)
        if name in told:
            told[name] += f", or {wrong}"
        else:
            told[name] = f"{name} {wrong}" if name else wrong
    return "; ".join(told.values())


def _names_in(file: Path) -> list[str]:
    """Those that it sets; none where it is not there. No line is shown: it may hold a key."""
    if not file.is_file():
        return []
    try:
        with file.open(encoding="utf-8") as lines:
            found = list(parse_stream(lines))
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not written in UTF-8"
        raise SettingsError(f"{file} cannot be read: {reason}") from None
    for one in found:
        if one.error:
            raise SettingsError(f"{file}, line {one.original.line}, is not NAME=value")
    return [one.key for one in found if one.key is not None]


def _refuse_misspelt(names: Iterable[str]) -> None:
    ours = [field.upper() for field in Settings.model_fields]
    for name in names:
        if (upper := name.upper()) in ours or upper in REMOVED:
            continue
        if upper in REPLACED:
            raise SettingsError(f"{name} is no longer a setting: write {REPLACED[upper]}")
        close = difflib.get_close_matches(upper, ours, n=1, cutoff=_CLOSE)
        if close or upper.startswith(_PREFIXES):
            meant = difflib.get_close_matches(upper, ours, n=1, cutoff=0.5)
            hint = f"did you mean {meant[0]}?" if meant else f"{EXAMPLE} lists all."
            raise SettingsError(f"{name} is not a setting: {hint}")
