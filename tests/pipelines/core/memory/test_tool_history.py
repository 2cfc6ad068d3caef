"""Calls, arguments and results in the history, in the order of the chat API."""

import random

import pytest

from pipelines.core.memory.chat import ChatMessage, ToolCall
from pipelines.core.memory.conversation import Conversation
from pipelines.core.memory.tool_lines import AGAIN, CUT_OFF, NOT_DONE, STILL_RUNNING, Use, undone
from pipelines.core.memory.tool_runs import Fate, ToolRun


class Talk(Conversation):
    """A conversation in which tables are booked."""

    def __init__(self, limit_tokens: int | None = None) -> None:
        super().__init__("be brief", limit_tokens)

    def begin(self, turn_id: int, reply_id: int, said: str = "", people: int = 2) -> ToolRun:
        arguments = f'{{"people":{people}}}'
        run = ToolRun(f"run-{reply_id}", "book", arguments, turn_id)
        call = ToolCall(f"id{reply_id}", "book", arguments)
        self.called(turn_id, reply_id, [Use(call, run, None)], said)
        return run

    def end(self, run: ToolRun, result: str = "booked") -> None:
        run.fate, run.result = Fate.DONE, result
        self.ended(run, f"late-{run.run_id}")

    def ask(self, turn_id: int, text: str, reply_id: int, *, let_go: bool = True) -> list[str]:
        news = self.news
        asked = self.with_question(turn_id, text, reply_id)
        if let_go:
            self.told(news, reply_id)
        return written(asked)[1:]


def written(messages: list[ChatMessage]) -> list[str]:
    calls = [" ".join(call.name + call.arguments for call in m.tool_calls) for m in messages]
    return [
        f"{m.role}: {' '.join(part for part in (m.content, call) if part)}"
        for m, call in zip(messages, calls, strict=True)
    ]


CALL = 'assistant: book{"people":2}'


def test_a_call_and_its_result_stand_between_the_question_and_the_answer() -> None:
    talk = Talk()
    talk.said(1, "Book!")
    talk.end(talk.begin(1, 1))
    talk.ask(1, "Book!", 1)
    talk.heard(1, 1, "It is booked.", estimated=False)
    talk.heard_out(1)

    assert talk.ask(2, "Thanks.", 2) == [
        "user: Book!",
        CALL,
        "tool: booked",
        "assistant: It is booked.",
        "user: Thanks.",
    ]


def test_words_that_came_before_the_call_are_told_to_the_reply_itself_and_kept_as_heard() -> None:
    talk = Talk()
    talk.said(1, "Book!")
    talk.heard(1, 1, "Let me", estimated=False)
    run = talk.begin(1, 1, "Let me see.")
    talk.end(run)

    assert talk.ask(1, "Book!", 1) == [
        "user: Book!",
        'assistant: Let me see. book{"people":2}',
        "tool: booked",
    ]
    talk.heard(1, 1, "Let me see. Booked.", estimated=False)
    talk.heard_out(1)
    assert talk.ask(2, "Thanks.", 2) == [
        "user: Book!",
        CALL,
        "tool: booked",
        "assistant: Let me see. Booked.",
        "user: Thanks.",
    ]


def test_an_answer_that_was_cut_off_leaves_the_call_and_a_mark() -> None:
    talk = Talk()
    talk.said(1, "Book!")
    talk.end(talk.begin(1, 1))
    talk.ask(1, "Book!", 1)
    assert talk.ask(2, "And?", 2)[:3] == ["user: Book!", CALL, f"tool: booked\n{CUT_OFF}"]


def test_a_result_that_nobody_has_answered_to_is_not_marked() -> None:
    talk = Talk()
    talk.said(1, "Book!")
    talk.end(talk.begin(1, 1))
    assert talk.ask(2, "And?", 2)[2] == "tool: booked"
    assert talk.ask(3, "And?", 3)[2] == f"tool: booked\n{CUT_OFF}"


def test_a_turn_that_goes_on_has_its_words_before_its_calls() -> None:
    talk = Talk()
    talk.said(1, "Book")
    run = talk.begin(1, 1)
    talk.unsaid(1)

    assert talk.ask(1, "Book for two", 2)[:2] == ["user: Book for two", CALL]
    talk.end(run)
    talk.said(1, "Book for two")
    assert [line.role for line in talk.lines] == ["user", "tool", "tool"]
    assert talk.lines[0].text == "Book for two"


def test_what_the_model_was_told_stands_and_the_result_comes_later() -> None:
    talk = Talk()
    talk.said(1, "Book!")
    run = talk.begin(1, 1)
    before = talk.ask(1, "Book!", 1)
    talk.heard(1, 1, "I am on it.", estimated=False)
    talk.end(run)

    assert before == ["user: Book!", CALL, f"tool: {STILL_RUNNING}"]
    assert talk.news
    assert talk.ask(2, "And?", 2) == [
        *before,
        "assistant: I am on it.",
        CALL,
        f"tool: booked\n{AGAIN}",
        "user: And?",
    ]
    assert not talk.news


