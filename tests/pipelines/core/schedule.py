"""The pure core as one synchronous call: a person and an LLM by chance, and what came of it.

There is one heap of events, and no clock but it. Answers of the models and the page come late
by chance, also for what nobody waits for any more.
"""

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

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
    Listened,
    PlayoutEnded,
    PlayoutStarted,
    PlayoutWord,
    ReplyPaused,
    SayAsked,
    SilenceAsked,
    SpeechPaused,
    SpeechStarted,
    TextTyped,
    Transcribed,
    TurnFact,
    TurnHeldLongEnough,
    TurnIncomplete,
    TurnScored,
)
from pipelines.core.hearing.dictation import Dictation, DictationJob, DictationPolicy
from pipelines.core.memory.conversation import Conversation
from pipelines.core.speaking.speculation import Speculation
from pipelines.core.turn.expectation import NOTHING, Expectation, Expected
from pipelines.core.turn.machine import TurnMachine
from pipelines.core.turn.policy import TurnPolicy
from pipelines.core.turn.state import TurnState
from tests.pipelines.core.speaking.sounding import Send, Sounding

RATE_HZ = 1000
TICK_S = 0.02
LAST_TRY = DictationPolicy().final_tries - 1
"""The ears fail so often in a row at most: words of which every try fails are lost by rule."""
FIRST_LEVEL = 1000
QUIET_AT_END_S = 90.0
"""Longer than the longest answer: by then everything must have come to rest."""
REST_S = 3.0
"""Longer than anything is late."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """Sound that the person makes without a pause; without words, a cough."""

    start_s: float
    end_s: float
    words: tuple[tuple[str, float], ...] = ()
    """Each with its middle."""


@dataclass
class Person:
    """All that the person does in one call."""

    sounds: list[Utterance] = field(default_factory=list)
    hands: list[tuple[float, TextTyped | SilenceAsked]] = field(default_factory=list)

    @property
    def end_s(self) -> float:
        ends = [sound.end_s for sound in self.sounds] + [at for at, _ in self.hands]
        return max(ends, default=0.0)


BACK_CHANNELS = ("mhm", "yeah", "okay")
PROMPT = "go on"
EXPECTED = (
    NOTHING,
    Expectation(Expected.REQUEST),
    Expectation(Expected.CONFIRMATION),
    Expectation(Expected.NAME, 4),
    Expectation(Expected.NAME, 9),
)
"""Words of the schedules are names as good as any."""


def person(chance: random.Random) -> Person:
    """A few turns, with pauses in and between them, coughs, back-channels, typing, a button."""
    does, at, number = Person(), 1.0, itertools.count(1)
    for _ in range(chance.randint(2, 7)):
        kind = chance.choices(
            ("turn", "back-channel", "cough", "stop", "typed", "button"), (10, 3, 2, 1, 2, 2)
        )[0]
        if kind == "typed":
            does.hands.append((at - chance.uniform(0.0, 1.0), TextTyped(f"t{next(number)}")))
        elif kind == "button":
            does.hands.append((at - chance.uniform(0.0, 1.0), SilenceAsked()))
        elif kind == "turn":
            for _ in range(chance.randint(1, 3)):
                count = chance.randint(1, 5)
                mark = chance.choice(("", "", ".", "?", ","))
                words = [f"w{next(number)}" for _ in range(count)]
                words[-1] += mark
                at = _speak(does, words, at, chance) + chance.uniform(0.06, 1.2)
        else:
            words = {"cough": [], "stop": ["stop"]}.get(kind, [chance.choice(BACK_CHANNELS)])
            at = _speak(does, words, at, chance)
        at += chance.choice((0.05, 0.3, 1.0, 3.0, 8.0)) * chance.uniform(0.5, 1.5)
    does.hands.sort(key=lambda hand: hand[0])
    return does


def _speak(does: Person, words: list[str], at: float, chance: random.Random) -> float:
    spoken, start = [], at
    for word in words:
        length = chance.uniform(0.15, 0.4)
        spoken.append((word, at + length / 2))
        at += length
    end = at if words else at + chance.uniform(0.08, 0.4)
    does.sounds.append(Utterance(start, end, tuple(spoken)))
    return end


# ---- the other side ----


@dataclass(frozen=True, slots=True)
class Heard:
    """The part of one word that the page has played, in one stretch."""

    level: int
    start_s: float
    samples: int


class Page:
    """Plays what arrives, without a gap while it has any."""

    def __init__(self) -> None:
        self._pieces: list[tuple[float, NDArray[np.int16], int]] = []
        self._generation = 0

    @property
    def _end_s(self) -> float:
        if not self._pieces:
            return 0.0
        start, pcm, _ = self._pieces[-1]
        return start + len(pcm) / RATE_HZ

    def add(self, pcm: bytes, now: float) -> None:
        self._pieces.append((max(now, self._end_s), np.frombuffer(pcm, "<i2"), self._generation))

    def flush(self, generation: int, now: float) -> tuple[int, int]:
        before = self.played(now)
        while self._pieces and self._pieces[-1][0] >= now:
            self._pieces.pop()
        if self._pieces and self._end_s > now:
            start, pcm, was = self._pieces.pop()
            self._pieces.append((start, pcm[: round((now - start) * RATE_HZ)], was))
        self._generation = generation
        return before

    def played(self, now: float) -> tuple[int, int]:
        total = 0
        for start, pcm, generation in reversed(self._pieces):
            if generation != self._generation:
                break
            total += max(0, min(len(pcm), round((now - start) * RATE_HZ)))
        return self._generation, total

    def heard(self) -> list[Heard]:
        out: list[Heard] = []
        for start, pcm, _ in self._pieces:
            at = 0
            for level, run in itertools.groupby(pcm.tolist()):
                length = len(list(run))
                if level:
                    _add(out, Heard(level, start + at / RATE_HZ, length))
                at += length
        return out


def _add(out: list[Heard], new: Heard) -> None:
    if out:
        last = out[-1]
        together = abs(last.start_s + last.samples / RATE_HZ - new.start_s) < 1e-6
        if last.level == new.level and together:
            out[-1] = Heard(last.level, last.start_s, last.samples + new.samples)
            return
    out.append(new)


@dataclass
class Answer:
    """A reply as the LLM and the voice would make it, if nobody stopped them."""

    reply_id: int
    turn_id: int
    text: str
    words: list[tuple[str, int]] = field(default_factory=list)
    """And the level of each."""
    committed_s: float | None = None
    stopped_s: float | None = None
    stopped_at: int | None = None
    """How many frames had been sent by then, of any reply."""
    withdrawn: bool = False
    ended: bool = False


class Schedule:
    """Plays one to its end; `commands`, `answers`, `page` and `conversation` say what came."""

    def __init__(self, seed: int) -> None:
        chance = self._chance = random.Random(seed)
        self.person = person(chance)
        self.reports = chance.random() < 0.8
        self.way_s = chance.choice((0.0, 0.02, 0.08))
        self._slow = chance.choice((0.05, 0.3, 1.0))
        """How late the models are, in seconds at most."""
        self.notice = chance.random() < 0.3
        """The call begins with what must be heard."""
        self._incomplete = chance.choice((0.2, 0.5, 1.0))
        """How often the model says so, where it may."""
        self.marks = 0
        self._asks = random.Random(-1 - seed)
        self._asked: dict[int, Expectation] = {}
        """By turn: the kind of answer that the bot waits for."""
        policy = TurnPolicy(asks_model=self._asks.random() < 0.5)
        self.turns = TurnMachine(policy, expected=self._expected, prompt=PROMPT)
        self.dictation = Dictation(DictationPolicy())
        self.speculation: Speculation[tuple[str, NDArray[np.int16], tuple[PlayoutWord, ...]] | None]
        self.speculation = Speculation()
        self.playout = Sounding(RATE_HZ, 0.2 if self.reports else 0.06, reports=self.reports)
        self.conversation = Conversation("system")
        self.page = Page()
        self.commands: list[tuple[float, TurnCommand]] = []
        self.sent: list[tuple[float, int, bytes]] = []
        """When, of which reply, what."""
        self.silenced: list[tuple[int, int]] = []
        """How many frames had been sent when the person's hand silenced which reply."""
        self.answers: dict[int, Answer] = {}
        self.levels: list[tuple[int, str, int]] = []
        """By level: the reply, the word, its samples."""
        self.now = 0.0
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._facts: deque[TurnFact] = deque()
        self._busy = False
        self._started = False
        self._turn_id = 0
        self._voices = _voices(self.person.sounds)
        self._wake_s = float("inf")
        self._rested_s, self._failed_in_a_row = 0.0, 0

    def play(self) -> None:
        until_s = self.person.end_s + QUIET_AT_END_S
        if self.notice:
            self._at(0.0, lambda: self._take(SayAsked("notice", must_be_heard=True)))
        for at, hand in self.person.hands:
            self._at(at, lambda hand=hand: self._use(hand))  # type: ignore[misc]
        for start, end in self._voices:
            self._at(start + 0.04, lambda at=start: self._begin_sound(at))  # type: ignore[misc]
            self._at(end + 0.04, lambda at=end: self._end_sound(at))  # type: ignore[misc]
        self._at(0.0, self._tick)
        if self.reports:
            self._at(0.1, self._report)
        while self.now < until_s and self._rested_s < REST_S:
            self.now, _, event = heapq.heappop(self._heap)
            event()

    def _at(self, at: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._heap, (max(at, self.now), next(self._order), event))

    def _after(self, delay: float, event: Callable[[], None]) -> None:
        self._at(self.now + delay, event)

    def _lateness(self) -> float:
        return self._chance.uniform(0.005, self._slow)

    # ---- the ears ----

    def _tick(self) -> None:
        over = self.now > self.person.end_s and self.turns.state is TurnState.IDLE
        self._rested_s = self._rested_s + TICK_S if over else 0.0
        self._take(Listened(self.now))
        self._listen()
        self._after(TICK_S, self._tick)

    def _begin_sound(self, at: float) -> None:
        self.dictation.speech_started(at)
        self._take(SpeechStarted(at))

    def _end_sound(self, at: float) -> None:
        self.dictation.speech_paused(at)
        self._take(SpeechPaused(at))

    def _listen(self) -> None:
        job = self.dictation.next_job(self.now)
        if job is not None:
            took_s = self._lateness()
            self._after(took_s, lambda: self._transcribed(job, took_s))

    def _transcribed(self, job: DictationJob, took_s: float) -> None:
        failed = self._chance.random() < 0.02 and self._failed_in_a_row < LAST_TRY
        self._failed_in_a_row = self._failed_in_a_row + 1 if failed else 0
        text = self._words_between(job.start_s, job.end_s)
        if not job.final and self._chance.random() < 0.1:
            text += " huh"
        wanted = (
            self.dictation.failed(job) if failed else self.dictation.result(job, text, (), took_s)
        )
        if wanted:
            complete = self.dictation.complete
            heard = self.dictation.text
            self._take(Transcribed(heard, job.end_s, complete, self._alternatives(heard)))

    def _alternatives(self, heard: str) -> tuple[tuple[str, float], ...]:
        """It may also have been a word less, or another mark."""
        shorter, share = heard.rpartition(" ")[0], self._asks.uniform(0.0, 0.45)
        others = ((shorter, share), (f"{heard.rstrip('.?,')},", share))
        return self._asks.choice(((), others[:1], others))

    def _words_between(self, start_s: float, end_s: float) -> str:
        return " ".join(
            word
            for sound in self.person.sounds
            for word, middle_s in sound.words
            if start_s <= middle_s < end_s
        )

    # ---- the turn ----

    def _expected(self) -> Expectation:
        turn_id = self.turns.turn_id
        if turn_id not in self._asked:
            self._asked[turn_id] = self._asks.choice(EXPECTED)
        return self._asked[turn_id]

    def _use(self, hand: TextTyped | SilenceAsked) -> None:
        if self.playout.reply_id is not None:
            self.silenced.append((len(self.sent), self.playout.reply_id))
        self._take(hand)

    def _take(self, fact: TurnFact) -> None:
        self._facts.append(fact)
        if self._busy:
            return
        self._busy = True
        while self._facts:
            for command in self.turns.handle(self._facts.popleft()):
                self.commands.append((self.now, command))
                self._obey(command)
        self._busy = False

    def _obey(self, command: TurnCommand) -> None:
        match command:
            case StartReply(reply_id, turn_id, text, judges_turn=judges_turn):
                self.answers[reply_id] = Answer(reply_id, turn_id, text)
                self.speculation.start(reply_id)
                self._think(self.answers[reply_id], judges_turn=judges_turn)
            case CommitReply(reply_id, turn_id, text):
                self._commit(reply_id, turn_id, text)
            case WithdrawReply(reply_id, turn_id, reopened):
                self.answers[reply_id].withdrawn = True
                if reopened:
                    self.conversation.unsaid(turn_id)
                self._drop(reply_id)
            case StopReply(reply_id):
                self.answers[reply_id].stopped_at = len(self.sent)
                self.answers[reply_id].stopped_s = self.now
                self._drop(reply_id)
            case PauseReply(reply_id):
                self._pause(reply_id)
            case ResumeReply():
                self.playout.resume()
                self._pump()
            case ScoreTurn(paused_s):
                score = self._chance.random()
                self._after(self._lateness(), lambda: self._take(TurnScored(score, paused_s)))
            case ForgetSpeech(upto_s):
                self.dictation.forget(upto_s)

    def _pause(self, reply_id: int) -> None:
        self._flush(self.playout.pause(self.now))
        if self._started and reply_id == self.playout.reply_id:
            sentences, left_s = self.playout.around(self.now), self.playout.left_s(self.now)
            self._take(ReplyPaused(reply_id, sentences, left_s))

    def _commit(self, reply_id: int, turn_id: int, text: str) -> None:
        self.answers[reply_id].committed_s = self.now
        if text:
            self.conversation.said(turn_id, text)
        self.playout.begin(reply_id)
        self._turn_id, self._started = turn_id, False
        self._let_go(self.speculation.commit(reply_id))

    def _drop(self, reply_id: int) -> None:
        self.speculation.drop(reply_id)
        if reply_id == self.playout.reply_id:
            generation, _ = self.playout.stop(self.now)
            self._flush(generation)
            self._keep(final=True)

    # ---- the reply ----

    def _mark(self, reply_id: int) -> None:
        """Sooner or later; and the clock, which may speak of another pause than this."""
        self.marks += 1
        late_s = self._lateness() * self._chance.choice((1, 1, 4))
        self._after(late_s, lambda: self._take(TurnIncomplete(reply_id)))
        if self._chance.random() < 0.3:
            held_s = late_s + self._chance.uniform(0.0, 3.0)
            self._after(held_s, lambda: self._take(TurnHeldLongEnough()))

    def _think(self, answer: Answer, *, judges_turn: bool) -> None:
        """Clauses as they come, also when nobody wants them any more."""
        if judges_turn and self._chance.random() < self._incomplete:
            self._mark(answer.reply_id)
            return
        at = self.now + self._lateness()
        for _ in range(self._chance.choice((0, 1, 1, 2, 3))):
            item = self._clause(answer)
            self._at(at, lambda item=item: self._offer(answer, item))  # type: ignore[misc]
            at += self._lateness() * 2
        self._at(at, lambda: self._offer(answer, None))

    def _clause(self, answer: Answer) -> tuple[str, NDArray[np.int16], tuple[PlayoutWord, ...]]:
        pieces = [np.zeros(self._chance.choice((0, 0, 30)), np.int16)]
        at, marks, texts = len(pieces[0]), [], []
        for _ in range(self._chance.randint(1, 6)):
            samples = self._chance.randint(150, 400)
            level = FIRST_LEVEL + len(self.levels)
            word = f"r{answer.reply_id}.{len(answer.words)}"
            self.levels.append((answer.reply_id, word, samples))
            answer.words.append((word, level))
            pieces.append(np.full(samples, level, np.int16))
            marks.append(PlayoutWord(word, at))
            texts.append(word)
            at += samples
        texts[-1] += self._chance.choice(("", ".", "?"))
        answer.words[-1] = (texts[-1], answer.words[-1][1])
        return " ".join(texts), np.concatenate(pieces), tuple(marks)

    def _offer(
        self, answer: Answer, item: tuple[str, NDArray[np.int16], tuple[PlayoutWord, ...]] | None
    ) -> None:
        answer.ended = item is None
        self._let_go(self.speculation.offer(answer.reply_id, item))

    def _let_go(
        self, items: Iterable[tuple[str, NDArray[np.int16], tuple[PlayoutWord, ...]] | None]
    ) -> None:
        for item in items:
            if item is None:
                self.playout.end()
            else:
                text, pcm, words = item
                self.playout.sound(pcm, text, words)
        self._pump()

    # ---- the wire, and the page at its end ----

    def _pump(self) -> None:
        reply_id = self.playout.reply_id
        if reply_id is None:
            return
        for item in self.playout.sends(self.now):
            if isinstance(item, Send):
                self.sent.append((self.now, reply_id, item.pcm))
                self._send(lambda pcm=item.pcm: self.page.add(pcm, self.now))  # type: ignore[misc]
        audible = self.playout.audible_from
        if not self._started and audible is not None and self.playout.sent > audible:
            self._started = True
            self._take(PlayoutStarted(reply_id))
        if self.playout.reply_id == reply_id and self.playout.over(self.now):
            self._keep(final=True)
            self.playout.clear()
            self._take(PlayoutEnded(reply_id))
        self._set_alarm()

    def _set_alarm(self) -> None:
        deadline = self.playout.deadline()
        if deadline is not None and not self.now < self._wake_s <= deadline:
            self._wake_s = max(deadline, self.now)
            self._at(self._wake_s, self._wake)

    def _wake(self) -> None:
        if self.now >= self._wake_s:
            self._wake_s = float("inf")
            self._pump()

    def _flush(self, generation: int | None) -> None:
        if generation is not None and self.reports:
            self._send(lambda: self._obey_flush(generation))

    def _obey_flush(self, generation: int) -> None:
        before = self.page.flush(generation, self.now)
        self._send(lambda: self._played(*before))

    def _send(self, arrive: Callable[[], None]) -> None:
        if self.way_s:
            self._after(self.way_s, arrive)
        else:
            arrive()

    def _report(self) -> None:
        report = self.page.played(self.now)
        self._send(lambda: self._played(*report))
        self._after(0.1, self._report)

    def _played(self, generation: int, samples: int) -> None:
        if self.playout.played(generation, samples, self.now) is not None:
            self._keep(final=False)
            self._pump()

    def _keep(self, *, final: bool) -> None:
        reply_id = self.playout.reply_id
        heard = self.playout.heard(self.now)
        if reply_id is not None and (final or not heard.estimated):
            self.conversation.heard(self._turn_id, reply_id, heard.text, estimated=heard.estimated)


def _voices(sounds: list[Utterance]) -> list[tuple[float, float]]:
    """Stretches of sound as the ears tell them: a gap under 40 ms is none."""
    out: list[tuple[float, float]] = []
    for sound in sorted(sounds, key=lambda sound: sound.start_s):
        if out and sound.start_s - out[-1][1] < 0.05:
            out[-1] = (out[-1][0], max(out[-1][1], sound.end_s))
        else:
            out.append((sound.start_s, sound.end_s))
    return out
