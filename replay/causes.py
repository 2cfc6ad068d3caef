"""Causes of a turn's wait: the moments of a recorded turn, and the same with other costs.

The model, with every time from the last sample of speech:

- the pause is noticed after `noticed`; the transcription of the last words is asked then and takes
  `stt`; the turn may be over at `over`, which does not come before either the pause is noticed or,
  where the decision came with the turn model's answer, before that;
- the turn is committed when it may be over and its words are known;
- the reply is begun at `begun`: together with the transcript that it answers, with the pause, or
  at the commit; its first token, first clause and first sound follow one after the other;
- nothing is heard before the commit.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Line: TypeAlias = Mapping[str, Any]
Trigger: TypeAlias = Literal["transcript", "clock", "commit"]

TOGETHER_S = 0.008
"""A moment that follows so soon after another was brought about by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One turn. Seconds, from the last sample of speech where they are moments."""

    turn: int
    ended_s: float
    """From the recording's beginning."""
    noticed: float
    over: float
    by_turn_model: bool
    """The decision came with the turn model's answer."""
    words: float
    """When the last of them were known; may be before `noticed`."""
    stt: float
    begun: float
    trigger: Trigger
    first_token: float
    """Seconds from the question; the others, from the token and from the clause."""
    first_clause: float
    first_audio: float
    send: float
    way: float
    v2v: float

    @property
    def commit(self) -> float:
        return max(self.over, self.words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instead:
    """Other costs. None: as it was. Seconds."""

    noticed: float | None = None
    stt_more: float = 0.0
    turn_more: float = 0.0
    first_token: float | None = None
    first_audio: float | None = None
    way: float | None = None
    speculates: bool = True


def v2v_of(cause: Cause, instead: Instead) -> float:
    """The wait as it would have been."""
    noticed = cause.noticed if instead.noticed is None else instead.noticed
    later = noticed - cause.noticed
    after_pause = cause.words >= cause.noticed
    words = cause.words + (later + instead.stt_more if after_pause else 0.0)
    moved = later + instead.turn_more if cause.by_turn_model else 0.0
    over = max(cause.over + moved, noticed)
    commit = max(over, words)
    begun = {
        "transcript": cause.begun + words - cause.words,
        "clock": max(cause.begun, noticed if cause.begun >= cause.noticed else cause.begun),
        "commit": commit + cause.begun - cause.commit,
    }[cause.trigger]
    if not instead.speculates:
        begun = max(begun, commit)
    token = cause.first_token if instead.first_token is None else instead.first_token
    audio = cause.first_audio if instead.first_audio is None else instead.first_audio
    ready = begun + token + cause.first_clause + audio
    way = cause.way if instead.way is None else instead.way
    return max(commit, ready) + cause.send + way


@dataclass(slots=True)
class _Seen:
    ended_s: float = 0.0
    noticed_s: float = 0.0
    over_s: float = 0.0
    words_s: float = 0.0
    scored_s: float = -1.0
    stt: float = 0.0
    started: dict[int, float] = field(default_factory=dict)
    after_words: dict[int, bool] = field(default_factory=dict)
    transcribed_s: float = -1.0
    work: dict[tuple[int, str], float] = field(default_factory=dict)
    committed: dict[int, dict[str, Any]] = field(default_factory=dict)


def causes_of(events: Iterable[Line]) -> list[Cause]:
    """The causes of every answered turn whose moments are all there."""
    seen = _Seen()
    found = []
    for line in events:
        kind, what = line["k"], line["type"]
        if kind == "fact":
            _learn(seen, line)
        elif what == "StartReply":
            reply = line["reply_id"]
            seen.started[reply] = line["t"]
            seen.after_words[reply] = line["t"] - seen.transcribed_s < TOGETHER_S
        elif what == "CommitReply":
            seen.committed[line["turn_id"]] = {
                "reply": line["reply_id"], "t": line["t"], "ended": seen.ended_s,
                "noticed": seen.noticed_s, "over": seen.over_s, "words": seen.words_s,
                "scored": seen.scored_s, "stt": seen.stt,
            }  # fmt: skip
        elif what == "TurnMeasured":
            cause = _cause(seen, line["row"])
            if cause is not None:
                found.append(cause)
    return found


def _learn(seen: _Seen, line: Line) -> None:
    match line["type"]:
        case "Reached":
            what, at_s = line["what"], line["at_s"]
            if what == "speech_ended":
                seen.ended_s, seen.noticed_s = at_s, line["t"]
            elif what == "pause_over":
                seen.over_s = at_s
            elif what == "transcript_final":
                seen.words_s = at_s
        case "Worked":
            reply = line.get("reply_id")
            took = line["end_s"] - line["start_s"]
            if reply is not None:
                seen.work[reply, line["stage"]] = took
            elif line["stage"] == "stt":
                seen.stt = took
        case "TurnScored":
            seen.scored_s = line["t"]
        case "Transcribed":
            seen.transcribed_s = line["t"]
        case _:
            pass


def _cause(seen: _Seen, row: Mapping[str, Any]) -> Cause | None:
    commit = seen.committed.get(row["turn"])
    if commit is None:
        return None
    reply, ended_s = commit["reply"], commit["ended"]
    if reply not in seen.started or not {(reply, "llm"), (reply, "phrasing")} <= seen.work.keys():
        return None
    begun_s = seen.started[reply]
    at_commit = commit["t"] - begun_s < TOGETHER_S
    trigger: Trigger = (
        "commit" if at_commit else ("transcript" if seen.after_words[reply] else "clock")
    )
    segments = row["segments"]
    return Cause(
        turn=row["turn"],
        ended_s=ended_s,
        noticed=commit["noticed"] - ended_s,
        over=commit["over"] - ended_s,
        by_turn_model=0 <= commit["over"] - commit["scored"] < TOGETHER_S,
        words=commit["words"] - ended_s,
        stt=commit["stt"],
        begun=begun_s - ended_s,
        trigger=trigger,
        first_token=seen.work[reply, "llm"],
        first_clause=seen.work[reply, "phrasing"],
        first_audio=seen.work.get((reply, "tts"), 0.0),
        send=segments["send"],
        way=segments["played"],
        v2v=row["voice_to_voice_s"],
    )
