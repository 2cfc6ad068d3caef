"""Processors of others between our stages: they make new frames, and nothing is lost by it."""

import asyncio

import numpy as np
import pytest
from pipecat.frames.frames import (
    ControlFrame,
    DataFrame,
    Frame,
    InputAudioRawFrame,
    LLMContextFrame,
    LLMFullResponseStartFrame,
    TTSAudioRawFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.processors.text_transformer import StatelessTextTransformer

from pipelines.cascade import Between, Policies
from pipelines.core.exchange import AudioOut, StopSpeaking, Typed
from pipelines.core.turn.policy import TurnPolicy
from pipelines.stages.frames import ReplyEndFrame
from pipelines.words import ENGLISH
from tests.pipelines.core.turn.certainty import certain
from tests.pipelines.services.scripted import paced
from tests.pipelines.stages.rehearsal import Cue, Rehearsed, does, rehearse, says

PATIENT = TurnPolicy(endpointing=certain(0.5, lead_s=0.35))
"""A reply is begun after 0.15 s of silence, and let go after 0.5 s."""
STORY = "Once upon a time there was a miller. He had three sons and a mill by the river. " * 3


class Quieter(FrameProcessor):
    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, TTSAudioRawFrame):
            pcm = (np.frombuffer(frame.audio, "<i2") // 2).astype("<i2")
            frame = TTSAudioRawFrame(pcm.tobytes(), frame.sample_rate, frame.num_channels)
        await self.push_frame(frame, direction)


class Librarian(FrameProcessor):
    """As those that look something up for the model: it adds to the context on its way."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, LLMContextFrame):
            frame.context.add_message({"role": "system", "content": "The mill was sold."})
        await self.push_frame(frame, direction)


def loud(text: str) -> str:
    return text.replace("miller", "baker")


def everywhere() -> Between:
    return {
        name: [StatelessTextTransformer(loud), Quieter()]
        for name in ("hearing", "turning", "thinking", "phrasing", "speaking")
    }


def told(between: Between | None, *cues: Cue, way_s: float = 0.0) -> Rehearsed:
    return rehearse(
        says(1.0, "tell me a story!"),
        *cues,
        answers=lambda messages: paced(STORY),
        between=lambda: between or {},
        way_s=way_s,
        until_s=30.0,
    )


def test_a_filter_of_text_behind_the_model_changes_what_is_said() -> None:
    call = told({"thinking": [StatelessTextTransformer(loud)]})

    assert call.heard_text == STORY.replace("miller", "baker").strip()
    assert call.lines[-1] == ("assistant", STORY.replace("miller", "baker").strip())
    assert (call.errors, call.tasks_left) == ([], set())


def test_a_filter_of_sound_before_the_playout_changes_what_is_heard() -> None:
    plain, softer = told(None), told({"speaking": [Quieter()]})

    def loudest(call: Rehearsed) -> int:
        sounds = (item.pcm for _, item in call.sent if isinstance(item, AudioOut))
        return max(int(np.frombuffer(pcm, "<i2").max()) for pcm in sounds)

    assert loudest(softer) == loudest(plain) // 2
    assert softer.lines == plain.lines
    assert (softer.errors, softer.tasks_left) == ([], set())


class Upsampler(FrameProcessor):
    """As those whose model works at a rate of its own, and in stereo; too soft for `heard`."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, TTSAudioRawFrame):
            pcm = np.repeat(np.frombuffer(frame.audio, "<i2") // 4, 4)
            frame = TTSAudioRawFrame(pcm.tobytes(), 2 * frame.sample_rate, 2)
        await self.push_frame(frame, direction)


def test_sound_of_another_rate_is_heard_at_its_own_pace() -> None:
    def samples(call: Rehearsed) -> int:
        return sum(len(item.pcm) // 2 for _, item in call.sent if isinstance(item, AudioOut))

    plain, other = told(None), told({"speaking": [Upsampler()]})

    assert samples(other) == pytest.approx(samples(plain), abs=2)
    assert other.lines == plain.lines
    assert (other.errors, other.tasks_left) == ([], set())


class Deaf(FrameProcessor):
    """Lets none of the caller's sound through."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if not isinstance(frame, InputAudioRawFrame):
            await self.push_frame(frame, direction)


def test_a_processor_before_the_ears_has_the_sound_first() -> None:
    call = told({"caller": [Deaf()]})
    assert call.lines == []
    assert (call.errors, call.tasks_left) == ([], set())


def test_what_is_looked_up_on_the_way_reaches_the_model() -> None:
    call = told({"turning": [Librarian()]})
    assert set(call.questions) == {"The mill was sold."}


@pytest.mark.parametrize("way_s", [0.0, 0.06])
def test_an_interruption_goes_through_as_without_them(way_s: float) -> None:
    stop = does(4.0, StopSpeaking())
    ask = says(6.0, "and now this")
    plain, between = (told(b, stop, ask, way_s=way_s) for b in (None, everywhere()))

    assert between.states == plain.states
    assert [role for role, _ in between.lines] == [role for role, _ in plain.lines]
    silent = [at for at, item in between.sent if isinstance(item, AudioOut) and 4.02 < at < 6.0]
    assert silent == []
    assert (between.errors, between.tasks_left) == ([], set())


def test_a_reply_that_is_withdrawn_on_its_way_is_not_heard() -> None:
    """The person goes on within the pause: what was begun for the first words is gone."""
    call = rehearse(
        says(1.0, "tell me the time,"),
        says(2.9, "in Paris?"),
        answers=lambda messages: paced(f"You said {messages[-1].content}"),
        between=everywhere,
        score=lambda audio: 0.4,
        policies=Policies(turn=PATIENT),
        until_s=12.0,
    )
    question = "tell me the time, in Paris?"
    assert call.lines == [("user", question), ("assistant", f"You said {question}")]
    assert (call.errors, call.tasks_left) == ([], set())


class Swallowing(FrameProcessor):
    """Lets frames of some kinds go no further."""

    def __init__(self, *kinds: type[Frame], raises: bool = False) -> None:
        super().__init__()
        self._kinds, self._raises = kinds, raises

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, self._kinds):
            if self._raises:
                raise ValueError("I cannot read that")
            return
        await self.push_frame(frame, direction)


def asked_twice(place: str, processor: FrameProcessor) -> Rehearsed:
    """The second time a minute later, when nobody waits for the first answer any more."""
    return rehearse(
        does(1.0, Typed("tell me a story!")),
        does(61.0, Typed("are you there?")),
        answers=lambda messages: paced("Once there was a miller."),
        between=lambda: {place: [processor]},
        microphone=False,
        until_s=120.0,
    )


@pytest.mark.parametrize("raises", [False, True], ids=["is swallowed", "raises"])
def test_a_question_that_goes_no_further_is_apologised_for(raises: bool) -> None:
    call = asked_twice("turning", Swallowing(LLMContextFrame, raises=raises))

    assert call.questions == []
    assert call.heard_text == f"{ENGLISH.apology} {ENGLISH.apology}"
    assert call.states == ["thinking", "speaking", "listening"] * 2
    assert call.tasks_left == set()


def test_a_model_is_not_asked_what_comes_after_the_apology() -> None:
    class Slow(Swallowing):
        async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
            if isinstance(frame, LLMContextFrame):
                await asyncio.sleep(20.0)
            await super().process_frame(frame, direction)

    call = asked_twice("turning", Slow())

    assert call.questions == []


@pytest.mark.parametrize(
    "kinds", [(ReplyEndFrame,), (LLMFullResponseStartFrame,), (DataFrame, ControlFrame)]
)
@pytest.mark.parametrize("place", ["turning", "thinking", "phrasing", "speaking"])
def test_a_call_whose_marks_go_no_further_goes_on(
    place: str, kinds: tuple[type[Frame], ...]
) -> None:
    call = asked_twice(place, Swallowing(*kinds))

    assert call.states[-1] == "listening"
    assert call.states.count("thinking") == 2
    assert call.tasks_left == set()
