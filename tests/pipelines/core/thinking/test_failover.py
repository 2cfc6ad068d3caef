"""The order and times of requests: every rule of it on a clock that is given."""

import pytest

from pipelines.core.thinking.failover import (
    FAILURES_TO_REST,
    FIRST_REST_S,
    HEDGED_SHARE,
    HEDGES_SAVED,
    LONGEST_REST_S,
    Ask,
    EndpointState,
    Health,
    Hedge,
    Patience,
    Race,
    RunningMedian,
)

PATIENCE = Patience(first_token_s=1.5, first_clause_s=1.0, apology_s=3.5)


def race(*healths: Health, hedge: Hedge = "off", now: float = 0.0) -> Race:
    return Race(healths, PATIENCE, hedge, now)


def fail(one: Race, attempt: int, now: float, retry_after_s: float = 0.0) -> None:
    one.failed(attempt, now, retryable=True, ill=True, retry_after_s=retry_after_s)


def test_the_median_is_of_the_newest() -> None:
    median = RunningMedian(window=3)
    assert median.value is None
    for value, middle in [(9.0, 9.0), (1.0, 9.0), (2.0, 2.0), (3.0, 2.0), (4.0, 3.0)]:
        median.add(value)
        assert median.value == middle


# ---- one question ----


def test_the_first_endpoint_is_asked_at_once_and_no_other() -> None:
    one = race(Health(), Health())
    assert one.next(0.0) == Ask(0, 0, "first")
    assert one.next(0.0) is None
    assert one.deadline() == 1.5


def test_a_failure_sends_the_question_to_the_next_endpoint_at_once() -> None:
    one = race(Health(), Health(), Health())
    one.next(0.0)
    fail(one, 0, 0.1)
    assert one.next(0.1) == Ask(1, 1, "fallback")
    fail(one, 1, 0.2)
    assert one.next(0.2) == Ask(2, 2, "fallback")
    fail(one, 2, 0.3)
    assert one.is_over(0.3)


def test_where_there_is_only_one_it_is_asked_once_more() -> None:
    one = race(Health())
    one.next(0.0)
    fail(one, 0, 0.1)
    assert one.next(0.1) == Ask(1, 0, "retry")
    fail(one, 1, 0.2)
    assert (one.next(0.2), one.is_over(0.2)) == (None, True)


def test_what_would_fail_again_is_not_asked_again() -> None:
    one = race(Health())
    one.next(0.0)
    one.failed(0, 0.1, retryable=False, ill=True)
    assert (one.next(0.1), one.is_over(0.1)) == (None, True)


def test_another_endpoint_may_do_what_the_first_refused() -> None:
    one = race(Health(), Health())
    one.next(0.0)
    one.failed(0, 0.1, retryable=False, ill=False)
    assert one.next(0.1) == Ask(1, 1, "fallback")


@pytest.mark.parametrize(("after_s", "again"), [(1.0, True), (3.0, True), (3.1, False)])
def test_who_asks_to_be_left_alone_is_asked_after_that_if_there_is_time(
    after_s: float, again: bool
) -> None:
    one = race(Health())
    one.next(0.0)
    fail(one, 0, 0.0, retry_after_s=after_s)
    assert one.next(0.0) is None
    assert one.is_over(0.0) is not again
    if again:
        assert one.deadline() == after_s
        assert one.next(after_s) == Ask(1, 0, "retry")


def test_a_slow_first_token_brings_the_next_one_in_and_the_first_is_still_listened_to() -> None:
    one = race(Health(), Health())
    one.next(0.0)
    assert one.next(1.4) is None
    assert one.next(1.5) == Ask(1, 1, "fallback")
    one.spoke(0, 1.6)
    assert not one.is_over(1.6)


def test_tokens_that_make_no_clause_bring_the_next_one_in() -> None:
    one = race(Health())
    one.next(0.0)
    one.spoke(0, 0.7)
    assert one.deadline() == 1.7
    assert one.next(1.7) == Ask(1, 0, "retry")


def test_there_is_an_end_to_patience() -> None:
    one = race(Health())
    one.next(0.0)
    one.next(1.5)
    assert one.deadline() == 3.5
    assert not one.is_over(3.4)
    assert one.is_over(3.5)


def test_the_time_that_was_waited_before_counts() -> None:
    one = Race([Health()], PATIENCE, "off", 0.0, waited_s=1.0)
    one.next(0.0)
    one.next(1.5)
    assert one.deadline() == 2.5


