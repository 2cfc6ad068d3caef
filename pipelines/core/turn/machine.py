"""Whose turn is it? Every rule of taking and keeping the floor is here.

The machine does no I/O and reads no clock: silence is counted in media time, which comes with
the facts. Feed it facts in the order in which they happened; carry out what it returns.

    IDLE -> HEARING <-> PAUSED -> THINKING -> SPEAKING -> IDLE
               ^          |  '-> CLOSING -^  ^   |  ^
               |          '-------------> IDLE  |   v  |
               |------------------------------ | - CONTESTED
               '----------------------- CONTESTED_EARLY

A reply may be under way from HEARING on: held until the turn is committed. From any state to
ANNOUNCING, when the bot is to say what must be heard; afterwards to wherever the person is then.
From PAUSED or CLOSING to PROMPTING, once in a turn, where a part of an answer is all that came.
"""

from collections.abc import Callable

from pipelines.core.commands import (
    CommitReply,
    ForgetSpeech,
    PauseReply,
    ResumeReply,
    ScoreTurn,
    StartReply,
    StopReply,
    TurnCommand,
)
from pipelines.core.events import (
    Listened,
    MicrophoneClosed,
    PlayoutEnded,
    PlayoutStarted,
    ReplyPaused,
    ResultsWaiting,
    SayAsked,
    SilenceAsked,
    SpeechPaused,
    SpeechStarted,
    TextTyped,
    Transcribed,
    TurnFact,
    TurnHeldLongEnough,
    TurnIncomplete,
    TurnScored,
)
from pipelines.core.turn.barge_in import BargeInMoment, Judgement, judge, moment_of
from pipelines.core.turn.endpointing import Completes, Endpointing, Evidence, nothing_known
from pipelines.core.turn.expectation import NOTHING, Expectation
from pipelines.core.turn.hypothesis import Hypothesis
from pipelines.core.turn.notice import WAITING, Notice
from pipelines.core.turn.opinion import Opinion
from pipelines.core.turn.pause import Pause, PauseHabit
from pipelines.core.turn.policy import LONGEST_TURN, TurnPolicy
from pipelines.core.turn.replies import Replies
from pipelines.core.turn.state import CONTESTED, REPLIES, SILENT, WAITS, TurnState
from pipelines.core.turn.wording import gist

Rule = Callable[["TurnMachine", TurnFact], list[TurnCommand]]
RESULTS = SayAsked("")


