"""Tokens to clauses: the first goes to the voice as soon as it is one, then whole sentences.

Every decision is taken on a character with nothing but what came before it, so how the text
was cut into tokens cannot change it, and no clause comes later than the token that ends it.
"""

import re

from sentencex import segment

from pipelines.core.speaking.markdown import Unmarker, has_words, speakable, tidy
from pipelines.core.speaking.speakable.codes import may_be_followed_by_code
from pipelines.core.speaking.speakable.words import (
    ABBREVIATIONS,
    DAYS,
    IN_A_SENTENCE,
    MONTH_OF,
    NUMBERED,
    TITLES,
    any_of,
)
from pipelines.core.speaking.tally import ClauseTally
from pipelines.core.speaking.unspaced import count_words, cut_at, pauses_at_blank

__all__ = ["ENDS", "Phraser", "clauses_of", "speakable"]

_FIRST_WORDS = 8
"""Words to the first clause where no mark ends it: about 300 ms of tokens, 3 s of speech."""

_HEAD_WORDS = 4
"""Words that must be on their way before whole sentences are waited for: about 1.2 s of speech,
in which a sentence of 30 tokens is written. A lone "Sure," would be followed by a hole."""

_LONGEST_WORDS = 40
"""A sentence longer than that is cut as the first clause is: a voice would begin too late."""

_LONGEST_DENSE = 20
"""The same where there are no blanks: some of these scripts have no full stop either."""
_TRIES = 6
"""To find a place to cut such a text, from its limit to twice that, where it is cut anywhere."""
_LONGEST_WORD = 80
"""Characters; a longer one is no plain word."""
_LONGEST_TAIL = 200
"""Characters of a text in which its last words are looked for."""
LONGEST_CLAUSE = 600
"""Characters, half a minute of speech, after which a clause ends with the word, whatever it is; and
after as many more within the word. So the time that a text takes grows with its length alone."""

_OPENERS = frozenset(
    "absolutely ah alas alright certainly cool correct definitely exactly fine first good "
    "goodbye great hello hey hi hmm indeed no nope nice now oh ok okay perfect right so sorry "
    "sure thanks then true understood welcome well wonderful yeah yep yes".split()
)
"""One of these before a comma or a full stop is a clause of its own."""

_CLOSERS = _OPENERS | frozenset(
    "again anything course day do everything here idea it later me meet more please problem "
    "question something soon that them there this time today tomorrow tonight too us was way "
    "will with you".split()
)
"""A full stop after one of these ends a sentence: no address and no abbreviation goes on."""

_LINKS = frozenset(
    "about after although and as at because before but by during for from if in into like "
    "of on or over since so than that though through to under until when where which while "
    "who with without".split()
)
"""Words that a clause may begin with: cut before them."""

_HANGING = _LINKS | frozenset(
    "a an are be can could did do does had has have her his i is its may might must my no not "
    "our she should the their these they this those very was we were will would you your".split()
)
"""Words that no clause should end with."""

_GERMAN = (
    *("Abb", "Abs", "Hr", "Kl", "Min", "Mio", "Mrd", "Sek", "Std", "Str", "bzw", "evtl", "ggf"),
    *("inkl", "usw", "zzgl"),
)
"""Abbreviations of German that are no words elsewhere."""

_ABBREVIATION = re.compile(
    r"(?:[^\W\d_]\.|(?:[^\W\d_]{1,2}\.){2,}"
    rf"|(?:{any_of([*ABBREVIATIONS, *TITLES, *NUMBERED, *IN_A_SENTENCE, *MONTH_OF, *DAYS])}"
    rf"|{'|'.join(_GERMAN)}"
    r"|Mx|St|Maj|Ed|al|esp|hrs?|mins?|secs?|oz|lbs?|ft|in|sq|Rs|kr)\.)"
)
"""A full stop after one of these may end a sentence, or not: the next word tells."""

_ORDINAL = re.compile(r"(?:\d{1,2}\.){1,2}|[IVX]{2,5}\.")
"""An ordinal, a day or a king in German and other languages: "15. Oktober", "im 3. Stock"."""
_BEFORE_ORDINAL = frozenset(
    "am ab beim bis das dem den der des die diese diesem diesen dieser ihr ihrem ihren im ins "
    "jede jedem jeden jeder mein meine meinem meinen seinem seinen seit unser unsere unserem vom "
    "zum zur".split()
)
"""German words behind which a figure with a full stop, before a capital, is an ordinal."""

