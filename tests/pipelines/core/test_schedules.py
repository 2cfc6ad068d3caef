"""Random calls against the pure core: speech, pauses, resumptions, barge-ins, late results.

Not one stale sample is released, not one turn is lost, not one answer is given twice, and the
history is always what was heard.
"""

import re
from collections import Counter

import numpy as np
import pytest

from pipelines.core.commands import (
    CommitReply,
    PauseReply,
    ResumeReply,
    StartReply,
    StopReply,
    WithdrawReply,
)
from pipelines.core.memory.entry import HistoryEntry
from pipelines.core.speaking.speculation import Status
from pipelines.core.turn.state import TurnState
from tests.pipelines.core.schedule import FIRST_LEVEL, PROMPT, Answer, Schedule


@pytest.mark.parametrize(
    "seeds", [range(150), pytest.param(range(150, 10_000), marks=pytest.mark.soak)], ids=len
)
def test_random_schedules_keep_every_promise(seeds: range) -> None:
    turns = interruptions = withdrawals = marks = prompts = 0
    for seed in seeds:
        schedule = Schedule(seed)
        schedule.play()
        try:
            check(schedule)
        except AssertionError as broken:
            raise AssertionError(f"schedule {seed}: {broken}") from broken
        turns += len(user_lines(schedule))
        interruptions += sum(a.stopped_at is not None for a in schedule.answers.values())
        withdrawals += sum(a.withdrawn for a in schedule.answers.values())
        marks += schedule.marks
        prompts += sum(
            isinstance(command, StartReply) and command.say == PROMPT
            for _, command in schedule.commands
        )
    assert turns > 2 * len(seeds), "the schedules say too little to prove anything"
    assert interruptions > len(seeds) / 4
    assert withdrawals > len(seeds) / 4
    assert marks > len(seeds) / 4
    assert prompts > len(seeds) / 10


def check(schedule: Schedule) -> None:
    assert_at_rest(schedule)
    assert_one_reply_at_a_time(schedule)
    assert_no_stale_sample(schedule)
    assert_no_turn_lost(schedule)
    assert_each_turn_answered_once(schedule)
    assert_history_is_what_was_heard(schedule)
    assert_the_notice_was_heard_whole(schedule)


def assert_the_notice_was_heard_whole(schedule: Schedule) -> None:
    if schedule.notice:
        notice = schedule.answers[1]
        assert (notice.text, notice.stopped_at, notice.withdrawn) == ("", None, False)
        assert not any(
            isinstance(command, PauseReply) and command.reply_id == notice.reply_id
            for _, command in schedule.commands
        )
        assert_heard_whole(schedule, notice)


def assert_at_rest(schedule: Schedule) -> None:
    assert schedule.turns.state is TurnState.IDLE, f"stuck in {schedule.turns.state}"
    for reply_id in schedule.answers:
        assert schedule.speculation.status(reply_id) is not Status.HELD, "a reply is held for ever"


def assert_one_reply_at_a_time(schedule: Schedule) -> None:
    live: int | None = None
    committed = paused = False
    for at, command in schedule.commands:
        match command:
            case StartReply(reply_id):
                over = live is None or committed  # heard to its end
                assert over, f"{at:.2f}: a second reply beside {live}"
                live, committed, paused = reply_id, False, False
            case CommitReply(reply_id):
                assert (reply_id, committed) == (live, False), f"{at:.2f}: {command}"
                committed = True
            case WithdrawReply(reply_id, _, reopened):
                assert (reply_id, committed) == (live, reopened), f"{at:.2f}: {command}"
                live = None
            case StopReply(reply_id):
                assert (reply_id, committed) == (live, True), f"{at:.2f}: {command}"
                live = None
            case PauseReply(reply_id):
                assert (reply_id, committed, paused) == (live, True, False), f"{at:.2f}: {command}"
                paused = True
            case ResumeReply(reply_id):
                assert (reply_id, committed, paused) == (live, True, True), f"{at:.2f}: {command}"
                paused = False
            case _:
                pass


