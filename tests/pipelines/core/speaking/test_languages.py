import pytest

from pipelines.core.speaking.speakable import Aloud, aloud, as_written, reader


@pytest.mark.parametrize(
    ("language", "written", "read"),
    [
        ("de", "Das kostet 12,50 €.", "Das kostet zwölf Euro und fünfzig Cent."),
        ("de", "1.234,56 EUR", "eintausendzweihundertvierunddreißig Euro und sechsundfünfzig Cent"),
        (
            "de",
            "1.250 Leute, 3,5 km",
            "eintausendzweihundertfünfzig Leute, drei Komma fünf Kilometer",
        ),
        ("de", "Am 15.10.2026.", "Am 15. Oktober zweitausendsechsundzwanzig."),
        ("de", "030 901820", "null drei null, neun null eins acht zwei null"),
        ("de", "Um 17:05, Version 3.11.2.", "Um 17:05, Version 3.11.2."),
        ("de-AT", "20 % und 25 °C", "zwanzig Prozent und fünfundzwanzig Grad Celsius"),
        ("fr", "1 250 €, 21 km", "mille deux cent cinquante euros, vingt et un kilomètres"),
        ("fr", "le 15/10/2026", "le quinze octobre deux mille vingt-six"),
        ("es", "$12.50", "doce dólares con cincuenta centavos"),
        ("es", "el 2026-10-15", "el quince de octubre de dos mil veintiséis"),
        ("pt-BR", "R$ 99,90", "noventa e nove Reais brasileiros, noventa"),
        ("it", "3,5 kg", "tre virgola cinque chilogrammi"),
        ("pl", "99 zł", "dziewięćdziesiąt dziewięć złotych polskich"),
        ("nl", "-3 km", "min drie kilometer"),
    ],
)
def test_a_voice_is_given_numbers_in_its_own_words(language: str, written: str, read: str) -> None:
    assert " ".join(piece.said for piece in reader(language)(written)) == read


def test_a_voice_of_an_unknown_language_is_given_what_is_written() -> None:
    assert reader("xx") is as_written
    assert reader("zh")("5 km") == [Aloud("5", "5"), Aloud("km", "km")]


@pytest.mark.parametrize("language", ["en", "en-GB"])
def test_english_is_read_by_rules_of_its_own(language: str) -> None:
    assert reader(language) is aloud
