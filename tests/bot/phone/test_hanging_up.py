"""Hanging up, from either side and in any way: nothing of the call is left a second later."""

import pytest

from bot.calls.farewell import CallOutcome
from tests.bot.phone.conversing import Conversation

THINKING_S, SPEAKING_S = 1.5, 3.0
"""After the question: the language model has been asked, and the answer is being heard."""


@pytest.mark.parametrize(
    ("after_s", "first_token_s", "dropping"),
    [(THINKING_S, 9.0, False), (THINKING_S, 9.0, True), (SPEAKING_S, 0.05, True)],
)
def test_a_caller_who_leaves_frees_all_of_the_call(
    after_s: float, first_token_s: float, dropping: bool
) -> None:
    call = Conversation(first_token_s=first_token_s).play_leaving(after_s, dropping=dropping)

    assert call.last is not None
    assert call.last.outcome is (CallOutcome.VANISHED if dropping else CallOutcome.LEFT)
    assert call.llm.requests, "somebody was being answered"
    assert bool(call.line.media) == (after_s == SPEAKING_S)
    assert call.over_s - call.hung_up_s < 1.0
