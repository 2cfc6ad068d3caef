"""Sound alone, without any recorded answer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from replay.call_folder import from_sound
from replay.performance import Company, Options
from replay.turns import turns_of

SPOKEN = Path(__file__).parents[2] / "bench/suite/turns/held-plain-vm-deleted.flac"


@pytest.fixture
def company() -> Iterator[Company]:
    company = Company()
    yield company
    company.close()


def test_a_pace_is_kept_where_nothing_was_recorded(company: Company) -> None:
    for first_token_ms in (100, 400):
        outcome = company.play(from_sound(SPOKEN), Options(llm=f"fixed-{first_token_ms}"))
        (turn,) = turns_of(outcome.replayed.lines)
        assert turn.took["llm_first_token"] == pytest.approx(first_token_ms / 1000, abs=0.001)
        assert turn.answer
