"""Whole dialogues at real servers, in real time: a call for each person's side of a recording.

The LLM server says the other person's words, so they are in the history as the bot's own. Where the
other person spoke first, the call begins with a line that nobody judges, to have it answered so.
"""

import asyncio
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from bench.natural.plays import NaturalPlay, cut_ins
from bench.natural.speech import NaturalTurn, sound
from bench.playlist import playlist
from bench.servers import Requests, ServerError
from bench.turns import BREATH_S, GIVE_UP_AFTER, TURN, Bench, Contestant
from client.caller.call import CallResult, TurnResult, place_call
from client.caller.conductor import CallProgress, ScriptLine
from client.caller.door import CallError
from client.caller.microphone import MICROPHONE_RATE_HZ
from client.caller.speech_file import Recording, SpokenTurn

ANSWER = "Sure, I can help with that."
"""Stands for the other person's words where they are not known."""
LONGEST_ANSWER = 15
"""Words: of a longer one its last, for they ask."""
PACING = replace(TURN, until_quiet_s=1.0, hear_s=None, answer_limit_s=20.0)
"""Each answer is heard to its end, to be history."""
ANSWERED_S = 4.0
"""About how long an answer and what is around it take."""


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One person's turns in one recording, in order."""

    turns: tuple[NaturalTurn, ...]

    @property
    def lasts_s(self) -> float:
        return sum(turn.end_s + ANSWERED_S for turn in self.turns)


def dialogues(turns: Iterable[NaturalTurn]) -> list[Dialogue]:
    """Each person's side of each recording."""
    sides: dict[str, list[NaturalTurn]] = {}
    for turn in turns:
        sides.setdefault(turn.dialogue, []).append(turn)
    return [Dialogue(tuple(sorted(side, key=lambda one: one.first_s))) for side in sides.values()]


def some(found: Sequence[Dialogue], turns: int | None, seed: int) -> list[Dialogue]:
    """Whole dialogues, drawn by chance until they have so many turns; all without a limit."""
    order = list(found)
    random.Random(seed).shuffle(order)
    chosen: list[Dialogue] = []
    for dialogue in order:
        if turns is None or sum(len(one.turns) for one in chosen) < turns:
            chosen.append(dialogue)
    return chosen


def answers(dialogue: Dialogue) -> list[str]:
    """The bot's words after each turn: the other person's before the next."""
    following = [_last_words(turn.asked) for turn in dialogue.turns[1:]]
    return [*following, ANSWER]


def judged(
    server: str, dialogue: Dialogue, turns: Sequence[TurnResult], heard: CallResult
) -> Iterator[NaturalPlay]:
    """`turns`: the results of the dialogue's own turns, in order."""
    for turn, result in zip(dialogue.turns, turns, strict=True):
        offset_s = result.said.start_s - result.turn.start_s
        sounds = [(start_s - offset_s, end_s - offset_s) for start_s, end_s in heard.sounds]
        yield NaturalPlay(
            server=server,
            turn=turn,
            v2v_s=result.wait.v2v_s,
            missed=result.wait.missed,
            cut_ins=cut_ins(turn, sounds),
            late_s=result.late_s,
        )


def counted(
    plays: Sequence[NaturalPlay], requests: Requests, reference: str, opened: int
) -> list[NaturalPlay]:
    """The whole call's requests and words stand at its first turn; `opened`: unjudged answers."""
    answers = opened + sum(len(play.cut_ins) + (not play.missed) for play in plays)
    asked = requests.asked[-1] if requests.asked else ""
    wasted = max(0, requests.opened - answers)
    return [replace(plays[0], wasted=wasted, asked=asked, reference=reference), *plays[1:]]


class DialogueBench:
    """Plays dialogues at each contestant of a running bench."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        opening = next(item for item in playlist("all") if item.opening is not None).opening
        assert opening is not None
        self._opening = opening

    async def play(
        self, items: Sequence[Dialogue], tell: Callable[[list[NaturalPlay]], None]
    ) -> None:
        """Every dialogue at every server, each time beginning with another one.

        Raises ServerError if a server is gone, or fails GIVE_UP_AFTER times in a row; SpeechError.
        """
        contestants = self._bench.contestants
        for contestant in contestants:  # a first call is colder than the rest
            await self._call(contestant, [ScriptLine(self._opening)], [ANSWER])
        for number, dialogue in enumerate(items):
            turn = number % len(contestants)
            for contestant in contestants[turn:] + contestants[:turn]:
                tell(await self._dialogue(contestant, dialogue))

    async def _dialogue(self, contestant: Contestant, dialogue: Dialogue) -> list[NaturalPlay]:
        contestant.server.check()
        name, said = contestant.server.name, answers(dialogue)
        lines = [ScriptLine(_recording(turn)) for turn in dialogue.turns]
        opened = dialogue.turns[0].asked
        if opened:
            lines, said = [ScriptLine(self._opening), *lines], [_last_words(opened), *said]
        await self._bench.engine.begin()
        result = await self._call(contestant, lines, said)
        if isinstance(result, CallError):
            contestant.failures += 1
            if contestant.failures >= GIVE_UP_AFTER:
                raise ServerError(f"{name}: {result}")
            return [
                NaturalPlay(server=name, turn=turn, missed=True, failed=str(result))
                for turn in dialogue.turns
            ]
        contestant.failures = 0
        requests = await self._bench.engine.requests()
        own = result.turns[1:] if opened else result.turns
        plays = list(judged(name, dialogue, own, result))
        reference = " ".join(str(line.recording.turns[0].transcript) for line in lines)
        return counted(plays, requests, reference, opened=bool(opened))

    async def _call(
        self, contestant: Contestant, lines: Sequence[ScriptLine], said: Sequence[str]
    ) -> CallResult | CallError:
        """The LLM server is given each line's answer as the line begins."""
        engine = self._bench.engine
        await engine.say(said[0])
        told = 0
        options = replace(contestant.options, pacing=PACING)
        async with asyncio.TaskGroup() as tasks:

            def watch(progress: CallProgress) -> None:
                nonlocal told
                if progress.line > told:
                    told = progress.line
                    tasks.create_task(engine.say(said[told]))

            try:
                result: CallResult | CallError = await place_call(
                    contestant.server.url, lines, options, watch
                )
            except CallError as error:
                result = error
        await asyncio.sleep(BREATH_S)
        return result


def _recording(turn: NaturalTurn) -> Recording:
    spoken = SpokenTurn(turn.start_s, turn.end_s, turn.text)
    return Recording(turn.id, sound(turn, MICROPHONE_RATE_HZ), (spoken,), labelled=True)


def _last_words(text: str) -> str:
    words = text.split()
    return " ".join(words[-LONGEST_ANSWER:]) + "?" if words else ANSWER
