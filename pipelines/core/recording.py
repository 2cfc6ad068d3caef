"""The parts of a recording of a call, each written as one JSON line.

`docs/reference/recording-format.md` is the same for people. Where a call's words are not kept, only
numbers and our own fixed words pass; a text becomes its length.
"""

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipelines.core.commands import (
    CommitReply,
    ForgetSpeech,
    PauseReply,
    ResumeReply,
    ScoreTurn,
    StartReply,
    StopReply,
    TurnCommand,
    WithdrawReply,
)
from pipelines.core.events import (
    AnswerCounted,
    AnswerFailed,
    AnswerFinished,
    CallFact,
    CallOpened,
    CallStarted,
    ClauseBegan,
    DayBegan,
    FirstClause,
    FirstToken,
    HeardToEnd,
    LedgerFact,
    Listened,
    MicrophoneClosed,
    Milestone,
    NothingAudible,
    NothingToSay,
    PlayoutEnded,
    PlayoutStarted,
    PromptWarmed,
    QuestionArrived,
    ReplyPaused,
    ReplyRestarted,
    ResultsWaiting,
    SayAsked,
    SilenceAsked,
    SilenceTrimmed,
    SoundHeard,
    Span,
    SpeechCame,
    SpeechEnded,
    SpeechPaused,
    SpeechStarted,
    SummaryCame,
    TextTyped,
    TimePassed,
    TokensCounted,
    ToolEnded,
    TooMuchToSay,
    Transcribed,
    TranscriptionCame,
    TranscriptionFailed,
    TurnFact,
    TurnHeldLongEnough,
    TurnIncomplete,
    TurnScored,
    VoiceFailed,
)
from pipelines.core.exchange import (
    AnswerMeasured,
    AudioIn,
    AudioOut,
    CallBegan,
    Caption,
    Dtmf,
    Expect,
    Fault,
    Flush,
    FromCaller,
    LineDropped,
    LineRestored,
    Muted,
    Played,
    Say,
    Sent,
    SoundLost,
    StateChanged,
    StopSpeaking,
    ToCaller,
    TurnMeasured,
    Typed,
)

FORMAT = "halfsecond-recording"
VERSION = 1

ABOUT_NAME, EVENTS_NAME = "call.json", "events.jsonl"
SOUND_NAME, VOICE_NAME = "call.flac", "voice.flac"

Level: TypeAlias = Literal["timing", "full"]
Model: TypeAlias = Literal["stt", "turn", "llm", "tts"]


# ---- what the models were asked, and said ----


@dataclass(frozen=True, slots=True)
class Voiced:
    """The VAD's answer for one chunk of 32 ms."""

    chunk: int
    """Its place: the first of the call is 0."""
    probability: float
    took_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    question: int
    """Its number in this call: what follows about it has the same."""
    of: Model
    media_s: float
    """How far the ears had come on the caller's microphone clock."""
    start_s: float | None = None
    """The beginning of a stretch of sound, on that clock."""
    end_s: float | None = None
    final: bool | None = None
    draft: tuple[int, ...] | None = None
    text: str | None = None
    messages: tuple[tuple[str, str], ...] | None = None
    """Role and content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """A piece of an answer."""

    question: int
    of: Model
    text: str | None = None
    words: tuple[tuple[str, float, bool], ...] | None = None
    """A voice's words: each with its start in seconds, and whether that is an estimate."""
    trimmed_s: float | None = None
    first_s: float | None = None
    """Monotonic. When an LLM's first token was here, where it was held since."""
    endpoint: str | None = None
    """Which of several answered: its name."""
    anew: bool | None = None
    """The answer begins here: the text before it turned out to be a thought."""
    pcm: NDArray[np.int16] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The whole answer, or the end of one that came in pieces."""

    question: int
    of: Model
    text: str | None = None
    tokens: tuple[int, ...] | None = None
    confidence: float | None = None
    probability: float | None = None
    queued_s: float | None = None
    busy_s: float | None = None
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    completion_tokens: int | None = None
    tool_calls: tuple[tuple[str, str, str], ...] | None = None
    """The id, the name and the arguments of each."""
    is_cut: bool | None = None
    """An LLM's answer was cut off at its limit."""
    turn_incomplete: bool | None = None
    """It was the mark that the person has not finished."""
    alternatives: tuple[tuple[str, float], ...] | None = None
    """Other texts that the ears thought possible, with their probabilities."""


