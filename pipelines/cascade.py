"""The stages of a call, in order, on one screen."""

from collections.abc import Callable
from dataclasses import dataclass

from pipelines.core.exchange import FromCaller, ToCaller
from pipelines.services.protocols import (
    LanguageModel,
    SpeechToText,
    TextToSpeech,
    TurnModel,
    VoiceActivity,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The models, one of each for the process; only the VAD is made anew for each call."""

    new_vad: Callable[[], VoiceActivity]
    stt: SpeechToText
    turn: TurnModel
    llm: LanguageModel
    tts: TextToSpeech


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFormat:
    """What the other side of this call speaks, and how it can be interrupted."""

    in_rate_hz: int
    out_rate_hz: int
    lead_s: float = 0.06
    """How far ahead of the clock audio may be sent: 0.06 where nothing can be flushed."""
    reports_playout: bool = False
    """The client says what it has played (`Played`) and obeys `Flush`."""


class Call:
    """One conversation. `push` facts in; what is to be sent comes out of `send`."""

    def __init__(
        self, services: Services, form: CallFormat, send: Callable[[ToCaller], None]
    ) -> None:
        """`send` must not block: the connection queues, with a limit of its own."""
        raise NotImplementedError

    def push(self, event: FromCaller) -> None:
        """Hand over what the person's side did; never blocks. Call it from the event loop."""
        raise NotImplementedError

    async def run(self) -> None:
        """Until cancelled, or until the bot ends the call. Leaves nothing behind."""
        raise NotImplementedError
