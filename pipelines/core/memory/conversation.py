"""The call's only history: what the person said, what tools did, and which words were heard.

Calls of tools stay with their results, whatever became of the answer that made them.
"""

from collections.abc import Collection, Iterable, Sequence

from pipelines.core.memory.chat import ChatMessage
from pipelines.core.memory.entry import (
    CHARACTERS_A_TOKEN,
    MESSAGE_TOKENS,
    NO_TURN,
    HistoryEntry,
    estimate,
)
from pipelines.core.memory.tool_lines import Use, late, summary
from pipelines.core.memory.tool_runs import ToolRun

QUESTION_SHARE = 8
"""The part of the limit, one in so many, that is kept free for the next question."""
KEPT_SHARE = 3
"""The part of the room for the talk, one in so many, that is left when the oldest turns go."""
LONGEST_SUMMARY = 1200
"""Characters."""
SUMMARY = "Earlier in this call: "
SUMMING_UP_TOKENS = 64
"""The length of the message that asks for a summary."""
MOST_TOKENS = 65_536
"""The most of a call that is remembered, whatever the model's context holds: four hours of talk."""
MOST_LINES = 1024
"""The same in lines: each costs time whenever the model is asked."""
MOST_CUT = 65_536
"""Characters remembered of what was cut and not summed up yet: the newest lines."""
LEAST_CUT = 32
"""Characters that a line of it counts for, at the least."""


