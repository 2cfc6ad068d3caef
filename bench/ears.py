"""Our ears without the rest of a call: what they notice is told to a function."""

from collections.abc import Callable
from typing import TypeAlias

from pipelines.core.commands import ScoreTurn, Transcribe
from pipelines.core.events import (
    SoundHeard,
    Span,
    TranscriptionCame,
    TranscriptionFailed,
    TurnFact,
    TurnScored,
)
from pipelines.core.hearing.dictation import Dictation, DictationPolicy
from pipelines.core.hearing.listening import Listener, Noticed
from pipelines.core.hearing.rates import EAR_RATE_HZ
from pipelines.core.hearing.signal import EarSignal
from pipelines.core.hearing.voicing import Voicing, VoicingPolicy
from pipelines.services.protocols import SpeechToText, TurnModel, VoiceActivity
from pipelines.stages.hearing import Hearing

Told: TypeAlias = SoundHeard | TranscriptionCame | TranscriptionFailed | TurnScored | Span


class EarsAlone:
    """`stage` hears the frames that it is given, at `EAR_RATE_HZ`."""

    def __init__(
        self,
        vad: VoiceActivity,
        stt: SpeechToText,
        turn: TurnModel,
        note: Callable[[TurnFact], None],
        voicing: VoicingPolicy | None = None,
        dictation: DictationPolicy | None = None,
    ) -> None:
        self._note = note
        self.stage = Hearing(EarSignal(EAR_RATE_HZ, EAR_RATE_HZ), vad, stt, turn, self._tell)
        self._listener = Listener(
            Voicing(voicing or VoicingPolicy()),
            Dictation(dictation or DictationPolicy()),
            "",
            self._take,
        )

    def score(self, paused_s: float) -> None:
        """Ask the turn model about the pause that began there, in media time."""
        self.stage.obey(ScoreTurn(paused_s))

    def forget(self, media_s: float) -> None:
        """Speech up to there is dealt with."""
        self._listener.forget(media_s)

    def _tell(self, fact: Told) -> None:
        now = self.stage.get_event_loop().time()
        match fact:
            case SoundHeard():
                self._listener.hear(fact, now)
            case TranscriptionCame():
                self._listener.transcribed(fact, now)
            case TranscriptionFailed():
                self._listener.failed(fact, now)
            case TurnScored():
                self._note(fact)
            case Span():
                pass

    def _take(self, noticed: Noticed) -> None:
        if isinstance(noticed, Transcribe):
            self.stage.obey(noticed)
        elif isinstance(noticed, TurnFact):
            self._note(noticed)
