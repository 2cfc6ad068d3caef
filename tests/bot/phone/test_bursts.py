"""The network stands still on the telephone, and the sound of that time comes at once."""

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np
import pytest

from bot.calls import connection
from bot.calls.connection import ConnectedCall, Seat, Send, serve
from bot.calls.farewell import CallOutcome
from bot.calls.limits import Limits
from bot.phone.codec import Start
from bot.phone.line import Opening, TelephoneConfig, TelephoneLine
from bot.server.telemetry import Metrics
from pipelines.cascade import Call, CallFormat, Services
from pipelines.core.exchange import Caption, SoundLost, ToCaller
from pipelines.core.recording import Noted, Told
from replay.virtual_time import run
from tests.bot.phone.conversing import EvenVoice
from tests.bot.phone.line import FRAME, RATE_HZ, TwilioLine
from tests.bot.phone.speaking_twilio import CALL, STREAM
from tests.pipelines.services.scripted import (
    ScriptedLanguageModel,
    ScriptedSpeechToText,
    ScriptedTurnModel,
    ScriptedVad,
    ToneSpeech,
    paced,
)

Says = tuple[float, str]
LONG = "tell me all about the weather in Paris and in London"
UNTIL_S = 26.0


class StalledCall:
    """A telephone call over a network that brings nothing from one moment to another."""

    def __init__(self, *says: Says, stalled: tuple[float, float]) -> None:
        self._says = says
        self._from_s, self._to_s = stalled
        self._line = TwilioLine()
        self.turns: list[tuple[float, str]] = []
        self.lost_s: list[float] = []
        self.outcome = run(self._play())

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.turns]

    def note(self, item: Noted, at_s: float) -> None:
        match item:
            case Told(SoundLost(seconds)):
                self.lost_s.append(seconds)
            case _:
                pass

    def close(self) -> None: ...

    async def _play(self) -> CallOutcome:
        tones = ToneSpeech(" ".join(words for _, words in self._says))
        llm = ScriptedLanguageModel(lambda _: paced("Just so."))
        stt, turn = ScriptedSpeechToText(tones.heard), ScriptedTurnModel(lambda _: 0.95)
        for service in (llm, stt, turn):
            await service.open()
        services = Services(new_vad=ScriptedVad, stt=stt, turn=turn, llm=llm, tts=EvenVoice())

        def new_call(form: CallFormat, send: Send) -> ConnectedCall:
            def seen(message: ToCaller) -> None:
                if isinstance(message, Caption) and message.speaker == "user" and message.final:
                    self.turns.append((asyncio.get_running_loop().time(), message.text))
                send(message)

            return Call(services, form, seen, recorder=self)

        phone = TelephoneConfig()
        line = TelephoneLine(self._line, Opening(Start(STREAM, CALL), ()), phone, None)
        around, limits = line.around(new_call), phone.limits(Limits())
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._speak(tones))
            last = await serve(line, line.codec, around, Metrics(), Seat(), limits)
        return last.outcome

    async def _speak(self, tones: ToneSpeech) -> None:
        tape = np.zeros(round(UNTIL_S * RATE_HZ), np.float32)
        for at_s, words in self._says:
            speech = tones.spoken(words)[::2]  # the tones are below 4 kHz
            tape[round(at_s * RATE_HZ) :][: len(speech)] = speech
        loop = asyncio.get_running_loop()
        for at in range(0, len(tape), FRAME):
            due_s = (at + FRAME) / RATE_HZ
            due_s = self._to_s if self._from_s < due_s < self._to_s else due_s
            if due_s > loop.time():
                await asyncio.sleep(due_s - loop.time())
            self._line.speak(tape[at : at + FRAME])
        self._line.hang_up()


@pytest.fixture(autouse=True)
def _machine_time_is_virtual(monkeypatch: pytest.MonkeyPatch) -> None:
    """Audio is charged by the machine's clock."""
    clock = SimpleNamespace(monotonic=lambda: asyncio.get_running_loop().time())
    monkeypatch.setattr(connection, "time", clock)


def assert_whole(call: StalledCall, texts: Sequence[str], after_s: float) -> None:
    assert call.outcome is CallOutcome.LEFT
    assert call.texts == texts
    assert all(at_s > after_s for at_s, _ in call.turns)


@pytest.mark.parametrize("stall_s", [1.0, 6.0, 9.5])
@pytest.mark.parametrize("at_s", [1.9, 3.0, 4.4])
def test_a_stall_in_the_middle_of_a_turn_is_waited_out_and_no_word_is_lost(
    stall_s: float, at_s: float
) -> None:
    call = StalledCall((1.0, LONG), stalled=(at_s, at_s + stall_s))
    assert_whole(call, [LONG], after_s=at_s + stall_s)
    assert call.lost_s == []


@pytest.mark.parametrize("pause_s", [0.7, 1.5, 2.5])
def test_a_pause_within_the_burst_ends_no_turn(pause_s: float) -> None:
    first, second = (1.0, "tell me the time."), (2.3 + pause_s, "in Paris, please.")
    call = StalledCall(first, second, stalled=(0.9, 6.9))
    assert_whole(call, ["tell me the time. in Paris, please."], after_s=6.9)


@pytest.mark.parametrize("at_s", [1.2, 1.9, 2.4])
def test_the_turn_ends_in_the_silence_after_the_burst(at_s: float) -> None:
    call = StalledCall((1.0, "what time is it?"), stalled=(at_s, at_s + 6.0))
    assert_whole(call, ["what time is it?"], after_s=at_s + 6.0)
    assert call.turns[0][0] < at_s + 7.5


def test_of_a_stall_of_fourteen_seconds_the_newest_ten_are_heard() -> None:
    call = StalledCall((3.0, "hello there"), (13.0, "who are you?"), stalled=(2.0, 16.0))
    assert_whole(call, ["who are you?"], after_s=16.0)
    [lost_s] = call.lost_s
    assert lost_s == pytest.approx(4.0, abs=0.05)


def test_words_before_a_stall_of_fourteen_seconds_and_after_its_gap_are_one_turn() -> None:
    call = StalledCall((1.0, "tell me"), (14.5, "who you are"), stalled=(1.6, 15.6))
    assert_whole(call, ["tell me who you are"], after_s=15.6)
    assert len(call.lost_s) == 1


def test_a_line_on_which_nothing_comes_any_more_ends_the_turn_in_the_end() -> None:
    call = StalledCall((1.0, "what time is it?"), stalled=(2.0, 21.0))
    assert call.texts[0] == "what time is"
    assert 2.0 + 14.9 < call.turns[0][0] < 2.0 + 17.0
