"""Something of ours or of the operator's raises, and somebody is on the line."""

from typing import cast

from pipelines.cascade import AGAIN_S, Policies
from pipelines.core.announcements import Announcements
from pipelines.core.exchange import Typed
from tests.pipelines.services.scripted import paced
from tests.pipelines.stages.rehearsal import does, rehearse

ANSWER = "It is noon, and the sun is high."
QUESTION = does(1.0, Typed("what time is it?"))


class Speechless:
    """Announcements, of which one cannot be made."""

    greeting = ""
    silence_s, call_s = 5.0, None

    @property
    def are_you_there(self) -> str:
        raise KeyError("en")


def test_a_deadline_that_cannot_be_kept_is_tried_again_ten_times_a_second_and_no_more() -> None:
    call = rehearse(
        QUESTION,
        does(20.0, Typed("and now?")),
        answers=lambda messages: paced(ANSWER),
        policies=Policies(announcements=cast(Announcements, Speechless())),
        microphone=False,
        until_s=25.0,
    )
    silent_s = 20.0 - 1.0 - 5.0
    assert 0 < len(call.errors) <= silent_s / AGAIN_S
    assert call.heard_text == f"{ANSWER} {ANSWER}"
