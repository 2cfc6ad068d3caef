"""The demo engine's replies: rules, not a language model. Pure: the clock and chance are given.

It reads what speech-to-text writes: numbers as words or digits, punctuation or none. It tells
how long the person waited for the last answer if a system message has the line
`last answer: 240 ms`; it does not know by itself, for the wait begins in the caller's ear.
"""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

RULE_WORDS = 24
"""A longer turn is a narrative: it is repeated, whatever words are in it."""

ECHO_WORDS = 40
"""As much of a turn is repeated: some 15 s of speech."""

ECHO_CHARACTERS = 400
"""As much of such a turn, where it has few words."""

LONGEST_TURN = 2000
"""Characters of a turn that are looked at: more than the words above ever have."""

COUNT_LIMIT = 100

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_NUMBERS = {word: value for value, word in enumerate(_UNITS)} | {
    word: 10 * value for value, word in enumerate(_TENS, 2)
}

_CAN_DO = (
    "Well, I can tell you the time and the date, count, do a sum, tell a joke or a long story that "
    "you can interrupt, remember your name, and say how fast my last answer was. "
    "Anything else, I repeat."
)

_STORIES = (
    "Sure, here is a long one. You can stop me whenever you like. "
    "Once there was a lighthouse keeper who was never in a hurry. "
    "Every ship that passed asked him the same question: how deep is the water here? "
    "And every time he thought about it, for a whole minute, before he answered. "
    "He was always right, but by then the ship had gone by. "
    "One winter a girl came to live with him, and she brought a parrot. "
    "The parrot had no idea how deep the water was. But the parrot was quick. "
    "When a ship called, it cried at once: one moment, please! "
    "The captains liked that, and they began to slow down. "
    "So the keeper had his minute, the ships had their answer, and nobody ran aground that year. "
    "In spring the girl taught the parrot the numbers from one to twelve. "
    "Soon it knew the depth at high tide, and at low tide, and it answered before the captains had "
    "finished asking. That was worse, because now it answered the wrong questions. "
    "So the keeper taught it one more thing, and it took him all summer. "
    "He taught it to wait, just for a breath, until the other one was really done. "
    "And since then, they say, it has been a pleasure to talk to that parrot. "
    "That is the end of the story.",
    "All right, settle down, this takes a while. "
    "In a town by a river there lived a clockmaker who could not sleep. "
    "He owned three hundred clocks, and no two of them agreed. "
    "When it struck midnight, it went on striking until a quarter past. "
    "His neighbours complained, and the mayor gave him a week to bring the clocks together. "
    "On the first day he made the slow ones faster. "
    "On the second day he made the fast ones slower. "
    "On the third day they were all wrong by exactly the same amount, and he was very proud. "
    "But on the fourth day it rained, and the wooden ones swelled, and on the fifth day the sun "
    "came out, and the iron ones stretched. "
    "On the sixth day he gave up and went for a walk along the river. "
    "There he met an old woman with a single watch, and he asked her whether it was right. "
    "I don't know, she said. I have only the one, so it has never been wrong. "
    "On the seventh day the clockmaker gave away all his clocks but one. "
    "Now the whole town comes to ask him for the time, and he sleeps very well. "
    "That is the end of the story.",
)

_JOKES = (
    "Okay, here is one. Why did the robot cross the road? Its rules said so.",
    "Sure. I would tell you a joke about latency, but you would have to wait for it.",
    "All right. There are ten kinds of people: those who read binary, and those who do not.",
)


class DemoMessage(Protocol):
    """As in `pipelines.services.protocols.ChatMessage`, with any role that the API knows."""

    @property
    def role(self) -> str: ...

    @property
    def content(self) -> str: ...


@dataclass(frozen=True, slots=True)
class RuleInput:
    """The input of a rule."""

    words: str
    """The last turn, lower case, without punctuation, numbers as digits."""
    spoken: str
    """The last turn as it came."""
    earlier: Sequence[DemoMessage]
    """Everything before it."""
    match: re.Match[str]
    now: datetime
    rng: random.Random


Rule = Callable[[RuleInput], str]


def answer(messages: Sequence[DemoMessage], *, now: datetime, rng: random.Random) -> str:
    """Speakable text, never empty, no markdown. `now` is the wall clock in the local zone."""
    last = max((i for i, m in enumerate(messages) if m.role == "user"), default=-1)
    lines = messages[last].content.strip().splitlines() if last >= 0 else []
    # an unanswered turn may stand before it
    spoken = lines[-1].strip()[:LONGEST_TURN] if lines else ""
    words = normal(spoken)
    if not words:
        return "Sorry, I did not catch that. Could you say it again?"
    if len(words.split()) <= RULE_WORDS:
        for pattern, rule in _RULES:
            if match := pattern.search(words):
                return rule(RuleInput(words, spoken, messages[:last], match, now, rng))
    return _echo(spoken)


