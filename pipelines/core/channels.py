"""Thoughts and control tokens that leak into a model's answer, taken out of it as it comes.

`<think>...</think>`, Gemma's `<|channel>thought ...<channel|>`, the harmony format's
`<|channel|>analysis<|message|>...<|end|>`; and marks such as `<end_of_turn>` that stand alone.
"""

import re
from typing import Literal

_TAG = re.compile(r"</?\|?/?[a-z_]{2,24}\|?>")
_BEGUN_TAG = re.compile(r"<(?:/?\|?/?[a-z_]{0,24}\|?)?\Z")
"""The text may be about to become a tag."""
_THINKING = frozenset({"think", "thinking", "thought", "reasoning"})
_MARKS = frozenset(
    "bos eos pad unk end_of_turn im_end endoftext eot_id end_of_text return message constrain "
    "call".split()
)
"""Tags that mean nothing to a listener; any other text in angle brackets is the model's own."""
_ROLES = frozenset({"start", "start_of_turn", "im_start", "turn"})
"""A role's name follows, which is not spoken."""
_SPOKEN = frozenset({"final", "answer", "response"})
"""Channels that are meant for the person."""
_LONGEST_NAME = 40


class ChannelFilter:
    """One for each answer. How the text is cut into pieces does not change what comes out."""

    def __init__(self) -> None:
        self._text = ""
        self._hidden = False
        self._naming: Literal["channel", "role"] | None = None
        """A name is being read, which ends with anything that is no letter."""

    def feed(self, text: str) -> str:
        """What can be spoken of `text` and of what was kept back before it."""
        self._text += text
        out: list[str] = []
        while self._text:
            if self._naming is not None:
                if not self._read_name():
                    break
                continue
            tag = _TAG.search(self._text)
            if tag is None:
                begun = _BEGUN_TAG.search(self._text)
                end = begun.start() if begun else len(self._text)
                out.append(self._shown(end))
                break
            out.append(self._shown(tag.start()))
            self._text = self._text[len(tag[0]) :]
            out.append(self._obey(tag[0]))
        return "".join(out)

    def finish(self) -> str:
        """The rest, when the answer is over: what began like a tag and was none."""
        rest, self._text = self._text, ""
        return "" if self._hidden or self._naming is not None else rest

    def _shown(self, end: int) -> str:
        text, self._text = self._text[:end], self._text[end:]
        return "" if self._hidden else text

    def _obey(self, tag: str) -> str:
        name = tag.strip("</|>")
        if name in _THINKING:
            self._hidden = "/" not in tag
        elif name == "channel":
            self._naming = "channel" if tag.startswith("<|") else None
            self._hidden = False
        elif name in _ROLES:
            self._naming = None if tag.endswith("turn|>") else "role"
        elif name == "end":
            self._hidden = False
        elif name not in _MARKS:
            return "" if self._hidden else tag
        return ""

    def _read_name(self) -> bool:
        """False while more of it is to come."""
        name = re.match(r"\s*([a-z_]*)", self._text)
        assert name is not None
        rest = self._text[name.end() :]
        if not rest and len(self._text) < _LONGEST_NAME:
            return False
        self._hidden = self._naming == "channel" and name[1] not in _SPOKEN
        self._naming = None
        self._text = rest.lstrip()
        return True
