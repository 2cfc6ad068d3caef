"""Settings, and what is made of them, show no password of an address."""

import pytest

from bot.settings import Settings, SettingsError, changed
from bot.settings.addresses import split_endpoint
from bot.wiring.ears import choose_ears
from bot.wiring.engine import Wiring
from bot.wiring.model import _endpoints
from bot.wiring.voice import choose_voice

SET = Settings.model_validate({})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("llm_base_url", "user:CANARY@host/v1"),
        ("llm_base_url", "http//user:CANARY@host/v1"),
        ("llm_base_url", "http://user:CAN/CANARY@host/v1"),
        ("llm_base_url", "http://user:CANARY@host:port/v1"),
        ("llm_base_url", "http://user:CANARY@host/v1/chat/completions"),
        ("llm_base_url", "http://user:CAN,CANARY@host/v1/chat/completions"),
        ("llm_fallbacks", "model@user:CANARY@host/v1"),
        ("llm_fallbacks", "model@http://user:CANARY@host:x/v1"),
        ("llm_fallbacks", "a@http://u:CANARY@one/v1,b@ftp://u:CANARY@two/v1"),
        ("public_base_url", "https://user:CANARY@voice.example"),
        ("public_base_url", "https://voice.example?key=CANARY"),
        ("twilio_api_base_url", "user:CANARY@api.example"),
    ],
)
def test_a_refused_address_is_shown_without_its_password(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as refused:
        changed(SET, **{name: value})

    assert name.upper() in str(refused.value)
    assert "CANARY" not in str(refused.value)


def test_the_model_is_told_of_without_the_password_of_its_address() -> None:
    engine = Wiring(changed(SET, llm_base_url="http://user:CANARY@engine.example:8000/v1"))

    assert engine.llm == f"{SET.llm_model} at http://engine.example:8000/v1"


@pytest.mark.parametrize("engine", ["stt", "tts"])
def test_ears_and_voice_are_told_of_without_the_password_of_their_address(engine: str) -> None:
    given = {f"{engine}_engine": "openai", f"{engine}_model": "m"}
    given[f"{engine}_base_url"] = "http://user:CANARY@speech.example/v1?key=CANARY"
    settings = changed(SET, **given)
    words = choose_ears(settings).in_words() if engine == "stt" else choose_voice(settings).in_words

    assert "http://speech.example/v1" in words
    assert "CANARY" not in words


def test_endpoints_are_named_in_log_and_metrics_without_passwords() -> None:
    fallbacks = "other@http://user:CANARY@second.example/v1"
    settings = changed(SET, llm_model="m", llm_base_url="http://u:CANARY@first:1/v1")
    settings = changed(settings, llm_fallbacks=fallbacks)

    names = [one.name for one in _endpoints(settings, "http://u:CANARY@first:1/v1")]

    assert names == ["m@first:1", "other@second.example"]


@pytest.mark.parametrize(
    ("endpoint", "parts"),
    [
        ("m@http://host/v1", ("m", "http://host/v1")),
        ("http://host/v1", ("", "http://host/v1")),
        ("http://user:key@host/v1", ("", "http://user:key@host/v1")),
        ("m@https://user:key@host/v1", ("m", "https://user:key@host/v1")),
        ("org/m@v2@http://host/v1", ("org/m@v2", "http://host/v1")),
    ],
)
def test_a_fallback_is_a_model_and_an_address(endpoint: str, parts: tuple[str, str]) -> None:
    assert split_endpoint(endpoint) == parts
