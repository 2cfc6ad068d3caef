"""Speech and keys over a notice that must be heard: they wait, and happen after it."""

from dataclasses import replace

from pipelines.core.events import (
    SayAsked,
    SpeechPaused,
    SpeechStarted,
    TextTyped,
    Transcribed,
    TurnFact,
)
from pipelines.core.turn.wording import words

WAITING = (SpeechStarted, SpeechPaused, Transcribed, TextTyped, SayAsked)
"""Facts that happen after what must be heard."""
ECHO_WORDS = 3
"""So many words of the notice, in its order and no others, are its echo in the microphone: fewer
may be a person's "hello"."""


class Notice:
    """One, from when it is asked for until it has been heard."""

    def __init__(self, text: str) -> None:
        self._words = words(text)
        self._started: SpeechStarted | None = None
        self._paused: SpeechPaused | None = None
        self._transcribed: Transcribed | None = None
        self._typed: list[str] = []
        self._say: SayAsked | None = None

    @property
    def typed(self) -> int:
        """Characters of the texts that wait."""
        return sum(len(text) + 1 for text in self._typed)

    def wait(self, fact: TurnFact) -> None:
        """Speech in several stretches is one turn: each transcript is of all of it."""
        match fact:
            case SpeechStarted():
                self._started, self._paused = self._started or fact, None
                if self._transcribed is not None:  # there is more to be listened to
                    self._transcribed = replace(self._transcribed, final=False)
            case SpeechPaused(media_s):
                self._started, self._paused = self._started or SpeechStarted(media_s), fact
            case Transcribed():
                self._transcribed = fact
            case TextTyped(text):
                self._typed.append(text.strip())
            case SayAsked():
                self._say = fact
            case _:
                pass

    def facts(self) -> list[TurnFact]:
        """The facts that have waited, as if they had happened when the notice was over: speech,
        with the text typed beside it, is one turn.
        """
        facts: list[TurnFact] = [] if self._started is None else [self._started]
        if self._typed:
            facts.append(TextTyped(" ".join(self._typed)))
        if self._started is not None:
            facts += [fact for fact in (self._paused, self._heard) if fact is not None]
        if self._say is not None:
            facts.append(self._say)
        return facts

    @property
    def _heard(self) -> Transcribed | None:
        """The newest transcript; it is over only where the person is silent again."""
        heard = self._transcribed
        if heard is None:
            return None
        is_over = heard.final and self._paused is not None
        return Transcribed("" if self._is_echo(heard.text) else heard.text, heard.upto_s, is_over)

    def _is_echo(self, text: str) -> bool:
        said = words(text)
        places = range(len(self._words) - len(said) + 1)
        return len(said) >= ECHO_WORDS and any(
            self._words[at : at + len(said)] == said for at in places
        )
