"""Whose turn is it: rules on a timeline of media seconds, without a clock."""

import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest

from pipelines.core.commands import (
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
    Listened,
    MicrophoneClosed,
    PlayoutEnded,
    PlayoutStarted,
    ReplyPaused,
    SayAsked,
    SilenceAsked,
    SpeechPaused,
    SpeechStarted,
    TextTyped,
    Transcribed,
    TurnFact,
    TurnScored,
)
from pipelines.core.turn.expectation import Expectation, Expected, expected_after
from pipelines.core.turn.machine import RULES, TurnMachine
from pipelines.core.turn.policy import TurnPolicy
from pipelines.core.turn.state import TurnState
from tests.pipelines.core.turn.certainty import certain
from tests.pipelines.core.turn.feeding import feed

QUESTION = "What time is it?"
CONTESTED_EARLY = TurnState.CONTESTED_EARLY


POLICY = TurnPolicy(endpointing=replace(certain(0.2), lead_s=9.0, short_lead_s=9.0, soonest_s=0.0))
"""A plain sentence is over after 0.2 s and answered at once, a hanging one after 1.1 s."""


def machine() -> TurnMachine:
    return TurnMachine(POLICY)


def ask(turns: TurnMachine, text: str = QUESTION, start: float = 1.0) -> list[TurnCommand]:
    """The person says `text` for a second, and is silent until the turn is committed."""
    end = start + 1.0
    return feed(
        turns,
        SpeechStarted(start),
        SpeechPaused(end),
        Transcribed(text, end + 0.05, final=True),
        TurnScored(0.95, end),
        Listened(end + 2.0),
    )


def machine_in(state: TurnState) -> TurnMachine:
    turns = machine()
    if state is TurnState.PROMPTING:
        turns = TurnMachine(POLICY, expected=lambda: Expectation(Expected.NAME, 9), prompt="go on")
    if state is TurnState.ANNOUNCING:
        turns.handle(SayAsked("This call is recorded.", must_be_heard=True))
    steps: list[Callable[[], object]] = [
        lambda: turns.handle(SpeechStarted(1.0)),
        lambda: turns.handle(SpeechPaused(2.0)),
        lambda: turns.handle(Listened(9.0)),
        lambda: turns.handle(Transcribed(QUESTION, 2.1, final=True)),
        *([lambda: turns.handle(PlayoutStarted(1))] if state is not CONTESTED_EARLY else []),
        lambda: turns.handle(SpeechStarted(10.0)),
    ]
    for step in steps:
        if turns.state is state:
            break
        step()
    assert turns.state is state
    return turns


def test_a_question_followed_by_silence_is_answered_once() -> None:
    commands = ask(machine())

    assert [type(c) for c in commands if not isinstance(c, ScoreTurn)] == [StartReply, CommitReply]
    assert commands[-1] == CommitReply(1, 1, QUESTION)


def test_the_reply_is_begun_before_the_turn_is_over() -> None:
    turns = machine()
    feed(turns, SpeechStarted(1.0), SpeechPaused(2.0))

    commands = feed(turns, Transcribed(QUESTION, 2.05, final=True))

    assert commands == [StartReply(1, 1, QUESTION)]
    assert turns.state is TurnState.PAUSED


def test_speech_within_the_pause_keeps_the_turn() -> None:
    turns = machine()
    feed(turns, SpeechStarted(1.0), SpeechPaused(2.0), Transcribed("What time", 2.05, final=True))

    commands = feed(
        turns,
        SpeechStarted(2.1),
        Transcribed("What time is it", 2.8, final=False),
        Listened(5.0),
    )

    assert commands == [WithdrawReply(1, 1)]
    assert turns.state is TurnState.HEARING


def test_a_transcript_that_differs_in_marks_alone_keeps_the_reply() -> None:
    turns = machine()
    feed(turns, SpeechStarted(1.0), SpeechPaused(2.0), Transcribed("What time is it", 2.0, True))

    commands = feed(turns, Transcribed("what time is it?", 2.1, final=True), Listened(9.0))

    assert CommitReply(1, 1, "what time is it?") in commands
    assert not any(isinstance(c, StartReply | WithdrawReply) for c in commands)


