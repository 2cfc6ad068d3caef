from dataclasses import fields

import pytest

from bot.settings import Settings, changed
from bot.wiring.engine import Wiring
from bot.wiring.telephone import phone_for
from pipelines.core.speaking.phrasing import clauses_of
from pipelines.words import ENGLISH, phrases_for
from pipelines.words.phrases import Phrases

LANGUAGES = ("de", "fr", "es", "it", "pt", "nl")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_phrase_is_there_in_each_language_and_is_not_english(language: str) -> None:
    phrases = phrases_for(language)

    for field in fields(Phrases):
        said = getattr(phrases, field.name)
        assert said.strip() == said != getattr(ENGLISH, field.name)
        assert field.name == "language" or clauses_of(said)


@pytest.mark.parametrize(
    ("language", "phrases"),
    [
        ("de-AT", phrases_for("de")),
        ("pt-BR", phrases_for("pt")),
        ("en-GB", ENGLISH),
        ("DE", phrases_for("de")),
        ("ja", ENGLISH),
    ],
)
def test_a_region_is_spoken_as_its_language_and_the_unknown_as_english(
    language: str, phrases: Phrases
) -> None:
    assert phrases_for(language) is phrases


def test_the_voice_s_language_chooses_what_a_call_says_by_itself() -> None:
    german = changed(Settings.model_construct(), tts_language="de")

    assert Wiring(german).policies.phrases is phrases_for("de")
    assert phone_for(german).announcements.are_you_there == "Sind Sie noch da?"
