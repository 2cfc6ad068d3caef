"""The bot's words when there is no answer, or none yet; and how a reply that broke off ends."""

from dataclasses import dataclass

from pipelines.core.speaking.phrasing import ENDS
from pipelines.core.speaking.unspaced import count_words

NO_ANSWER = "The language model has failed: there is no answer."
VOICE_FAILED = "The voice has failed: not all of this answer could be spoken."
"""To be read: an apology can be heard, and a voice that fails cannot."""
LEAST_WORDS = 4
"""The fewest words of whole sentences that are an answer: "Sure." is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweringPolicy:
    warm: bool = False
    """Have the server read the next prompt's beginning when nobody waits for it."""
    summarise: bool = False
    """The model sums up lines that no longer fit."""
    meanwhile_s: float = 1.0
    """A tool that takes longer is bridged, where nothing has been said in this reply."""
    settled_s: float = 0.6
    """Silence after speech, before a tool is called that changes something: longer than most pauses
    within a turn, and the time in which it is seen that they have ended.
    """
    lost_s: float = 10.0
    """A question that is on its way to the model for longer was lost in a processor that stands
    between: more than it takes to look something up.
    """
    heard_s: float = 3.5
    """After the end of speech, an answer of which nothing can be heard yet is apologised for, which
    is said from memory: within 4 s something is heard, whether ears, model or voice are late.
    """
    most_rounds: int = 4
    """Answers in one reply that ask for tools: a model may ask for ever."""
    most_cuts: int = 8
    """How often a prompt that does not fit is cut: so many leave a twelfth of a question."""


def ending(said: list[str], rest: list[str], sorry: list[str]) -> list[str]:
    """The last clauses of a reply that broke off: `said` before, `rest` what is left over.

    Where it had come to the end of a sentence it is over, and the beginning of the next is
    dropped; else it is said to the last word, and apologised for.
    """
    ends = [at for at, clause in enumerate(rest) if _ends_sentence(clause)]
    kept = rest[: ends[-1] + 1] if ends else []
    whole = [*said, *kept]
    if whole and _ends_sentence(whole[-1]) and count_words(" ".join(whole)) >= LEAST_WORDS:
        return kept
    return [*rest, *sorry]


def whole(said: list[str], rest: list[str]) -> list[str]:
    """As much of `rest`, the last clauses of an answer that was cut off, as ends a sentence.

    All of it where there is no such end, neither there nor in the clauses said before.
    """
    ends = [at for at, clause in enumerate(rest) if _ends_sentence(clause)]
    if ends:
        return rest[: ends[-1] + 1]
    return [] if said and _ends_sentence(said[-1]) else rest


def _ends_sentence(clause: str) -> bool:
    return clause.rstrip("\"'”’»)]」』） ").endswith(tuple(ENDS))