def test_whoever_waited_too_long_already_still_gets_a_chance() -> None:
    one = Race([Health()], PATIENCE, "off", 0.0, waited_s=9.0)
    one.next(0.0)
    assert one.deadline() == 0.5


# ---- the hedge ----


def known(median_s: float) -> Health:
    health = Health()
    for _ in range(5):
        health.answered(median_s)
    return health


@pytest.mark.parametrize(
    ("health", "hedge", "after_s"),
    [
        (Health(), "auto", 0.4),
        (known(0.06), "auto", 0.15),
        (known(0.3), "auto", 0.4),
        (known(0.06), 0.25, 0.25),
    ],
)
def test_silence_after_the_hedge_asks_the_next_one_too(
    health: Health, hedge: Hedge, after_s: float
) -> None:
    one = race(health, Health(), hedge=hedge)
    one.next(0.0)
    assert one.deadline() == pytest.approx(after_s)
    assert one.next(after_s - 0.001) is None
    assert one.next(one.deadline()) == Ask(1, 1, "hedge")


def test_who_speaks_in_time_is_not_hedged() -> None:
    one = race(known(0.06), Health(), hedge="auto")
    one.next(0.0)
    one.spoke(0, 0.1)
    assert one.next(0.5) is None


def test_there_is_no_hedge_with_oneself() -> None:
    one = race(known(0.06), hedge="auto")
    one.next(0.0)
    assert one.deadline() == 1.5


def test_a_failure_before_the_hedge_is_no_hedge() -> None:
    one = race(known(0.06), Health(), hedge="auto")
    one.next(0.0)
    fail(one, 0, 0.3)
    assert one.next(0.3) == Ask(1, 1, "fallback")


def test_a_loser_that_was_closed_early_is_slow_but_not_ill() -> None:
    slow = known(0.06)
    one = race(slow, Health(), hedge="auto")
    one.next(0.0)
    one.next(0.15)
    one.spoke(1, 0.2)
    one.close(1, 0.2)
    assert slow.state(0.2) is EndpointState.WELL
    assert slow.median_s == 0.06


def lose(slow: Health, now: float, took_s: float = 0.25) -> bool:
    """A question that another endpoint answers `took_s` after it came; whether by a hedge."""
    one = race(slow, Health(), hedge=0.15, now=now)
    one.next(now)
    hedged = one.next(now + 0.15) is not None
    if not hedged:
        one.spoke(0, now + took_s)
    else:
        one.spoke(1, now + took_s)
        one.close(1, now + took_s)
    return hedged


def test_of_many_slow_answers_one_in_ten_is_hedged() -> None:
    slow = known(0.06)
    hedged = [lose(slow, 10.0 * n) for n in range(1000)]
    assert hedged[: HEDGES_SAVED + 1] == [True] * HEDGES_SAVED + [False]
    assert sum(hedged) == HEDGES_SAVED + 1000 * HEDGED_SHARE - 1  # one is being saved for


def test_hedges_that_were_not_needed_are_saved_up_to_a_few() -> None:
    slow, at = known(0.06), 0.0
    for n in range(200):
        at = 10.0 * n
        one = race(slow, Health(), hedge="auto", now=at)
        one.next(at)
        one.spoke(0, at + 0.06)
    hedged = [lose(slow, at + 10.0 * n) for n in range(1, HEDGES_SAVED + 2)]
    assert hedged == [True] * HEDGES_SAVED + [False]


def test_without_a_hedge_left_the_clocks_still_bring_the_next_one_in() -> None:
    slow = known(0.06)
    for n in range(HEDGES_SAVED):
        assert lose(slow, 10.0 * n)
    one = race(slow, Health(), hedge="auto", now=100.0)
    one.next(100.0)
    assert one.deadline() == 101.5
    assert one.next(101.5) == Ask(1, 1, "fallback")


def test_an_endpoint_that_was_not_heard_for_as_long_as_its_clock_has_failed() -> None:
    silent, losses = known(0.06), 0
    while silent.state(10.0 * losses) is EndpointState.WELL and losses < 20:
        for _ in range(10):
            silent.asked()  # so that each may be hedged
        assert lose(silent, 10.0 * losses)
        losses += 1
    assert losses == 6, "of 0.25 s each, they are as long as its clock"


def test_silences_before_one_that_ran_out_count_with_it() -> None:
    silent = known(0.06)
    for n in range(FAILURES_TO_REST - 1):
        assert lose(silent, 10.0 * n)
    assert silent.state(100.0) is EndpointState.WELL
    one = race(silent, Health(), now=100.0)
    one.next(100.0)
    one.close(None, 101.5)
    assert silent.state(101.5) is EndpointState.RESTING