def test_a_transcript_that_differs_in_words_is_answered_anew() -> None:
    turns = machine()
    feed(turns, SpeechStarted(1.0), SpeechPaused(2.0), Transcribed("What time is it", 2.0, True))

    commands = feed(turns, Transcribed("What time is dinner?", 2.1, final=True))

    assert commands == [WithdrawReply(1, 1), StartReply(2, 1, "What time is dinner?")]


def test_the_turn_is_not_committed_before_its_last_words_are_known() -> None:
    turns = machine()
    feed(turns, SpeechStarted(1.0), Transcribed("What time", 1.5, False), SpeechPaused(2.0))

    feed(turns, Listened(9.0))
    assert turns.state is TurnState.CLOSING

    commands = feed(turns, Transcribed(QUESTION, 2.1, final=True))
    assert commands[-1] == CommitReply(commands[-1].reply_id, 1, QUESTION)  # type: ignore[union-attr]


def test_an_empty_transcript_is_no_turn() -> None:
    commands = ask(machine(), text="")

    assert commands == [ForgetSpeech(2.0)]


def test_a_hanging_word_is_waited_for_longer_than_a_question() -> None:
    hanging, asking = machine(), machine()
    for turns, text in ((hanging, "My name is"), (asking, QUESTION)):
        feed(turns, SpeechStarted(1.0), SpeechPaused(2.0), Transcribed(text, 2.05, final=True))

    assert hanging.over_at_s > asking.over_at_s + 0.3


def test_the_turn_model_is_asked_again_while_the_silence_grows() -> None:
    turns = machine()
    feed(turns, SpeechStarted(1.0))
    commands = feed(turns, SpeechPaused(2.0), Transcribed("Well, tomorrow,", 2.05, final=True))
    commands += feed(turns, *(Listened(2.0 + step / 50) for step in range(30)))

    assert len([c for c in commands if isinstance(c, ScoreTurn)]) >= 2


def test_a_hanging_word_needs_no_opinion() -> None:
    turns = machine()
    feed(turns, SpeechStarted(1.0))
    commands = feed(turns, SpeechPaused(2.0), Transcribed("My name is", 2.05, final=True))
    commands += feed(turns, *(Listened(2.0 + step / 50) for step in range(40)))

    assert not any(isinstance(c, ScoreTurn) for c in commands)


def test_an_opinion_about_an_earlier_pause_changes_nothing() -> None:
    turns = machine_in(TurnState.PAUSED)
    before = turns.over_at_s

    turns.handle(TurnScored(0.99, paused_s=0.5))

    assert turns.over_at_s == before


def test_speech_over_the_reply_pauses_it_first() -> None:
    turns = machine_in(TurnState.SPEAKING)

    assert feed(turns, SpeechStarted(10.0)) == [PauseReply(1)]


@pytest.mark.parametrize("sound", ["", "Mhm.", "Yeah", "okay"])
def test_a_cough_or_a_back_channel_lets_the_reply_go_on(sound: str) -> None:
    turns = machine_in(TurnState.CONTESTED)

    assert feed(turns, SpeechPaused(10.4), Transcribed(sound, 10.5, final=True)) == []
    commands = feed(turns, Listened(10.4 + POLICY.passed_s))

    assert commands[0] == ResumeReply(1)
    assert turns.state is TurnState.SPEAKING


def test_a_word_that_stops_ends_the_reply_before_the_person_is_silent() -> None:
    turns = machine_in(TurnState.CONTESTED)

    assert feed(turns, Transcribed("Wait", 10.3, final=False)) == [StopReply(1)]
    assert turns.state is TurnState.HEARING


def test_an_interruption_is_a_turn_of_its_own() -> None:
    turns = machine_in(TurnState.CONTESTED)
    feed(turns, Transcribed("No tell me", 10.6, final=False))

    commands = feed(
        turns,
        SpeechPaused(11.0),
        Transcribed("No, tell me a story.", 11.1, final=True),
        Listened(14.0),
    )

    assert commands[-1] == CommitReply(2, 2, "No, tell me a story.")


