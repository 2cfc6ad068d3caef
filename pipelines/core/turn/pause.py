"""The pause of a person: since when, what the turn model says of it, and when to ask it again."""

from pipelines.core.turn.policy import TurnPolicy


class Pause:
    """All times are in media seconds."""

    def __init__(self, policy: TurnPolicy) -> None:
        self._policy = policy
        self.since_s = 0.0
        self.score: float | None = None
        """The turn model's newest probability that the turn is over."""
        self._next_score_s: float | None = None

    def begin(self, at_s: float) -> None:
        self.since_s, self.score = at_s, None
        self._next_score_s = at_s + self._policy.first_score_s

    def begin_unscored(self, at_s: float) -> None:
        """The turn model is not asked about it."""
        self.since_s, self._next_score_s = at_s, None

    def rest(self, at_s: float) -> None:
        """It began while the floor was contested: the turn model is asked from now on."""
        self.score, self._next_score_s = None, at_s

    def is_score_due(self, now_s: float) -> bool:
        """True each time that the turn model is to be asked."""
        if self._next_score_s is None or now_s < self._next_score_s:
            return False
        again = now_s + self._policy.rescore_s
        last = self.since_s + self._policy.last_score_s
        self._next_score_s = again if again <= last else None
        return True


class PauseHabit:
    """How often this person went on after a pause in which the turn could have been over."""

    def __init__(self) -> None:
        self.went_on = 0
        """In this turn."""
        self._before = 0
        self._answered_s = 0.0

    def turn_ended(self, at_s: float) -> None:
        self._before, self.went_on, self._answered_s = self.went_on, 0, at_s

    def interrupted(self, at_s: float, cut_in_s: float) -> None:
        """Speech so soon over an answer goes on: it was the bot that cut in."""
        if at_s - self._answered_s <= cut_in_s:
            self.went_on = self._before + 1
