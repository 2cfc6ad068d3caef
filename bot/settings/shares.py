"""Each stage's share of the 500 ms."""

from typing import Annotated

from pydantic import Field

from bot.settings.group import Group
from pipelines.core.ledger.budget import Budget

Milliseconds = Annotated[float, Field(gt=0, le=10_000)]

_BUDGET = Budget()


def _ms(seconds: float) -> int:
    return round(1000 * seconds)


class BudgetSettings(Group):
    budget_endpointing_ms: Milliseconds = _ms(_BUDGET.endpointing_s)
    """Its part of the 500 ms: deciding that the person has finished."""

    budget_stt_ms: Milliseconds = _ms(_BUDGET.stt_s)
    """Its part of the 500 ms: having the last word."""

    budget_llm_first_token_ms: Milliseconds = _ms(_BUDGET.llm_first_token_s)
    """Its part of the 500 ms: the LLM's first token."""

    budget_first_clause_ms: Milliseconds = _ms(_BUDGET.first_clause_s)
    """Its part of the 500 ms: from the first token to the first clause that can be spoken."""

    budget_tts_ms: Milliseconds = _ms(_BUDGET.tts_first_audio_s)
    """Its part of the 500 ms: the voice's first audible sample."""

    budget_transport_ms: Milliseconds = _ms(_BUDGET.transport_s)
    """Its part of the 500 ms: the way to the caller's ear."""
