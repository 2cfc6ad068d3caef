"""How models begin to think when nothing marks it: of the person they answer, not to them.

Sources: DeepSeek-R1 and Qwen3 begin with "Okay, the user", gpt-oss with "The user asks" and "We
need to answer"; R1's and Qwen3-Thinking's templates open the thought themselves, so the answer
holds its end alone.
"""

import re

_SOUNDS = ("ok", "okay", "alright", "hmm", "hm")
"""They may come first."""
_BEGINNINGS = tuple(
    tuple(words.split())
    for words in (
        "the user",
        "so the user",
        "user asks",
        "user asked",
        "user wants",
        "user says",
        "user said",
        "user is",
        "we need to answer",
        "we need to respond",
        "we need to reply",
        "we need to produce",
        "we should answer",
        "we should respond",
        "we should reply",
        "i need to answer",
        "i need to respond",
        "i need to reply",
        "i should answer",
        "i should respond",
        "i should reply",
        "let me think about what the user",
    )
)
_ENOUGH = 80
"""Characters in which a beginning is told."""


def muses(text: str) -> bool | None:
    """True if a text that begins so is a thought; None where more of it has to come first."""
    text = text[:_ENOUGH]
    words = [word for word in re.split(r"[^\w]+", text.lower()) if word]
    whole = len(words) if not text or not text[-1].isalnum() else len(words) - 1
    if whole and words[0] in _SOUNDS:
        words, whole = words[1:], whole - 1
    elif not whole:
        return None if _may_begin(words) or not words else False
    begun = [one for one in _BEGINNINGS if _agree(one, words, whole)]
    if any(len(one) <= whole for one in begun):
        return True
    return None if begun and len(text) < _ENOUGH else False


def _agree(beginning: tuple[str, ...], words: list[str], whole: int) -> bool:
    """True if `words`, of which `whole` are complete, go along with a beginning so far."""
    for at, wanted in enumerate(beginning[: len(words)]):
        if not (words[at] == wanted if at < whole else wanted.startswith(words[at])):
            return False
    return True


def _may_begin(words: list[str]) -> bool:
    return any(
        one.startswith(words[0])
        for one in (*_SOUNDS, *(first for first, *_ in _BEGINNINGS))
        if words
    )