def test_words_already_final_when_they_interrupt_do_not_leave_the_turn_hanging() -> None:
    turns = machine_in(TurnState.CONTESTED)
    feed(turns, SpeechPaused(10.8), Transcribed("stop it", 10.7, final=False))

    commands = feed(turns, Transcribed("Stop it.", 10.9, final=True), Listened(14.0))

    assert commands[-1] == CommitReply(2, 2, "Stop it.")


def test_a_person_who_goes_on_before_the_answer_is_heard_goes_on_with_the_same_turn() -> None:
    turns = machine_in(TurnState.THINKING)

    commands = feed(
        turns,
        SpeechStarted(9.1),
        Transcribed("in Paris please", 9.6, final=False),
        SpeechPaused(9.9),
        Transcribed("in Paris?", 10.0, final=True),
        Listened(14.0),
    )

    assert commands[0] == PauseReply(1)
    assert WithdrawReply(1, 1, reopened=True) in commands
    assert commands[-1] == CommitReply(2, 1, f"{QUESTION} in Paris?")


@pytest.mark.parametrize("sound", ["", "Mhm."])
def test_a_cough_before_the_answer_is_heard_leaves_it_on_its_way(sound: str) -> None:
    turns = machine_in(CONTESTED_EARLY)
    feed(turns, SpeechPaused(10.4), Transcribed(sound, 10.5, final=True))
    commands = feed(turns, Listened(10.4 + POLICY.passed_s))

    assert commands[0] == ResumeReply(1)
    assert turns.state is TurnState.THINKING


def test_words_before_the_bots_own_announcement_is_heard_stop_it() -> None:
    """Nobody asked for it, so there is no turn that goes on."""
    turns = machine()
    feed(turns, SayAsked("Are you still there?"), SpeechStarted(1.0))
    assert turns.state is CONTESTED_EARLY

    assert feed(turns, Transcribed("Wait", 1.4, final=False)) == [StopReply(1)]
    assert turns.state is TurnState.HEARING


def test_silence_asked_for_before_the_answer_is_heard_stops_it() -> None:
    turns = machine_in(CONTESTED_EARLY)

    assert feed(turns, SilenceAsked()) == [StopReply(1)]
    assert turns.turn_id == 2


def test_typing_interrupts_and_is_answered_at_once() -> None:
    turns = machine_in(TurnState.SPEAKING)

    commands = feed(turns, TextTyped("tell me a joke"))

    assert commands[0] == StopReply(1)
    assert commands[-1] == CommitReply(2, 2, "tell me a joke")


def test_typing_and_speaking_at_once_is_one_turn() -> None:
    turns = machine()
    feed(turns, SpeechStarted(1.0), TextTyped("on Monday:"), SpeechPaused(2.0))

    commands = feed(turns, Transcribed(QUESTION, 2.05, final=True), Listened(6.0))

    assert commands[-1] == CommitReply(commands[-1].reply_id, 1, f"on Monday: {QUESTION}")  # type: ignore[union-attr]


@pytest.mark.parametrize("known", [True, False])
def test_typing_in_a_pause_ends_the_turn_once_its_words_are_known(known: bool) -> None:
    turns = machine()
    feed(turns, SpeechStarted(1.0), SpeechPaused(2.0))
    last_words = Transcribed("My name is", 2.05, final=True)

    steps: list[TurnFact] = (
        [last_words, TextTyped("Ada")] if known else [TextTyped("Ada"), last_words]
    )
    commands = feed(turns, *steps)

    assert turns.state is TurnState.THINKING
    assert commands[-1] == CommitReply(commands[-1].reply_id, 1, "Ada My name is")  # type: ignore[union-attr]


def test_typing_over_an_interruption_keeps_its_words() -> None:
    turns = machine_in(TurnState.CONTESTED)

    commands = feed(
        turns,
        TextTyped("Listen:"),
        SpeechPaused(10.9),
        Transcribed("So what?", 11.0, final=True),
        Listened(14.0),
    )

    assert commands[0] == StopReply(1)
    assert commands[-1] == CommitReply(2, 2, "Listen: So what?")