def normal(spoken: str) -> str:
    """Lower case, numbers below 1000 as digits, apostrophes and decimal points kept."""
    text = spoken[:LONGEST_TURN].lower().replace("\u2019", "'")
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    text = re.sub(r"(?<=[a-z])-(?=[a-z])", " ", text)
    words = re.findall(r"\d+\.\d+|[a-z0-9']+|[+*/×÷-]", text)
    return " ".join(_digits(words))


def _digits(words: Sequence[str]) -> list[str]:
    """`one hundred and twenty five` is 125, and `four seven` stays 4 7."""
    out: list[str] = []
    total = step = 0  # `step` is what the number under way may still take: a unit, or 1..99
    for i, word in enumerate(words):
        value = _NUMBERS.get(word)
        if value is not None and 0 < value < step:
            total += value
            step = 10 if value >= 20 else 0
            out[-1] = str(total)
        elif value is not None:
            total, step = value, 10 if value >= 20 else 0
            out.append(str(value))
        elif word == "hundred" and out and out[-1] in {*"123456789", "a"}:
            total, step = 100 * (1 if out[-1] == "a" else int(out[-1])), 100
            out[-1] = str(total)
        elif word == "and" and step == 100 and words[i + 1 : i + 2] and words[i + 1] in _NUMBERS:
            continue
        else:
            step = 0
            out.append(word)
    return out


def _echo(spoken: str) -> str:
    words = spoken.split()
    said = " ".join(words[:ECHO_WORDS])[:ECHO_CHARACTERS]
    if len(words) > ECHO_WORDS or len(said) == ECHO_CHARACTERS:
        return f"You said: {said.rstrip('.,;:!?')}, and more."
    return f"You said: {' '.join(words).rstrip(',;:-')}{'' if spoken[-1] in '.!?' else '.'}"


def _who(asked: RuleInput) -> str:
    return (
        "I'm the demo that comes with Halfsecond. There is no language model behind me: "
        "I answer by rule, so that you can hear how fast a conversation feels. "
        "Ask me what I can do."
    )


def _speed(asked: RuleInput) -> str:
    told = [
        found
        for message in asked.earlier
        if message.role == "system"
        for found in re.findall(r"last answer: (\d+) ms", message.content)
    ]
    if not told:
        return "Well, nobody has told me yet. The page shows every millisecond of it."
    wait_ms = int(told[-1])
    verdict = (
        "That is about a person's own pace."
        if wait_ms <= 300
        else "A person would have taken about 200."
    )
    return f"Well, my last answer came after {wait_ms} milliseconds. {verdict}"


def _time(asked: RuleInput) -> str:
    hour, minute = asked.now.hour, asked.now.minute
    part = "at night" if hour < 6 or hour >= 22 else "in the morning" if hour < 12 else ""
    part = part or ("in the afternoon" if hour < 18 else "in the evening")
    of_twelve = hour % 12 or 12
    if minute == 0:
        return f"Sure, it's {of_twelve} o'clock {part}."
    return f"Sure, it's {minute} minute{'s' * (minute > 1)} past {of_twelve} {part}."


def _date(asked: RuleInput) -> str:
    day = asked.now.day
    ending = "th" if day // 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"Sure, today is {asked.now:%A}, {asked.now:%B} {day}{ending}."


def _count_up(asked: RuleInput) -> str:
    return _count(int(asked.match["first"] or 1), int(asked.match["last"]), 1)


def _count_down(asked: RuleInput) -> str:
    return _count(int(asked.match["first"]), 1, -1)


def _count(first: int, last: int, step: int) -> str:
    if max(first, last) > COUNT_LIMIT:
        return f"Well, that would take a while. I stop at {COUNT_LIMIT}."
    numbers = [str(n) for n in range(first, last + step, step)]
    if not numbers:
        return "Well, there is nothing to count there."
    tens = [", ".join(numbers[i : i + 10]) for i in range(0, len(numbers), 10)]
    return f"Sure, here we go. {'. '.join(tens)}. Done."


def _sum(asked: RuleInput) -> str:
    a, b = float(asked.match["a"]), float(asked.match["b"])
    sign = asked.match["sign"]
    if sign in ("divided by", "over", "/", "÷"):
        if b == 0:
            return "Well, nobody can divide by zero."
        said, value = "divided by", a / b
    elif sign in ("times", "multiplied by", "x", "*", "×"):
        said, value = "times", a * b
    elif sign in ("minus", "-"):
        said, value = "minus", a - b
    else:
        said, value = "plus", a + b
    about = "" if round(value, 2) == value else "about "
    result = f"{'minus ' * (value < 0)}{abs(round(value, 2)):.12g}"
    return f"Let me see, {a:g} {said} {b:g} is {about}{result}."


def _story(asked: RuleInput) -> str:
    return asked.rng.choice(_STORIES)


def _joke(asked: RuleInput) -> str:
    return asked.rng.choice(_JOKES)


_NAME = re.compile(r"\b(?:my name is|my name's|call me) ([a-z']+)")


