"""Services by settings: which are chosen, and that all go again. Real models, real processes."""

import asyncio
import socket
import threading
from pathlib import Path

import pytest

from bot.settings import Settings
from bot.wiring.engine import Wiring
from bot.wiring.model import nothing_listens_at
from bot.wiring.telephone import announcements_for, phone_for
from pipelines.cascade import CallFormat
from pipelines.core.announcements import Announcements
from pipelines.core.exchange import ToCaller

pytestmark = pytest.mark.usefixtures("empty_folder")


def chosen(**settings: object) -> Wiring:
    return Wiring(Settings.model_validate(settings))


def children() -> set[int]:
    """This process's children; Linux tells."""
    tasks = Path("/proc/self/task").glob("*/children")
    return {int(pid) for task in tasks for pid in task.read_text().split()}


def test_without_an_endpoint_the_demo_answers() -> None:
    wiring = chosen(profile="a100")
    assert wiring.is_demo
    assert wiring.llm == "none: the demo engine answers, at the pace of a100 (--profile)"
    assert chosen().llm == "none: the demo engine answers, at once (--profile)"
    assert "espeak-ng" in wiring.voice
    assert "Moonshine" in wiring.ears


def test_a_call_is_as_patient_as_the_settings_want_it() -> None:
    waits = [
        chosen(turn_patience=patience).policies.turn.endpointing.patience_s
        for patience in ("quick", "normal", "patient")
    ]
    assert waits == sorted(set(waits))
    assert chosen().policies.turn == chosen(turn_patience="normal").policies.turn


def test_with_an_endpoint_there_is_no_demo() -> None:
    wiring = chosen(llm_base_url="http://gpu:8000/v1", llm_model="gemma")
    assert not wiring.is_demo
    assert wiring.llm == "gemma at http://gpu:8000/v1"


def test_an_endpoint_where_nothing_listens_is_said_at_the_start() -> None:
    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
            assert not await nothing_listens_at(url)
        assert await nothing_listens_at(url)
        assert not await nothing_listens_at("http://gpu.invalid/v1")
        wiring = chosen(llm_base_url=url, llm_model="gemma", tts_engine="stub")
        await wiring.open()
        await wiring.close()
        assert wiring.llm == f"gemma at {url}, where nothing listens now (./run doctor)"

    asyncio.run(scenario())


def test_the_stub_voice_says_that_it_is_a_tone() -> None:
    assert "a tone" in chosen(tts_engine="stub").voice


def test_everything_opens_takes_a_call_and_goes_without_a_trace() -> None:
    async def scenario() -> None:
        wiring = chosen()
        await wiring.open()
        assert len(children() - before) == 2  # the demo engine and espeak-ng
        sent: list[ToCaller] = []
        call = wiring.new_call(CallFormat(in_rate_hz=16_000, out_rate_hz=24_000), sent.append)
        assert call is not None
        assert wiring.shared.is_open
        await wiring.close()
        await wiring.close()

    before, threads = children(), set(threading.enumerate())
    asyncio.run(scenario())
    assert children() == before
    assert set(threading.enumerate()) == threads


@pytest.mark.parametrize("turns_of_the_loop", [1, 3, 10])
def test_told_to_leave_while_it_loads_it_leaves_nothing(turns_of_the_loop: int) -> None:
    async def scenario() -> None:
        wiring = chosen()
        async with asyncio.TaskGroup() as tasks:
            opening = tasks.create_task(wiring.open())
            for _ in range(turns_of_the_loop):
                await asyncio.sleep(0)
            opening.cancel()
        await wiring.close()

    before = children()
    asyncio.run(scenario())
    assert children() == before


def test_the_telephone_is_as_the_settings_have_it() -> None:
    settings = Settings.model_validate(
        {
            "public_base_url": "https://Voice.example:443",
            "twilio_account_sid": "AC1",
            "twilio_auth_token": "t",
            "phone_greeting": " Hello! ",
            "greeting_must_be_heard": "true",
            "phone_silence_s": "",
            "phone_call_s": 60,
            "phone_transfers": "sales=+15551230001,support=+15551230002",
        }
    )
    phone = phone_for(settings)
    assert (phone.account_sid, phone.auth_token, phone.lacks) == ("AC1", "t", "")
    assert phone.in_words == "Twilio, by its webhook https://voice.example/twilio/voice"
    assert phone.transfers == {"sales": "+15551230001", "support": "+15551230002"}
    assert phone.announcements == Announcements(
        greeting="Hello!", greeting_must_be_heard=True, silence_s=None, call_s=60
    )
    assert announcements_for(settings) == Announcements(greeting_must_be_heard=True)
    assert "set TWILIO_AUTH_TOKEN and" in phone_for(Settings.model_validate({})).in_words
