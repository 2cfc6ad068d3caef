"""A written text as it is said aloud."""

from pipelines.core.speaking.speakable.english import aloud
from pipelines.core.speaking.speakable.finding import Aloud, as_written
from pipelines.core.speaking.speakable.languages import reader

__all__ = ["Aloud", "aloud", "as_written", "reader"]