def test_a_word_between_two_silences_begins_the_count_anew() -> None:
    slow = known(0.06)
    for n in range(40):
        for _ in range(10):
            slow.asked()
        lose(slow, 10.0 * n)
        if n % 5 == 4:
            slow.answered(0.3)
    assert slow.state(400.0) is EndpointState.WELL


def test_a_probe_that_a_hedge_overtakes_has_failed_too() -> None:
    silent = Health()
    for n in range(HEDGES_SAVED):
        assert lose(silent, 10.0 * n, took_s=0.4)
    assert silent.state(31.0) is EndpointState.RESTING
    assert lose(silent, 40.0), "hedged, though none is left: nobody waits for a probe"
    assert not silent.may_be_asked(40.0 + 2 * FIRST_REST_S)
    assert silent.may_be_asked(40.4 + 2 * FIRST_REST_S)


# ---- across questions ----


def failing(health: Health, times: int, now: float = 0.0) -> None:
    for _ in range(times):
        health.asked()
        health.failed(now)


def test_after_three_failures_in_a_row_an_endpoint_rests() -> None:
    health = Health()
    failing(health, FAILURES_TO_REST - 1)
    assert health.may_be_asked(0.0)
    failing(health, 1)
    assert health.state(0.0) is EndpointState.RESTING
    assert not health.may_be_asked(FIRST_REST_S - 0.1)


def test_a_success_between_failures_starts_the_count_anew() -> None:
    health = Health()
    for _ in range(3):
        failing(health, FAILURES_TO_REST - 1)
        health.answered(0.1)
    assert health.state(0.0) is EndpointState.WELL


def test_once_it_has_rested_one_request_tells() -> None:
    health = Health()
    failing(health, FAILURES_TO_REST)
    assert health.may_be_asked(FIRST_REST_S)
    health.asked()
    assert health.state(FIRST_REST_S) is EndpointState.PROBED
    assert not health.may_be_asked(FIRST_REST_S)
    health.answered(0.1)
    assert health.may_be_asked(FIRST_REST_S)


def test_a_probe_that_nobody_waited_for_is_made_again() -> None:
    health = Health()
    failing(health, FAILURES_TO_REST)
    health.asked()
    health.left()
    assert health.may_be_asked(FIRST_REST_S)


def test_each_rest_is_longer_than_the_one_before_up_to_a_minute() -> None:
    health, now, rests = Health(), 0.0, []
    failing(health, FAILURES_TO_REST - 1)
    for _ in range(6):
        failing(health, 1, now)
        begun = now
        while not health.may_be_asked(now):
            now += 1.0
        rests.append(now - begun)
    assert rests == [5.0, 10.0, 20.0, 40.0, LONGEST_REST_S, LONGEST_REST_S]


def test_who_rests_is_passed_over() -> None:
    tired = Health()
    failing(tired, FAILURES_TO_REST)
    one = race(tired, Health())
    assert one.next(0.0) == Ask(0, 1, "first")
    fail(one, 0, 0.1)
    assert one.next(0.1) == Ask(1, 1, "retry")


def test_when_all_rest_there_is_no_request() -> None:
    tired = Health()
    failing(tired, FAILURES_TO_REST)
    one = race(tired)
    assert (one.next(0.0), one.is_over(0.0)) == (None, True)


def test_a_silence_beyond_the_clock_counts_as_a_failure() -> None:
    silent = Health()
    for n in range(FAILURES_TO_REST):
        now = 10.0 * n
        one = race(silent, Health(), now=now)
        one.next(now)
        one.next(now + 1.5)
        one.spoke(1, now + 1.6)
        one.close(1, now + 1.7)
    assert silent.state(now + 1.7) is EndpointState.RESTING


def test_an_answer_that_nobody_wants_any_more_says_nothing_of_the_endpoint() -> None:
    health = known(0.1)
    one = race(health)
    one.next(0.0)
    one.close(None, 2.0, wanted=False)
    assert (health.state(2.0), health.median_s) == (EndpointState.WELL, 0.1)


def test_requests_that_fail_together_rest_an_endpoint_once() -> None:
    health = Health()
    failing(health, 5 * FAILURES_TO_REST)
    assert health.may_be_asked(FIRST_REST_S)


def test_nobody_is_left_alone_for_longer_than_a_minute() -> None:
    health = Health()
    health.failed(0.0, retry_after_s=86_400.0)
    assert health.may_be_asked(LONGEST_REST_S)
