"""The phrases of a language."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    language: str
    """BCP 47, as Twilio's <Say> takes it; "" for the language that it speaks anyway, English."""
    greeting: str
    """The telephone's, where no other is set."""
    apology: str
    """There is no answer."""
    cold: str
    """There is none because the model still loads."""
    meanwhile: str
    """A tool takes its time."""
    go_on: str
    """The person has given a part of an answer, and says no more."""
    unheard: str
    """The recogniser has failed."""
    are_you_there: str
    nobody_there: str
    time_is_up: str
    not_through: str
    """A call could not be handed on."""
    after_transfer: str
    """Said by the telephone company to both sides once a call that was handed on is over."""
    busy: str
    """Said by the telephone company where no call can be taken, as the next two are."""
    away: str
    broken: str
