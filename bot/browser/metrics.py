"""A turn's ledger row as RTVI's `metrics` message has it: which part of us took how long.

https://docs.pipecat.ai/client/rtvi-standard
"""

from collections.abc import Mapping
from typing import Any

_KIND_OF = {"stt": "processing", "llm": "ttfb", "tts": "ttfb"}
"""RTVI's two kinds: until it was done, and until its first byte."""


def metrics_of(row: Mapping[str, object]) -> dict[str, list[dict[str, Any]]]:
    """In seconds. Empty where the row has no work that led to the answer."""
    spans, facts = row.get("spans"), row.get("facts")
    took: dict[str, float] = {}
    for span in spans if isinstance(spans, list) else []:
        match span:
            case {"stage": str(stage), "kind": "busy", "withdrawn": False} if stage in _KIND_OF:
                took[stage] = max(
                    0.0, span["end_s"] - span["start_s"]
                )  # the last is what led to it
            case _:
                pass
    metrics: dict[str, list[dict[str, Any]]] = {}
    for stage, seconds in took.items():
        datum: dict[str, Any] = {"processor": stage, "value": seconds}
        if isinstance(facts, Mapping) and facts.get(stage):
            datum["model"] = facts[stage]
        metrics.setdefault(_KIND_OF[stage], []).append(datum)
    return metrics