@dataclass(frozen=True, slots=True)
class Failed:
    question: int
    of: Model
    retryable: bool


@dataclass(frozen=True, slots=True)
class CalledOff:
    """Nobody waits for the answer any more."""

    question: int
    of: Model


Question: TypeAlias = Voiced | Asked | Came | Answered | Failed | CalledOff


# ---- what the core was told ----


@dataclass(frozen=True, slots=True)
class Told:
    """A fact as the call's core was given it: with all of them it decides the same again."""

    fact: CallFact


Noted: TypeAlias = FromCaller | ToCaller | TurnFact | LedgerFact | TurnCommand | Question | Told


class Recorder(Protocol):
    """The keeper of all that happens in one call."""

    def note(self, item: Noted, at_s: float) -> None:
        """`at_s`: monotonic. Never blocks, never fails."""
        ...

    def close(self) -> None:
        """The call is over."""
        ...


# ---- as lines ----

FROM_CALLER: Mapping[str, type[FromCaller]] = {
    "AudioIn": AudioIn,
    "Played": Played,
    "Sent": Sent,
    "Typed": Typed,
    "Muted": Muted,
    "StopSpeaking": StopSpeaking,
    "Dtmf": Dtmf,
    "Expect": Expect,
    "LineDropped": LineDropped,
    "LineRestored": LineRestored,
    "Say": Say,
}
"""The names in `type` of the lines of kind "in".

Names of this and of the next tables stand in recordings on disk: a class may get a new name, its
name here never changes.
"""
_TO_CALLER: Mapping[str, type[ToCaller]] = {
    "AudioOut": AudioOut,
    "Flush": Flush,
    "Caption": Caption,
    "StateChanged": StateChanged,
    "TurnMeasured": TurnMeasured,
    "AnswerMeasured": AnswerMeasured,
    "CallBegan": CallBegan,
    "Fault": Fault,
}
_FACTS: Mapping[str, type[TurnFact | LedgerFact]] = {
    "Listened": Listened,
    "SpeechStarted": SpeechStarted,
    "SpeechPaused": SpeechPaused,
    "Transcribed": Transcribed,
    "TurnScored": TurnScored,
    "TextTyped": TextTyped,
    "SilenceAsked": SilenceAsked,
    "MicrophoneClosed": MicrophoneClosed,
    "SayAsked": SayAsked,
    "ResultsWaiting": ResultsWaiting,
    "PlayoutStarted": PlayoutStarted,
    "PlayoutEnded": PlayoutEnded,
    "ReplyPaused": ReplyPaused,
    "Reached": Milestone,
    "Worked": Span,
    "AnswerCounted": AnswerCounted,
    "SilenceTrimmed": SilenceTrimmed,
    "HeardToEnd": HeardToEnd,
    "TurnIncomplete": TurnIncomplete,
    "TurnHeldLongEnough": TurnHeldLongEnough,
}
_COMMANDS: Mapping[str, type[TurnCommand]] = {
    "StartReply": StartReply,
    "CommitReply": CommitReply,
    "WithdrawReply": WithdrawReply,
    "PauseReply": PauseReply,
    "ResumeReply": ResumeReply,
    "StopReply": StopReply,
    "ScoreTurn": ScoreTurn,
    "ForgetSpeech": ForgetSpeech,
}
_QUESTIONS: Mapping[str, type[Question]] = {
    "Voiced": Voiced,
    "Asked": Asked,
    "Came": Came,
    "Answered": Answered,
    "Failed": Failed,
    "CalledOff": CalledOff,
}
_TOLD: Mapping[str, type[Told]] = {"Told": Told}
_KINDS: Mapping[str, Mapping[str, type]] = {
    "in": FROM_CALLER,
    "out": _TO_CALLER,
    "fact": _FACTS,
    "command": _COMMANDS,
    "model": _QUESTIONS,
    "told": _TOLD,
}
RECORD_TYPES: Mapping[str, type] = {
    name: one for types in _KINDS.values() for name, one in types.items()
}
"""The class of each `type` that a line can have."""
KIND_OF: Mapping[type, str] = {
    one: kind for kind, types in _KINDS.items() for one in types.values()
}
"""By class; `Played` is news of the caller, and no class has two kinds."""
TYPE_OF: Mapping[type, str] = {one: name for name, one in RECORD_TYPES.items()}
"""By class, its name in a recording."""
TOLD_TYPES: Mapping[str, type[CallFact]] = {
    "CallOpened": CallOpened,
    "CallStarted": CallStarted,
    "DayBegan": DayBegan,
    "TimePassed": TimePassed,
    "SoundHeard": SoundHeard,
    "SoundLost": SoundLost,
    "TranscriptionCame": TranscriptionCame,
    "TranscriptionFailed": TranscriptionFailed,
    "TurnScored": TurnScored,
    "QuestionArrived": QuestionArrived,
    "FirstToken": FirstToken,
    "AnswerFinished": AnswerFinished,
    "AnswerFailed": AnswerFailed,
    "TokensCounted": TokensCounted,
    "SummaryCame": SummaryCame,
    "PromptWarmed": PromptWarmed,
    "ToolEnded": ToolEnded,
    "FirstClause": FirstClause,
    "NothingToSay": NothingToSay,
    "TooMuchToSay": TooMuchToSay,
    "VoiceFailed": VoiceFailed,
    "NothingAudible": NothingAudible,
    "ClauseBegan": ClauseBegan,
    "SpeechCame": SpeechCame,
    "ReplyRestarted": ReplyRestarted,
    "SpeechEnded": SpeechEnded,
    "Milestone": Milestone,
    "Span": Span,
    "SilenceTrimmed": SilenceTrimmed,
    "Played": Played,
    "Sent": Sent,
    "Typed": Typed,
    "Muted": Muted,
    "StopSpeaking": StopSpeaking,
    "Dtmf": Dtmf,
    "Expect": Expect,
    "LineDropped": LineDropped,
    "LineRestored": LineRestored,
    "Say": Say,
}
"""The class of each `of` in a line of type "Told"."""
_TOLD_NAMES: Mapping[type, str] = {one: name for name, one in TOLD_TYPES.items()}

