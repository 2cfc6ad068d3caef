"""The settings that a command runs with."""

from bot.settings import Settings, SettingsError, load
from bot.terminal.ending import give_up


def loaded(**overrides: object) -> Settings:
    """As `load` reads them; a setting that cannot be meant ends the command with exit code 2."""
    try:
        return load(**overrides)
    except SettingsError as error:
        give_up(str(error), 2)
