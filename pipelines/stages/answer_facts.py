"""The facts about an answer, for the log and the ledger."""

from pipelines.core.ledger.ledger import Fact
from pipelines.services.protocols import AnswerSource, Finished


def credit(facts: dict[str, Fact], source: AnswerSource | None) -> None:
    if source is not None:
        facts["llm_endpoint"] = source.endpoint
        add(facts, "llm_requests", source.requests)
        add(facts, "llm_retries", source.retries)
        add(facts, "llm_hedges", source.hedges)


def count(facts: dict[str, Fact], finished: Finished, speaking_s: float) -> None:
    tokens = finished.completion_tokens
    add(facts, "llm_prompt_tokens", finished.prompt_tokens)
    add(facts, "llm_cached_tokens", finished.cached_tokens)
    add(facts, "llm_tokens", tokens)
    if tokens is not None and tokens > 1 and speaking_s > 0:
        facts["llm_tokens_per_s"] = round((tokens - 1) / speaking_s, 2)


def add(facts: dict[str, Fact], name: str, value: int | None) -> None:
    """A reply that uses tools is several answers."""
    before = facts.get(name)
    if value is not None:
        facts[name] = value + (before if isinstance(before, int) else 0)