_NEVER_LAST = frozenset("Dr. Mr. Mrs. Ms. Mx. Prof. e.g. i.e. vs. approx. cf. viz. ca.".split())

_BEFORE_COLON = frozenset("localhost ftp sftp mailto tel file sip ws wss ssh git".split())
"""Words behind which a colon is part of an address."""
_BEFORE_FIGURES = frozenset("$€£¥₹-−+.")
_FIGURE_BEFORE_DASH = re.compile(r"(?i)(?:[\d%]|\d\s?[ap]\.?m\.?)\s[-–—]+$")
_FIGURES_IN_A_ROW = 24
"""Words after which a clause is cut between figures too."""

_PLAIN_WORD = re.compile(r"(?:^|\s|—)([^\W\d_]+(?:['’-][^\W\d_]+)*).$")
"""A word of letters before the last character: no figure, address or quote."""

_LABEL = re.compile(r"(?:\d{1,3}|[^\W\d_])\.")
"""The number of a list's item."""

_LEAST_DENSE = 1.3
"""Words in two letters of Chinese: a clause, as "你好，" is."""

_SURE_ENDS = frozenset("。！？｡।॥؟۔։።។៕။")
"""They end a sentence whatever follows, in scripts that may have no blank behind them."""
_SURE_PAUSES = frozenset("，、；：､،؛၊፣")
ENDS = frozenset(".!?…") | _SURE_ENDS
_PAUSES = frozenset(",;:–—") | _SURE_PAUSES
_SURE_CLOSING = frozenset('”’」』）》】〉»"')
_TAIL = _SURE_ENDS | _SURE_CLOSING | {"…", "～", "〜"}
"""Behind the end of a sentence these are not said."""
_PHRASE_WORDS = 10
"""Words before a blank that stands between two phrases, from which on a clause may end there."""
_CLOSING = "\"'”’»)]"
_AROUND = "\"'“”‘’«»()[].,;:!?…"


