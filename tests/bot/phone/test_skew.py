"""An hour with a clock that is not ours: Twilio's runs 500 ppm faster, or slower."""

import json
from collections import deque

import numpy as np
import pytest

from bot.phone.codec import TwilioCodec
from bot.phone.line import LEAD_S
from pipelines.core.exchange import AudioIn, AudioOut, Played
from pipelines.core.hearing.intake import Intake
from tests.bot.phone.speaking_twilio import CONNECTED, mark, media, said, start
from tests.pipelines.core.speaking.sounding import Send, Sounding

RATE_HZ, FRAME, FRAME_S = 8000, 160, 0.02
HOUR_S = 3600.0
SKEWS = [500.0, -500.0]
SHORT_S = 80.0
STEEP = [900.0, -900.0]
"""Skews, in ppm, that would be seen in so short a time."""


def opened() -> TwilioCodec:
    codec = TwilioCodec()
    for message in (CONNECTED, start()):
        codec.receive(said(message))
    return codec


class Buffer:
    """Twilio's: it plays what it has at its own pace, and says so."""

    def __init__(self, ppm: float) -> None:
        self._pace = 1 + ppm / 1e6
        self._marks: deque[tuple[float, str]] = deque()
        self._ends_s = 0.0
        self.ran_dry = 0
        self.held_s: list[float] = []

    def take(self, messages: list[str | bytes], now: float) -> None:
        if self._ends_s < now and self.held_s:
            self.ran_dry += 1
        self._ends_s = max(self._ends_s, now) + FRAME_S / self._pace
        self.held_s.append(self._ends_s - now)
        self._marks.append((self._ends_s, json.loads(messages[1])["mark"]["name"]))

    def due(self, now: float) -> list[str]:
        due = []
        while self._marks and self._marks[0][0] <= now:
            due.append(self._marks.popleft()[1])
        return due


def speaks(seconds: float, ppm: float) -> None:
    """One answer that does not end: never too much in the buffer, never nothing."""
    codec, playout, buffer = opened(), Sounding(RATE_HZ, LEAD_S, reports=True), Buffer(ppm)
    playout.begin(1)
    second = np.full(RATE_HZ, 1000, np.int16)
    added_s = 0.0
    for step in range(round(seconds / 0.01)):
        now = step * 0.01
        if added_s < playout.sent / RATE_HZ + 1.0:
            playout.sound(second, "", ())
            added_s += 1.0
        for item in playout.sends(now):
            assert isinstance(item, Send)
            buffer.take(codec.send(AudioOut(item.pcm, item.generation, item.start)), now)
        for name in buffer.due(now):
            for event in codec.receive(said(mark(name))):
                assert isinstance(event, Played)
                playout.played(event.generation, event.samples, now)
    usual_s = buffer.held_s[20]
    assert buffer.ran_dry == 0
    assert max(abs(held_s - usual_s) for held_s in buffer.held_s[20:]) < 0.04
    assert max(buffer.held_s) <= 0.2


def listens(seconds: float, ppm: float, *, counts_samples: bool) -> None:
    """Audio whose stated times go by Twilio's samples, or by a clock that these drift from."""
    codec, intake = opened(), Intake(RATE_HZ)
    worst_s, pace = 0.0, 1 + ppm / 1e6
    for index in range(round(seconds / FRAME_S)):
        at_s = index * FRAME_S / pace
        stated_s = index * FRAME_S if counts_samples else at_s
        [event] = codec.receive(said(media(at_ms=round(1000 * stated_s))))
        assert isinstance(event, AudioIn)
        intake.place(FRAME, at_s + FRAME_S, event.media_s)
        worst_s = max(worst_s, abs(intake.media_s - (index + 1) * FRAME_S))
        deadline = intake.deadline()
        assert deadline is not None
        assert intake.starve(at_s + FRAME_S) == 0
    assert worst_s < 0.001


@pytest.mark.parametrize("ppm", STEEP)
def test_an_answer_is_sent_at_the_pace_at_which_it_is_played(ppm: float) -> None:
    speaks(SHORT_S, ppm)


@pytest.mark.parametrize("ppm", STEEP)
@pytest.mark.parametrize("counts_samples", [True, False])
def test_nothing_of_a_caller_is_lost_to_a_clock_that_drifts(
    ppm: float, counts_samples: bool
) -> None:
    listens(SHORT_S, ppm, counts_samples=counts_samples)


@pytest.mark.soak
@pytest.mark.parametrize("ppm", SKEWS)
def test_an_hour_of_an_answer(ppm: float) -> None:
    speaks(HOUR_S, ppm)


@pytest.mark.soak
@pytest.mark.parametrize("ppm", SKEWS)
@pytest.mark.parametrize("counts_samples", [True, False])
def test_an_hour_of_a_caller(ppm: float, counts_samples: bool) -> None:
    listens(HOUR_S, ppm, counts_samples=counts_samples)