class Conversation:
    """Append-only but for its last lines, so that a server's prefix cache stays warm.

    When it no longer fits, the oldest two thirds go at once: the beginning changes rarely.
    """

    def __init__(self, system_prompt: str, limit_tokens: int | None = None) -> None:
        """`limit_tokens`: of a whole prompt; None for no limit but `MOST_TOKENS` and `MOST_LINES`,
        which hold for all.
        """
        self.system_prompt = system_prompt
        self.today = ""
        """Which day it is: told after the system prompt, where a change leaves that cached."""
        self.aside = ""
        """Said to the model before the next question, and never history."""
        self.limit_tokens = limit_tokens
        self.summary = ""
        """The summary of cut lines."""
        self._lines: list[HistoryEntry] = []
        self._cut: list[HistoryEntry] = []

    @property
    def lines(self) -> tuple[HistoryEntry, ...]:
        return tuple(self._lines)

    @property
    def last_heard(self) -> str:
        """The bot's newest words, as far as the person has heard them; "" before its first."""
        return next((line.text for line in reversed(self._lines) if line.role == "assistant"), "")

    @property
    def tokens(self) -> int:
        """Tokens of the prompt without a question."""
        return self._told_tokens + sum(line.size for line in self._lines)

    def said(self, turn_id: int, text: str) -> None:
        """The person said this. A turn that was reopened and committed again is said anew."""
        for line in reversed(self._lines):
            if line.role == "user" and line.turn_id == turn_id:
                line.text, line.tokens = text, None
                return
        self._lines.append(HistoryEntry("user", text, turn_id))

    def mentioned(self, text: str) -> None:
        """The person let it be known, in no turn: nothing answers it."""
        self._lines.append(HistoryEntry("user", text, NO_TURN))
        self.trim()

    def unsaid(self, turn_id: int) -> None:
        """The turn goes on after all: it is said when it is over.

        Where tools were called for it, what was said until then stays before them.
        """
        if self._called_in(turn_id):
            return
        self._lines = [
            line for line in self._lines if line.role != "user" or line.turn_id != turn_id
        ]

    def heard(self, turn_id: int, reply_id: int, text: str, *, estimated: bool) -> None:
        """The person has heard this much of a reply, counted from its beginning."""
        for line in reversed(self._lines):
            if line.role == "assistant" and line.reply_id == reply_id:
                line.text, line.estimated, line.tokens = text, estimated, None
                return
        if text:
            self._lines.append(HistoryEntry("assistant", text, turn_id, reply_id, estimated))

    # ---- what tools did ----

    def called(self, turn_id: int, reply_id: int, uses: Sequence[Use], spoken: str) -> HistoryEntry:
        """A reply's answer has made these calls: they stand before what is heard of it."""
        line = HistoryEntry("tool", summary(uses), turn_id, reply_id, uses=uses, spoken=spoken)
        own = (
            at
            for at, other in enumerate(self._lines)
            if other.role == "assistant" and other.reply_id == reply_id
        )
        self._lines.insert(next(own, len(self._lines)), line)
        return line

    def ended(self, run: ToolRun, call_id: str) -> None:
        """A tool has come to its end.

        Where the model has been told that it was still running, its result comes later in the
        history, under `call_id`; else it takes its place.
        """
        waiting = [
            (line, use)
            for line in self._lines
            for use in line.uses
            if use.run is run and use.result is None
        ]
        was_told = not waiting or any(not use.is_open for _, use in waiting)
        for line, _ in waiting:
            line.learn(run)
        if was_told:
            uses = [late(run, call_id)]
            self._lines.append(HistoryEntry("tool", summary(uses), run.turn_id, uses=uses))

    def undone(self, run: ToolRun) -> None:
        """A promised tool call is not made after all: its result says so wherever it stands."""
        for line in self._lines:
            if any(use.run is run for use in line.uses):
                line.correct(run)

    @property
    def news(self) -> list[HistoryEntry]:
        """Results of which no reply that was let go has told."""
        return [line for line in self._lines if line.is_news]

    def told(self, news: Iterable[HistoryEntry], reply_id: int) -> None:
        """A reply is let go whose request told of these."""
        for line in news:
            line.told_by = reply_id
            for use in line.uses:
                if use.run is not None and use.result is not None:
                    use.run.answered = True

    def heard_out(self, reply_id: int) -> None:
        """The person has heard a reply to its end."""
        for line in self._lines:
            if line.told_by == reply_id:
                line.heard = True

    def _called_in(self, turn_id: int) -> list[HistoryEntry]:
        return [line for line in self._lines if line.role == "tool" and line.turn_id == turn_id]

    # ---- what the model is told ----

    def with_question(
        self, turn_id: int, text: str, reply_id: int | None = None
    ) -> list[ChatMessage]:
        """The prompt for the model, `text` being what was said in this turn.

        The question is whole, unless it fills the prompt by itself: then it is its end. Where
        tools were called in this turn, their results come after it. Without a text, the model
        is asked to go on from what is there.
        """
        text = self._make_room(turn_id, text)
        own = self._called_in(turn_id)
        news = [line for line in self.news if line not in own]
        past = [
            line
            for line in self._lines
            if line.text and not line.is_of(turn_id, reply_id) and line not in news
        ]
        self._lines = [line for line in self._lines if line not in news] + news
        for use in (use for line in (*past, *news, *own) for use in line.uses):
            use.tell()
        before = [told for line in (*past, *news) for told in line.as_messages(reply_id)]
        aside = [ChatMessage("system", self.aside)] if self.aside else []
        question = [ChatMessage("user", text)] if text else []
        after = [told for line in own for told in line.as_messages(reply_id)]
        return [ChatMessage("system", self._told), *before, *aside, *question, *after]

    def prefix(self) -> list[ChatMessage]:
        """The beginning of the next prompt, as far as is known."""
        lines = (told for line in self._lines for told in line.as_messages(None))
        return [ChatMessage("system", self._told), *lines]

    @property
    def _told(self) -> str:
        summary = f"{SUMMARY}{self.summary}" if self.summary else ""
        return "\n\n".join(part for part in (self.system_prompt, self.today, summary) if part)

    @property
    def _told_tokens(self) -> int:
        return estimate(self._told) + MESSAGE_TOKENS

    # ---- what no longer fits ----

    def trim(self) -> bool:
        """Between two turns: where the next question might not fit, the oldest turns go.

        A question that waits for its answer stays.
        """
        limit = self._most_tokens
        most = limit - limit // QUESTION_SHARE
        if len(self._lines) <= MOST_LINES and self.tokens <= most:
            return False
        return self._trim_to(most, min(most, self._kept(limit)), self._staying(self._unanswered))

    def shrink(self, turn_id: int, question: str) -> bool:
        """Asked with this question it did not fit, whatever was counted: the oldest half goes.

        Where nothing but the question is left, its beginning goes. False if that is too little
        as well.
        """
        own, limit = self._own(turn_id), self.limit_tokens
        told = self._told_with(turn_id)
        asked = _fitted(question, limit, told)
        beside = _beside(asked, own)
        size = self.tokens + beside
        if self._trim_to(0, size // 2 - beside, self._staying(own)):
            self.limit_tokens = min(limit or size, max(size * 3 // 4, told + _beside(asked, None)))
            return True
        lower = min(limit or size, size * 3 // 4)
        if _fitted(question, lower, told) == asked:
            return False
        self.limit_tokens = lower
        return True

    def _make_room(self, turn_id: int, question: str) -> str:
        """The requirement on the question."""
        limit, own = self._most_tokens, self._own(turn_id)
        beside = _beside(question, own)
        self._trim_to(limit - beside, self._kept(limit) - beside, self._staying(own))
        return _fitted(question, self.limit_tokens, self._told_with(turn_id))

    @property
    def _most_tokens(self) -> int:
        return min(self.limit_tokens or MOST_TOKENS, MOST_TOKENS)

    def _own(self, turn_id: int) -> HistoryEntry | None:
        """The person's words in this turn."""
        said = (line for line in self._lines if line.role == "user" and line.turn_id == turn_id)
        return next(said, None)

    @property
    def _unanswered(self) -> HistoryEntry | None:
        """The question of which no answer was heard yet, or else what was let be known last."""
        last: HistoryEntry | None = None
        for line in reversed(self._lines):
            if line.role == "assistant":
                break
            if line.role == "user" and line.turn_id != NO_TURN:
                return line
            last = last or line
        return last

    def _staying(self, question: HistoryEntry | None) -> list[HistoryEntry]:
        """The lines that stay: a question, the calls that were made for it, and what is news."""
        asked = [] if question is None else [question, *self._called_in(question.turn_id)]
        open_ = (line for line in self._lines if line.is_news or line.is_running)
        return [*asked, *(line for line in open_ if line not in asked)]

    def _told_with(self, turn_id: int) -> int:
        """Tokens of what is told with a question, whatever is cut."""
        return self._told_tokens + sum(line.size for line in self._called_in(turn_id))

    def _kept(self, limit: int) -> int:
        """Tokens of a whole prompt after a cut: what the model is told takes nothing from the
        talk's share.
        """
        return self._told_tokens + max(0, limit - self._told_tokens) // KEPT_SHARE

    def _trim_to(self, most: int, target: int, stays: Collection[HistoryEntry]) -> bool:
        """Cut whole turns from the front until `target`, if there is more than `most`.

        All but `stays`. The same where there are more than `MOST_LINES`.
        """
        size = self.tokens
        is_long = len(self._lines) > MOST_LINES
        if size <= most and not is_long:
            return False
        if size <= most:
            target = size
        first = len(self._lines) - MOST_LINES // KEPT_SHARE if is_long else 0
        at = 0
        while at < len(self._lines) and (
            at < first or size > target or self._lines[at].role != "user"
        ):
            if self._lines[at] not in stays:
                size -= self._lines[at].size
            at += 1
        cut = [line for line in self._lines[:at] if line not in stays]
        self._cut = _newest([*self._cut, *cut])
        self._lines = [line for line in self._lines[:at] if line in stays] + self._lines[at:]
        return bool(cut)

    @property
    def to_sum_up(self) -> str:
        """Lines cut since the last summary, with that summary before it; "" for nothing.

        Of what would not fit in a prompt of its own, the newest.
        """
        if not self._cut:
            return ""
        before = f"{SUMMARY}{self.summary}\n" if self.summary else ""
        cut = "\n".join(f"{line.role}: {line.text}" for line in self._cut)
        fitted = _fitted(cut, self.limit_tokens, estimate(before) + SUMMING_UP_TOKENS)
        whole_lines = cut if fitted == cut else fitted.partition("\n")[2]
        return before + (whole_lines or fitted)

    @property
    def cut_lines(self) -> int:
        """Lines that were not summed up yet."""
        return len(self._cut)

    def summed_up(self, summary: str, lines: int | None = None) -> None:
        """`lines`: what `cut_lines` was when it was asked for; None for all."""
        self.summary = " ".join(summary.split())[:LONGEST_SUMMARY]
        del self._cut[:lines]

    def forget_what_was_cut(self) -> None:
        self._cut.clear()

    # ---- how much it is ----

    def uncounted(self) -> tuple[str, ...]:
        """The texts that the server has not counted."""
        return tuple(line.text for line in self._lines if line.tokens is None)

    def counted(self, text: str, tokens: int) -> None:
        """The server's count of a text, for the lines that still have it."""
        for line in self._lines:
            if line.text == text and line.tokens is None:
                line.tokens = tokens


def _newest(lines: list[HistoryEntry]) -> list[HistoryEntry]:
    """As many of the last lines as `MOST_CUT` allows."""
    room, first = MOST_CUT, len(lines)
    while first and room >= (size := max(len(lines[first - 1].text), LEAST_CUT)):
        first -= 1
        room -= size
    return lines[first:]


def _fitted(question: str, limit: int | None, told: int) -> str:
    """Whole, or the end of one that would fill a prompt by itself, `told` being told before it."""
    if limit is None:
        return question
    room = max(limit - told - MESSAGE_TOKENS, limit // QUESTION_SHARE)
    return question[-max(1, int(room * CHARACTERS_A_TOKEN)) :]


def _beside(question: str, own: HistoryEntry | None) -> int:
    """The tokens that a question adds to the lines, if it stands among them as `own`."""
    return estimate(question) + MESSAGE_TOKENS - (own.size if own is not None else 0)
