"""Random calls through all the stages: what the core promises, the stages keep.

The models are late by chance and fail by chance, the microphone's frames come with jitter, and
the person speaks, pauses, goes on, interrupts, types and presses the button.
"""

import itertools
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

import pytest

from pipelines.cascade import Policies
from pipelines.core.exchange import Expect, Flush, StopSpeaking, Typed
from pipelines.core.thinking.turn_marks import INSTRUCTION
from pipelines.core.turn.expectation import Expected
from pipelines.core.turn.policy import TurnPolicy
from pipelines.services.protocols import ChatMessage, Finished, ServiceError
from tests.pipelines.services.scripted import Step
from tests.pipelines.stages.rehearsal import (
    FIRST_LEVEL,
    FRAME_S,
    Cue,
    Rehearsed,
    does,
    rehearse,
    says,
    speech_end,
)

MOST_WORDS = 40
BACK_CHANNELS = ("mhm", "yeah", "okay")
LONGEST_ANSWER_S = 20.0


@pytest.mark.parametrize(
    "seeds", [range(15), pytest.param(range(15, 300), marks=pytest.mark.soak)], ids=len
)
def test_random_schedules_keep_every_promise(seeds: range) -> None:
    turns = interruptions = 0
    for seed in seeds:
        call, cues, exact = play(seed)
        try:
            check(call, cues, exact=exact)
        except AssertionError as broken:
            raise AssertionError(f"schedule {seed}: {broken}") from broken
        turns += len(call.captions("user", final=True))
        interruptions += len([c for _, c in call.captioned("bot", final=True) if c.heard])
    assert turns > 1.5 * len(seeds), "the schedules say too little to prove anything"
    assert interruptions > len(seeds) / 10


# ---- by chance ----


def play(seed: int) -> tuple[Rehearsed, list[Cue], bool]:
    """And whether the page says what it played before anything else can be let go."""
    chance = random.Random(seed)
    cues = script(chance)
    last_s = max(speech_end(cue) if isinstance(cue.does, str) else cue.at_s for cue in cues)
    until_s = last_s + LONGEST_ANSWER_S
    flushes = chance.random() < 0.8
    call = rehearse(
        *cues,
        answers=answers(chance),
        policies=Policies(turn=TurnPolicy(asks_model=chance.random() < 0.5)),
        score=lambda audio: chance.random(),
        stt_busy_s=chance.choice((0.01, 0.02, 0.2)),
        stt_fails=lambda job: chance.random() < 0.02,
        tts_first_s=chance.choice((0.0, 0.0, 0.01, 0.3)),
        flushes=flushes,
        way_s=chance.choice((0.0, 0.03, 0.08)),
        arrivals=jitter(chance, until_s),
        until_s=until_s,
    )
    return call, cues, flushes and not any(isinstance(cue.does, Typed) for cue in cues)


def script(chance: random.Random) -> list[Cue]:
    cues: list[Cue] = []
    at, words = 1.0, (f"w{number}" for number in itertools.count(1))
    left = MOST_WORDS
    for _ in range(chance.randint(2, 5)):
        kind = chance.choices(("turn", "back-channel", "typed", "button"), (10, 4, 1, 1))[0]
        if kind == "turn":
            for _ in range(chance.randint(1, 2)):
                count = min(left, chance.randint(1, 4))
                left -= count
                said = list(itertools.islice(words, count))
                if said:
                    said[-1] += chance.choice(("", ".", "?"))
                    cues.append(says(at, " ".join(said)))
                    at = speech_end(cues[-1]) + chance.uniform(0.1, 1.2)
        elif kind == "back-channel":
            cues.append(says(at, chance.choice(BACK_CHANNELS)))
            at = speech_end(cues[-1])
        elif kind == "typed":
            cues.append(does(at - chance.uniform(0.0, 1.0), Typed(f"t{len(cues)}")))
        else:
            cues.append(does(at - chance.uniform(0.0, 1.0), StopSpeaking()))
        at += chance.choice((0.15, 0.5, 1.5, 4.0)) * chance.uniform(0.7, 1.5)
    expected = [Expect(Expected.NAME, size) for size in (2, 6, 40)] + [Expect(Expected.NOTHING)]
    cues += [does(chance.uniform(0.0, at), chance.choice(expected)) for _ in range(3)]
    return sorted(cues, key=lambda cue: cue.at_s)


