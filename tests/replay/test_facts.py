"""A call's facts through the core alone come to the decisions that were made then."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.cascade import Policies
from pipelines.core.announcements import Announcements
from pipelines.core.exchange import Dtmf, LineDropped, LineRestored, Say, StopSpeaking, Typed
from pipelines.core.memory.tools import tool
from pipelines.core.turn.policy import TurnPolicy
from pipelines.services.protocols import Finished, ToolCall
from replay.call_folder import RecordedCall, UnreadableError
from replay.facts import replay_facts
from replay.stage import MemoryRecorder
from tests.pipelines.services.scripted import paced
from tests.pipelines.stages.rehearsal import Cue, does, rehearse, says

STORY = "Once upon a time there was a miller who had three sons and a mill. " * 3


async def look_up(word: str) -> str:
    """Look a word up."""
    return f"{word} is a kind of cat"


def answers(messages: Any) -> list[Any]:
    last = messages[-1]
    if last.role == "tool":
        return paced("It is a kind of cat.")
    if "manx" in last.content:
        call = ToolCall("", "look_up", '{"word": "manx"}')
        return [(0.1, Finished("tool_calls", tool_calls=(call,)))]
    return paced(STORY if "story" in last.content else f"You said {last.content}")


def recorded(policies: Policies, *cues: Cue, **scene: Any) -> RecordedCall:
    """As it would be read from disk."""
    tape = MemoryRecorder()
    rehearse(*cues, policies=policies, recorder=tape, answers=answers, **{"until_s": 16.0, **scene})
    about = {"caller_rate_hz": 16_000, "bot_rate_hz": 24_000, "lead_s": 0.2,
             "reports_playout": True, "level": "full"}  # fmt: skip
    lines = [json.loads(json.dumps(line, default=list)) for line in tape.lines]
    return RecordedCall(Path("call"), about, tuple(lines))


SCENES: dict[str, tuple[Cue, ...]] = {
    "a question": (says(1.0, "what time is it?"),),
    "a pause within a turn": (says(1.0, "what time is it"), says(2.65, "in Paris?")),
    "talk over the answer": (says(1.0, "tell me a story!"), says(4.0, "stop, what time is it?")),
    "a back-channel": (says(1.0, "tell me a story!"), says(4.0, "mhm")),
    "a tool": (does(1.0, Typed("what is a manx?")),),
    "keys, a button and the line": (
        does(1.0, Typed("tell me a story!")),
        does(2.0, StopSpeaking()),
        *(does(3.0, Dtmf(key)) for key in "12#"),
        does(5.0, LineDropped()),
        does(6.0, LineRestored()),
        does(8.0, Say("Hold on.")),
    ),
}


@pytest.mark.parametrize("name", SCENES)
def test_the_same_facts_bring_about_the_same_decisions(name: str) -> None:
    announcements = Announcements(greeting="Hello!", silence_s=4.0)
    policies = Policies(announcements=announcements, tools=(tool(look_up),))

    found = replay_facts(recorded(policies, *SCENES[name]), policies, None)

    assert found.difference is None
    assert found.facts > 500
    assert found.commands
    kinds = {one["type"] for one in found.decisions}
    assert {"StartReply", "CommitReply", "PlayoutEnded", "Reached"} <= kinds


def test_other_rules_show_the_first_decision_that_differs() -> None:
    call = recorded(Policies(), says(1.0, "what time is it?"))
    patient = Policies(turn=TurnPolicy(most_speculations=0))

    found = replay_facts(call, patient, None)

    assert found.difference is not None
    then, now = found.difference
    assert then is not None
    assert then["type"] == "StartReply"
    assert now != then


def test_a_recording_from_before_there_were_facts_says_so() -> None:
    about = {"caller_rate_hz": 16_000, "bot_rate_hz": 24_000, "level": "full"}
    with pytest.raises(UnreadableError, match=r"since version 0\.2\.0"):
        replay_facts(RecordedCall(Path("old"), about, ()), Policies(), None)
