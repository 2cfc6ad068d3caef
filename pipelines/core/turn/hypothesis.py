"""The words of a turn as the ears have them, and how long they have stood."""

from dataclasses import replace

from pipelines.core.events import Transcribed
from pipelines.core.turn.wording import same_words


class Hypothesis:
    """The newest transcript of what is being said; each look at the audio may change it."""

    def __init__(self) -> None:
        self._newest = Transcribed("", 0.0, final=False)
        self._new_s = 0.0
        """Up to where the audio went when these words were new, and their mark."""

    @property
    def text(self) -> str:
        return self._newest.text

    @property
    def alternatives(self) -> tuple[tuple[str, float], ...]:
        """Other texts that it may have been, with their probabilities."""
        return self._newest.alternatives

    @property
    def upto_s(self) -> float:
        """Media time up to which has been listened."""
        return self._newest.upto_s

    @property
    def final(self) -> bool:
        """The person is silent, and every word has been listened to."""
        return self._newest.final

    def stood_s(self, media_s: float) -> float:
        """Seconds of audio, up to now, that have changed neither the words nor their mark."""
        return max(0.0, (media_s if self.final else self.upto_s) - self._new_s)

    def learn(self, newest: Transcribed) -> None:
        same_mark = _ends_sentence(newest.text) == _ends_sentence(self.text)
        if not (same_mark and same_words(newest.text, self.text)):
            self._new_s = newest.upto_s
        self._newest = newest

    def reopen(self) -> None:
        """There is new speech: what was final is not."""
        self._newest = replace(self._newest, final=False)

    def forget(self, upto_s: float) -> None:
        """The words up to there are dealt with."""
        self._newest, self._new_s = Transcribed("", upto_s, final=False), upto_s


def _ends_sentence(text: str) -> bool:
    return text.rstrip()[-1:] in (".", "!", "?")