class Phraser:
    """One for each reply. The clauses, joined by spaces, are `speakable` of the whole text.

    Where a mark had no space after it they have one; a mark that stands alone is not said.
    """

    def __init__(self, first_words: int = _FIRST_WORDS) -> None:
        """`first_words`: after so many, the first clause is cut where no mark ends it."""
        self._first_words = first_words
        self._unmarker = Unmarker()
        self._text = ""
        self._words_out = 0.0
        self._doubt = 0
        """The sentence's end, if the word behind that position says so; 0 for none."""
        self._doubt_letters = 0
        """The letters before that position."""
        self._tally = ClauseTally()
        """The facts about the text since the last cut."""
        self._try_at = 0.0
        self._ended_surely = False
        """The last clause ended with a mark that needs no blank behind it, and more may follow."""
        self._figure = False
        """A figure and a comma, or a dash, were the last, or a colon where a code may follow: a
        clause ends here unless a figure comes next."""

    def feed(self, text: str) -> list[str]:
        """The clauses that `text`, which follows on what was fed before, makes certain."""
        return self._push(self._unmarker.feed(text))

    def finish(self) -> list[str]:
        """The rest, when the text is over."""
        return self._push(self._unmarker.finish() + "\n")

    def _push(self, plain: str) -> list[str]:
        clauses: list[str] = []
        for char in plain:
            clauses += self._explain(char)
            if char == "\n":
                clauses += self._cut_all()
            elif self._text or not self._is_tail(char):
                self._text += char
                self._tally.add(char)
                self._ended_surely = False
                if self._is_end():
                    clauses += self._cut(len(self._text))
                    self._ended_surely = char in _SURE_ENDS or char in _SURE_CLOSING
                elif len(self._text) >= 2 * LONGEST_CLAUSE:
                    clauses += self._cut_all()
                elif self._tally.dense and self._tally.dense >= self._try_at:
                    clauses += self._end_dense()
        return clauses

    @property
    def _hurried(self) -> bool:
        return self._words_out < _HEAD_WORDS

    def _cut(self, end: int) -> list[str]:
        self._doubt, self._figure = 0, False
        clause = tidy(self._text[:end]) if self._tally.has_words else ""
        if not clause:
            return []
        self._text = self._text[end:].lstrip()
        self._words_out += count_words(clause)
        self._tally, self._try_at = ClauseTally(self._text), 0.0
        return [clause]

    def _cut_all(self) -> list[str]:
        """All of the text; marks without a word are dropped."""
        clauses = self._cut(len(self._text))
        self._text, self._tally, self._try_at = "", ClauseTally(), 0.0
        return clauses

    def _is_tail(self, char: str) -> bool:
        return char.isspace() or (self._ended_surely and char in _TAIL)

    def _is_end(self) -> bool:
        """True if a clause ends with the last character, whatever comes next."""
        mark = self._text[-1]
        if mark in _SURE_CLOSING | _SURE_ENDS | _SURE_PAUSES:
            return self._is_sure_end(mark)
        if mark not in ENDS and mark not in _PAUSES:
            return False
        word = _PLAIN_WORD.search(self._text[-_LONGEST_WORD:])
        if mark in ",;:—" and self._hurried:
            certain = (word is not None and word[1] not in _BEFORE_COLON) or mark == "—"
            certain = certain and not (mark == ":" and may_be_followed_by_code(self._text))
            return certain and self._is_clause() and not self._tally.is_open
        if word is None or mark in _PAUSES or self._tally.is_open:
            return False
        return mark != "." or (self._hurried and self._closes(word[1].lower()))

    def _closes(self, word: str) -> bool:
        """ "no." may be an abbreviation, where it is not alone."""
        if word == "no" and self._tally.pieces > 1:
            return False
        return word in _CLOSERS and self._is_clause()

    def _is_sure_end(self, mark: str) -> bool:
        if self._tally.is_open:
            return False
        if mark in _SURE_CLOSING:
            return self._text[-2:-1] in _SURE_ENDS
        if mark in _SURE_ENDS:
            return self._tally.has_words
        self._figure = self._hurried and self._text[-2:-1].isdigit()
        return self._hurried and not self._figure and self._is_clause()

    def _is_clause(self) -> bool:
        if self._tally.dense >= _LEAST_DENSE:
            return True
        return self._tally.worded > 1 or _bare(self._tally.first) in _OPENERS

    def _explain(self, char: str) -> list[str]:
        """The clauses that turn out to have ended, now that `char` comes next."""
        clauses: list[str] = []
        if self._figure and not char.isspace():
            self._figure = False
            if not (
                char.isdigit()
                or char in _BEFORE_FIGURES
                or (char.isupper() and self._text.rstrip()[-1] == ":")
            ):
                clauses += self._cut(len(self._text))
        if self._doubt and not char.isalnum() and self._tally.letters > self._doubt_letters:
            end, self._doubt = self._doubt, 0
            if _parts(self._text[max(0, end - _LONGEST_TAIL) : end], self._text[end:]):
                clauses += self._cut(end)
        if char.isspace() and self._text and not self._text[-1].isspace():
            clauses += self._end_word()
        return clauses

    def _end_word(self) -> list[str]:
        if len(self._text) > LONGEST_CLAUSE:
            return self._cut_all()
        tail = self._text[-_LONGEST_TAIL:]
        body = tail.rstrip(_CLOSING)
        word = body.rsplit(None, 1)[-1] if body else ""
        if word[-1:] in ENDS and word:
            return self._end_sentence(word.lstrip(_AROUND))
        pauses = word[-1:] in _PAUSES if word.strip("-") else bool(word)
        if pauses and self._hurried and self._is_clause() and self._is_outside(tail[len(body) :]):
            dashed = not has_words(word) and _FIGURE_BEFORE_DASH.search(body) is not None
            figured = word[-1] == "," and word[-2:-1].isdigit()
            self._figure = figured or dashed or (word[-1] == ":" and may_be_followed_by_code(body))
            return [] if self._figure else self._cut(len(self._text))
        if pauses_at_blank(tail):
            enough = _HEAD_WORDS if self._hurried else _PHRASE_WORDS
            return self._cut(len(self._text)) if count_words(self._text) >= enough else []
        return self._end_breath()

    def _is_outside(self, closing: str) -> bool:
        """True if what stands before the `closing` marks at the end is not in round brackets."""
        return self._tally.depth("(") + closing.count(")") <= 0

    def _end_sentence(self, word: str) -> list[str]:
        is_label = _LABEL.fullmatch(self._text) is not None
        if _ABBREVIATION.fullmatch(word) or (_ORDINAL.fullmatch(word) and not is_label):
            self._doubt = 0 if word in _NEVER_LAST else len(self._text)
            self._doubt_letters = self._tally.letters
            return []
        if is_label:
            return []
        return self._cut(len(self._text))

    def _end_dense(self) -> list[str]:
        """Cut where there are no blanks, and no mark has come for too long."""
        limit = self._first_words if self._hurried else _LONGEST_DENSE
        if self._tally.dense < limit:
            self._try_at = limit
            return []
        self._try_at = self._tally.dense + limit / _TRIES
        end = cut_at(self._text, hard=self._tally.dense > 2 * limit)
        return self._cut(end) if end else []

    def _end_breath(self) -> list[str]:
        """Cut between two words, where no mark has come for too long."""
        limit = self._first_words if self._hurried else _LONGEST_WORDS
        if self._tally.pieces < limit or not self._tally.has_words:
            return []
        words = list(re.finditer(r"\S+", self._text))
        bare = [_bare(word[0]) for word in words]
        for at in range(len(words) - 1, _HEAD_WORDS - 1, -1):
            if words[at - 1][0][-1] in _PAUSES or (
                bare[at] in _LINKS and bare[at - 1] not in _HANGING
            ):
                return self._cut(words[at].start())
        if len(words) < limit + 2:
            return []
        if len(words) >= limit + _FIGURES_IN_A_ROW:
            return self._cut(words[-1].end())
        free = [
            at
            for at in range(_HEAD_WORDS, len(words))
            if bare[at - 1] not in _HANGING and not _belong_together(words[at - 1][0], words[at][0])
        ]
        return self._cut(words[free[-1] - 1].end()) if free else []


