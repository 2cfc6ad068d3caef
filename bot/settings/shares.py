"""Each stage's share of the 500 ms."""

from typing import Annotated

from pydantic import Field

from bot.settings.group import Group

Milliseconds = Annotated[float, Field(gt=0, le=10_000)]


class BudgetSettings(Group):
    budget_endpointing_ms: Milliseconds = 200
    """Its part of the 500 ms: deciding that the person has finished."""

    budget_stt_ms: Milliseconds = 60
    """Its part of the 500 ms: having the last word."""

    budget_llm_first_token_ms: Milliseconds = 150
    """Its part of the 500 ms: the LLM's first token."""

    budget_first_clause_ms: Milliseconds = 40
    """Its part of the 500 ms: from the first token to the first clause that can be spoken."""

    budget_tts_ms: Milliseconds = 30
    """Its part of the 500 ms: the voice's first audible sample."""

    budget_transport_ms: Milliseconds = 20
    """Its part of the 500 ms: the way to the caller's ear."""