@pytest.mark.parametrize("known", [True, False])
def test_a_closed_microphone_ends_the_turn_once_its_words_are_known(known: bool) -> None:
    turns = machine()
    feed(turns, SpeechStarted(1.0), SpeechPaused(2.0))
    last_words = Transcribed("My name is", 2.05, final=True)

    steps: list[TurnFact] = (
        [last_words, MicrophoneClosed()] if known else [MicrophoneClosed(), last_words]
    )
    commands = feed(turns, *steps)

    assert commands[-1] == CommitReply(commands[-1].reply_id, 1, "My name is")  # type: ignore[union-attr]


def test_who_closes_the_microphone_without_a_word_is_not_answered() -> None:
    turns = machine()
    feed(turns, SpeechStarted(1.0), SpeechPaused(2.0))

    commands = feed(turns, MicrophoneClosed(), Transcribed("", 2.05, final=True))

    assert commands == [ForgetSpeech(2.0)]
    assert turns.state is TurnState.IDLE


def test_the_button_silences_the_bot() -> None:
    turns = machine_in(TurnState.SPEAKING)

    assert feed(turns, SilenceAsked())[0] == StopReply(1)
    assert turns.state is TurnState.IDLE


def test_the_button_keeps_what_the_person_says_over_the_bot() -> None:
    turns = machine_in(TurnState.CONTESTED)
    feed(turns, Transcribed("so", 10.2, final=False))

    assert feed(turns, SilenceAsked()) == [StopReply(1)]

    commands = feed(
        turns, SpeechPaused(10.9), Transcribed("So what?", 11.0, final=True), Listened(14.0)
    )
    assert commands[-1] == CommitReply(2, 2, "So what?")


def test_who_goes_on_after_a_weak_moment_over_the_bot_is_heard_from_the_first_word() -> None:
    turns = machine_in(TurnState.CONTESTED)
    weak = feed(turns, SpeechPaused(10.4), Transcribed("Mm", 10.5, final=True), Listened(10.52))
    weak += feed(turns, SpeechStarted(10.56), Listened(10.9), Transcribed("Mm", 10.9, final=False))
    assert weak == []

    commands = feed(turns, Transcribed("The conference has", 11.1, final=False))
    assert commands == [StopReply(1)]
    assert not any(isinstance(command, ForgetSpeech) for command in commands)


def test_the_button_after_a_sound_over_the_bot_leaves_nothing_open() -> None:
    turns = machine_in(TurnState.CONTESTED)
    feed(turns, SpeechPaused(10.4), Transcribed("", 10.5, final=True))

    assert feed(turns, SilenceAsked()) == [StopReply(1)]
    feed(turns, Listened(10.52))
    assert turns.state is TurnState.IDLE


def test_the_button_before_the_answer_is_heard_ends_the_turn() -> None:
    turns = machine_in(TurnState.THINKING)
    feed(turns, SpeechStarted(9.5), SilenceAsked(), SpeechPaused(9.8))
    feed(turns, Transcribed("", 9.9, final=True))

    commands = ask(turns, "Why?", start=12.0)
    assert commands[-1] == CommitReply(2, 2, "Why?")


def test_news_of_a_reply_that_is_gone_changes_nothing() -> None:
    turns = machine_in(TurnState.THINKING)

    assert feed(turns, PlayoutStarted(7), PlayoutEnded(7)) == []
    assert turns.state is TurnState.THINKING


def test_an_answer_without_a_sound_ends_the_turn() -> None:
    turns = machine_in(TurnState.THINKING)

    assert feed(turns, PlayoutEnded(1)) == [ForgetSpeech(2.0)]
    assert turns.state is TurnState.IDLE


EVENTS: list[TurnFact] = [
    Listened(11.0),
    SpeechStarted(11.0),
    SpeechPaused(11.0),
    Transcribed("so", 11.0, final=False),
    TurnScored(0.5, 11.0),
    TextTyped("hi"),
    SilenceAsked(),
    MicrophoneClosed(),
    PlayoutStarted(1),
    PlayoutEnded(1),
    ReplyPaused(1, (), None),
]


@pytest.mark.parametrize(
    ("state", "event"),
    [
        pytest.param(state, event, id=f"{state.name}-{type(event).__name__}")
        for state, event in itertools.product(TurnState, EVENTS)
        if (state, type(event)) not in RULES
    ],
)
def test_a_pair_outside_the_table_changes_nothing(state: TurnState, event: TurnFact) -> None:
    turns = machine_in(state)

    assert turns.handle(event) == []
    assert turns.state is state


