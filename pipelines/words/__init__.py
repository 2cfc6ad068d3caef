"""All that the bot says by itself, a file a language; the English one is the pattern.

Pure: it imports nothing of ours.
"""

from pipelines.words import de, en, es, fr, it, nl, pt
from pipelines.words.phrases import Phrases

ENGLISH = en.PHRASES
_BY_LANGUAGE = {
    "de": de.PHRASES,
    "en": ENGLISH,
    "es": es.PHRASES,
    "fr": fr.PHRASES,
    "it": it.PHRASES,
    "nl": nl.PHRASES,
    "pt": pt.PHRASES,
}


def phrases_for(language: str) -> Phrases:
    """The phrases for a BCP 47 language ("de", "pt-BR"); English where there are none."""
    return _BY_LANGUAGE.get(language.partition("-")[0].lower(), ENGLISH)