class TurnMachine:
    def __init__(
        self,
        policy: TurnPolicy,
        completes: Completes = nothing_known,
        expected: Callable[[], Expectation] = lambda: NOTHING,
        prompt: str = "",
    ) -> None:
        """`expected`: the kind of answer that the bot waits for, whenever it is asked. `prompt`:
        "go on", said where a part of it is all that came; "" for an answer to that part.
        """
        self._policy, self._prompt = policy, prompt
        self._prompted: Expectation | None = None  # of which the rest has been asked for
        self._expected = expected
        self._endpointing = Endpointing(policy.endpointing, completes)
        self._state, self._turn_id = TurnState.IDLE, 1
        self._replies, self._heard = Replies(), Hypothesis()
        self._opinion = Opinion(is_wanted=policy.asks_model, limit_s=self.held_s)
        self._media_s, self._carried, self._speculations = 0.0, "", 0
        self._quiet, self._habit = Pause(policy), PauseHabit()
        self._moment, self._notice = BargeInMoment.MIDDLE, Notice("")
        self._results_wait = self._catching_up = False

    @property
    def state(self) -> TurnState:
        return self._state

    @property
    def turn_id(self) -> int:
        return self._turn_id

    @property
    def held_s(self) -> float:
        """Nobody is waited for longer than that because of the language model."""
        return self._policy.endpointing.held_s

    @property
    def text(self) -> str:
        """The person's words in this turn so far."""
        return self._with_carried(self._heard.text)

    @property
    def room(self) -> int:
        """Characters that the person may type into the turn that a text would be of."""
        if self._state in SILENT:
            return LONGEST_TURN
        return LONGEST_TURN - len(self.text) - self._notice.typed

    def _with_carried(self, text: str) -> str:
        return " ".join(part for part in (self._carried, text) if part)

    @property
    def evidence(self) -> Evidence:
        """The evidence about the pause, or of the one before."""
        return Evidence(
            text=gist(self.text),
            silence_s=self._media_s - self._quiet.since_s,
            score=self._quiet.score,
            went_on=self._habit.went_on,
            stood_s=self._heard.stood_s(self._media_s),
            alternatives=tuple(
                (gist(self._with_carried(text)), share) for text, share in self._heard.alternatives
            ),
            expected=self._prompted or self._expected(),
            incomplete=self._opinion.is_of(self.text),
        )

    @property
    def over_at_s(self) -> float:
        """The media time at which the pause will have been long enough, as things stand."""
        return self._quiet.since_s + self._endpointing.wait_s(self.evidence)

    def handle(self, fact: TurnFact) -> list[TurnCommand]:
        """Late and repeated facts are normal: what the table does not name changes nothing."""
        if isinstance(fact, Listened | SpeechStarted | SpeechPaused):
            self._media_s = max(self._media_s, fact.media_s)
            if isinstance(fact, Listened):
                self._catching_up = bool(fact.catching_up)
        elif isinstance(fact, ResultsWaiting):
            self._results_wait = fact.waiting
        of_reply = isinstance(fact, OF_REPLY) and fact.reply_id
        if of_reply and not self._replies.is_news(of_reply):
            return []
        rule = RULES.get((self._state, type(fact)))
        commands = rule(self, fact) if rule is not None else []
        if self._results_wait and self._state is TurnState.IDLE:  # nobody speaks, nobody has asked
            self._results_wait = False
            commands = [*commands, *self._speak_up()]
        return commands

    # ---- the person speaks ----

    def _begin_turn(self, fact: TurnFact) -> list[TurnCommand]:
        self._state = TurnState.HEARING
        return []

    def _go_on(self, fact: TurnFact) -> list[TurnCommand]:
        """Speech within the pause keeps the turn; what is held falls when the words change."""
        assert isinstance(fact, SpeechStarted)
        long_enough = fact.media_s - self._quiet.since_s >= self._policy.telling_pause_s
        if long_enough and self._endpointing.may_be_over(self.evidence):
            self._habit.went_on += 1
        self._opinion.went_on(self.text)
        self._state = TurnState.HEARING
        return []

    def _pause(self, fact: TurnFact) -> list[TurnCommand]:
        assert isinstance(fact, SpeechPaused)
        self._state = TurnState.PAUSED
        self._quiet.begin(fact.media_s)
        self._opinion.paused(fact.media_s)
        self._heard.reopen()
        return self._consider()

    def _learn(self, fact: TurnFact) -> list[TurnCommand]:
        """New words while the person still speaks."""
        assert isinstance(fact, Transcribed)
        self._heard.learn(fact)
        return self._withdraw_if_outdated() + (self._rest() if fact.final else [])

    def _rest(self) -> list[TurnCommand]:
        """The pause was seen while the floor was contested, and its words are known."""
        self._state = TurnState.PAUSED
        self._quiet.rest(self._media_s)
        return self._consider()

    def _learn_in_pause(self, fact: TurnFact) -> list[TurnCommand]:
        assert isinstance(fact, Transcribed)
        self._heard.learn(fact)
        return self._withdraw_if_outdated() + self._consider()

    def _score_pause(self, fact: TurnFact) -> list[TurnCommand]:
        assert isinstance(fact, TurnScored)
        if fact.paused_s != self._quiet.since_s:
            return []
        self._quiet.score = fact.probability
        return self._consider()

    def _last_words(self, fact: TurnFact) -> list[TurnCommand]:
        assert isinstance(fact, Transcribed)
        self._heard.learn(fact)
        return self._end_turn() if fact.final else self._withdraw_if_outdated()

    # ---- is it over? ----

    def _consider(self) -> list[TurnCommand]:
        """In a pause, with the newest evidence: start, ask, wait or close."""
        commands: list[TurnCommand] = []
        if self._heard.final and not self.text:
            return self._abandon()
        if self._media_s >= self.over_at_s and not self._catching_up:
            if self._heard.final:
                return self._end_turn()
            self._state = TurnState.CLOSING
        fresh = self._heard.upto_s >= self._quiet.since_s - self._policy.fresh_s
        if (self._heard.final or fresh) and self._endpointing.eager(self.evidence):
            commands += self._speculate()
        may_be_over = self._endpointing.may_be_over(self.evidence)
        if may_be_over and self._quiet.is_score_due(self._media_s):
            commands.append(ScoreTurn(self._quiet.since_s))
        return commands

    def _speculate(self) -> list[TurnCommand]:
        is_enough = self._speculations >= self._policy.most_speculations
        if is_enough or self._replies.is_under_way or self._wants_rest:
            return []
        self._speculations += 1
        return [self._start()]

    def _start(self) -> StartReply:
        asked_for = self._opinion.is_asked_for(self.text, self._media_s)
        return self._replies.start(self._turn_id, self.text, judges_turn=asked_for)

    def _withdraw_if_outdated(self) -> list[TurnCommand]:
        return [*self._replies.withdraw_outdated(self._turn_id, self.text)]

    @property
    def _wants_rest(self) -> bool:
        may_ask = self._prompt and not self._prompted
        return bool(may_ask and self._endpointing.is_part(self.evidence))

    def _end_turn(self) -> list[TurnCommand]:
        """The silence has been long enough for an answer, or for "go on"."""
        if not self.text or not self._wants_rest:
            return self._close()
        outdated = self._replies.withdraw_outdated(self._turn_id, "")
        self._state, self._prompted = TurnState.PROMPTING, self._expected()
        start = self._replies.start(self._turn_id, "", self._prompt)
        self._turn_id += 1  # the words are of the next one, with those that follow
        return [*outdated, start, CommitReply(start.reply_id, start.turn_id, "")]

    def _close(self) -> list[TurnCommand]:
        """The turn is over, and every word of it is known."""
        if not self.text:
            return self._abandon()
        commands = self._withdraw_if_outdated()
        if not self._replies.is_under_way:
            commands.append(self._start())
        self._opinion.committed(self.text)
        self._state = TurnState.THINKING
        return [*commands, CommitReply(self._replies.newest_id, self._turn_id, self.text)]

    def _abandon(self) -> list[TurnCommand]:
        """It was no speech: an empty transcript is no turn."""
        withdrawn = [self._replies.withdraw(self._turn_id)] if self._replies.is_under_way else []
        self._state, self._speculations, self._prompted = TurnState.IDLE, 0, None
        return [*withdrawn, self._forget()]

    def _hold(self, fact: TurnFact) -> list[TurnCommand]:
        """The model says that more is to come: it is asked again when it does, or in time."""
        self._opinion.came(self.text)
        self._speculations = max(0, self._speculations - 1)  # the next words are judged as soon
        was_committed = self._state is TurnState.THINKING
        commands: list[TurnCommand] = [
            self._replies.withdraw(self._turn_id, reopened=was_committed)
        ]
        counts = self._opinion.counts(self._media_s)
        if was_committed and not (counts and self._heard.final):
            return commands + self._close()
        if self._state is TurnState.HEARING or not counts:
            return commands
        self._state = TurnState.PAUSED
        return commands + self._consider()

    def _forget(self) -> ForgetSpeech:
        self._heard.forget(self._quiet.since_s)
        return ForgetSpeech(self._quiet.since_s)

    # ---- the reply speaks ----

    def _audible(self, fact: TurnFact) -> list[TurnCommand]:
        self._state = TurnState.SPEAKING
        self._next_turn()
        return [self._forget()]

    def _next_turn(self) -> None:
        self._turn_id, self._speculations = self._turn_id + 1, 0
        self._habit.turn_ended(self._media_s)
        self._carried, self._prompted = "", None

    def _reply_over(self, fact: TurnFact) -> list[TurnCommand]:
        unheard = self._state is TurnState.THINKING
        self._replies.end()
        self._state = TurnState.IDLE
        if not unheard:
            return []
        self._next_turn()
        return [self._forget()]

    def _hush(self, fact: TurnFact) -> list[TurnCommand]:
        """Any act of the person stops "go on"; from here on it is a pause like any other."""
        stopped = StopReply(self._replies.end())
        self._state = TurnState.PAUSED
        self._quiet.begin_unscored(self._media_s)
        return [] if isinstance(fact, PlayoutEnded) else [stopped]

    # ---- the person speaks over it ----

    def _contest(self, fact: TurnFact) -> list[TurnCommand]:
        assert isinstance(fact, SpeechStarted)
        commands: list[TurnCommand] = [PauseReply(self._replies.newest_id)]
        if self._state is TurnState.THINKING:
            self._state, self._carried = TurnState.CONTESTED_EARLY, self.text
            commands.append(ForgetSpeech(self._quiet.since_s))
        else:
            self._state = TurnState.CONTESTED
        self._heard.forget(fact.media_s)
        self._moment = BargeInMoment.MIDDLE
        return commands

    def _place(self, fact: TurnFact) -> list[TurnCommand]:
        assert isinstance(fact, ReplyPaused)
        self._moment = moment_of(fact.sentences, fact.left_s)
        return []

    def _judge(self, fact: TurnFact) -> list[TurnCommand]:
        assert isinstance(fact, Transcribed)
        self._heard.learn(fact)
        return self._weigh(fact)

    def _weigh(self, fact: TurnFact) -> list[TurnCommand]:
        """In noise a weak moment looks like the end: no sound is a mere cough before its time."""
        passed = self._media_s - self._quiet.since_s >= self._policy.passed_s - 1e-6
        text, final = self._heard.text, self._heard.final
        match judge(text, final=final, passed=passed, moment=self._moment):
            case Judgement.GO_ON if passed:
                return self._let_it_go_on()
            case Judgement.STOP:
                return self._give_way(paused=self._heard.final)
            case _:
                return []

    def _contest_on(self, fact: TurnFact) -> list[TurnCommand]:
        self._heard.reopen()
        return []

    def _let_it_go_on(self) -> list[TurnCommand]:
        is_early = self._state is TurnState.CONTESTED_EARLY
        self._state = TurnState.THINKING if is_early else TurnState.SPEAKING
        self._heard.forget(self._media_s)
        return [ResumeReply(self._replies.newest_id), ForgetSpeech(self._media_s)]

    def _give_way(self, *, paused: bool) -> list[TurnCommand]:
        """The floor is the person's again; the reply is history as far as it was heard."""
        goes_on = self._state is TurnState.CONTESTED_EARLY and self._replies.is_asked_for
        commands: list[TurnCommand] = [
            self._replies.withdraw(self._turn_id, reopened=True) if goes_on else self._stop()
        ]
        if self._moment is BargeInMoment.MIDDLE:
            self._habit.interrupted(self._media_s, self._policy.cut_in_s)
        self._state = TurnState.HEARING
        return [*commands, *(self._rest() if paused else [])]

    def _yield(self, fact: TurnFact) -> list[TurnCommand]:
        """The person speaks already, and the model has nothing to say."""
        self._opinion.came(self._carried)
        return self._give_way(paused=self._heard.final)

    def _pause_contest(self, fact: TurnFact) -> list[TurnCommand]:
        assert isinstance(fact, SpeechPaused)
        self._quiet.since_s = fact.media_s
        self._opinion.paused(fact.media_s)
        return []

    # ---- the person's hands ----

    def _take_text(self, fact: TurnFact) -> list[TurnCommand]:
        """Nobody speaks: it is a turn of its own, and over."""
        assert isinstance(fact, TextTyped)
        commands = self._silence(fact) if self._replies.is_under_way else []
        self._opinion.nothing_more_comes()
        self._carried = fact.text.strip()
        return commands + self._close()

    def _join_text(self, fact: TurnFact) -> list[TurnCommand]:
        """The person speaks and types: it is one turn, over when every word of it is known."""
        assert isinstance(fact, TextTyped)
        commands = self._silence_contest(fact) if self._state in CONTESTED else []
        self._carried = " ".join(part for part in (self._carried, fact.text.strip()) if part)
        commands += self._withdraw_if_outdated()
        if self._state is TurnState.PAUSED:
            commands += self._finish(fact)
        return commands

    def _finish(self, fact: TurnFact) -> list[TurnCommand]:
        """Nothing more can come: the turn is over when every word of it is known."""
        self._opinion.nothing_more_comes()
        self._state = TurnState.CLOSING
        return self._close() if self._heard.final else []

    def _silence(self, fact: TurnFact) -> list[TurnCommand]:
        stop = self._stop()
        self._state, self._quiet.since_s = TurnState.IDLE, self._media_s
        return [stop, self._forget()]

    def _announce(self, fact: TurnFact) -> list[TurnCommand]:
        """The bot speaks of its own accord: whatever was under way is over."""
        assert isinstance(fact, SayAsked)
        stop: list[TurnCommand] = [self._stop()] if self._replies.is_under_way else []
        commands = [*stop, *self._speak_up(fact)]
        if fact.must_be_heard:
            self._state, self._notice = TurnState.ANNOUNCING, Notice(fact.text)
        return commands

    def _speak_up(self, say: SayAsked = RESULTS) -> list[TurnCommand]:
        """Nobody has asked: these words, or what the model makes of the results."""
        self._quiet.since_s, self._carried = self._media_s, ""
        self._state = TurnState.THINKING
        forget = self._forget()
        start = self._replies.start(self._turn_id, "", say.text, ends_call=say.ends_call)
        return [forget, start, CommitReply(start.reply_id, self._turn_id, "", say.must_be_heard)]

    def _wait(self, fact: TurnFact) -> list[TurnCommand]:
        self._notice.wait(fact)
        return []

    def _announced(self, fact: TurnFact) -> list[TurnCommand]:
        """It was heard, or cannot be: what has waited happens now."""
        self._next_turn()
        self._replies.end()
        self._state = TurnState.IDLE
        return [command for waited in self._notice.facts() for command in self.handle(waited)]

    def _silence_contest(self, fact: TurnFact) -> list[TurnCommand]:
        """The person's words over the reply are a turn of their own."""
        stop = self._stop()
        self._state = TurnState.PAUSED if self._heard.final else TurnState.HEARING
        self._quiet.rest(self._media_s)
        return [stop]

    def _stop(self) -> StopReply:
        stopped = self._replies.end()
        if self._replies.is_unheard(self._turn_id):
            self._next_turn()
        return StopReply(stopped)


