"""The outcome of each turn of a recorded or replayed call: one definition for every report."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias, get_args

from pipelines.core.ledger.budget import SEGMENTS

Line: TypeAlias = Mapping[str, Any]
Stage: TypeAlias = Literal[
    "vad",
    "endpointing",
    "stt",
    "turn",
    "llm_first_token",
    "first_clause",
    "tts_first_audio",
    "send",
    "played",
]
STAGES: tuple[Stage, ...] = get_args(Stage)
"""The stages whose own time is told, whether somebody waited for it or it was hidden.

`vad` is how much sound it takes after the last sample of speech until the pause is noticed,
whenever that sound arrives; `endpointing` is from there to the decision. All others are the
stage's own work: from its question to its answer.
"""
_WORK: Mapping[str, Stage] = {
    "stt": "stt",
    "turn": "turn",
    "llm": "llm_first_token",
    "phrasing": "first_clause",
    "tts": "tts_first_audio",
}
_OTHERS: Mapping[str, Stage] = {"endpointing": "endpointing", "send": "send", "play": "played"}
V2V = "v2v"
_DECISIONS = frozenset({"StartReply", "CommitReply", "WithdrawReply", "PauseReply", "ResumeReply",
                        "StopReply"})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayTurn:
    """Times in seconds from the recording's beginning where nothing else is said."""

    number: int
    ended_s: float
    """When the last sample of speech came."""
    ended_media_s: float
    """The same sample, on the caller's microphone clock: by it turns are paired."""
    answered_s: float
    """When the first audible sample of the answer was heard, as far as is known."""
    v2v_s: float
    waited: dict[str, float]
    """The ledger's segments: they sum to `v2v_s`."""
    took: dict[str, float]
    """The time of each of `STAGES`, waited for or not; those that were not seen are left out."""
    hidden: dict[str, float]
    transcript: str
    answer: str
    heard: str | None = None
    """The heard part of an answer that was cut off."""
    withdrawn: int = 0
    """Answers that were begun for it and never heard."""
    spans: list[dict[str, Any]] = field(default_factory=list)
    """The ledger's, relative to `ended_s`."""
    verdict: str = ""
    held_up: dict[str, float] = field(default_factory=dict)
    """How long threads waited for a processor core meanwhile, by stage and of the whole wait
    (`v2v`); only where that is known."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(slots=True)
class _Seen:
    """The state while the lines go by."""

    paused_media_s: float = 0.0
    lag_s: float | None = None
    """The lag in noticing that pause."""
    speech_ended_s: float = 0.0
    committed: dict[int, "_Commit"] = field(default_factory=dict)
    work: dict[int | None, dict[str, float]] = field(default_factory=dict)
    reached: dict[tuple[int | None, str], float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Commit:
    reply_id: int
    text: str
    ended_s: float
    ended_media_s: float
    lag_s: float
    work: Mapping[str, float]


def turns_of(events: Iterable[Line]) -> list[ReplayTurn]:
    """Every answered turn, in order. Without words, transcripts are empty."""
    seen = _Seen()
    found: list[ReplayTurn] = []
    answers: dict[int, list[tuple[str, bool, str | None]]] = {}
    for line in events:
        match line["k"], line["type"]:
            case "fact", "SpeechPaused":
                seen.paused_media_s, seen.lag_s = line["media_s"], None
            case "fact", "Listened" if seen.lag_s is None:  # told right after the pause is
                seen.lag_s = line["media_s"] - seen.paused_media_s
            case "fact", "Reached":
                _reach(seen, line)
            case "fact", "Worked":
                seen.work.setdefault(line.get("reply_id"), {})[line["stage"]] = (
                    line["end_s"] - line["start_s"]
                )
            case "command", "CommitReply":
                _commit(seen, line)
            case "out", "TurnMeasured":
                found.append(_turn(seen, line["row"]))
            case "out", "Caption" if line["speaker"] == "bot":
                said = line.get("text", ""), bool(line["final"]), line.get("heard")
                answers.setdefault(line["turn"], []).append(said)
            case _:
                pass
    return [_with_answer(turn, answers.get(turn.number, [])) for turn in found]


def decisions_of(events: Iterable[Line]) -> list[str]:
    """The decisions, in order, with their words: the same in every replay that changes nothing."""
    return [
        " ".join(str(line[name]) for name in ("type", "reply_id", "turn_id", "text", "reopened")
                 if name in line)
        for line in events
        if line["k"] == "command" and line["type"] in _DECISIONS
    ]  # fmt: skip


def _reach(seen: _Seen, line: Line) -> None:
    what, at_s = line["what"], line["at_s"]
    if what == "speech_ended":
        seen.speech_ended_s = at_s
    seen.reached[line.get("reply_id"), what] = at_s


def _commit(seen: _Seen, line: Line) -> None:
    seen.committed[line["turn_id"]] = _Commit(
        line["reply_id"],
        line.get("text", ""),
        seen.speech_ended_s,
        seen.paused_media_s,
        seen.lag_s or 0.0,
        dict(seen.work.get(None, {})),
    )


def _turn(seen: _Seen, row: Mapping[str, Any]) -> ReplayTurn:
    number = row["turn"]
    commit = seen.committed.get(number)
    waited: dict[str, float] = {name: float(row["segments"][name]) for name in SEGMENTS}
    v2v_s = float(row["voice_to_voice_s"])
    took: dict[str, float] = {}
    ended_s = ended_media_s = 0.0
    if commit is not None:
        ended_s, ended_media_s = commit.ended_s, commit.ended_media_s
        took = {"vad": commit.lag_s} if commit.lag_s else {}  # seen from outside, there is none
        took["endpointing"] = max(0.0, waited["endpointing"] - commit.lag_s)
        work = {**commit.work, **seen.work.get(commit.reply_id, {})}
        took |= {stage: work[name] for name, stage in _WORK.items() if name in work}
    took |= {"send": waited["send"], "played": waited["played"]}
    return ReplayTurn(
        number=number,
        ended_s=ended_s,
        ended_media_s=ended_media_s,
        answered_s=ended_s + v2v_s,
        v2v_s=v2v_s,
        waited=waited,
        took={stage: took[stage] for stage in STAGES if stage in took},
        hidden={name: float(value) for name, value in row["hidden"].items()},
        transcript=commit.text if commit else "",
        answer="",
        withdrawn=int(row["facts"].get("withdrawn_replies", 0)),
        spans=list(row["spans"]),
        verdict=str(row["verdict"]["text"]),
    )


def spans_of(turn: ReplayTurn) -> dict[str, tuple[float, float]]:
    """From when to when each stage was at work that was not in vain, and the whole wait."""
    found = {V2V: (turn.ended_s, turn.answered_s)}
    for span in turn.spans:
        stage = _WORK.get(span["stage"], _OTHERS.get(span["stage"]))
        if stage is not None and not span["withdrawn"]:
            found[stage] = turn.ended_s + span["start_s"], turn.ended_s + span["end_s"]
    return found


def _with_answer(turn: ReplayTurn, said: Sequence[tuple[str, bool, str | None]]) -> ReplayTurn:
    whole = next((text for text, final, _ in reversed(said) if final), None)
    begun = " ".join(text for text, final, _ in said if not final)
    heard = next((heard for _, _, heard in reversed(said) if heard is not None), None)
    values = {name: getattr(turn, name) for name in turn.__dataclass_fields__}
    answer = begun if heard is not None else (whole or begun)
    return ReplayTurn(**{**values, "answer": answer, "heard": heard})
