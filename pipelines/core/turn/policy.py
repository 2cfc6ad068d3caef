"""The turn machine's constants."""

from dataclasses import dataclass, field

from pipelines.core.turn.endpointing import EndpointingPolicy

LONGEST_TURN = 16_384
"""Characters that may be typed into one turn: a quarter of an hour of speech."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnPolicy:
    endpointing: EndpointingPolicy = field(default_factory=EndpointingPolicy)
    fresh_s: float = 0.08
    """A transcript that lacks no more than this of the speech is worth a speculative reply."""
    first_score_s: float = 0.02
    """Silence after which the turn model is asked, for its answer takes 30 to 50 ms."""
    rescore_s: float = 0.14
    """The turn model is asked again after each of these, while the silence grows."""
    last_score_s: float = 0.7
    telling_pause_s: float = 0.15
    """A pause this long that the person goes on after tells how this person pauses."""
    cut_in_s: float = 1.5
    """A person who speaks over an answer so soon after it began had not finished."""
    passed_s: float = 0.15
    """Silence after which a sound over the bot was a cough or an "mhm", and not the beginning of
    more."""
    asks_model: bool = False
    """The language model may answer that the person has not finished."""
    most_speculations: int = 4
    """Replies begun before a turn is committed; the next one waits for the commit."""
