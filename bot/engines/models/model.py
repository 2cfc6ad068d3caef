"""Facts about a model before it is downloaded."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["whisper", "moonshine", "piper", "kokoro", "gguf"]
"""Which engine loads it."""


@dataclass(frozen=True, slots=True)
class Hub:
    """Files of one repository on a model hub."""

    repo: str
    files: tuple[str, ...]
    """Paths in the repository that the engine cannot do without."""
    extras: tuple[str, ...] = ()
    """Taken along where the repository has them."""
    revision: str = "main"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Files that lie under one address, of which nobody says what they hash to."""

    base: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CatalogueModel:
    name: str
    """The name as typed, and of its folder."""
    kind: Kind
    about: str
    source: Hub | Addresses
    mb: int | None = None
    """Roughly, in 10^6 bytes."""

    @property
    def is_ears(self) -> bool:
        return self.kind in ("whisper", "moonshine")

    @property
    def origin(self) -> str:
        return self.source.repo if isinstance(self.source, Hub) else self.source.base
