"""Settings in the environment, and the answer to wrong ones."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from dotenv import dotenv_values

from bot.settings import SECRETS, Settings, SettingsError, load, warnings
from bot.settings.removed import REMOVED, REPLACED, renamed

EXAMPLE = Path(__file__).parents[1] / ".env.example"


pytestmark = pytest.mark.usefixtures("empty_folder")


def test_the_example_gives_every_setting_its_default() -> None:
    lines = EXAMPLE.read_text()
    written = {name.lower(): value for name, value in dotenv_values(EXAMPLE).items()}
    unset = {name for name, field in Settings.model_fields.items() if field.default is None}
    assert set(written) | unset == set(Settings.model_fields)
    assert all(f"\n# {name.upper()}=" in lines for name in unset)
    assert "\n# LLM_BASE_URL=http://localhost:8000/v1\n" in lines
    assert Settings.model_validate(written) == load()
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert f"# {field.description}\n" in lines


def test_a_temperature_of_zero_and_an_empty_key_are_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_TEMPERATURE", "0")
    monkeypatch.setenv("LLM_API_KEY", "")
    assert load().llm_temperature == 0.0
    assert load().llm_api_key.get_secret_value() == ""


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_a_key_is_never_shown(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "sk-secret")
    assert "sk-secret" not in repr(load())
    with pytest.raises(SettingsError) as error:
        load(**{name.lower(): 5})
    assert str(error.value) == f"{name} should be a valid string"


def test_what_is_left_empty_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TLS_CERT", "TLS_KEY", "PUBLIC_BASE_URL", "ACCESS_TOKEN", "ALLOWED_ORIGINS"):
        monkeypatch.setenv(name, "")
    assert load() == Settings.model_validate({})


def test_lists_are_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_ORIGINS", "https://A.example:443/, http://localhost:3000")
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.0/8,::1")
    settings = load()
    assert settings.allowed_origins == ("https://a.example", "http://localhost:3000")
    assert settings.trusted_proxies == ("10.0.0.0/8", "::1")


def test_the_command_line_goes_before_the_environment_before_the_file(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (empty_folder / ".env").write_text("PORT=1\nMAX_CALLS=1\nDRAIN_S=1\n")
    monkeypatch.setenv("MAX_CALLS", "2")
    monkeypatch.setenv("DRAIN_S", "2")
    settings = load(drain_s=3, port=None)
    assert (settings.port, settings.max_calls, settings.drain_s) == (1, 2, 3)


def test_an_endpoint_left_empty_is_no_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_BASE_URL", "")
    assert load().llm_base_url is None
    monkeypatch.setenv("LLM_BASE_URL", "http://localhost:8000/v1/")
    assert load().llm_base_url == "http://localhost:8000/v1"


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("PORT", "99999", r"PORT should be less than or equal to 65535"),
        ("PORT", "", r"PORT should be a valid integer"),
        ("LLM_TEMPERATURE", "nan", r"LLM_TEMPERATURE should be less than or equal to 2"),
        (
            "LLM_HEDGE_AFTER",
            "soon",
            r"LLM_HEDGE_AFTER should be .*, or should be 'auto' or 'off'",
        ),
        ("PROFILE", "b200", r"PROFILE should be none, a100, h100-fp8, fixed-150 or a file .*"),
        ("LLM_BASE_URL", "localhost:8000", r"LLM_BASE_URL should begin with http.*"),
        ("LLM_BASE_URL", "http://x/v1/chat/completions", r".* should end before /chat/completions"),
        ("TIME_ZONE", "europe/berlin", r".* is no IANA time zone: did you mean Europe/Berlin\?"),
        ("TIME_ZONE", "Berlin", r"TIME_ZONE .* did you mean Europe/Berlin\?"),
        ("TIME_ZONE", "New York", r".* did you mean America/New_York\?"),
        ("TIME_ZONE", "Europe/Berln", r".* did you mean Europe/Berlin\?"),
        ("TIME_ZONE", "+01:00", r"TIME_ZONE .*: write it like Europe/Berlin, or UTC"),
        ("TIME_ZONE", "../../etc/passwd", r".* is no IANA time zone: .*"),
        ("TLS_CERT", "cert.pem", r"TLS_CERT and TLS_KEY belong together"),
        ("TLS_CRT", "x", r"TLS_CRT is not a setting: did you mean TLS_CERT\?"),
        ("PUBLIC_BASE_URL", "voice.example", r"PUBLIC_BASE_URL should be like .*"),
        ("PUBLIC_BASE_URL", "https://x.example/app?x=1", r".*, without a query or a fragment"),
        ("ALLOWED_ORIGINS", "https://a.example,*", r"ALLOWED_ORIGINS should be like .*"),
        ("PHONE_TRANSFERS", "sales=123", r"PHONE_TRANSFERS should be like sales=\+1555.*"),
        ("PHONE_SILENCE_S", "1", r"PHONE_SILENCE_S should be greater than or equal to 3"),
        ("TWILIO_API_BASE_URL", "api.twilio.com", r"TWILIO_API_BASE_URL should begin with http.*"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,proxy", r"TRUSTED_PROXIES should be like .*"),
        ("MAX_CALL", "3", r"MAX_CALL is not a setting: did you mean MAX_CALLS\?"),
        ("LLM_URL", "x", r"LLM_URL is not a setting: did you mean LLM_BASE_URL\?"),
        ("VAD_ZZ", "1", r"VAD_ZZ is not a setting: \.env\.example lists all\."),
    ],
)
def test_what_cannot_be_meant_gives_one_line(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, line: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as error:
        load()
    assert re.fullmatch(line, str(error.value))


@pytest.mark.parametrize(
    "value", ["sk-CANARY", "http//user:CANARY@host", "CANARY,/CANARY", "-CANARY:1", "CANARY\0"]
)
def test_a_refused_setting_does_not_show_its_value(value: str) -> None:
    refused = dict(refusals(value))
    assert {"PORT", "PROFILE", "TRUSTED_PROXIES"} <= set(refused)
    assert [name for name, message in refused.items() if "CANARY" in message] == []


def refusals(value: str) -> Iterator[tuple[str, str]]:
    """The settings that may not have this value, and what is said of it."""
    for name in Settings.model_fields:
        try:
            load(**{name: value})
        except SettingsError as error:
            yield name.upper(), str(error)


def test_a_setting_that_was_removed_is_told_of_in_a_line_and_ignored(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert warnings() == []
    monkeypatch.setenv("LLM_IDLE_S", "soon")
    monkeypatch.setenv("dtmf_terminator", "*")
    (empty_folder / ".env").write_text("RECORD_MB=1\nLLM_IDLE_S=3\n")

    assert load() == Settings.model_validate({})
    told = warnings()
    names = [line.partition(" is no longer a setting, and is ignored: ")[0] for line in told]
    assert sorted(names) == ["DTMF_TERMINATOR", "LLM_IDLE_S", "RECORD_MB"]


@pytest.mark.parametrize("name", REMOVED)
def test_no_setting_is_there_and_removed(name: str) -> None:
    assert name.lower() not in Settings.model_fields
    assert name not in EXAMPLE.read_text()


def test_a_slip_in_the_file_is_found_too(empty_folder: Path) -> None:
    (empty_folder / ".env").write_text("LLM_MODLE=gemma\n")
    with pytest.raises(SettingsError, match="LLM_MODLE is not a setting: did you mean LLM_MODEL"):
        load()


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        (b"PORT=8000\nACCESS_TOKEN secret\n", ".env, line 2, is not NAME=value"),
        (b"PORT=8000 # \xff\n", ".env cannot be read: it is not written in UTF-8"),
    ],
)
def test_a_file_that_cannot_be_understood_gives_one_line(
    written: bytes, complaint: str, empty_folder: Path
) -> None:
    (empty_folder / ".env").write_bytes(written)
    with pytest.raises(SettingsError) as error:
        load()
    assert str(error.value) == complaint


def test_a_file_may_export_what_it_sets_and_hold_remarks(empty_folder: Path) -> None:
    (empty_folder / ".env").write_text("# mine\n\nexport PORT=8000\nHOST='127.0.0.2'  # here\n")
    assert (load().port, load().host) == (8000, "127.0.0.2")


def test_a_pace_from_a_file_is_found_from_any_folder(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (empty_folder / "mine.json").write_text('{"first_token_ms": 1, "between_tokens_ms": 1}')
    monkeypatch.setenv("PROFILE", "mine.json")
    assert load().profile == str(empty_folder / "mine.json")


def test_a_strangers_variable_is_none_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOSTNAME", "LOG_LEVEL", "SHLVL", "POSTGRES_PORT"):
        monkeypatch.setenv(name, "x")
    assert load() == load()


@pytest.mark.parametrize("name", sorted(REPLACED))
def test_a_setting_that_another_took_over_is_refused_with_what_to_write(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name.lower(), "mine")
    told = f"{name.lower()} is no longer a setting: write {REPLACED[name]}"
    with pytest.raises(SettingsError, match=re.escape(told)):
        load()


@pytest.mark.parametrize("name", sorted(REPLACED))
def test_what_is_to_be_written_instead_is_a_setting(name: str) -> None:
    assert REPLACED[name].partition("=")[0].lower() in Settings.model_fields


def test_a_prompt_is_read_from_the_file_that_is_named(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (empty_folder / "prompt.txt").write_text("Be brief. Grüß Gott!\n", encoding="utf-8")
    monkeypatch.setenv("LLM_SYSTEM_PROMPT", "@prompt.txt")
    assert load().system_prompt == "Be brief. Grüß Gott!"


def test_a_prompt_whose_file_is_missing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_SYSTEM_PROMPT", "@nowhere.txt")
    with pytest.raises(SettingsError, match="LLM_SYSTEM_PROMPT names a file that is not there"):
        load()


def test_the_settings_of_an_earlier_version_have_the_names_of_today() -> None:
    then = {"llm_system_prompt": "Be kind.", "llm_system_prompt_file": "prompt.txt", "seed": 0,
            "stt_engine": "pipecat", "stt_service": "ears:new", "tts_service": None}  # fmt: skip
    now = renamed(then)
    assert now == {"llm_system_prompt": "@prompt.txt", "seed": 0,
                   "stt_engine": "pipecat", "stt_model": "ears:new"}  # fmt: skip
    assert load(stt_engine=now["stt_engine"], stt_model=now["stt_model"]).stt_model == "ears:new"
