"""A default stands in one place: the settings take those of the policies."""

import dataclasses

from bot.settings import Settings
from bot.wiring.engine import _budget
from pipelines.cascade import Policies
from pipelines.core.ledger.budget import Budget

SET = Settings.model_construct()


def test_an_embedded_call_is_told_what_the_server_s_calls_are_told() -> None:
    assert SET.system_prompt == Policies().system_prompt


def test_unset_the_budget_is_that_of_the_policies() -> None:
    assert dataclasses.asdict(_budget(SET)) == dataclasses.asdict(Budget())
