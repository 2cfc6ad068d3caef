"""The doctor's findings about the ears."""

import asyncio

import pytest

from bot.commands.checks.ears import check_ears
from bot.commands.checks.finding import CheckVerdict, Finding
from bot.settings import Settings
from bot.wiring.ears import Machine
from tests.pipelines.services.contracts.ears import TINY_WHISPER

pytestmark = pytest.mark.usefixtures("empty_folder")


def looked_at(*, slow_s: float = 60.0, **given: object) -> Finding:
    settings = Settings.model_validate({"models_dir": "models", **given})
    machine = Machine(in_hub_cache=lambda _: None)
    return asyncio.run(check_ears(settings, machine, slow_s=slow_s))


def test_ears_that_hear_say_how_long_it_takes() -> None:
    finding = looked_at(stt_engine="moonshine")
    assert finding.verdict is CheckVerdict.PASS
    assert finding.found.startswith("moonshine-tiny-en: ")
    assert finding.found.endswith(" ms for a final of 3 s")


def test_slow_ears_are_a_warning() -> None:
    finding = looked_at(stt_engine="moonshine", slow_s=0.0)
    assert finding.verdict is CheckVerdict.WARN
    assert "smaller STT_MODEL" in finding.mend


def test_a_model_that_is_not_here_fails_with_what_to_run() -> None:
    finding = looked_at(stt_engine="faster-whisper", stt_model="tiny.en")
    assert finding.verdict is CheckVerdict.FAIL
    assert "./run models download tiny.en" in finding.found


def test_ears_that_cannot_be_loaded_fail() -> None:
    finding = looked_at(stt_engine="faster-whisper", stt_model=str(TINY_WHISPER), stt_device="cuda")
    assert finding.verdict is CheckVerdict.FAIL
    assert "cannot load" in finding.found
