import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.core.ledger.budget import SEGMENTS, SPENT_BY, Budget, Segment


def spent(**segments_ms: int) -> dict[Segment, int]:
    assert set(segments_ms) <= set(SEGMENTS)
    return {segment: segments_ms.get(segment, 0) * 1000 for segment in SEGMENTS}


def test_the_default_shares_add_up_to_half_a_second() -> None:
    assert Budget().total_us == 500_000


def test_every_segment_is_paid_for_by_one_share() -> None:
    paid = [segment for segments in SPENT_BY.values() for segment in segments]

    assert sorted(paid) == sorted(SEGMENTS)


def test_the_verdict_names_the_share_that_is_most_overspent() -> None:
    verdict = Budget().judge(spent(endpointing=190, stt=90, llm_first_token=400, send=5))

    assert (verdict.stage, verdict.over_us) == ("llm_first_token", 250_000)
    assert verdict.text == "llm_first_token overspent by 250 ms"


def test_deciding_and_carrying_are_each_one_share() -> None:
    assert Budget().judge(spent(endpointing=150, turn=60, stt=300)).stage == "stt"
    assert Budget().judge(spent(endpointing=150, turn=60)).stage == "endpointing"
    assert Budget().judge(spent(send=15, played=15)).stage == "transport"


def test_a_share_may_be_overspent_while_the_whole_is_within_budget() -> None:
    text = Budget().judge(spent(endpointing=250)).text

    assert text == "endpointing overspent by 50 ms, the whole within budget"


def test_a_share_that_is_just_used_up_is_not_overspent() -> None:
    verdict = Budget().judge(spent(endpointing=200, stt=60, tts_first_audio=30, send=20))

    assert verdict.as_dict() == {"stage": None, "over_s": 0.0, "text": "within budget"}


@pytest.mark.parametrize("wrong", [-0.001, float("nan"), float("inf")])
def test_a_share_must_be_a_time(wrong: float) -> None:
    with pytest.raises(ValueError, match="budget for stt"):
        Budget(stt_s=wrong)


@given(st.lists(st.integers(0, 2000), min_size=8, max_size=8))
def test_what_is_overspent_is_never_less_than_another_share(times_ms: list[int]) -> None:
    segments = {s: ms * 1000 for s, ms in zip(SEGMENTS, times_ms, strict=True)}
    verdict = Budget().judge(segments)

    assert (verdict.stage is None) == (verdict.over_us == 0)
    without = {share: Budget(**{f"{share}_s": 10.0}).judge(segments).over_us for share in SPENT_BY}
    assert all(over <= verdict.over_us for over in without.values())


def test_the_shares_are_told_in_seconds() -> None:
    shares = Budget().shares_s
    assert shares["endpointing"] == 0.2
    assert sum(shares.values()) == pytest.approx(0.5)