OF_REPLY = PlayoutStarted | PlayoutEnded | ReplyPaused | TurnIncomplete
WITHDRAWABLE = (TurnState.HEARING, TurnState.PAUSED, TurnState.CLOSING, TurnState.THINKING)
"""Nothing of a reply that is under way has been heard."""

RULES: dict[tuple[TurnState, type[TurnFact]], Rule] = {
    (TurnState.IDLE, SpeechStarted): TurnMachine._begin_turn,
    (TurnState.HEARING, SpeechPaused): TurnMachine._pause,
    (TurnState.HEARING, Transcribed): TurnMachine._learn,
    (TurnState.PAUSED, Transcribed): TurnMachine._learn_in_pause,
    (TurnState.PAUSED, TurnScored): TurnMachine._score_pause,
    (TurnState.PAUSED, Listened): lambda machine, _: machine._consider(),
    **{(TurnState.PAUSED, k): TurnMachine._finish for k in (MicrophoneClosed, TurnHeldLongEnough)},
    **{(state, SpeechStarted): TurnMachine._go_on for state in WAITS},
    (TurnState.CLOSING, Transcribed): TurnMachine._last_words,
    **{(state, TurnIncomplete): TurnMachine._hold for state in WITHDRAWABLE},
    (TurnState.SPEAKING, TurnIncomplete): TurnMachine._silence,
    (TurnState.THINKING, PlayoutStarted): TurnMachine._audible,
    **{(state, SpeechStarted): TurnMachine._contest for state in REPLIES},
    **{(state, PlayoutEnded): TurnMachine._reply_over for state in REPLIES},
    **{(state, SilenceAsked): TurnMachine._silence for state in REPLIES},
    **{(state, TurnIncomplete): TurnMachine._yield for state in CONTESTED},
    **{(state, SpeechStarted): TurnMachine._contest_on for state in CONTESTED},
    **{(state, SpeechPaused): TurnMachine._pause_contest for state in CONTESTED},
    **{(state, Transcribed): TurnMachine._judge for state in CONTESTED},
    **{(state, Listened): TurnMachine._weigh for state in CONTESTED},
    **{(state, SilenceAsked): TurnMachine._silence_contest for state in CONTESTED},
    (TurnState.PROMPTING, SpeechStarted): lambda own, fact: own._hush(fact) + own._go_on(fact),
    (TurnState.PROMPTING, MicrophoneClosed): lambda own, fact: own._hush(fact) + own._finish(fact),
    **{(TurnState.PROMPTING, kind): TurnMachine._hush for kind in (PlayoutEnded, SilenceAsked)},
    (TurnState.CONTESTED, ReplyPaused): TurnMachine._place,
    **{(state, TextTyped): TurnMachine._take_text for state in SILENT},
    **{(state, TextTyped): TurnMachine._join_text for state in TurnState if state not in SILENT},
    (TurnState.PROMPTING, TextTyped): lambda own, fact: own._hush(fact) + own._join_text(fact),
    **{(state, SayAsked): TurnMachine._announce for state in TurnState},
    **{(TurnState.ANNOUNCING, kind): TurnMachine._wait for kind in WAITING},
    (TurnState.ANNOUNCING, PlayoutEnded): TurnMachine._announced,
}
"""Pairs absent from the table change nothing."""