_NAMES: Mapping[type, tuple[str, ...]] = {
    kind: tuple(field.name for field in fields(kind) if field.name not in ("pcm", "tell"))
    for kind in KIND_OF
}

MONOTONIC = frozenset({"at_s", "start_s", "end_s", "first_s"})
"""Fields of what the ledger is told, and of an answer's pieces."""

OUR_WORDS = frozenset({"what", "stage", "state", "speaker", "of", "kind"})
"""Fields whose texts are one of a few that the source lists."""


def line_of(item: Noted, at_s: float, level: Level, begun_s: float = 0.0) -> dict[str, object]:
    """All times count from the recording's beginning, at `begun_s` on the monotonic clock.

    Sound is written elsewhere: here stands only its length.
    """
    now, is_full = at_s, level == "full"
    at_s -= begun_s
    line: dict[str, object] = {"t": round(at_s, 6), "k": KIND_OF.get(type(item), "fact")}
    line["type"] = TYPE_OF[type(item)]
    if isinstance(item, Told):
        return line | _told(item.fact, now, is_full=is_full)
    match item:
        case TurnMeasured(row):
            return {**line, "row": dict(row)}
        case AudioIn(pcm) | AudioOut(pcm):
            line["samples"] = len(pcm) // 2
        case Came(pcm=np.ndarray() as sound):
            line["samples"] = len(sound)
        case _:
            pass
    shifted = isinstance(item, Milestone | Span | HeardToEnd | Came | Sent)
    for name in _NAMES[type(item)]:
        value = getattr(item, name)
        if value is None:
            continue
        if shifted and name in MONOTONIC:
            value = round(value - begun_s, 6)
        if is_full:
            line[name] = value
        else:
            line.update(_without_words(name, value))
    return line


def _told(fact: CallFact, now: float, *, is_full: bool) -> dict[str, object]:
    """Times stay as they were, for decisions hang on their last digit."""
    of: dict[str, object] = {"of": _TOLD_NAMES[type(fact)]}
    return {**of, "now": now, "given": asdict(fact)} if is_full else of


def late_audio(pcm: bytes) -> str:
    """Sound that came when its place on the clock was taken, as it stands in its line."""
    return base64.b64encode(pcm).decode()


def audio_of(text: str) -> NDArray[np.int16]:
    """The samples that `late_audio` wrote."""
    return np.frombuffer(base64.b64decode(text), "<i2").astype(np.int16)


def _without_words(name: str, value: object) -> dict[str, object]:
    match value:
        case bool() | int() | float():
            return {name: value}
        case str() if name in OUR_WORDS:
            return {name: value}
        case str():
            return {f"{name}_characters": len(value)}
        case _:
            return {}