def test_a_result_that_comes_before_any_request_takes_its_place() -> None:
    talk = Talk()
    talk.said(1, "Book!")
    talk.end(talk.begin(1, 1))
    assert talk.ask(2, "And?", 2)[1:3] == [CALL, "tool: booked"]


def test_what_comes_in_is_told_last_when_nobody_has_asked() -> None:
    talk = Talk()
    talk.said(1, "Book!")
    run = talk.begin(1, 1)
    talk.ask(1, "Book!", 1)
    talk.end(run)
    talk.said(2, "When?")
    talk.heard(2, 2, "At ten.", estimated=False)
    assert talk.ask(3, "", 3)[-2:] == [CALL, f"tool: booked\n{AGAIN}"]


def test_a_request_that_is_withdrawn_has_told_nobody() -> None:
    talk = Talk()
    talk.said(1, "Book!")
    run = talk.begin(1, 1)
    talk.end(run)
    talk.ask(2, "And", 2, let_go=False)
    assert run.told
    assert talk.news
    talk.ask(2, "And now?", 3)
    assert not talk.news


def test_a_promise_that_is_taken_back_is_taken_back_wherever_it_stands() -> None:
    talk = Talk()
    talk.said(1, "Bye!")
    run = talk.begin(1, 1)
    talk.end(run, "The call will end.")
    talk.ask(1, "Bye!", 1)
    undone(run, NOT_DONE)
    talk.undone(run)
    assert talk.ask(2, "Wait!", 2)[2] == f"tool: {NOT_DONE}\n{CUT_OFF}"
    assert not talk.news


# ---- what no longer fits ----


def a_long_talk(limit_tokens: int, seed: int = 1) -> Talk:
    chance, talk = random.Random(seed), Talk(limit_tokens)
    for turn in range(1, 60):
        question = "Book! " * chance.randint(1, 30)
        talk.with_question(turn, question, turn)
        talk.said(turn, question)
        if chance.random() < 0.5:
            talk.end(talk.begin(turn, turn), "booked " * chance.randint(1, 60))
            talk.ask(turn, question, turn)
        talk.heard(turn, turn, "Yes, indeed. " * chance.randint(1, 20), estimated=False)
        talk.heard_out(turn)
        talk.trim()
    return talk


@pytest.mark.parametrize("seed", range(20))
def test_trimming_keeps_a_call_with_its_result_and_begins_with_the_person(seed: int) -> None:
    talk = a_long_talk(768, seed)
    asked = talk.with_question(60, "And now?", 60)

    assert len(talk.lines) < 100
    assert asked[1].role == "user"
    for before, message in zip(asked, asked[1:], strict=False):
        if message.role == "tool":
            assert [call.call_id for call in before.tool_calls] == [message.answers]
        else:
            assert not before.tool_calls


def test_a_summary_is_made_of_calls_with_their_results() -> None:
    talk = a_long_talk(768)
    assert '\ntool: book {"people":2}: booked' in talk.to_sum_up


def test_what_runs_and_what_nobody_was_told_of_is_not_cut() -> None:
    talk = Talk(512)
    talk.said(1, "Book!")
    running, ended = talk.begin(1, 1), talk.begin(1, 2, people=3)
    talk.end(ended, "booked for 3")
    for turn in range(2, 30):
        talk.said(turn, "word " * 60)
        talk.heard(turn, turn, "word " * 60, estimated=False)
        talk.trim()
    assert [line.uses[0].run for line in talk.lines if line.uses] == [running, ended]
    assert {line.turn_id for line in talk.lines if not line.uses} <= {28, 29}


def test_a_result_whose_call_was_cut_comes_with_its_call() -> None:
    talk = Talk()
    run = ToolRun("run-1", "book", '{"people":2}', 1)
    talk.end(run)
    assert talk.ask(5, "And?", 5)[:2] == [CALL, f"tool: booked\n{AGAIN}"]


def test_calls_count_towards_the_prompt() -> None:
    talk = Talk()
    talk.said(1, "Book!")
    before = talk.tokens
    talk.end(talk.begin(1, 1), "booked " * 100)
    assert talk.tokens > before + 150


def test_a_question_with_calls_that_does_not_fit_loses_the_past_and_not_its_calls() -> None:
    talk = Talk()
    for turn in range(1, 10):
        talk.said(turn, "word " * 40)
        talk.heard(turn, turn, "word " * 40, estimated=False)
    talk.said(10, "Book!")
    talk.end(talk.begin(10, 10))
    for _ in range(4):
        talk.shrink(10, "Book!")
    assert talk.ask(10, "Book!", 10)[-3:] == ["user: Book!", CALL, "tool: booked"]
    assert [line.turn_id for line in talk.lines] == [10, 10]
