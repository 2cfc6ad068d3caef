"""Each turn's wait, from what was sent and what was played.

The definitions are the project's: voice-to-voice runs from the last sample of the person's
speech, as labelled and as sent, to the first audible sample of the answer as played. A turn
without an answer within 5 s is missed and counts as 5 s. A turn that was cut into counts to the
next answer that begins after its labelled end. An answer begins where sound follows 250 ms of
silence, so that a voice that was already talking at the end is never taken for the answer. Cut-ins
are counted twice: all of them, and those that a person notices.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from client.caller.player import Sound
from client.caller.wording import words_in
from pipelines.core.ledger.statistics import percentile

MISSED_S = 5.0
ANSWER_GAP_S = 0.25
NOTICED_S = 0.3
"""A person notices a cut-in of which more is audible."""
PERCENTILES = (50, 95, 99)

TRANSCRIPT_TYPES = ("user-transcription", "user-input", "stt-raw-text")
ANSWER_TYPES = ("bot-output", "bot-transcription", "bot-tts-text", "tts-raw-text")
"""Servers say the same in several messages: the first of these kinds that occurs is used."""


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """An RTVI message, and when it arrived."""

    at_s: float
    kind: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SentTurn:
    """A turn as it was sent, in seconds of the client's clock."""

    start_s: float
    end_s: float
    next_s: float
    """When the next turn begins, or the call ends: what is heard later is not its answer."""
    interrupts: bool = False
    """It was played over the bot's voice on purpose."""
    expects_answer: bool = True


@dataclass(frozen=True, slots=True)
class BargeIn:
    """The bot's behaviour when it was spoken over, from the onset of the person's speech."""

    silent_s: float
    """To the last audible sample before at least ANSWER_GAP_S of silence, as played."""
    next_sound_s: float | None
    """To the sound after that silence, before the next turn: it went on, or it answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """One turn, measured from the outside."""

    v2v_s: float
    """MISSED_S if it was missed."""
    missed: bool
    cut_ins_s: tuple[float, ...] = ()
    """Sounds of the bot that began while the person was not done, from the turn's start."""
    cut_ins_heard_s: tuple[float, ...] = ()
    """The seconds that each was audible, before and after the person went on."""
    barge_in: BargeIn | None = None

    @property
    def cut_in(self) -> bool:
        return bool(self.cut_ins_s)

    @property
    def noticed(self) -> bool:
        """True if a person would notice that the turn was cut into."""
        return any(heard_s > NOTICED_S for heard_s in self.cut_ins_heard_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The server's words about a turn."""

    transcript: str
    answer: str
    cut_off: str | None = None
    """The part of an interrupted answer that the server thinks was heard in this turn."""
    row: Mapping[str, Any] | None = field(default=None)
    """The server's own ledger."""


def stretches(sounds: Iterable[Sound]) -> list[tuple[float, float]]:
    """The times at which sound begins after at least ANSWER_GAP_S of silence, each with the audible
    seconds up to the next such silence.
    """
    found: list[tuple[float, float]] = []
    quiet_from = float("-inf")
    for start_s, end_s in sounds:
        if start_s - quiet_from >= ANSWER_GAP_S:
            found.append((start_s, 0.0))
        first_s, heard_s = found[-1]
        found[-1] = (first_s, heard_s + end_s - start_s)
        quiet_from = end_s
    return found


def onsets(sounds: Iterable[Sound]) -> list[float]:
    """The times at which sound begins after at least ANSWER_GAP_S of silence."""
    return [start_s for start_s, _ in stretches(sounds)]


def measure_wait(said: SentTurn, sounds: Sequence[Sound]) -> Wait:
    """`sounds` are those of the whole call, in order."""
    found = stretches(sounds)
    answers = [at for at, _ in found if said.end_s <= at < said.next_s]
    cut_ins = [(at, heard_s) for at, heard_s in found if said.start_s < at < said.end_s]
    wait_s = answers[0] - said.end_s if answers else MISSED_S
    missed = not answers or wait_s > MISSED_S
    barge_in = _measure_barge_in(said, sounds) if said.interrupts else None
    return Wait(
        v2v_s=MISSED_S if missed else wait_s,
        missed=missed and said.expects_answer,
        cut_ins_s=tuple(at - said.start_s for at, _ in cut_ins),
        cut_ins_heard_s=tuple(round(heard_s, 4) for _, heard_s in cut_ins),
        barge_in=barge_in,
    )


def _measure_barge_in(said: SentTurn, sounds: Sequence[Sound]) -> BargeIn:
    silent_s = said.start_s
    next_sound_s = None
    for start_s, end_s in sounds:
        if end_s <= said.start_s:
            continue
        if start_s - silent_s >= ANSWER_GAP_S:
            next_sound_s = start_s - said.start_s if start_s < said.next_s else None
            break
        silent_s = end_s
    return BargeIn(silent_s - said.start_s, next_sound_s)


def words_of(messages: Sequence[ReceivedMessage]) -> Words:
    """From the messages that arrived between this turn's start and the next one's.

    The answer is what was said after the last interruption. A transcript that goes on from the
    one before it, word for word, replaces it: the server took the turn's end back.
    """
    rows = [m.data for m in messages if _says(m, "turn")]
    cuts = [m.data for m in messages if _says(m, "cut-off")]
    interrupted = [at for at, m in enumerate(messages) if _is_interruption(m)]
    last_answer = messages[interrupted[-1] + 1 :] if interrupted else messages
    return Words(
        transcript=" ".join(_without_beginnings(_texts(messages, TRANSCRIPT_TYPES))),
        answer=" ".join(_texts(last_answer, ANSWER_TYPES)),
        cut_off=str(cuts[-1].get("heard", "")) if cuts else None,
        row=rows[-1].get("row") if rows else None,
    )


def _without_beginnings(texts: Sequence[str]) -> list[str]:
    kept: list[str] = []
    for text in texts:
        if kept and words_in(text)[: len(words_in(kept[-1]))] == words_in(kept[-1]):
            kept.pop()
        kept.append(text)
    return kept


def _says(message: ReceivedMessage, kind: str) -> bool:
    return message.kind == "server-message" and message.data.get("type") == kind


def _is_interruption(message: ReceivedMessage) -> bool:
    return message.kind == "bot-interrupted" or _says(message, "cut-off")


def _texts(messages: Sequence[ReceivedMessage], kinds: Sequence[str]) -> list[str]:
    for kind in kinds:
        texts = [str(m.data.get("text", "")) for m in messages if m.kind == kind and _whole(m.data)]
        if any(texts):
            return [text.strip() for text in texts if text.strip()]
    return []


def _whole(data: Mapping[str, Any]) -> bool:
    """Neither an interim transcript nor the progress of a text that was sent before."""
    return data.get("final", True) is True and data.get("spoken_status", "new") in {"new", None}


@dataclass(frozen=True, slots=True)
class Summary:
    turns: int
    p50_s: float
    p95_s: float
    p99_s: float
    """NaN without turns."""
    cut_in: int
    noticed: int
    """Those of them that a person would notice."""
    missed: int


def summarise(waits: Sequence[Wait]) -> Summary:
    """Every turn counts, whatever became of it."""
    times = [wait.v2v_s for wait in waits]
    p50, p95, p99 = (percentile(times, percent) for percent in PERCENTILES)
    cut_in = sum(wait.cut_in for wait in waits)
    noticed = sum(wait.noticed for wait in waits)
    return Summary(len(waits), p50, p95, p99, cut_in, noticed, sum(wait.missed for wait in waits))