def answers(chance: random.Random) -> Callable[[Sequence[ChatMessage]], list[Step]]:
    """The words of the n-th request's answer are `rn.0`, `rn.1` and so on."""
    requests, incomplete = itertools.count(), chance.choice((0.2, 0.5, 1.0))

    def answer(messages: Sequence[ChatMessage]) -> list[Step]:
        number, late_s = next(requests), chance.choice((0.0, 0.0, 0.0, 0.02, 0.8))
        if messages[-1].content.startswith(INSTRUCTION) and chance.random() < incomplete:
            return [(late_s * chance.choice((1, 3)), Finished("stop", turn_incomplete=True))]
        pace = chance.choice(((0.0,), (0.0, 0.03, 0.3)))
        words = [f"r{number}.{index}" for index in range(chance.randint(1, 14))]
        for index in range(chance.choice((1, 3)), len(words), 5):
            words[index] += "."
        steps: list[Step] = [(chance.choice(pace), f" {word}") for word in words]
        if chance.random() < 0.05:
            steps.append((0.05, ServiceError("llm", "scripted", retryable=True)))
        return [(late_s, steps[0][1]), *steps[1:]]

    return answer


def jitter(chance: random.Random, until_s: float) -> Callable[[int], float]:
    worst_s = chance.choice((0.0, 0.03, 0.06))
    late = (FRAME_S * (i + 1) + chance.uniform(0.0, worst_s) for i in range(round(until_s * 50)))
    return list(itertools.accumulate(late, max)).__getitem__


# ---- what must hold ----


def check(call: Rehearsed, cues: list[Cue], *, exact: bool) -> None:
    assert (call.errors, call.tasks_left, call.streams_open) == ([], set(), 0)
    assert not any(call.streams_beside), "a stream to the model was left open beside another"
    assert call.states[-1] == "listening"
    assert_no_turn_lost(call, cues)
    assert_each_turn_answered_once(call)
    assert_heard_whole(call)
    assert_history_is_what_was_heard(call, 0 if exact else 1)
    for row in call.rows:
        segments, wait = row["segments"], row["voice_to_voice_s"]
        assert isinstance(segments, dict)
        assert isinstance(wait, float)
        assert round(sum(segments.values()) * 1e6) == round(wait * 1e6)


def assert_no_turn_lost(call: Rehearsed, cues: list[Cue]) -> None:
    said = " ".join(line.text for line in call.history if line.role == "user")
    spoken = " ".join(cue.does for cue in cues if isinstance(cue.does, str))
    assert re.findall(r"w\d+", said) == re.findall(r"w\d+", spoken)
    typed = [cue.does.text for cue in cues if isinstance(cue.does, Typed)]
    assert re.findall(r"t\d+", said) == typed


def request_of(word: str) -> int | None:
    found = re.match(r"r(\d+)\.", word)
    return int(found.group(1)) if found else None


def assert_each_turn_answered_once(call: Rehearsed) -> None:
    """Each answer that was heard is the last request's for a turn, as the turn was said."""
    said = Counter(line.text for line in call.history if line.role == "user")
    heard = {request_of(word.text) for word in call.heard} - {None}
    answered = Counter(
        call.questions[request].removeprefix(INSTRUCTION)
        for request in heard
        if request is not None
    )
    assert answered <= said, f"{answered - said} was answered, but not asked"
    if not any(isinstance(item, Flush) for _, item in call.sent):
        assert answered == said, f"{said - answered} was not answered"
    order = [request_of(word.text) for word in call.heard]
    numbered = [request for request in order if request is not None]
    assert numbered == sorted(numbered), "a stale answer was heard after a newer one"


def assert_heard_whole(call: Rehearsed) -> None:
    """An answer that nobody stopped is heard once; each pause may lose or repeat a word of it."""
    shares = shares_heard(call)
    whole = [caption for _, caption in call.captioned("bot", final=True) if caption.heard is None]
    requests = {request_of(caption.text) for caption in whole} - {None}
    words = [
        (i + FIRST_LEVEL, w)
        for i, (w, _) in enumerate(call.voice.words)
        if request_of(w) in requests
    ]
    off = sum(abs(shares[level] - 1.0) for level, _ in words)
    pauses = sum(isinstance(item, Flush) for _, item in call.sent)
    assert off <= pauses + 0.01, f"{off:.2f} words lost or repeated in {pauses} pauses"


def shares_heard(call: Rehearsed) -> dict[int, float]:
    """By level: how much of that word, once or more often, was heard."""
    shares: dict[int, float] = defaultdict(float)
    for word in call.heard:
        shares[word.level] += word.share
    return shares


def assert_history_is_what_was_heard(call: Rehearsed, words_off: int) -> None:
    shares = shares_heard(call)
    listened: dict[int | None, int] = Counter(
        request_of(call.voice.words[level - FIRST_LEVEL][0])
        for level, share in shares.items()
        if share >= 0.5
    )
    for line in call.history:
        words = line.text.split()
        request = request_of(words[0]) if line.role == "assistant" else None
        if request is None:
            continue
        own = [word for word in words if request_of(word) == request]
        assert [word.rstrip(".") for word in own] == [f"r{request}.{i}" for i in range(len(own))]
        assert abs(len(own) - listened[request]) <= words_off, (
            f"request {request}: {len(own)} words kept, {listened[request]} heard"
        )
