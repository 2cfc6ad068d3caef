"""A child process inherits no secret."""

import pytest

from pipelines.child_environment import child_environment, without_secrets


@pytest.mark.parametrize(
    "name",
    [
        *("LLM_API_KEY", "LLM_FALLBACK_API_KEYS", "ACCESS_TOKEN", "TWILIO_AUTH_TOKEN", "HF_TOKEN"),
        *("AWS_SECRET_ACCESS_KEY", "PGPASSWORD_PASSWORD", "GITHUB_TOKEN", "grafana_password"),
        *("SENTRY_DSN", "SMTP_PASS", "GOOGLE_APPLICATION_CREDENTIALS"),
    ],
)
def test_a_secret_is_known_by_its_name(name: str) -> None:
    assert without_secrets({name: "CANARY", "HOME": "/home/me"}) == {"HOME": "/home/me"}


@pytest.mark.parametrize(
    "value",
    [
        "http://user:CANARY@host:8000/v1",
        "https://host/v1?key=CANARY",
        "model@http://CANARY@one/v1,other@http://two/v1",
        "postgres://me:CANARY@db/calls",
        "smtp://:CANARY@host",
    ],
)
def test_an_address_with_a_password_is_not_handed_on(value: str) -> None:
    assert without_secrets({"LLM_BASE_URL": value}) == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PATH", "/bin:/usr/bin"),
        ("PWD", "/home/me"),
        ("OLDPWD", "/"),
        ("LD_LIBRARY_PATH", "/opt/lib"),
        ("TOKENIZERS_PARALLELISM", "false"),
        ("CUDA_VISIBLE_DEVICES", "0"),
        ("MODELS_HUB", "https://huggingface.co"),
        ("TZ", "Europe/Berlin"),
    ],
)
def test_what_is_no_secret_is_handed_on(name: str, value: str) -> None:
    assert without_secrets({name: value}) == {name: value}


def test_a_child_that_downloads_may_need_the_password_of_a_proxy() -> None:
    given = {"HTTPS_PROXY": "http://me:word@proxy:3128", "https_proxy": "http://me:word@proxy:3128"}
    assert without_secrets(given) == {}
    assert without_secrets(given, reaches_out=True) == given


def test_a_secret_that_a_child_needs_is_given_to_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "CANARY")
    monkeypatch.setenv("STT_API_KEY", "CANARY")
    assert "CANARY" not in child_environment().values()
    made = child_environment({"HF_TOKEN": "hf_mine"})
    assert (made["HF_TOKEN"], "STT_API_KEY" in made) == ("hf_mine", False)