def test_each_pause_after_which_a_person_goes_on_tells_how_this_person_pauses() -> None:
    turns = machine()
    went_on = []
    for text, start_s in (("I need a table.", 1.0), ("It is for us.", 2.4), ("Tonight.", 3.8)):
        feed(turns, SpeechStarted(start_s), SpeechPaused(start_s + 1.0))
        feed(turns, Transcribed(text, start_s + 1.05, final=True), Listened(start_s + 1.1))
        went_on.append(turns.evidence.went_on)

    assert went_on == [0, 1, 2]


@pytest.mark.parametrize(
    ("question", "text", "commands"),
    [
        ("Shall I book it?", "Yes.", [StopReply, StartReply, CommitReply]),
        ("Shall I book it?", "Hm.", [ResumeReply, ForgetSpeech]),
        ("I have booked it.", "Yes.", [ResumeReply, ForgetSpeech]),
        ("I have booked it.", "Thank you.", [StopReply, StartReply, CommitReply]),
    ],
)
def test_the_moment_decides_what_a_short_answer_is(
    question: str, text: str, commands: list[type[TurnCommand]]
) -> None:
    turns = machine_in(TurnState.SPEAKING)
    feed(turns, SpeechStarted(12.0), ReplyPaused(1, ((question, 0.4),), 0.4), SpeechPaused(12.4))

    came = feed(turns, Transcribed(text, 12.5, final=True), Listened(12.6))

    assert [type(c) for c in came if not isinstance(c, ScoreTurn)] == commands


def test_news_of_the_pause_of_another_reply_decides_nothing() -> None:
    turns = machine_in(TurnState.SPEAKING)
    feed(turns, SpeechStarted(12.0), ReplyPaused(7, (("Shall I?", 0.4),), 0.4), SpeechPaused(12.4))

    came = feed(turns, Transcribed("Yes.", 12.5, final=True), Listened(12.6))

    assert came[0] == ResumeReply(1)


def test_an_answer_to_a_short_question_does_not_count_as_cut_into() -> None:
    turns = machine_in(TurnState.SPEAKING)
    at_s = turns.evidence.silence_s + 2.0
    feed(turns, SpeechStarted(at_s + 0.5), ReplyPaused(1, (("For two?", 0.2),), 0.2))
    feed(turns, SpeechPaused(at_s + 0.8), Transcribed("Yes.", at_s + 0.9, final=True))

    assert turns.evidence.went_on == 0


def test_a_second_reading_that_hangs_is_waited_for_longer() -> None:
    sure, doubtful = TurnMachine(TurnPolicy()), TurnMachine(TurnPolicy())
    text, alternatives = "I would like to see Europe.", (("I would like to see your", 0.4),)
    for turns, others in ((sure, ()), (doubtful, alternatives)):
        feed(turns, SpeechStarted(1.0), SpeechPaused(2.0), TurnScored(0.9, 2.0))
        turns.handle(Transcribed(text, 2.05, True, others))

    assert doubtful.over_at_s > sure.over_at_s


def test_what_was_typed_before_stands_before_every_reading() -> None:
    turns = machine()
    turns.handle(SpeechStarted(1.0))
    turns.handle(TextTyped("My code:"))
    feed(turns, SpeechPaused(2.0), Transcribed("four", 2.05, True, (("for", 0.3),)))

    assert list(turns.evidence.readings()) == [("My code: four", 0.7), ("My code: for", 0.3)]


def test_the_kind_of_answer_that_the_bot_waits_for_is_asked_in_every_pause() -> None:
    asked = "How can I help you today?"
    turns = TurnMachine(TurnPolicy(), expected=lambda: expected_after(asked))
    feed(turns, SpeechStarted(1.0), SpeechPaused(2.0), TurnScored(0.9, 2.0))
    turns.handle(Transcribed("Hi, my name is Ann Lee.", 2.05, True))
    waited_s = turns.over_at_s - 2.0

    asked = "May I have your name?"

    assert turns.over_at_s - 2.0 < waited_s / 2


