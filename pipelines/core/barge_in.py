"""The person makes a sound while the bot speaks: is it an interruption?"""

import enum

from pipelines.core.wording import words


class Judgement(enum.Enum):
    WAIT = enum.auto()
    """Not enough has been heard to tell."""
    GO_ON = enum.auto()
    """A cough, or a listener's "mhm": the bot goes on."""
    STOP = enum.auto()
    """The person wants the floor."""


BACK_CHANNELS = frozenset(
    """mhm mm mmm hm hmm uh-huh uh huh mm-hmm yeah yes yep yup ya ok okay right sure aha ah oh i
    see good great nice cool exactly indeed wow really true alright fine of course got it""".split()
)
"""Words that a listener says without wanting the floor."""

STOPS = frozenset({"stop", "wait", "hold", "pause", "quiet", "silence", "enough", "shush", "hang"})
"""Words that end an answer at once, wherever they stand."""

LONGEST_BACK_CHANNEL = 3


def judge(text: str, *, final: bool) -> Judgement:
    """`final`: the person is silent again, and this is all that was said."""
    said = words(text)
    if any(word in STOPS for word in said):
        return Judgement.STOP
    if not said:
        return Judgement.GO_ON if final else Judgement.WAIT
    listening = len(said) <= LONGEST_BACK_CHANNEL and all(word in BACK_CHANNELS for word in said)
    if listening:
        return Judgement.GO_ON if final else Judgement.WAIT
    if len(said) >= 2 or final:
        return Judgement.STOP
    return Judgement.WAIT
