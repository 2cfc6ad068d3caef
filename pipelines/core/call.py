"""The call without I/O: every decision of a conversation, from facts to commands.

`handle` takes a fact and returns what is to be done about it, in order; `deadline` says when it
wants to be told that time has passed. The parts are machines of their own: listening, the turn,
the answers of the language model, the delivery of a reply, memory, and the ledger.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias, cast, get_args

from pipelines.core.announcements import IdleTimer
from pipelines.core.commands import (
    AbortReply,
    Apologise,
    CallCommand,
    CancelVoice,
    CloseReply,
    CommitReply,
    ForgetSpeech,
    PauseReply,
    ResumeReply,
    ScoreTurn,
    StartReply,
    StopReply,
    TurnCommand,
    WithdrawReply,
)
from pipelines.core.events import (
    AnswerFailed,
    AnswerFinished,
    CallFact,
    CallOpened,
    CallStarted,
    DayBegan,
    FirstClause,
    FirstToken,
    LedgerFact,
    MicrophoneClosed,
    Milestone,
    NothingAudible,
    PlayoutEnded,
    PlayoutStarted,
    PromptWarmed,
    QuestionArrived,
    ReplyRestarted,
    SayAsked,
    SilenceAsked,
    SilenceTrimmed,
    SoundHeard,
    Span,
    SummaryCame,
    TextTyped,
    TimePassed,
    TokensCounted,
    ToolEnded,
    TooMuchToSay,
    TranscriptionCame,
    TranscriptionFailed,
    TurnFact,
    TurnScored,
    VoiceFailed,
)
from pipelines.core.exchange import (
    Caption,
    Dtmf,
    Expect,
    Fault,
    LineDropped,
    LineRestored,
    Muted,
    Played,
    Say,
    Sent,
    SoundLost,
    StateChanged,
    StopSpeaking,
    TurnMeasured,
    Typed,
)
from pipelines.core.hearing.dictation import Dictation
from pipelines.core.hearing.listening import Listener
from pipelines.core.hearing.voicing import Voicing
from pipelines.core.keypad import Keypad, in_words
from pipelines.core.ledger.measuring import Measuring
from pipelines.core.memory.conversation import Conversation
from pipelines.core.memory.preparation import Preparation
from pipelines.core.memory.toolbox import Toolbox
from pipelines.core.policies import CallFormat, Policies
from pipelines.core.recording import Noted
from pipelines.core.speaking.delivery import Delivery, Piece
from pipelines.core.speaking.phrasing import clauses_of
from pipelines.core.speaking.playout import Playout
from pipelines.core.steps import each
from pipelines.core.thinking.answers import Answers
from pipelines.core.thinking.turn_marks import INSTRUCTION, INSTRUCTION_TOKENS
from pipelines.core.turn.awaited import AwaitedAnswer
from pipelines.core.turn.expectation import Expectation, Expected
from pipelines.core.turn.floor import Floor
from pipelines.core.turn.machine import TurnMachine
from pipelines.core.turn.policy import LONGEST_TURN

_TURN_FACTS = get_args(TurnFact)
_LEDGER_FACTS = get_args(LedgerFact)


Rule: TypeAlias = Callable[[Any, float], None]


TOO_MUCH_TYPED = f"This text was not taken: a turn has {LONGEST_TURN} characters at most."
SOUND_LOST = "the connection stood still, and some of what was said was lost"
ALONE = CallOpened("run", has_prompts=False)


def _unnoted(item: Noted) -> None: ...


def _room(policies: Policies) -> int | None:
    """Tokens that a prompt may have beside our own words in it."""
    if policies.prompt_tokens is None or not policies.turn.asks_model:
        return policies.prompt_tokens
    return policies.prompt_tokens - INSTRUCTION_TOKENS


class CallCore:
    """Times (`now`) are monotonic seconds, and never go back."""

    def __init__(
        self,
        policies: Policies,
        form: CallFormat,
        opened: CallOpened = ALONE,
        *,
        now: float,
        note: Callable[[Noted], None] = _unnoted,
    ) -> None:
        """`opened` tells of the ids of the tools' runs, which are no other call's, and whether
        the language model's server counts tokens and reads prompts ahead.

        `note` is told of the turn's facts and commands and of the ledger's facts, for a recording.
        """
        if opened.asks_model is not None:
            turn = replace(policies.turn, asks_model=opened.asks_model)
            policies = replace(policies, turn=turn)
        self._policies = policies
        self._note = note
        self._commands: list[CallCommand] = []
        self._now = now
        self.conversation = Conversation(policies.system_prompt, _room(policies))
        self._listener = Listener(
            Voicing(policies.voicing),
            Dictation(policies.dictation),
            policies.phrases.unheard,
            self._tell,
        )
        self._keypad = Keypad(policies.keypad)
        self._idle_timer = IdleTimer(form.announcements or policies.announcements, now)
        self._awaited = AwaitedAnswer(lambda: self.conversation.last_heard)
        turns = TurnMachine(
            policies.turn,
            policies.completes,
            lambda: self._awaited.expectation,
            policies.phrases.go_on,
        )
        self._floor = Floor(turns, self._obey, self._tell, note)
        toolbox = Toolbox(
            [*policies.tools, *form.tools], self.conversation, opened.run_prefix, self._tell
        )
        self._answers = Answers(
            self.conversation, toolbox, policies.answering, policies.phrases, self._tell
        )
        self._preparation = Preparation(
            self.conversation,
            policies.answering,
            self._tell,
            lambda: self._answers.is_asked,
            has_prompts=opened.has_prompts,
            instruction=INSTRUCTION if policies.turn.asks_model else "",
        )
        playout = Playout(form.out_rate_hz, form.lead_s, reports=form.reports_playout)
        self._delivery = Delivery(playout, self.conversation, self._tell)
        self._measuring = Measuring(
            policies.budget,
            self._tell,
            reports=form.reports_playout,
            facts={**policies.facts, **form.facts},
        )
        self._apology = tuple(clauses_of(policies.phrases.apology))
        self._unasked_id = 0
        """The newest reply that nobody waits for: the bot spoke of its own accord."""
        self._rules = self._table()

    @property
    def deadline(self) -> float | None:
        """When `TimePassed` is to be told, if nothing happens before."""
        times = (
            self._listener.deadline(),
            self._delivery.deadline(),
            self._answers.deadline(),
            self._floor.deadline(),
            self._keypad.deadline(),
            self._idle_timer.deadline(),
        )
        return min((at for at in times if at is not None), default=None)

    def handle(self, fact: CallFact, now: float) -> list[CallCommand]:
        """Returns the commands that it brings about, in order. Late facts are normal.

        Where something of the policies' or a tool's raises, `decided` has what came before it.
        """
        self._now = now
        if rule := self._rules.get(type(fact)):
            rule(fact, now)
        return self.decided()

    def decided(self) -> list[CallCommand]:
        """Hands over the commands that nobody was given yet: those decided before an exception."""
        commands, self._commands = self._commands, []
        return commands

    # ---- facts ----

    def _table(self) -> Mapping[type, Rule]:
        """The part that a kind of fact concerns; kinds that are not here concern none."""
        listener, answers, delivery = self._listener, self._answers, self._delivery
        preparation = self._preparation
        return {
            SoundHeard: listener.hear,
            SoundLost: lambda fact, now: self._tell(Fault(SOUND_LOST)),
            TranscriptionCame: listener.transcribed,
            TranscriptionFailed: listener.failed,
            TurnScored: self._floor.take,
            QuestionArrived: answers.arrived,
            FirstToken: answers.first_token,
            AnswerFinished: answers.finished,
            AnswerFailed: answers.failed,
            FirstClause: answers.first_clause,
            TooMuchToSay: answers.enough,
            ToolEnded: answers.tool_ended,
            NothingAudible: self._apologise,
            **dict.fromkeys(get_args(Piece), delivery.offer),
            ReplyRestarted: delivery.take_back,
            Played: delivery.played,
            Sent: delivery.sent,
            LineDropped: delivery.drop_line,
            LineRestored: delivery.restore_line,
            TokensCounted: preparation.counted,
            SummaryCame: preparation.summed_up,
            PromptWarmed: preparation.warmed,
            **dict.fromkeys((Milestone, Span, SilenceTrimmed), lambda fact, now: self._tell(fact)),
            CallStarted: lambda fact, now: preparation.begin(),
            DayBegan: self._begin_day,
            TimePassed: self._pass_time,
            Typed: self._take_text,
            Dtmf: self._press,
            Expect: self._expect,
            StopSpeaking: self._be_silent,
            Muted: self._close_microphone,
            Say: self._speak_up,
        }

    def _begin_day(self, fact: DayBegan, now: float) -> None:
        self.conversation.today = fact.today

    def _pass_time(self, fact: TimePassed, now: float) -> None:
        each(
            lambda: self._listener.due(now),
            lambda: self._type_keys(self._keypad.due(now), now),
            lambda: self._delivery.pump(now),
            lambda: self._answers.due(now),
            lambda: self._floor.due(now),
            lambda: self._announce(now),
        )

    def _announce(self, now: float) -> None:
        if (say := self._idle_timer.due(now)) is not None:
            self._note(say)
            self._speak_up(say, now)

    def _apologise(self, fact: NothingAudible, now: float) -> None:
        self._delivery.offer(VoiceFailed(fact.reply_id), now)
        if fact.reply_id != self._unasked_id:
            self._tell(Apologise(fact.reply_id, self._apology))

    # ---- the person's hands, and the server's word ----

    def _take_text(self, typed: Typed, now: float) -> None:
        if len(typed.text) > self._floor.room:
            self._tell(Fault(TOO_MUCH_TYPED))
        elif typed.interrupts:
            self._type(typed.text, now)
        else:
            self.conversation.mentioned(typed.text)

    def _press(self, key: Dtmf, now: float) -> None:
        keys = self._keypad.press(key.digit, now)
        self._floor.take(SilenceAsked(), now)
        self._type_keys(keys, now)

    def _expect(self, fact: Expect, now: float) -> None:
        self._awaited.expect(Expectation(Expected(fact.kind), fact.size))

    def _be_silent(self, fact: StopSpeaking, now: float) -> None:
        self._floor.take(SilenceAsked(), now)

    def _close_microphone(self, muted: Muted, now: float) -> None:
        if muted.muted:
            self._listener.microphone_closed(now)
            self._floor.take(MicrophoneClosed(), now)

    def _speak_up(self, say: Say, now: float) -> None:
        self._floor.take(SayAsked(say.text, say.ends_call, say.must_be_heard), now)

    def _type(self, text: str, now: float) -> None:
        self._answers.fell_silent(None)
        self._measuring.typed()
        self._floor.take(TextTyped(text), now)

    def _type_keys(self, keys: str, now: float) -> None:
        if keys:
            self._type(in_words(keys), now)

    # ---- what the parts notice, and what they want done ----

    def _tell(self, item: TurnFact | LedgerFact | CallCommand) -> None:
        """News goes to the parts that it concerns, commands go out."""
        now = self._now
        if isinstance(item, PlayoutStarted | PlayoutEnded):
            each(
                lambda: self._measuring.playout(item),
                lambda: self._floor.take(item, now),
                lambda: self._heard_out(item),
            )
        elif isinstance(item, _LEDGER_FACTS):
            self._note(item)
            if isinstance(item, Milestone) and item.what == "speech_ended":
                self._answers.fell_silent(item.at_s)
            self._measuring.take(item)
        elif isinstance(item, _TURN_FACTS):
            self._floor.take(item, now)
        else:
            command = cast(CallCommand, item)
            self._commands.append(command)
            self._watch(command)

    def _heard_out(self, fact: PlayoutStarted | PlayoutEnded) -> None:
        if isinstance(fact, PlayoutEnded):
            self._answers.heard_out(fact.reply_id)
            if not self._answers.is_asked:
                self._preparation.begin()

    def _watch(self, sent: CallCommand) -> None:
        if isinstance(sent, StateChanged | Caption):
            self._idle_timer.observe(sent, self._now)
        elif isinstance(sent, CloseReply):
            self._delivery.close(sent.reply_id, self._now)
        elif isinstance(sent, TurnMeasured) and self._policies.tells_last_wait:
            wait_ms = 1000 * float(str(sent.row["voice_to_voice_s"]))
            self.conversation.aside = f"last answer: {wait_ms:.0f} ms"

    def _obey(self, command: TurnCommand, now: float) -> None:
        """Carry out what the turn has decided, part by part in a fixed order."""
        match command:
            case StartReply():
                self._start(command, now)
            case CommitReply():
                if command.text:
                    self._awaited.answered(command.turn_id)
                each(
                    lambda: self._delivery.commit(command, now),
                    lambda: self._answers.commit(command, now),
                )
            case PauseReply(reply_id):
                each(
                    lambda: self._delivery.pause(reply_id, now),
                    lambda: self._answers.give_floor(reply_id, now, to_bot=False),
                )
            case ResumeReply(reply_id):
                each(
                    lambda: self._delivery.go_on("caller", now),
                    lambda: self._answers.give_floor(reply_id, now, to_bot=True),
                )
            case WithdrawReply() | StopReply():
                self._end(command, now)
            case ForgetSpeech(upto_s):
                self._listener.forget(upto_s)
            case ScoreTurn():
                self._tell(command)

    def _start(self, command: StartReply, now: float) -> None:
        self._measuring.started(command)
        self._delivery.start(command.reply_id)
        if command.say:
            self._unasked_id = command.reply_id
        else:
            self._preparation.give_way()
        self._answers.start(command, now)

    def _end(self, command: WithdrawReply | StopReply, now: float) -> None:
        """The reply is over, wherever it is on its way."""
        reply_id = command.reply_id
        each(
            lambda: self._delivery.stop(reply_id, now),
            lambda: self._tell(AbortReply(reply_id)),
            lambda: self._tell(CancelVoice(reply_id)),
            lambda: self._unsay(command),
            lambda: self._answers.cancel(reply_id, now),
        )
        if isinstance(command, StopReply):
            self._preparation.begin()

    def _unsay(self, command: WithdrawReply | StopReply) -> None:
        if isinstance(command, WithdrawReply) and command.reopened:
            self.conversation.unsaid(command.turn_id)
            self._awaited.reopened(command.turn_id)
