"""A reply on its way: what was asked, and what has become of it so far."""

import asyncio
from dataclasses import dataclass, field

from pipelines.core.ledger.ledger import Fact
from pipelines.core.memory.entry import HistoryEntry


@dataclass(eq=False)
class Reply:
    reply_id: int
    turn_id: int
    question: str
    asked_s: float
    since_s: float
    """When the person fell silent, where that is known."""
    settled_s: float = 0.0
    """When the person will have been silent for long enough to call what changes something."""
    committed: asyncio.Event = field(default_factory=asyncio.Event)
    floor: asyncio.Event = field(default_factory=asyncio.Event)
    """Set unless the person makes a sound meanwhile."""
    news: list[HistoryEntry] = field(default_factory=list)
    """Results of which its request has told."""
    spoken: str = ""
    """The source of the answer that is coming."""
    enough: bool = False
    """Whatever else the model says is dropped."""
    said: bool = False
    """Something of it can be heard, be it to bridge a wait."""
    facts: dict[str, Fact] = field(default_factory=dict)
    bridging: asyncio.Task[None] | None = None
