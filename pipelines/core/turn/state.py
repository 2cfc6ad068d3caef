"""The states of the floor."""

import enum


class TurnState(enum.Enum):
    IDLE = enum.auto()
    """Nobody speaks, and nothing is owed."""
    HEARING = enum.auto()
    """The person speaks."""
    PAUSED = enum.auto()
    """The person is silent; the turn may be over."""
    CLOSING = enum.auto()
    """The silence has been long enough; the last words are still being transcribed."""
    THINKING = enum.auto()
    """The turn is committed; nothing of the reply has been heard."""
    SPEAKING = enum.auto()
    ANNOUNCING = enum.auto()
    """The bot says what must be heard: whatever the person does waits until it was."""
    PROMPTING = enum.auto()
    """The bot asks for the rest of an answer; the turn is the person's still."""
    CONTESTED = enum.auto()
    """The person makes a sound while a committed reply is heard: it is paused."""
    CONTESTED_EARLY = enum.auto()
    """The same before anything of it was heard: the turn may go on after all."""


WAITS = (TurnState.PAUSED, TurnState.CLOSING)
"""The person has paused, and may have finished."""
REPLIES = (TurnState.THINKING, TurnState.SPEAKING)
"""The turn is over, and the bot has the floor."""
SILENT = (TurnState.IDLE, TurnState.THINKING, TurnState.SPEAKING)
"""The person makes no sound."""
CONTESTED = (TurnState.CONTESTED, TurnState.CONTESTED_EARLY)
