"""Writing without blanks between its words: how long a text is, and where it may be cut.

Chinese, Japanese and Thai words are told by BudouX; in Khmer, Lao, Burmese and their like a cut
falls between two syllables, never within a letter and its marks.
"""

import re
import unicodedata
from functools import cache

import budoux

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_KANA = "\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"
_THAI = "\u0e00-\u0e7f"
_OTHERS = (
    "\u0e80-\u0fff\u1000-\u109f\u1780-\u17ff\u1980-\u19ff\u1a20-\u1aaf\ua9e0-\ua9ff\uaa60-\uaa7f"
)
"""Lao, Tibetan, Burmese, Khmer, Tai Lue and Tai Tham."""

_UNSPACED = re.compile(f"[{_HAN}{_KANA}{_THAI}{_OTHERS}]")
_WORD_BEFORE_BLANK = re.compile(f"[{_THAI}{_OTHERS}]\\s*$")
_LETTERS_A_WORD = ((re.compile(f"[{_HAN}]"), 1.5), (re.compile(f"[{_KANA}]"), 3.0))
"""Letters that are said in the time of an English word: about 4.5 syllables of Chinese a second, 7
morae of Japanese, against 3 words of English. Thai and the others have 4 letters to one.
"""
_LETTERS = 4.0

_LEADING_VOWELS = "เแโใไເແໂໃໄ"
"""Thai and Lao write these before the consonant that they are spoken after."""
_STACKING = "\u17d2\u1039\u1a60\u0f84"
"""Khmer's coeng, the viramas of Burmese and Tai Tham: the next consonant belongs to the last."""
_ENDS_SYLLABLE = "\u103a\u1039\u1037"
"""Burmese marks of a consonant that closes the syllable before it."""
_PAUSE = re.compile(r"[，、；：､၊]|(?<=\S)\s")
_LEAST_LEFT = 3
"""Characters behind a cut: the last word may not be whole yet."""


@cache
def weight(char: str) -> float:
    """The words of English that take as long to say; 0.0 for what stands between blanks."""
    if not _UNSPACED.match(char):
        return 0.0
    return 1 / next((letters for kind, letters in _LETTERS_A_WORD if kind.match(char)), _LETTERS)


def count_words(text: str) -> float:
    """The words between its blanks, and the length of what is written without any in words."""
    spaced = sum(any(c.isalnum() and not weight(c) for c in word) for word in text.split())
    return spaced + sum(map(weight, text))


def pauses_at_blank(text: str) -> bool:
    """True if a blank at the end of `text` stands between two phrases, not between two words."""
    return _WORD_BEFORE_BLANK.search(text) is not None


def cut_at(text: str, *, hard: bool = False) -> int:
    """The place to cut `text` at, as far back as its last word allows; 0 for none.

    `hard`: between two letters where no word is known to end.
    """
    last = len(text) - _LEAST_LEFT
    pauses = [found.end() for found in _PAUSE.finditer(text) if found.end() <= last]
    if pauses and count_words(text[: pauses[-1]]) >= count_words(text) / 3:
        return pauses[-1]
    ends = _word_ends(text) if not hard else range(1, len(text))
    return max((end for end in ends if end <= last and _is_between(text, end)), default=0)


def _word_ends(text: str) -> list[int]:
    parser = _parser(text)
    if parser is None:
        return list(range(1, len(text)))
    ends, at = [], 0
    for word in parser.parse(text)[:-1]:
        at += len(word)
        ends.append(at)
    return ends


def _parser(text: str) -> "budoux.Parser | None":
    if re.search(f"[{_KANA}]", text):
        return _japanese()
    if re.search(f"[{_HAN}]", text):
        return _chinese()
    return _thai() if re.search(f"[{_THAI}]", text) else None


_japanese = cache(budoux.load_default_japanese_parser)
_chinese = cache(budoux.load_default_simplified_chinese_parser)
_thai = cache(budoux.load_default_thai_parser)


def _is_between(text: str, at: int) -> bool:
    """True if no word of another script, and no letter with its marks, goes on at `at`."""
    before, after, following = text[at - 1], text[at], text[at + 1 : at + 2]
    if unicodedata.category(after)[0] == "M" or after in "ๆะาำຯະາຳ\u200d" or not after.isalnum():
        return False
    if before in _LEADING_VOWELS or before in _STACKING or before == "\u200d":
        return False
    if following and following in _ENDS_SYLLABLE:
        return False
    return bool(weight(before) or not before.isalnum()) or bool(weight(after))
