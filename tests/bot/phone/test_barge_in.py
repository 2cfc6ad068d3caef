"""Callers who break in at any moment, through the whole call on virtual time."""

import random

import numpy as np
import pytest

from bot.calls.farewell import CallOutcome
from bot.phone.line import LEAD_S
from pipelines.core.commands import CommitReply, PauseReply
from pipelines.core.speaking.phrasing import Phraser
from tests.bot.phone.conversing import CHARACTER, STORY, Conversation
from tests.bot.phone.line import RATE_HZ


def words_heard(samples: int) -> int:
    """Words of the story of which half or more was heard."""
    phraser = Phraser()
    heard, at = 0, 0
    for clause in [*phraser.feed(STORY), *phraser.finish()]:
        weights = [len(word) + 1 for word in clause.split()]
        begins = at + np.cumsum([0, *weights]) / sum(weights) * len(clause) * CHARACTER
        heard += int(np.sum((begins[:-1] + begins[1:]) / 2 <= samples))
        at += len(clause) * CHARACTER
    return heard


def breaks_in(draw: random.Random, times: int, way_s: float) -> None:
    call = Conversation(way_s=way_s).play_breaking_in(draw, times)

    assert call.last is not None
    assert (call.last.outcome, call.line.closed) == (CallOutcome.LEFT, (1000, ""))
    paused, cleared = call.notes.when(PauseReply), call.line.cleared
    assert len(paused) == len(cleared) == times
    for decided_s, clear in zip(paused, cleared, strict=True):
        assert -1e-6 <= clear.at_s - way_s - decided_s < 0.04
    commits = call.notes.when(CommitReply)[1:]
    for clear, commit_s in zip(cleared, [*commits, float("inf")], strict=False):
        between = [at for at, _ in call.line.media if clear.at_s < at < commit_s + way_s - 1e-6]
        assert between == [], "nothing of the old answer comes after the clear"
    kept = call.kept[:times]
    assert len(kept) == times
    for text, clear in zip(kept, cleared, strict=True):
        assert STORY.startswith(text)
        off = len(text.split()) - words_heard(clear.played)
        assert abs(off) <= 1
    assert max(call.line.held_s) <= 0.2 + 1e-6
    assert call.line.ran_dry <= times


def test_who_breaks_in_is_not_talked_over() -> None:
    breaks_in(random.Random(4), 2, 0.03)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(20))
def test_who_breaks_in_at_two_hundred_random_moments_is_not_talked_over(seed: int) -> None:
    draw = random.Random(seed)
    breaks_in(draw, 10, draw.uniform(0.0, 0.06))


def test_a_back_channel_is_no_barge_in_and_the_answer_goes_on_from_what_was_heard() -> None:
    story = "There was a miller who had three sons. He had a mill, a donkey and a cat."
    call = Conversation(way_s=0.03, story=story).play_listening(5.0)

    [cleared] = call.line.cleared
    assert call.kept == [story]
    spoken = CHARACTER * (len(story) - 1)  # the space between two clauses is not
    sent_again = call.line.samples - spoken
    most = LEAD_S + 2 * 0.03  # what lay in the buffer, and what a mark took to come back
    assert 0 < sent_again <= most * RATE_HZ
    assert cleared.echoed > 0
