"""Whatever an endpoint sends, a turn that is over ends in something heard, in time.

Streams by chance, over real sockets on virtual time: parts that are missing, doubled, torn or in
another order, hidden marks, calls of tools, reasons to finish where there are none.
"""

import json
import random
import re
from typing import Any

import pytest

from pipelines.core.exchange import AnswerMeasured
from tests.pipelines.services.scripted_endpoint import DONE, HANG, TEAR, Reply, Step, delta, finish
from tests.pipelines.stages.test_faults import LATEST_S, calling, first_sound_s, for_ever

WORDS = (
    *("We", " close", " at", " ten", " tonight", ".", " Sure,", " Then,", " and", "\n", " ", ""),
    *("👍", "...", "```\n", "```", "<think>", "</think>", "[THINK]", "[/THINK]", "<|channel|>"),
    *("analysis", "<|message|>", "<tool_call>", "</tool_call>", '{"name": "clock"', "}", "</s>"),
    *("assistant: ", "The user wants", "我们今天营业到晚上十点", "，", "。", "<br>", "---", "{"),
    "วันนี้เราเปิดถึงสี่ทุ่ม",
)
WAITS_S = (0.0, 0.0, 0.02, 0.3, 1.0, 6.0)


def by_chance(chance: random.Random) -> list[Step]:
    steps: list[Step] = []
    for _ in range(chance.randint(0, 12)):
        steps.append(chance.choice(WAITS_S[: chance.choice((3, 4, 6))]))
        steps.append(part(chance))
    if chance.random() < 0.3 and steps:  # a part that is doubled
        steps.insert(chance.randrange(len(steps)), chance.choice(steps))
    if chance.random() < 0.2:
        chance.shuffle(steps)
    if chance.random() < 0.7:
        steps.append(finish(chance.choice(("stop", "stop", "length", "tool_calls", "null"))))
    if chance.random() < 0.7:
        steps.append(DONE)
    if chance.random() < 0.3:
        steps.append(chance.choice((HANG, TEAR)))
    return [step if isinstance(step, float | bytes | str) else dict(step) for step in steps]


def part(chance: random.Random) -> Step:
    words = "".join(chance.choice(WORDS) for _ in range(chance.randint(1, 4)))
    call: dict[str, Any] = {"name": chance.choice(("clock", "")), "arguments": "{}"}
    message = {"choices": [{"message": {"content": words}, "finish_reason": None}]}
    early = {"choices": [{"delta": {"content": words}, "finish_reason": "stop"}]}
    return chance.choices(
        (
            delta(content=words),
            delta(content=[{"type": "text", "text": words}]),
            delta(reasoning_content=words),
            delta(tool_calls=[{"index": 0, "id": chance.choice(("a", "b")), "function": call}]),
            delta(role="assistant"),
            message,
            early,
            {"choices": []},
            b"data: : PROCESSING\n\n",
            json.dumps(message).encode() + b"\n",
            b"data: {torn\n\n",
        ),
        (40, 5, 5, 4, 4, 4, 4, 4, 4, 1, 1),
    )[0]


@pytest.mark.parametrize(
    "seeds", [range(25), pytest.param(range(25, 600), marks=pytest.mark.soak)], ids=len
)
def test_a_turn_ends_in_words_or_in_an_apology(seeds: range) -> None:
    for seed in seeds:
        chance = random.Random(seed)
        endpoint = for_ever([Reply(by_chance(chance)) for _ in range(chance.randint(1, 3))])
        done = calling(endpoint, until_s=40.0)
        facts = [item.facts for _, item in done.sent if isinstance(item, AnswerMeasured)]
        rounds = 1 + sum(bool(one.get("llm_tool_calls")) for one in facts[-1:]) * 4

        assert re.search(r"\w", done.heard_text), f"stream {seed} ends in silence"
        assert first_sound_s(done) <= LATEST_S * rounds, f"stream {seed} is late"
        assert done.states[-1] == "listening", f"the turn of stream {seed} has no end"
        assert done.errors == [], f"stream {seed}"
