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


_LABEL_THOUGHT = re.compile(
    r"[\s*_#]{0,20}(?i:thoughts?|thinking|reasoning)\s?\d{0,2}[*_]{0,2}:"
    r"|(?:assistant)?(?:analysis|commentary)(?=[^\W_]|[\"'\n]|\s?to=)"
    r"|(?:\s{0,20}thought\n)"
)
_LABEL_ANSWER = re.compile(
    r"[\s*_#]{0,20}(?i:final answer|answer|response)[*_]{0,2}:|(?:assistant)?\s?final(?=[A-Z])"
)
_LABELS_IN_TEXT = ("thought", "observation", "user", "human")
_LABEL_IN_TEXT = re.compile(
    rf"[*_#]{{0,4}}(?i:{'|'.join(_LABELS_IN_TEXT)})\s?\d{{0,2}}[*_]{{0,2}}:"
)
_LABELS = (
    *("thought", "thoughts", "thinking", "reasoning", "final answer", "answer", "response"),
    *("analysis", "commentary", "final"),
    *("assistantanalysis", "assistantcommentary", "assistantfinal", "assistant final"),
)
_BEGUN_LABEL = re.compile(rf"(?:{'|'.join(_LABELS)})[\s\d*_]{{0,5}}(?:to?)?")
_BEGUN_LABEL_IN_TEXT = re.compile(rf"(?:{'|'.join(_LABELS_IN_TEXT)})[\s\d*_]{{0,5}}")
_ANSWERED = re.compile(
    r"assistant\s?final|(?i:final answer)[*_]{0,2}\s?:|</think>|\[/think\]"
    r"|(?m:^)[*_#]{0,4}(?i:answer|response)[*_]{0,2}:"
)
_LONGEST_END = 40
"""Characters; no label of an answer is longer."""
_MOST_STARS = 4
_LONGEST_THOUGHT = 65_536
"""Characters; of a longer thought the beginning is forgotten."""
_DONE = re.compile(r"(?im)^\W{0,4}action[*_]{0,2}\s?:|to=functions\.")
_MADE_UP = re.compile(r"(?im)^\W{0,4}observation[*_]{0,2}\s?:")


def label_at_start(text: str) -> tuple[int, bool] | None:
    """The end of the label that an answer begins with, and whether a thought follows it."""
    if (found := _LABEL_THOUGHT.match(text)) is not None:
        return found.end(), True
    found = _LABEL_ANSWER.match(text)
    return None if found is None else (found.end(), False)


def label_at_line(text: str) -> int | None:
    """The end of the label that a line begins with: of a thought, or of what is made up.

    Models that are not stopped go on with a tool's result, or with the person's next words.
    """
    found = _LABEL_IN_TEXT.match(text)
    return None if found is None else found.end()


def may_become_label_at_line(text: str) -> bool:
    bare = text.lstrip("*_#").lower()
    return (
        len(text) - len(bare) <= _MOST_STARS
        and len(text) < _LONGEST_END
        and (
            any(one.startswith(bare) for one in _LABELS_IN_TEXT)
            or _BEGUN_LABEL_IN_TEXT.fullmatch(bare) is not None
        )
    )


def may_become_label(text: str) -> bool:
    """True if `text`, the whole of an answer so far, may be the beginning of a label."""
    bare = text.lstrip("\n\t *_#").lower()
    return any(one.startswith(bare) for one in _LABELS) or bool(_BEGUN_LABEL.fullmatch(bare))


class Musing:
    """A thought behind a label, up to the label of the answer."""

    def __init__(self, label: str) -> None:
        self._parts: list[str] = []
        self._size = 0
        self._tail = ""
        label = label.strip(" *_#\n").lower()
        self._is_prose = not label.startswith(("user", "human", "analysis", "commentary"))
        self._is_made_up = label.startswith(("observation", "user", "human"))

    def take(self, text: str) -> int | None:
        """The place in `text` at which the answer begins; None if all of it is thought."""
        look, before = self._tail + text, len(self._tail)
        # The first character of what was seen before is there to tell a line's beginning.
        end = _ANSWERED.search(look, 1 if before else 0)
        if end is not None:
            seen = "".join(self._parts)
            self._parts = [(seen + text)[: len(seen) - before + end.start()]]
            return end.end() - before
        self._parts.append(text)
        self._size += len(text)
        self._tail = look[-_LONGEST_END:]
        if self._size > 2 * _LONGEST_THOUGHT:
            self._parts = ["".join(self._parts)[-_LONGEST_THOUGHT:]]
            self._size = _LONGEST_THOUGHT
        return None

    @property
    def _text(self) -> str:
        return "".join(self._parts)

    @property
    def done(self) -> str:
        """The calls that it asks for, as they are written; "" if it has none."""
        text = self._text
        begin = None if self._is_made_up else _DONE.search(text)
        rest = "" if begin is None else text[begin.start() :]
        made_up = _MADE_UP.search(rest)
        return rest if made_up is None else rest[: made_up.start()]

    @property
    def unlabelled(self) -> str:
        """The last of several paragraphs: the answer of a model that gives it no label."""
        _, gap, last = self._text.rstrip().rpartition("\n\n")
        return last if gap and self._is_prose else ""
