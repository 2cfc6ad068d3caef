"""An answer's text without what leaks into it: thoughts, calls of tools, roles, tokens.

`marks` has what these stand in. Leaks without a mark are decided here: a call that is written
without one, a role's name before the first word, and a thought of which the end alone is marked, or
which words mark.
"""

import enum
import re
from functools import lru_cache

from pipelines.core.thinking.marks import Mark, MarkKind, mark_at, may_become_mark, plain
from pipelines.core.thinking.musing import (
    Musing,
    label_at_line,
    label_at_start,
    may_become_label,
    may_become_label_at_line,
    muses,
)
from pipelines.core.thinking.text_calls import (
    ARGUMENTS,
    BESIDE,
    Balance,
    TextCall,
    Tools,
    calls_in,
    names_a_call,
)

LONGEST_CALL = 65_536
"""Characters; what follows belongs to none."""
_LOOK = 200
"""Characters in which a mark, a header or a role's name is told."""

_HIDDEN = frozenset(
    "analysis commentary thought thinking reflection "  # channels: gpt-oss, Gemma 4
    "user human system developer tool function ipython environment".split()  # roles
)
_ROLES = ("assistant", "ai assistant", "ai", "bot", "model", "agent")
_ROLE = re.compile(rf"[\s*#]*(?:{'|'.join(_ROLES)})[ *]*[:\n]")
_BEGUN_ROLE = re.compile(rf"(?:{'|'.join(_ROLES)})[ *]{{0,4}}")
_NAME = re.compile(r"\s{0,20}([a-z_]*)")
_BLANKS = re.compile(r"\s*")
_LEADS, _LEADS_ALOUD = re.compile(r"[<\[◁]"), re.compile(r"[<\[◁\n]")
_LEADS_OF_CALLS = re.compile(r"[<\[◁`{\n.!?:…–—]")
_SENTENCE_ENDS = ".!?:…–—"
_STOPS = frozenset(
    "<|eot_id|> <|eom_id|> <|im_end|> <|endoftext|> <|end_of_text|> </s> <end_of_turn>".split()
)
_BEGUN_OBJECT = re.compile(r'\[?\s{0,20}(?:\{\s{0,20}(?:["\']\w{0,40}["\']?)?)?')
_CALLERS = (
    *("", "[", "print(", "default_api.", "print(default_api.", "functions.", "[functions."),
    *("`", "**", "calling ", "call: ", "tool: ", "tool call: ", "function call: ", "tool_call: "),
)
"""The text before a tool's name, where a call is written as Python writes it."""
_ROWS = (
    *("{}\n{{", "{} {{", "{}{{", "{}:{{", "{}: {{", "call:{}{{"),
    *("action: {}\naction input: {{", "action: {}(", "tool: {}\narguments: {{"),
    *("tool: {}\ninput: {{", "tool_call: {{", "tool call: {{", "function call: {{"),
)
"""How a call begins whose arguments are an object: GLM-4's template; ReAct's prompts; Gemma 4."""


class _State(enum.Enum):
    START = enum.auto()
    """There was nothing to be seen yet but blanks, which are dropped."""
    LINE = enum.auto()
    """At the beginning of a line, or of a sentence."""
    ENDED = enum.auto()
    """Behind a mark that may end a sentence: a blank tells."""
    TEXT = enum.auto()
    HIDDEN = enum.auto()
    MUSING = enum.auto()
    """In a thought that words mark."""
    HEADER = enum.auto()
    CALL = enum.auto()
    CANDIDATE = enum.auto()
    """In brackets that may turn out to be a call."""
    FENCE = enum.auto()
    """In code that may turn out to be a call."""
    CODE = enum.auto()


