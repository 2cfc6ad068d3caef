"""The phone commands, against Twilio's API on loopback."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.__main__ import command_line
from bot.commands import phone_command as phone
from bot.settings import Settings
from tests.twilio_cloud import ANSWERED, NUMBER, NUMBER_SID, SECRET, SID, Cloud, running

PUBLIC = "https://voice.example"
WEBHOOK = PUBLIC + "/twilio/voice"
CALLED = "+15005550006"


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(phone, "LOOK_EVERY_S", 0.0)


@pytest.fixture(scope="module")
def started() -> Iterator[Cloud]:
    with running(Cloud()) as cloud:
        yield cloud


@pytest.fixture
def cloud(started: Cloud) -> Cloud:
    """As new: with one number, and nobody has called."""
    started.goes = ANSWERED
    for kept in (started.numbers, started.calls, started.asked):
        kept.clear()
    started.own()
    return started


def typed(*words: str, api: str, **more: str) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    env = {
        "TWILIO_ACCOUNT_SID": SID,
        "TWILIO_AUTH_TOKEN": SECRET,
        "TWILIO_API_BASE_URL": api,
        "PUBLIC_BASE_URL": PUBLIC,
        **more,
    }
    given = ["phone", *words]
    result = CliRunner().invoke(command_line(given), given, env=env)
    assert SECRET not in result.output
    return result.exit_code, result.stdout, result.stderr


def placed(cloud: Cloud) -> dict[str, str]:
    [form] = [form for _, path, form in cloud.asked if path.endswith("/Calls.json")]
    return form


# ---- dial ----


def test_a_call_lands_at_the_servers_webhook(cloud: Cloud) -> None:
    code, said, _ = typed("dial", "+1 (500) 555-0006", api=cloud.url)

    [sid] = cloud.calls
    assert (code, said) == (
        0,
        f"calling {CALLED} from {NUMBER} ({sid})\nringing\nanswered\n",
    )
    assert placed(cloud) == {
        "To": CALLED,
        "From": NUMBER,
        "Url": WEBHOOK,
        "Method": "POST",
        "StatusCallback": f"{PUBLIC}/twilio/status",
        "StatusCallbackMethod": "POST",
        "Timeout": "30",
    }


def test_twilio_listens_for_a_machine_if_asked(cloud: Cloud) -> None:
    assert typed("dial", CALLED, "--people-only", api=cloud.url)[0] == 0
    assert placed(cloud)["MachineDetection"] == "Enable"


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed"])
def test_a_call_that_does_not_come_about_is_exit_code_one(cloud: Cloud, status: str) -> None:
    cloud.goes = ("ringing", status)
    code, _, complaint = typed("dial", CALLED, api=cloud.url)

    assert code == 1
    assert complaint.startswith(f"halfsecond: {CALLED}: {status}")


def test_a_call_that_is_over_at_once_is_told_so(cloud: Cloud) -> None:
    cloud.goes = ("completed",)
    assert typed("dial", CALLED, api=cloud.url)[1].endswith("\ncompleted\n")


def test_the_number_that_rings_here_is_called_from(cloud: Cloud) -> None:
    cloud.own("+15005550002", "PN2", WEBHOOK)
    typed("dial", CALLED, api=cloud.url)
    assert placed(cloud)["From"] == "+15005550002"


def test_between_two_numbers_the_choice_is_left_to_the_operator(cloud: Cloud) -> None:
    cloud.own("+15005550002", "PN2")
    code, _, complaint = typed("dial", CALLED, api=cloud.url)

    assert code == 1
    assert f"--from)? The account has {NUMBER}, +15005550002" in complaint
    assert typed("dial", CALLED, "--from", NUMBER, api=cloud.url)[0] == 0


def test_what_twilio_refuses_is_one_line_with_its_number(cloud: Cloud) -> None:
    code, _, complaint = typed("dial", CALLED, "--from", "+15005550009", api=cloud.url)

    assert code == 1
    assert "21210" in complaint
    assert complaint.count("\n") == 1


@pytest.mark.parametrize("number", ["5550006", "+0123456789", "+1500", "+1555123456789012", "me"])
def test_what_is_no_number_is_not_called(number: str) -> None:
    code, _, complaint = typed("dial", number, api="http://127.0.0.1:1")
    assert (code, number in complaint) == (2, True)


# ---- setup ----


def test_a_number_is_pointed_at_the_server(cloud: Cloud) -> None:
    cloud.own(voice_url="https://demo.twilio.com/welcome/voice/")
    code, said, _ = typed("setup", NUMBER, api=cloud.url)

    assert code == 0
    assert said.startswith(
        f"{NUMBER} rings at {WEBHOOK} (before: https://demo.twilio.com/welcome/voice/)\n"
    )
    assert cloud.numbers[NUMBER_SID] == {
        "sid": NUMBER_SID,
        "phone_number": NUMBER,
        "trunk_sid": "",
        "voice_application_sid": "",
        "voice_url": WEBHOOK,
        "voice_method": "POST",
        "status_callback": f"{PUBLIC}/twilio/status",
    }


def test_an_application_that_goes_before_the_webhook_is_taken_away_and_told(cloud: Cloud) -> None:
    cloud.numbers[NUMBER_SID] |= {"voice_url": WEBHOOK, "voice_application_sid": "AP1"}
    assert (
        f"{NUMBER} rings at {WEBHOOK} (before: AP1)\n" in typed("setup", NUMBER, api=cloud.url)[1]
    )
    assert cloud.numbers[NUMBER_SID]["voice_application_sid"] == ""


def test_somebody_elses_number_is_left_alone(cloud: Cloud) -> None:
    code, _, complaint = typed("setup", "+15005550099", api=cloud.url)

    assert code == 1
    assert complaint == f"halfsecond: +15005550099 is not the account's: it has {NUMBER}\n"
    assert {method for method, _, _ in cloud.asked} == {"GET"}


# ---- what can go wrong everywhere ----


@pytest.mark.parametrize("words", [("dial", CALLED), ("setup", NUMBER)])
def test_a_wrong_token_and_no_network_are_one_line(cloud: Cloud, words: tuple[str, ...]) -> None:
    for given, expected in (
        ({"api": cloud.url, "TWILIO_ACCOUNT_SID": "ACwrong"}, "HTTP 401"),
        ({"api": "http://127.0.0.1:1"}, "cannot be reached"),
    ):
        code, _, complaint = typed(*words, **given)
        assert code == 1
        assert expected in complaint
        assert complaint.count("\n") == 1


@pytest.mark.parametrize("words", [("dial", CALLED), ("setup", NUMBER), ("check",)])
def test_without_settings_the_missing_ones_are_named(words: tuple[str, ...]) -> None:
    code, _, complaint = typed(
        *words, api="http://127.0.0.1:1", TWILIO_AUTH_TOKEN="", PUBLIC_BASE_URL=""
    )
    assert code == 2
    assert complaint == (
        "halfsecond: the telephone needs TWILIO_AUTH_TOKEN and PUBLIC_BASE_URL"
        " (docs/guide/phone.md)\n"
    )


@pytest.mark.parametrize("command", ["dial", "check", "setup"])
def test_each_explains_itself_with_an_example(command: str) -> None:
    code, said, _ = typed(command, "--help", api="")
    assert code == 0
    assert f"\n    ./run phone {command}" in said
