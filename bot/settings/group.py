"""The common base of the groups of settings."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic_settings import NoDecode


class Group(BaseModel):
    """Some of the settings: `Settings` is all groups together."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


def _split(value: object) -> object:
    return value.replace(",", " ").split() if isinstance(value, str) else value


EmptyIsUnset = BeforeValidator(_none_if_empty)

List = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""Written with commas."""