# ---- evidence and its limits ----


def paused(text: str = QUESTION, policy: TurnPolicy = POLICY) -> TurnMachine:
    """A second of `text`, and a pause at 2 s."""
    turns = TurnMachine(policy)
    feed(turns, SpeechStarted(1.0), SpeechPaused(2.0), Transcribed(text, 2.0, final=True))
    return turns


def test_the_turn_models_opinion_counts_for_the_pause_that_it_was_asked_about() -> None:
    turns = paused()
    feed(turns, TurnScored(0.3, 1.5))
    assert turns.evidence.score is None
    feed(turns, TurnScored(0.3, 2.0))
    assert turns.evidence.score == 0.3


def test_a_new_pause_has_no_opinion_of_the_turn_model_yet() -> None:
    turns = paused("my name is")
    feed(turns, TurnScored(0.3, 2.0), SpeechStarted(2.1), SpeechPaused(3.0))
    assert turns.evidence.score is None


@pytest.mark.parametrize(
    ("text", "again_s", "went_on"),
    [
        (QUESTION, 2.14, 0),
        (QUESTION, 2.16, 1),
        ("my name is", 2.5, 0),
        ("my name is", 2.05, 0),
    ],
)
def test_going_on_after_a_pause_tells_something_where_the_turn_could_have_been_over(
    text: str, again_s: float, went_on: int
) -> None:
    turns = paused(text)
    feed(turns, SpeechStarted(again_s))
    assert turns.evidence.went_on == went_on


def test_a_turn_begins_with_nothing_known_of_how_this_person_pauses() -> None:
    turns = paused()
    feed(turns, SpeechStarted(2.18), SpeechPaused(3.0), Transcribed(QUESTION, 3.0, final=True))
    assert turns.evidence.went_on == 1
    committed = next(c for c in feed(turns, Listened(9.0)) if isinstance(c, CommitReply))
    feed(turns, PlayoutStarted(committed.reply_id))
    assert turns.evidence.went_on == 0


def test_the_model_of_words_is_asked() -> None:
    asked: list[str] = []

    def completes(text: str) -> float:
        asked.append(text)
        return 0.5

    turns = TurnMachine(POLICY, completes)
    feed(turns, SpeechStarted(1.0), Transcribed("set an alarm", 2.0, final=True), SpeechPaused(2.0))

    assert "set an alarm" in asked


def test_a_reply_is_begun_early_four_times_in_a_turn_and_then_waits_for_the_commit() -> None:
    turns = machine()
    begun: list[int] = []
    for step in range(7):
        at = 1.0 + step
        text = f"the answer {'is ' * step}seven."
        commands = feed(
            turns,
            SpeechStarted(at),
            SpeechPaused(at + 0.5),
            Transcribed(text, at + 0.5, final=True),
        )
        begun.append(sum(isinstance(command, StartReply) for command in commands))

    assert begun == [1, 1, 1, 1, 0, 0, 0]
    assert [type(command) for command in feed(turns, Listened(20.0))] == [StartReply, CommitReply]


@pytest.mark.parametrize(("upto_s", "is_begun"), [(1.93, True), (1.91, False), (1.0, False)])
def test_words_that_lack_little_of_the_speech_are_answered_early(
    upto_s: float, is_begun: bool
) -> None:
    turns = machine()
    commands = feed(
        turns,
        SpeechStarted(1.0),
        Transcribed(QUESTION, upto_s, final=False),
        SpeechPaused(2.0),
    )
    assert any(isinstance(command, StartReply) for command in commands) is is_begun


def test_the_turn_model_is_asked_after_20_ms_and_again_every_140_up_to_700() -> None:
    unhurried = replace(POLICY, endpointing=certain(5.0, 6.0))
    turns = paused(policy=unhurried)
    asked = [
        round(at * 0.01, 2)
        for at in range(200, 300)
        if ScoreTurn(2.0) in turns.handle(Listened(round(at * 0.01, 2)))
    ]
    assert asked[:1] == [2.02]
    assert all(0.135 < later - at < 0.155 for at, later in itertools.pairwise(asked))
    assert len(asked) > 3
    assert asked[-1] <= 2.7


