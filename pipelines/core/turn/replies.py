"""The reply that is under way, of which there is one at most."""

from pipelines.core.commands import StartReply, WithdrawReply
from pipelines.core.turn.wording import same_words


class Replies:
    def __init__(self) -> None:
        self.newest_id = 0
        """The id of the reply under way, while there is one."""
        self._text: str | None = None
        """The words that it answers; None while none is under way."""
        self._turn_id = 0

    @property
    def is_under_way(self) -> bool:
        return self._text is not None

    @property
    def is_asked_for(self) -> bool:
        """True if it answers words of the person, and the bot does not speak of its own accord."""
        return bool(self._text)

    def is_news(self, reply_id: int) -> bool:
        """True if this is of the reply under way: late news of another is normal."""
        return self.is_under_way and reply_id == self.newest_id

    def is_unheard(self, turn_id: int) -> bool:
        """True if nothing of the newest reply was heard in this turn: the next turn begins with its
        first sound.
        """
        return self._turn_id == turn_id

    def start(
        self,
        turn_id: int,
        text: str,
        say: str = "",
        *,
        ends_call: bool = False,
        judges_turn: bool = False,
    ) -> StartReply:
        self.newest_id += 1
        self._text, self._turn_id = text, turn_id
        return StartReply(self.newest_id, turn_id, text, say, ends_call, judges_turn)

    def end(self) -> int:
        """It is no longer under way. Returns its id."""
        assert self.is_under_way
        self._text = None
        return self.newest_id

    def withdraw(self, turn_id: int, *, reopened: bool = False) -> WithdrawReply:
        return WithdrawReply(self.end(), turn_id, reopened)

    def withdraw_outdated(self, turn_id: int, text: str) -> list[WithdrawReply]:
        """The one under way, if it answers other words."""
        is_outdated = self._text is not None and not same_words(self._text, text)
        return [self.withdraw(turn_id)] if is_outdated else []
