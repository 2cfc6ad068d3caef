"""The end of a call, by the errors that ended it."""

import pytest

from bot.calls.errors import PeerError
from bot.calls.farewell import CallOutcome, Farewell, Over, causes, farewell


def test_a_client_that_broke_the_protocol_is_told_how_before_anything_else() -> None:
    errors = [Over(CallOutcome.LEFT), ValueError(), PeerError("torn", close_code=1009)]
    assert farewell(errors) == Farewell(CallOutcome.BROKE_PROTOCOL, 1009, "torn")


def test_an_end_that_was_meant_goes_before_a_bug() -> None:
    errors = [ValueError(), Over(CallOutcome.DRAINED)]
    assert farewell(errors) == Farewell(CallOutcome.DRAINED, 1012, "the server is shutting down")


@pytest.mark.parametrize("errors", [[], [ValueError("secret")]])
def test_a_bug_tells_nothing_of_itself(errors: list[Exception]) -> None:
    assert farewell(errors) == Farewell(CallOutcome.FAILED, 1011, "internal error")


@pytest.mark.parametrize(
    "outcome", [one for one in CallOutcome if one is not CallOutcome.BROKE_PROTOCOL]
)
def test_every_outcome_has_a_farewell_that_fits_into_a_close_frame(outcome: CallOutcome) -> None:
    told = farewell([Over(outcome)])
    assert told.outcome is outcome
    assert len(told.reason.encode()) <= 123


def test_the_causes_of_nested_groups_are_found() -> None:
    inner = ExceptionGroup("inner", [ValueError("b"), KeyError("c")])
    group = ExceptionGroup("outer", [TypeError("a"), inner])
    assert [type(one) for one in causes(group)] == [TypeError, ValueError, KeyError]
