"""An endpointing that is certain of everything, for tests that are about something else."""

from pipelines.core.turn.endpointing import EndpointingPolicy, OverWeights

CERTAIN = OverWeights(
    bias=20.0,
    hanging=-40.0,
    counting=-40.0,
    counted=-40.0,
    comma=-40.0,
    open=0.0,
    question=0.0,
    thought=0.0,
    went_on=0.0,
    opening=0.0,
    part=0.0,
    enough=0.0,
    whole=0.0,
    voice=0.0,
    clear=0.0,
)
"""Words that end nothing are waited for as long as the policy allows, all others as briefly."""


def certain(closed_s: float, hanging_s: float = 1.1, lead_s: float = 0.165) -> EndpointingPolicy:
    return EndpointingPolicy(
        weights=CERTAIN, shortest_s=closed_s, longest_s=hanging_s, lead_s=lead_s
    )