def assert_no_stale_sample(schedule: Schedule) -> None:
    for index, (at, reply_id, pcm) in enumerate(schedule.sent):
        answer = schedule.answers[reply_id]
        assert answer.committed_s is not None, f"{at:.2f}: uncommitted audio"
        assert at >= answer.committed_s
        assert answer.stopped_at is None or index < answer.stopped_at, f"{at:.2f}: stale audio"
        levels = {level for level in np.frombuffer(pcm, "<i2").tolist() if level}
        assert not levels or not answer.withdrawn, f"{at:.2f}: a withdrawn reply was heard"
        assert {schedule.levels[level - FIRST_LEVEL][0] for level in levels} <= {reply_id}
    for upto, silenced in schedule.silenced:
        if schedule.notice and silenced == 1:
            continue
        assert silenced not in {reply_id for _, reply_id, _ in schedule.sent[upto:]}


def user_lines(schedule: Schedule) -> list[HistoryEntry]:
    return [line for line in schedule.conversation.lines if line.role == "user"]


def assert_no_turn_lost(schedule: Schedule) -> None:
    """Each word that is a word of its own is in one turn, once, in its order."""
    spoken = [
        word.rstrip(".?,")
        for sound in sorted(schedule.person.sounds, key=lambda sound: sound.start_s)
        for word, _ in sound.words
    ]
    said = " ".join(line.text for line in user_lines(schedule))
    wanted = [word for word in spoken if word.startswith("w")]
    assert re.findall(r"w\d+", said) == wanted
    typed = [hand.text for _, hand in schedule.person.hands if hasattr(hand, "text")]
    assert re.findall(r"t\d+", said) == typed


def assert_each_turn_answered_once(schedule: Schedule) -> None:
    for line in user_lines(schedule):
        kept = [
            answer
            for answer in schedule.answers.values()
            if answer.turn_id == line.turn_id and not answer.withdrawn
        ]
        assert len(kept) == 1, f"turn {line.turn_id}: {len(kept)} answers"
        assert kept[0].committed_s is not None
        assert re.findall(r"\w+", kept[0].text) == re.findall(r"\w+", line.text)
        if kept[0].stopped_at is None:
            assert_heard_whole(schedule, kept[0])


def assert_heard_whole(schedule: Schedule, answer: Answer) -> None:
    """Every word once; each pause may lose or repeat a word, no more."""
    pauses = sum(
        isinstance(command, ResumeReply) and command.reply_id == answer.reply_id
        for _, command in schedule.commands
    )
    assert answer.ended
    heard = samples_heard(schedule)
    off = 0.0
    for _, level in answer.words:
        off += abs(heard[level] / schedule.levels[level - FIRST_LEVEL][2] - 1.0)
    assert off <= pauses + 0.01, f"reply {answer.reply_id}: {off:.2f} words in {pauses} pauses"


def samples_heard(schedule: Schedule) -> Counter[int]:
    heard: Counter[int] = Counter()
    for stretch in schedule.page.heard():
        heard[stretch.level] += stretch.samples
    return heard


def assert_history_is_what_was_heard(schedule: Schedule) -> None:
    heard = samples_heard(schedule)
    kept = {line.reply_id: line.text.split() for line in schedule.conversation.lines}
    for answer in schedule.answers.values():
        words = [word for word, _ in answer.words]
        lines = kept.get(answer.reply_id, [])
        assert lines == words[: len(lines)]
        shares = [heard[x] / schedule.levels[x - FIRST_LEVEL][2] for _, x in answer.words]
        exact = schedule.reports and not cut_short(schedule, answer)
        least = sum(share > 0.51 for share in shares) - (not exact)
        most = sum(share > 0.49 for share in shares) + (not exact)
        assert least <= len(lines) <= most, (
            f"reply {answer.reply_id}: {len(lines)} words kept, {least} to {most} heard"
        )


def cut_short(schedule: Schedule, answer: Answer) -> bool:
    """The next reply was let go before the page could say what it had played of this one."""
    if answer.stopped_s is None:
        return False
    until = answer.stopped_s + 2 * schedule.way_s + 0.001
    return any(
        answer.stopped_s <= (a.committed_s or 0.0) <= until for a in schedule.answers.values()
    )
