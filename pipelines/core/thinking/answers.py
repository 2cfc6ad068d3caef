"""The language model's side of the replies: asked, asked again after tools, broken off.

A reply is asked for before its turn is committed, and can be withdrawn at any moment.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from pipelines.core.commands import (
    AskModel,
    CancelAnswer,
    CloseReply,
    CommitReply,
    OpenReply,
    StartReply,
    Utter,
)
from pipelines.core.events import (
    AnswerCounted,
    AnswerFailed,
    AnswerFinished,
    FirstClause,
    FirstToken,
    Milestone,
    QuestionArrived,
    ResultsWaiting,
    Span,
    ToolEnded,
    TooMuchToSay,
    TurnIncomplete,
)
from pipelines.core.memory.chat import ChatMessage
from pipelines.core.memory.conversation import Conversation
from pipelines.core.memory.toolbox import Toolbox
from pipelines.core.speaking.phrasing import has_clause
from pipelines.core.thinking.answering import AnsweringPolicy
from pipelines.core.thinking.reply import Question, Reply, ReplyState, Standing, Substance
from pipelines.core.thinking.turn_marks import INSTRUCTION
from pipelines.words.phrases import Phrases

Noticed: TypeAlias = (
    OpenReply
    | AskModel
    | Utter
    | CloseReply
    | CancelAnswer
    | AnswerCounted
    | Milestone
    | Span
    | ResultsWaiting
    | TurnIncomplete
)


class Answers:
    def __init__(
        self,
        conversation: Conversation,
        toolbox: Toolbox,
        policy: AnsweringPolicy,
        phrases: Phrases,
        tell: Callable[[Noticed], None],
    ) -> None:
        self._conversation = conversation
        self._toolbox = toolbox
        self._policy = policy
        self._phrases = phrases
        self._tell = tell
        self._replies: dict[int, Reply] = {}
        self._results_waited = False
        """As the turn was told last."""
        self._broken: set[int] = set()
        """Replies whose answer failed: hearing them out is hearing an apology."""
        self._silent_since_s: float | None = None
        """In the turn that is not committed."""

    @property
    def is_asked(self) -> bool:
        """A question is being answered."""
        return bool(self._replies)

    def deadline(self) -> float | None:
        times = (reply.deadline for reply in self._replies.values())
        return min((at for at in times if at is not None), default=None)

    # ---- the turn's decisions ----

    def fell_silent(self, at_s: float | None) -> None:
        """The person, who may have finished; None where they have typed instead."""
        self._silent_since_s = at_s

    def start(self, command: StartReply, now: float) -> None:
        if command.say:
            self._tell(OpenReply(command.reply_id))
            self._tell(Utter(command.reply_id, command.say))
            self._tell(CloseReply(command.reply_id))
            return
        silent_s = self._silent_since_s if command.text else None
        since_s = now if silent_s is None else silent_s
        self._tell(OpenReply(command.reply_id, since_s + self._policy.heard_s))
        reply = Reply(command.reply_id, command.turn_id, command.text, since_s)
        if silent_s is not None:
            reply.settled_s = silent_s + self._policy.settled_s
        if command.judges_turn:
            reply.next = Question.JUDGING
        self._replies[reply.reply_id] = reply
        self._ask(reply, now)

    def commit(self, command: CommitReply, now: float) -> None:
        if command.text:
            self._silent_since_s = None
            self._conversation.said(command.turn_id, command.text)
        if reply := self._replies.get(command.reply_id):
            reply.standing = Standing.COMMITTED
            self._tell_of(reply)
            self._go_on(reply, now)

    def give_floor(self, reply_id: int, now: float, *, to_bot: bool) -> None:
        if reply := self._replies.get(reply_id):
            reply.standing = Standing.COMMITTED if to_bot else Standing.CONTESTED
            self._go_on(reply, now)

    def cancel(self, reply_id: int, now: float) -> None:
        """Nobody waits for it: the HTTP stream closes while the call goes on."""
        self._toolbox.interrupted(reply_id)
        self._broken.discard(reply_id)
        reply = self._replies.pop(reply_id, None)
        if reply is None:
            return
        self._tell(CancelAnswer(reply_id))
        if reply.asked_s is not None:  # what it cost until then
            self._tell(Span("llm", reply.asked_s, now, reply_id))

    def heard_out(self, reply_id: int) -> None:
        """The listener has heard a reply to its end."""
        self._toolbox.heard(reply_id)
        if reply_id not in self._broken:
            self._conversation.heard_out(reply_id)
        self._broken.discard(reply_id)

    # ---- the model's answers ----

    def arrived(self, fact: QuestionArrived, now: float) -> None:
        reply = self._replies.get(fact.reply_id)
        if reply is not None and reply.state is ReplyState.SENT:
            reply.state = ReplyState.ASKED

    def first_token(self, fact: FirstToken, now: float) -> None:
        reply = self._replies.get(fact.reply_id)
        if reply is None:
            return
        reply.asked_s = reply.bridge_s = None
        reply.state = ReplyState.ASKED if reply.state is ReplyState.SENT else reply.state
        reply.said = max(reply.said, Substance.SOMETHING)
        if reply.fed_s is None:
            reply.fed_s = fact.at_s
        reply.facts["llm_first_token_s"] = round(fact.at_s - fact.asked_s, 6)
        reply.learn(fact.facts)
        self._tell(Span("llm", fact.asked_s, fact.at_s, fact.reply_id))
        self._tell(Milestone("first_token", fact.at_s, fact.reply_id))
        self._tell(AnswerCounted(dict(reply.facts), fact.reply_id, over=False))
        if reply.said is Substance.ENOUGH:
            self._stop_listening(reply)

    def first_clause(self, fact: FirstClause, now: float) -> None:
        reply = self._replies.get(fact.reply_id)
        fed_s = now if reply is None or reply.fed_s is None else reply.fed_s
        if reply is not None:
            reply.fed_s = None
        self._tell(Span("phrasing", fed_s, now, fact.reply_id))
        self._tell(Milestone("first_clause", now, fact.reply_id))

    def enough(self, fact: TooMuchToSay, now: float) -> None:
        """Nothing more of this reply is spoken, so nothing more of it is wanted."""
        if reply := self._replies.get(fact.reply_id):
            reply.said = Substance.ENOUGH
            if reply.state in (ReplyState.SENT, ReplyState.ASKED):
                self._stop_listening(reply)

    def finished(self, fact: AnswerFinished, now: float) -> None:
        reply = self._replies.get(fact.reply_id)
        if reply is None:
            return
        if fact.turn_incomplete:  # no answer: it will be withdrawn
            held = AnswerCounted({"llm_turn_incomplete": True}, fact.reply_id, over=False)
            self._tell(held)
            self._tell(TurnIncomplete(fact.reply_id))
            return
        reply.rounds += 1
        reply.learn(fact.facts)
        if fact.tool_calls:
            reply.calls, reply.spoken = fact.tool_calls, fact.text
            reply.state = ReplyState.UNCERTAIN
            self._go_on(reply, now)
        elif has_clause(fact.text):
            self._close(reply, is_cut=fact.is_cut)
        else:
            self._break_off(reply, "llm: an answer without a spoken word")

    def failed(self, fact: AnswerFailed, now: float) -> None:
        reply = self._replies.get(fact.reply_id)
        if reply is None:
            return
        if fact.too_long and not fact.text and reply.cuts < self._policy.most_cuts:
            reply.cuts += 1
            if self._conversation.shrink(reply.turn_id, reply.question):
                self._ask(reply, now)
                return
        reply.learn(fact.facts)
        self._break_off(reply, fact.error, is_cold=fact.is_cold)

    def _ask(self, reply: Reply, now: float) -> None:
        talk = self._conversation
        if not reply.question and not reply.news and not talk.news:
            self._close(reply)  # another answer has told of it meanwhile
            return
        news = talk.news
        asked = talk.with_question(reply.turn_id, reply.question, reply.reply_id)
        last = next((said.content for said in reversed(asked) if said.role == "user"), "")
        if reply.said is not Substance.NOTHING or reply.rounds:
            reply.next = Question.LATER
        judges_turn = reply.next is Question.JUDGING and asked[-1].role == "user"
        reply.state, reply.asked_s, reply.news = ReplyState.SENT, now, news
        reply.lost_s = now + self._policy.lost_s
        if reply.standing is not Standing.HELD:
            self._tell_of(reply)
        self._tell(
            AskModel(
                reply.reply_id,
                _instructed(asked) if judges_turn else tuple(asked),
                waited_s=0.0 if reply.next is Question.LATER else max(0.0, now - reply.since_s),
                left_out=max(0, len(reply.question) - len(last)) if reply.question else 0,
                judges_turn=judges_turn,
            )
        )

    def _close(
        self, reply: Reply, *, sorry: str = "", is_cut: bool = False, error: str = ""
    ) -> None:
        del self._replies[reply.reply_id]
        self._tell(CloseReply(reply.reply_id, sorry, is_cut, error))
        self._tell(AnswerCounted(reply.facts, reply.reply_id, over=True))

    def _stop_listening(self, reply: Reply) -> None:
        """There is enough of it, whatever the model goes on to say."""
        self._tell(CancelAnswer(reply.reply_id))
        self._close(reply)

    def _break_off(self, reply: Reply, error: str, *, is_cold: bool = False) -> None:
        """An apology is the answer to its own calls: nobody tells of them unasked."""
        reply.facts["llm_failed"] = True
        self._broken.add(reply.reply_id)
        own = [line for line in self._conversation.news if line.reply_id == reply.reply_id]
        self._conversation.told(own, reply.reply_id)
        self._tell_turn()
        sorry = self._phrases.cold if is_cold else self._phrases.apology
        self._close(reply, sorry=sorry, error=error)

    # ---- tools ----

    def due(self, now: float) -> None:
        for reply in list(self._replies.values()):
            if reply.bridge_s is not None and now >= reply.bridge_s - 1e-6:
                reply.said, reply.bridge_s = max(reply.said, Substance.SOMETHING), None
                self._tell(Utter(reply.reply_id, self._phrases.meanwhile, filler=True))
            if reply.state is ReplyState.SENT and now >= reply.lost_s - 1e-6:
                self._tell(CancelAnswer(reply.reply_id))  # should the model be asked after all
                self._break_off(reply, "llm: the question was lost on its way")
            else:
                self._go_on(reply, now)

    def tool_ended(self, fact: ToolEnded, now: float) -> None:
        if self._toolbox.ended(fact):
            self._tell_turn()
            for reply in list(self._replies.values()):
                if reply.runs.pop(fact.run_id, None) is not None:
                    self._go_on(reply, now)

    def _go_on(self, reply: Reply, now: float) -> None:
        """As far as the reply can come now: committed, settled, worked, asked again."""
        if reply.state is ReplyState.UNCERTAIN and reply.standing is not Standing.HELD:
            reply.state, reply.began_s = ReplyState.SETTLING, now
            if reply.said is Substance.NOTHING and reply.bridge_s is None:
                reply.bridge_s = now + self._policy.meanwhile_s
        if reply.state is ReplyState.SETTLING and self._is_settled(reply, now):
            self._work(reply, now)
        if reply.state is ReplyState.WORKING:
            reply.runs = {one: at_s for one, at_s in reply.runs.items() if now < at_s - 1e-6}
            if not reply.runs:
                self._tell_model(reply, now)

    def _is_settled(self, reply: Reply, now: float) -> bool:
        if not self._toolbox.changes_anything(reply.calls):
            return True
        return reply.standing is Standing.COMMITTED and now >= reply.settled_s - 1e-6

    def _work(self, reply: Reply, now: float) -> None:
        reply.state = ReplyState.WORKING
        ids = (reply.turn_id, reply.reply_id)
        reply.line = self._toolbox.call(reply.calls, *ids, reply.spoken)
        waits_s = self._toolbox.waits_s(reply.line)
        reply.runs = {run_id: now + limit_s for run_id, limit_s in waits_s.items()}

    def _tell_model(self, reply: Reply, now: float) -> None:
        """Asks again with the results; unless the reply has said all, and only an act is left."""
        assert reply.line is not None
        reply.learn({"llm_tool_calls": len(reply.calls)})
        self._tell(Span("llm", reply.began_s, now, reply.reply_id, waited=True))
        acts = self._toolbox.acts_after(reply.reply_id, [reply.line])
        if acts and reply.spoken:
            self._conversation.told([reply.line], reply.reply_id)
            self._close(reply)
        elif reply.rounds >= self._policy.most_rounds:
            self._break_off(reply, "llm: asks for tool after tool")
        elif reply.said is Substance.ENOUGH:
            self._close(reply)
        else:
            self._ask(reply, now)

    def _tell_of(self, reply: Reply) -> None:
        """It is let go, and its request has told the model of these results."""
        news, reply.news = reply.news, []
        self._conversation.told(news, reply.reply_id)
        self._toolbox.acts_after(reply.reply_id, news)
        self._tell_turn()

    def _tell_turn(self) -> None:
        waiting = bool(self._conversation.news)
        if waiting != self._results_waited:
            self._results_waited = waiting
            self._tell(ResultsWaiting(waiting))


def _instructed(asked: Sequence[ChatMessage]) -> tuple[ChatMessage, ...]:
    *before, last = asked
    return (*before, replace(last, content=INSTRUCTION + last.content))