def has_clause(text: str) -> bool:
    """True if there is anything to be spoken. It looks no further than to the first clause."""
    phraser = Phraser()
    pieces = (text[at : at + LONGEST_CLAUSE] for at in range(0, len(text), LONGEST_CLAUSE))
    return any(phraser.feed(piece) for piece in pieces) or bool(phraser.finish())


def clauses_of(text: str) -> list[str]:
    """The clauses of a whole text, as they would reach the voice."""
    phraser = Phraser()
    return [*phraser.feed(text), *phraser.finish()]


def _bare(word: str) -> str:
    return word.strip(_AROUND).lower()


def _belong_together(before: str, after: str) -> bool:
    """True if two words may be parts of one number, or one with its unit: "12 000", "5 km"."""
    return any(map(str.isdigit, before)) or after.lstrip("($€£¥₹#+-−.")[:1].isdigit()


def _parts(before: str, after: str) -> bool:
    """True if a sentence ends with the abbreviation that `before` ends with."""
    abbreviation = before.rstrip(_CLOSING).rsplit(None, 1)[-1].lstrip(_AROUND)
    following = after.strip(_AROUND + " ")
    if _ORDINAL.fullmatch(abbreviation):
        return not _is_ordinal(before.split(), following)
    if following[:1].islower() or abbreviation[:-1] in NUMBERED:
        return not following[:1].islower() and not following[:1].isdigit()
    language = "de" if abbreviation[:-1] in _GERMAN else "en"
    return len(segment(language, f"{abbreviation} {following}")) > 1


def _is_ordinal(words: list[str], following: str) -> bool:
    """True if the figure that `words` end with goes on with `following`: its noun or its month."""
    if following[:1].islower() or len(segment("de", f"{words[-1]} {following}")) == 1:
        return True
    first, before = ["", "", *words[:-1]][-2:]
    is_row = before in ("und", "oder") and _ORDINAL.fullmatch(first) is not None
    is_german = _bare(before) in _BEFORE_ORDINAL and (first, before) != ("I", "am")
    return following[:1].isalpha() and (is_german or is_row)