def test_the_turn_model_is_not_asked_about_words_that_end_nothing() -> None:
    turns = paused("my name is")
    assert all(ScoreTurn(2.0) not in turns.handle(Listened(2.0 + at / 100)) for at in range(100))


@pytest.mark.parametrize(("after_s", "cut_in"), [(1.5, 1), (1.6, 0)])
def test_speaking_over_an_answer_that_has_just_begun_says_that_the_bot_cut_in(
    after_s: float, cut_in: int
) -> None:
    turns = machine()
    ask(turns)
    feed(turns, Listened(5.0), PlayoutStarted(1))
    began = 5.0 + after_s
    feed(turns, SpeechStarted(began), Transcribed("No, the other one", began, final=False))
    assert turns.state is TurnState.HEARING
    assert turns.evidence.went_on == cut_in


# ---- exactly these commands ----


def test_a_reply_to_words_that_come_to_nothing_is_withdrawn_with_its_turn() -> None:
    turns = machine()
    begun = feed(
        turns,
        SpeechStarted(1.0),
        SpeechPaused(2.0),
        Transcribed(QUESTION, 2.0, final=False),
    )
    assert begun == [StartReply(1, 1, QUESTION)]

    assert feed(turns, Transcribed("", 2.0, final=True)) == [
        WithdrawReply(1, 1),
        ForgetSpeech(2.0),
    ]


def test_speech_before_the_answer_is_heard_forgets_up_to_the_pause_and_no_further() -> None:
    turns = machine_in(TurnState.THINKING)
    assert feed(turns, SpeechStarted(10.0)) == [PauseReply(1), ForgetSpeech(2.0)]


def test_a_cough_over_the_answer_is_forgotten_up_to_the_moment_at_which_it_goes_on() -> None:
    turns = machine_in(TurnState.SPEAKING)
    feed(turns, SpeechStarted(10.0), SpeechPaused(10.3), Transcribed("mhm", 10.3, final=True))

    assert feed(turns, Listened(10.44)) == []
    assert feed(turns, Listened(10.46)) == [ResumeReply(1), ForgetSpeech(10.46)]


def test_words_that_are_typed_join_those_that_are_spoken_with_one_blank() -> None:
    turns = machine()
    feed(turns, SpeechStarted(1.0), TextTyped(" first "), TextTyped("second"))
    feed(turns, SpeechPaused(2.0))

    commands = feed(turns, Transcribed("third", 2.0, final=True), Listened(9.0))

    assert commands[-1] == CommitReply(1, 1, "first second third")


def test_an_announcement_stops_the_reply_that_is_under_way() -> None:
    turns = machine_in(TurnState.SPEAKING)
    commands = feed(turns, SayAsked("One moment."))
    assert [type(command) for command in commands] == [
        StopReply,
        ForgetSpeech,
        StartReply,
        CommitReply,
    ]


def test_words_over_an_answer_that_is_stopped_by_hand_are_heard_to_their_end() -> None:
    turns = machine_in(TurnState.CONTESTED)
    feed(turns, Transcribed("and what", 10.2, final=False), SilenceAsked())
    assert turns.state is TurnState.HEARING


def test_after_sounds_that_were_no_words_four_replies_may_be_begun_early_again() -> None:
    turns = machine()
    feed(turns, SpeechStarted(1.0), SpeechPaused(1.5), Transcribed("", 1.5, final=True))
    assert turns.state is TurnState.IDLE
    begun = 0
    for step in range(6):
        at = 2.0 + step
        text = f"the answer {'is ' * step}seven."
        commands = feed(
            turns,
            SpeechStarted(at),
            SpeechPaused(at + 0.5),
            Transcribed(text, at + 0.5, final=True),
        )
        begun += sum(isinstance(command, StartReply) for command in commands)
    assert begun == 4


def test_text_that_is_typed_in_a_pause_withdraws_the_reply_to_less() -> None:
    turns = paused()
    assert feed(turns, TextTyped("and the date?")) == [
        WithdrawReply(1, 1),
        StartReply(2, 1, f"and the date? {QUESTION}"),
        CommitReply(2, 1, f"and the date? {QUESTION}"),
    ]