class LeakFilter:
    """One for each answer. How the text is cut into pieces does not change what comes out."""

    def __init__(
        self, tools: Tools | None = None, *, aloud: bool = False, unopened: bool = False
    ) -> None:
        """`tools` are those that were offered.

        With `unopened` all is kept back until a thought has ended, or to the end: the model does
        not mark where a thought begins. With `aloud` so is what sounds like a thought.
        """
        self.calls: list[TextCall] = []
        self.anew = False
        """The text that was returned last begins the answer: what came before was a thought."""
        self.ended_unopened = False
        """A thought ended that had not begun."""
        self._tools = tools or {}
        self._aloud = aloud
        self._object, self._opening, self._begun = _beginnings_of(tuple(self._tools))
        self._leads = _LEADS_OF_CALLS if self._tools else _LEADS_ALOUD if aloud else _LEADS
        self._state = _State.START
        self._raw = self._plain = ""
        self._out: list[str] = []
        self._held: list[str] | None = [] if unopened else None
        """Text that may still turn out to be a thought."""
        self._shown = False
        self._starred = False
        """A role's name was emphasised: the end of that is still to come."""
        self._thought = False
        """A thought was marked from its beginning."""
        self._lone = False
        """A thought ended that had not begun, and nothing was seen since."""
        self._depth = 0
        """Thoughts within each other that are open."""
        self._mused = False
        """There were words in the thought that was opened last."""
        self._after_thought: list[str] | None = None
        """Text behind the end of a thought that may be within another."""
        self._musing: Musing | None = None
        self._body: list[str] = []
        self._size = 0
        self._ends: frozenset[str] = frozenset()
        """The marks that end what is hidden, or a call."""
        self._balance = Balance()

    def feed(self, text: str) -> str:
        """The text of the answer in `text`, and in what was kept back before it."""
        self.anew = False
        self._raw += text
        self._plain = plain(self._raw)
        at, size = 0, len(self._raw)
        while at < size:
            state, moved = self._state, self._step(at)
            if moved == at and self._state is state:
                break
            at = moved
        self._raw = self._raw[at:]
        return self._taken()

    def finish(self) -> str:
        """The rest, when the answer is over."""
        self.anew = False
        rest, self._raw = self._raw, ""
        if self._state in (_State.CALL, _State.CANDIDATE, _State.FENCE):
            self._keep(rest)
            self._close()
        elif self._state is _State.HIDDEN:
            self._finish_hidden(rest)
        elif self._musing is not None:
            self._finish_musing(self._musing)
        elif self._state is not _State.HEADER:
            self._show(rest)
        self._out += self._held or []
        self._held = None
        return self._taken()

    def _taken(self) -> str:
        text = "".join(self._out)
        self._out.clear()
        return text

    # ---- steps: to the next position; to the same, in the same state, where more is to come ----

    def _step(self, at: int) -> int:
        match self._state:
            case _State.START:
                moved = self._start(at)
            case _State.LINE:
                moved = self._line(at)
            case _State.ENDED:
                self._state = _State.LINE if self._raw[at].isspace() else _State.TEXT
                moved = at
            case _State.TEXT:
                moved = self._text(at)
            case _State.MUSING:
                moved = self._muse(at)
            case _State.HEADER:
                moved = self._header(at)
            case _State.CANDIDATE:
                moved = self._candidate(at)
            case _State.FENCE | _State.CODE:
                moved = self._fence(at)
            case _State.HIDDEN | _State.CALL:
                moved = self._region(at)
        return moved

    def _start(self, at: int) -> int:
        rest = self._plain[at : at + _LOOK]
        if self._starred and rest[0] in "* ":
            return at + 1
        if (role := _ROLE.match(rest)) is not None:
            self._starred = "*" in role[0]
            return at + role.end()
        bare, is_all = rest.lstrip("\n\t *#"), len(rest) < _LOOK
        if is_all and (
            any(role.startswith(bare) for role in _ROLES) or _BEGUN_ROLE.fullmatch(bare)
        ):
            return at
        if self._aloud and (moved := self._label(at)) is not None:
            return moved
        if self._aloud and self._held is None and not self._thought and bare[:1] not in "<[◁`{":
            is_thought = muses(bare)
            if is_all and is_thought is None:
                return at
            self._held = [] if is_thought else None
        self._state = _State.LINE
        return self._line(at)

    def _label(self, at: int) -> int | None:
        """Behind the label at the beginning, if any; `at` where more is to come."""
        rest = self._raw[at : at + _LOOK]
        if (label := label_at_start(rest)) is None:
            return at if len(rest) < _LOOK and may_become_label(rest) else None
        size, is_thought = label
        if is_thought:
            self._state, self._musing = _State.MUSING, Musing(rest[:size])
        self._starred = not is_thought
        return at + size

    def _line(self, at: int) -> int:
        blanks = _BLANKS.match(self._plain, at)
        assert blanks is not None
        if blanks.end() > at:
            self._show(self._raw[at : blanks.end()])
            return blanks.end()
        if opening := self._opening.match(self._plain, at):
            return self._begin(_State.CANDIDATE, at, opening.end())
        rest = self._raw[at : at + _LOOK]
        if self._aloud and (size := label_at_line(rest)) is not None:
            self._state, self._musing = _State.MUSING, Musing(rest[:size])
            return at + size
        is_label = self._aloud and may_become_label_at_line(rest)
        if is_label or (self._begun and self._plain[at : at + _LOOK] in self._begun):
            return at
        self._state = _State.TEXT
        return self._text(at)

    def _text(self, at: int) -> int:
        begin = self._lead(at, self._leads)
        if begin > at:
            self._show(self._raw[at:begin])
            return begin
        if (mark := mark_at(self._plain, at)) is not None:
            return self._obey(mark, at)
        if self._tools and (found := self._object.match(self._plain, at)) is not None:
            return self._begin(_State.CANDIDATE, at, found.end())
        if self._may_become_mark(at):
            return at
        char = self._raw[at]
        ends = self._tools and char in _SENTENCE_ENDS
        self._state = _State.LINE if char == "\n" else _State.ENDED if ends else _State.TEXT
        self._show(char)
        return at + 1

    def _muse(self, at: int) -> int:
        """On to the end of a thought that words mark."""
        assert self._musing is not None
        end = self._musing.take(self._raw[at:])
        if end is None:
            return len(self._raw)
        calls = calls_in(self._musing.done, self._tools)
        self.calls += calls
        self._musing, self._thought, self._starred = None, True, True
        # What is said behind a call goes by a result that the model has made up.
        self._state, self._ends = _State.HIDDEN if self.calls else _State.START, frozenset()
        return at + end

    def _finish_musing(self, musing: Musing) -> None:
        calls = calls_in(musing.done, self._tools)
        self.calls += calls
        if not (calls or musing.done):
            self._show(musing.unlabelled)

    def _finish_hidden(self, rest: str) -> None:
        """The text behind the last end of a thought is the answer, though others stayed open."""
        if self._after_thought is None:
            return
        inner = LeakFilter(self._tools, aloud=self._aloud)
        self._show(inner.feed("".join([*self._after_thought, rest])) + inner.finish())
        self.calls += inner.calls

    def _lead(self, at: int, leads: re.Pattern[str]) -> int:
        """The place at which something may begin, from `at` on; the end where nothing does."""
        lead = leads.search(self._plain, at)
        return len(self._raw) if lead is None else lead.start()

    def _may_become_mark(self, at: int) -> bool:
        """True if what has come from `at` on is too little to tell."""
        rest = self._plain[at : at + _LOOK]
        is_open = bool(self._tools) and _BEGUN_OBJECT.fullmatch(rest) is not None
        return len(rest) < _LOOK and (is_open or may_become_mark(rest))

    def _obey(self, mark: Mark, at: int) -> int:
        """A mark stands in the text at `at`; returns where the text behind it begins."""
        end = at + len(mark.text)
        match mark.kind:
            case MarkKind.THOUGHT:
                self._state, self._thought = _State.HIDDEN, True
                self._ends, self._depth, self._mused = frozenset(), 1, False
                self._out += self._held or []  # this model marks where its thoughts begin
                self._held = None
            case MarkKind.OTHERS:
                self._state, self._ends = _State.HIDDEN, frozenset({mark.closing})
            case MarkKind.HEADER:
                self._state, self._body = _State.HEADER, []
                self._ends = frozenset({mark.closing} if mark.closing else ())
            case MarkKind.CALL:
                self._ends = _STOPS | {mark.closing}
                return self._begin(_State.CALL, at, end)
            case MarkKind.FENCE:
                return self._begin(_State.FENCE, at, end)
            case MarkKind.CODE:
                return self._begin(_State.CODE, at, end)
            case MarkKind.CLOSING:
                self._end_unopened()
            case MarkKind.TITLE | MarkKind.ALONE:
                pass
        return end

    def _region(self, at: int) -> int:
        """Hidden, or a call: on to the mark that ends it."""
        begin = self._lead(at, _LEADS)
        if begin > at:
            self._keep(self._raw[at:begin])
            return begin
        mark = mark_at(self._plain, at)
        if mark is None and self._may_become_mark(at):
            return at
        end = at + (1 if mark is None else len(mark.text))
        if mark is not None and self._state is _State.HIDDEN and self._nests(mark):
            return end
        if mark is not None and (mark.text in self._ends or self._ends_hidden(mark)):
            self._close()
            return at if mark.kind is MarkKind.HEADER else end
        self._keep(self._raw[at:end])
        return end

    def _nests(self, mark: Mark) -> bool:
        """True if a thought begins or ends within another.

        One that begins before the first word of the other is the same: the template began it, too.
        """
        if mark.kind is MarkKind.THOUGHT and self._depth:
            self._depth += self._mused
            self._mused, self._after_thought = False, None
            return True
        if mark.kind is MarkKind.CLOSING and self._depth > 1:
            self._depth -= 1
            self._mused, self._after_thought = True, []
            return True
        return False

    def _ends_hidden(self, mark: Mark) -> bool:
        if mark.kind is MarkKind.HEADER:
            return self._state is _State.HIDDEN or "<|call|>" in self._ends
        return self._state is _State.HIDDEN and mark.kind is MarkKind.CLOSING

    def _header(self, at: int) -> int:
        if not self._ends:
            return self._untitled(at)
        begin = self._lead(at, _LEADS)
        if begin > at:
            self._keep(self._raw[at:begin])
            return begin if self._size <= _LOOK else self._entitle("".join(self._body), begin)
        mark = mark_at(self._plain, at)
        if mark is None and self._may_become_mark(at):
            return at
        end = at + (1 if mark is None else len(mark.text))
        if mark is None or mark.kind not in (MarkKind.HEADER, MarkKind.ALONE):
            return self._entitle("".join(self._body), end)
        if mark.kind is MarkKind.HEADER:
            self._ends = frozenset({mark.closing} if mark.closing else ())
        self._keep(" ")
        return end

    def _untitled(self, at: int) -> int:
        """A header that is a name alone."""
        name = _NAME.match(self._plain, at)
        assert name is not None
        end = name.end()
        if end == len(self._plain) and end - at < _LOOK:
            return at
        return self._entitle(name[1], end + self._plain[end : end + 1].isspace())

    def _entitle(self, header: str, at: int) -> int:
        """`header` tells for whom the text from `at` on is."""
        self._body, self._size = [], 0
        if "to=" in header:
            self._ends = _STOPS | {"<|call|>", "<|end|>"}
            self._keep(header)
            self._state = _State.CALL
        elif not _HIDDEN.isdisjoint(plain(header).split()):
            self._state, self._ends = _State.HIDDEN, frozenset({"<|end|>", "<|assistant|>"})
        else:
            self._state = self._state_of_text()
        return at

    def _candidate(self, at: int) -> int:
        for end in range(at, len(self._raw)):
            if self._balance.closes(self._raw[end]):
                self._keep(self._raw[at : end + 1])
                self._close()
                return end + 1
        self._keep(self._raw[at:])
        return len(self._raw)

    def _fence(self, at: int) -> int:
        end = self._plain.find("```", at)
        begin = end if end >= 0 else max(at, len(self._plain.rstrip("`")))
        if begin > at:
            self._keep(self._raw[at:begin])
            return begin
        if end < 0:
            return at
        self._keep("```")
        self._close()
        return end + 3

    # ---- what comes out ----

    def _begin(self, state: _State, at: int, end: int) -> int:
        """The text from `at` to `end` begins a call, or something that may be one."""
        self._state, self._body, self._size = state, [], 0
        self._balance = Balance('"' if self._raw[end - 1] == '"' else "\"'")
        for char in self._raw[at:end] if state is _State.CANDIDATE else "":
            self._balance.closes(char)
        self._keep(self._raw[at:end])
        return end

    def _keep(self, text: str) -> None:
        if self._state is _State.CODE:
            self._show(text)
        elif self._state is _State.HIDDEN:
            self._mused = self._mused or not text.isspace()
            if self._after_thought is not None:
                self._after_thought.append(text)
        else:
            room = max(0, LONGEST_CALL - self._size) if self._state is _State.CALL else len(text)
            self._body.append(text[:room])
            self._size += len(text)

    def _close(self) -> None:
        """The end of what is hidden, of a call, or of what may be one."""
        body, state = "".join(self._body), self._state
        self._body, self._size, self._depth, self._after_thought = [], 0, 0, None
        calls = calls_in(body, self._tools) if state is not _State.HIDDEN else []
        self._state = self._state_of_text()
        if calls:
            self.calls += calls
            self._settle()
        elif state is _State.FENCE or (state is _State.CANDIDATE and not names_a_call(body)):
            self._show(body)
            self._state = _State.TEXT

    def _state_of_text(self) -> _State:
        return _State.LINE if self._shown else _State.START

    def _end_unopened(self) -> None:
        """Once, and behind something: else the mark means nothing."""
        if self._thought or self.ended_unopened or not (self._shown or self._held is not None):
            return
        self.ended_unopened = True
        self._lone, self._held = self._held is None, None
        self._shown, self._state = False, _State.START

    def _settle(self) -> None:
        """The answer goes on behind the end of a thought that had not begun: all before was it."""
        if self._lone:
            self._lone, self.anew = False, True
            self._out.clear()

    def _show(self, text: str) -> None:
        if not self._shown:
            text = text.lstrip()
        if not text:
            return
        self._settle()
        self._shown = True
        (self._out if self._held is None else self._held).append(text)


@lru_cache(maxsize=64)
def _beginnings_of(
    names: tuple[str, ...],
) -> tuple[re.Pattern[str], re.Pattern[str], frozenset[str]]:
    """How calls of these tools begin: as an object, as text; and the beginnings of the latter."""
    wrapped = ("tool_calls", "tool_call", "function_call", "thought", "thoughts", "reasoning")
    known = "|".join([*ARGUMENTS, *BESIDE, *wrapped, *map(re.escape, names)]).lower()
    calls = [plain(f"{before}{name}(") for before in _CALLERS for name in names]
    calls += [plain(row.format(name)) for row in _ROWS for name in names]
    return (
        re.compile(rf'\[?\s{{0,20}}\{{\s{{0,20}}["\'](?:{known})["\']'),
        re.compile("|".join(map(re.escape, calls)) or r"(?!)"),
        frozenset(call[:size] for call in calls for size in range(1, len(call))),
    )
