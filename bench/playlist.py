"""The benchmark's programme: the suite's turns, and what is said over the bot's answers."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from bench.suite import load as suite
from client.caller.conductor import ScriptLine
from client.caller.measure import MISSED_S
from client.caller.microphone import MICROPHONE_RATE_HZ
from client.caller.speech_file import Recording, SpokenTurn

Kind: TypeAlias = Literal["hanging", "clause", "sentence"]
KINDS: tuple[Kind, ...] = ("hanging", "clause", "sentence")
Role: TypeAlias = Literal["turn", "interruption", "back-channel"]
Half: TypeAlias = Literal["held-out", "fit", "all"]

SUITE_HALVES: dict[Half, tuple[str, ...]] = {
    "held-out": ("held",), "fit": ("fit",), "all": ("held", "fit")
}  # fmt: skip
TAIL_S = MISSED_S + 0.5
"""Seconds of the recording's own room after it: a noise that ended with the speech would give it
away.
"""
BARGE_IN_AFTER_S = 1.2
"""Into the answer: it is well under way, and the LLM's stream too."""


@dataclass(frozen=True, slots=True)
class PlaylistPause:
    """Silence inside a turn, in seconds of its recording."""

    start_s: float
    duration_s: float
    kind: Kind
    origin: str = "natural"
    place: str = ""
    """The same for pauses between the same words of the same sources: not distinct ones."""

    @property
    def end_s(self) -> float:
        return self.start_s + self.duration_s


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaylistItem:
    """One call's worth: a turn, or an opening turn whose answer is spoken over."""

    name: str
    role: Role
    what: str
    """In the suite's words: a question, numbers, a stop, a noise ..."""
    noise: str | None = None
    source: str
    """The recording that it was made from: items of one source are not independent."""
    recording: Recording
    pauses: tuple[PlaylistPause, ...] = ()
    opening: Recording | None = None

    @property
    def lines(self) -> list[ScriptLine]:
        if self.opening is None:
            return [ScriptLine(self.recording)]
        expects = self.role == "interruption"
        return [ScriptLine(self.opening), ScriptLine(self.recording, BARGE_IN_AFTER_S, expects)]

    @property
    def lasts_s(self) -> float:
        """From its first sample to the end of its speech, an answer that it interrupts included."""
        opening_s = self.opening.turns[-1].end_s + 2 * BARGE_IN_AFTER_S if self.opening else 0.0
        return opening_s + self.recording.turns[-1].end_s


def playlist(half: Half = "held-out") -> list[PlaylistItem]:
    """Every item of a half, in the suite's own order: its turns, then what is said over the bot.

    What belongs to neither half (machine speech, coughs) is in both.
    """
    halves = SUITE_HALVES[half]
    turns = [turn for turn in suite.turns() if turn.half in halves]
    opening = _recording(_opening(turns), tail_s=0.0)
    return [_turn(turn) for turn in turns] + [
        _overlap(one, opening)
        for one in suite.overlaps()
        if not one.halves or set(one.halves) <= set(halves)
    ]


def _opening(turns: list[suite.SuiteTurn]) -> suite.SuiteTurn:
    """The shortest plain sentence: the call needs an answer to interrupt, and no more."""
    plain = [turn for turn in turns if turn.what == "sentence" and not turn.pauses]
    return min((turn for turn in plain if turn.noise is None), key=lambda turn: turn.duration_s)


def _turn(turn: suite.SuiteTurn) -> PlaylistItem:
    return PlaylistItem(
        name=turn.id,
        role="turn",
        what=turn.what,
        noise=f"{turn.noise.file} {turn.noise.snr_db:g} dB" if turn.noise else None,
        source=turn.sources[0],
        recording=_recording(turn, TAIL_S),
        pauses=tuple(
            PlaylistPause(one.start_s, one.duration_s, one.kind, one.origin, one.place)
            for one in turn.pauses
        ),
    )


def _overlap(one: suite.Overlap, opening: Recording) -> PlaylistItem:
    pcm = suite.overlap_sound(one, MICROPHONE_RATE_HZ)
    spoken = SpokenTurn(one.start_s, one.end_s, one.transcript or None)
    return PlaylistItem(
        name=f"over-{one.id}",
        role="interruption" if one.what in ("stop", "goes_on") else "back-channel",
        what=one.what,
        source=one.sources[0] if one.sources else one.id,
        recording=Recording(one.file, pcm, (spoken,), labelled=True),
        opening=opening,
    )


def _recording(turn: suite.SuiteTurn, tail_s: float) -> Recording:
    pcm = suite.sound(turn, MICROPHONE_RATE_HZ, tail_s)
    spoken = SpokenTurn(turn.start_s, turn.end_s, turn.transcript)
    return Recording(turn.file, pcm, (spoken,), labelled=True)
