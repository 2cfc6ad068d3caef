"""Half a second, shared out among the stages, and who has spent more than their share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

Segment: TypeAlias = Literal[
    "endpointing",
    "stt",
    "turn",
    "llm_first_token",
    "first_clause",
    "tts_first_audio",
    "send",
    "played",
]
SEGMENTS: tuple[Segment, ...] = get_args(Segment)

Share: TypeAlias = Literal[
    "endpointing", "stt", "llm_first_token", "first_clause", "tts_first_audio", "transport"
]

SPENT_BY: Mapping[Share, tuple[Segment, ...]] = {
    "endpointing": ("endpointing", "turn"),
    "stt": ("stt",),
    "llm_first_token": ("llm_first_token",),
    "first_clause": ("first_clause",),
    "tts_first_audio": ("tts_first_audio",),
    "transport": ("send", "played"),
}
"""Which segments a share pays for; every segment is in one of them."""


@dataclass(frozen=True, slots=True)
class BudgetVerdict:
    stage: Share | None
    """The one that overspent most; None where none did."""
    over_us: int
    text: str
    """For people: a fixed phrase and figures."""

    def as_dict(self) -> dict[str, object]:
        return {"stage": self.stage, "over_s": self.over_us / 1e6, "text": self.text}


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Each share in seconds. The defaults add up to half a second.

    Raises ValueError where a share is negative or not finite.
    """

    endpointing_s: float = 0.200
    """From the last sample of speech to the decision that the turn is over."""
    stt_s: float = 0.060
    llm_first_token_s: float = 0.150
    first_clause_s: float = 0.040
    tts_first_audio_s: float = 0.030
    transport_s: float = 0.020
    """To the socket and, where the client tells, from there to the listener's ear."""
    _shares_us: Mapping[Share, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        shares_s: dict[Share, float] = {
            "endpointing": self.endpointing_s,
            "stt": self.stt_s,
            "llm_first_token": self.llm_first_token_s,
            "first_clause": self.first_clause_s,
            "tts_first_audio": self.tts_first_audio_s,
            "transport": self.transport_s,
        }
        for share, seconds in shares_s.items():
            if not 0 <= seconds < float("inf"):
                raise ValueError(f"budget for {share} must be a time, not {seconds}")
        object.__setattr__(self, "_shares_us", {k: round(v * 1e6) for k, v in shares_s.items()})

    @property
    def shares_s(self) -> dict[str, float]:
        return {share: us / 1e6 for share, us in self._shares_us.items()}

    @property
    def total_us(self) -> int:
        return sum(self._shares_us.values())

    def judge(self, segments_us: Mapping[Segment, int]) -> BudgetVerdict:
        """The share that is most overspent, the earlier one where two are equally so."""
        over = {
            share: sum(segments_us[segment] for segment in SPENT_BY[share]) - allowed_us
            for share, allowed_us in self._shares_us.items()
        }
        worst = max(over, key=lambda share: over[share])
        if over[worst] <= 0:
            return BudgetVerdict(None, 0, "within budget")
        text = f"{worst} overspent by {over[worst] / 1e3:.0f} ms"
        if sum(segments_us.values()) <= self.total_us:
            text += ", the whole within budget"
        return BudgetVerdict(worst, over[worst], text)
