"""What the environment may say, and what is answered when it is wrong."""

import re
from pathlib import Path

import pytest
from dotenv import dotenv_values

from bot.settings import Settings, SettingsError, load

EXAMPLE = Path(__file__).parents[1] / ".env.example"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    return tmp_path


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


def test_a_key_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_API_KEY", "sk-secret")
    assert "sk-secret" not in repr(load())


def test_the_command_line_goes_before_the_environment_before_the_file(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (empty_folder / ".env").write_text("PORT=1\nMAX_CALLS=1\nSEED=1\n")
    monkeypatch.setenv("MAX_CALLS", "2")
    monkeypatch.setenv("SEED", "2")
    settings = load(seed=3, port=None)
    assert (settings.port, settings.max_calls, settings.seed) == (1, 2, 3)


def test_an_endpoint_left_empty_is_no_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_BASE_URL", "")
    assert load().llm_base_url is None
    monkeypatch.setenv("LLM_BASE_URL", "http://localhost:8000/v1/")
    assert load().llm_base_url == "http://localhost:8000/v1"


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("PORT", "99999", r"PORT=99999 should be less than or equal to 65535"),
        ("PORT", "", r"PORT= should be a valid integer.*"),
        ("LLM_TEMPERATURE", "nan", r"LLM_TEMPERATURE=nan should be .*"),
        ("PROFILE", "b200", r"PROFILE=b200 should be 'none', 'a100', 'h100-fp8' or 'fixed-150'"),
        ("LLM_BASE_URL", "localhost:8000", r"LLM_BASE_URL=localhost:8000 should begin with http.*"),
        ("LLM_BASE_URL", "http://x/v1/chat/completions", r".* should end before /chat/completions"),
        ("MAX_CALL", "3", r"MAX_CALL is not a setting: did you mean MAX_CALLS\?"),
        ("LLM_URL", "x", r"LLM_URL is not a setting: did you mean LLM_BASE_URL\?"),
        ("VAD_ZZ", "1", r"VAD_ZZ is not a setting: .*"),
    ],
)
def test_what_cannot_be_meant_gives_one_line(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, line: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as error:
        load()
    assert re.fullmatch(line, str(error.value))


def test_a_slip_in_the_file_is_found_too(empty_folder: Path) -> None:
    (empty_folder / ".env").write_text("LLM_MODLE=gemma\n")
    with pytest.raises(SettingsError, match="LLM_MODLE is not a setting: did you mean LLM_MODEL"):
        load()


def test_a_strangers_variable_is_none_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOSTNAME", "LOG_LEVEL", "SHLVL", "POSTGRES_PORT"):
        monkeypatch.setenv(name, "x")
    assert load() == load()
