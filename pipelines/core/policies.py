"""The rules' constants of a call, and the format of its other side."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pipelines.core.announcements import Announcements
from pipelines.core.hearing.dictation import DictationPolicy
from pipelines.core.hearing.intake import STALL_S
from pipelines.core.hearing.voicing import VoicingPolicy
from pipelines.core.keypad import KeypadPolicy
from pipelines.core.ledger.budget import Budget
from pipelines.core.ledger.ledger import Fact
from pipelines.core.memory.tools import Tool
from pipelines.core.thinking.answering import AnsweringPolicy
from pipelines.core.thinking.prompt import SYSTEM_PROMPT
from pipelines.core.turn.endpointing import Completes, nothing_known
from pipelines.core.turn.policy import TurnPolicy
from pipelines.words import ENGLISH
from pipelines.words.phrases import Phrases


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFormat:
    """The format of this call's other side, and how it can be interrupted."""

    in_rate_hz: int
    out_rate_hz: int
    lead_s: float = 0.06
    """How far ahead of the clock audio may be sent: 0.06 where nothing can be flushed."""
    reports_playout: bool = False
    """The client says what it has played (`Played`) and obeys `Flush`."""
    stall_s: float = STALL_S
    """Seconds without audio that are waited out before they count as silence: few where a client
    may stop sending without a word.
    """
    announcements: Announcements | None = None
    """None: those of the policies."""
    tools: tuple[Tool, ...] = ()
    """Tools for this call alone, beside the policies'."""
    facts: Mapping[str, Fact] = field(default_factory=dict)
    """Facts about this way in, to stand in every ledger row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """The rules' constants, and what the bot is told to be."""

    system_prompt: str = SYSTEM_PROMPT
    phrases: Phrases = ENGLISH
    """All that the bot says by itself, beside the announcements."""
    today: Callable[[], str] = str
    """Says which day it is, for the model to be told after the system prompt; "" for nothing."""
    voicing: VoicingPolicy = field(default_factory=VoicingPolicy)
    dictation: DictationPolicy = field(default_factory=DictationPolicy)
    turn: TurnPolicy = field(default_factory=TurnPolicy)
    completes: Completes = nothing_known
    """How probable it is that a thought ends after these words."""
    keypad: KeypadPolicy = field(default_factory=KeypadPolicy)
    announcements: Announcements = field(default_factory=Announcements)
    budget: Budget = field(default_factory=Budget)
    answering: AnsweringPolicy = field(default_factory=AnsweringPolicy)
    prompt_tokens: int | None = None
    """Tokens that a prompt may have; None for no limit."""
    tools: tuple[Tool, ...] = ()
    """Tools that the model may call."""
    hangs_up: bool = False
    """The model may end the call."""
    tells_last_wait: bool = False
    """The model is told how long its last answer took. The demo engine can say it; a real one's
    prefix cache is worth more."""
    facts: Mapping[str, Fact] = field(default_factory=dict)
    """Facts to stand in every ledger row: engines, models, profile."""
