"""What is written, as it is said aloud."""

from pipelines.core.speakable.english import aloud
from pipelines.core.speakable.finding import Aloud, as_written

__all__ = ["Aloud", "aloud", "as_written"]