def _nice_to_meet(asked: RuleInput) -> str:
    return f"Nice to meet you, {asked.match[1].capitalize()}. I'm the demo."


def _your_name(asked: RuleInput) -> str:
    for message in reversed(asked.earlier):
        if message.role == "user" and (match := _NAME.search(normal(message.content))):
            return f"Of course, you're {match[1].capitalize()}."
    return "Sorry, you have not told me your name yet."


def _last_said(asked: RuleInput, role: str) -> str | None:
    said = (m.content.strip() for m in reversed(asked.earlier) if m.role == role)
    return next(filter(None, said), None)


def _say_again(asked: RuleInput) -> str:
    said = _last_said(asked, "assistant")
    return f"Sure, I said: {said}" if said else "Well, I have not said anything yet."


def _you_said(asked: RuleInput) -> str:
    said = _last_said(asked, "user")
    return _echo(said) if said else "Well, that was the first thing you said."


def _repeat(asked: RuleInput) -> str:
    asking = r"^\W*(?:please\W+)?(?:repeat after me|repeat|say)\W*"
    wanted = re.sub(asking, "", asked.spoken, flags=re.IGNORECASE).rstrip(" .,;:!?")
    return f"Okay. {wanted[:1].upper()}{wanted[1:]}."


def _says(text: str) -> Rule:
    return lambda _: text


_N = r"(?<!\d)(?P<{}>\d{{1,15}}(?:\.\d{{1,15}})?)(?!\d)"
_SIGN = r"(?P<sign>plus|minus|times|multiplied by|divided by|over|x|[+*/×÷-])"
_RULES: list[tuple[re.Pattern[str], Rule]] = [
    (re.compile(pattern), rule)
    for pattern, rule in (
        (r"^(?:please )?(?:repeat after me|repeat|say) (?!that|it|again|what)\w", _repeat),
        (r"\bcount(?: \w+)?(?: ?down| backwards?) from (?P<first>\d{1,4})", _count_down),
        (
            r"\bcount(?: for me| up)?(?: from (?P<first>\d{1,4}))?(?: up)?"
            r" (?:to|till|until) (?P<last>\d{1,4})",
            _count_up,
        ),
        (rf"{_N.format('a')} {_SIGN} {_N.format('b')}", _sum),
        (r"\bhow (?:fast|quick|quickly|slow) (?:was|were|is|are|did|do)\b", _speed),
        (r"\bhow long did (?:you|that|it|your|the)\b|\b(?:your|last) (?:latency|speed)\b", _speed),
        (r"\bwhat time\b|\bwhat(?:'s| is) the time\b|\btell (?:me )?(?:the )?time\b", _time),
        (r"\bwhat(?:'s| is)? (?:the |today's )?(?:date|day)\b|\btell me the date\b", _date),
        (r"\b(?:tell|read|give|want|hear|another|long)\b.*\bstory\b|^story\b", _story),
        (r"\bjoke\b|\bmake me laugh\b", _joke),
        (r"\bwhat(?:'s| is) my name\b|\bmy name again\b|\bwho am i\b|\bknow my name\b", _your_name),
        (_NAME.pattern, _nice_to_meet),
        (r"\bwhat did i (?:just )?(?:say|ask)\b", _you_said),
        (
            r"\bwhat did you (?:just )?say\b|\b(?:say|repeat) (?:that|it)(?: again)?\b|^pardon\b",
            _say_again,
        ),
        (
            r"\bwho are you\b|\bwhat are you\b|\bwhat(?:'s| is) (?:this|your name)\b"
            r"|\bare you (?:a |an )?(?:real|human|robot|bot|person|ai|machine|computer|demo)\b"
            r"|\babout yourself\b|\bintroduce yourself\b",
            _who,
        ),
        (
            r"\bwhat can (?:you|i)\b|\bcan you (?:do|help)\b|^help\b|\bwhat else\b",
            _says(_CAN_DO),
        ),
        (r"\b(?:can|do) you hear me\b", _says("Yes, I can hear you.")),
        (r"\bhow are you\b|\bhow's it going\b", _says("Fine, thanks. And quick, I hope. And you?")),
        (r"\bthank(?:s| you)\b", _says("You're welcome. Anything else?")),
        (
            r"\b(?:good ?bye|bye bye|see you)\b|^bye\b",
            _says("Goodbye! It was nice talking to you."),
        ),
        (
            r"^(?:hello|hi|hey|good (?:morning|afternoon|evening|day))\b(?: \w+){0,3}$",
            _says("Hello! I'm the demo that comes with Halfsecond. What would you like to hear?"),
        ),
        (
            r"^(?:please |okay |no )*(?:stop|wait|enough|be quiet|hold on)(?: \w+){0,2}$",
            _says("Okay, I'm listening."),
        ),
        (r"^(?:yes|yeah|okay|ok|sure|right|fine|no|nope)$", _says("All right. What's next?")),
    )
]
