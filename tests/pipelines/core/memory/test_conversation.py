from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from pipelines.core.memory.chat import ChatMessage
from pipelines.core.memory.conversation import SUMMARY, SUMMING_UP_TOKENS, Conversation
from pipelines.core.memory.entry import MESSAGE_TOKENS, estimate


def pairs(messages: Iterable[ChatMessage]) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in messages]


def test_the_history_holds_what_was_heard() -> None:
    talk = Conversation("be brief")
    talk.said(1, "Count.")
    talk.heard(1, 1, "one two", estimated=False)
    talk.heard(1, 1, "one two three", estimated=False)

    assert pairs(talk.with_question(2, "Go on.")) == [
        ("system", "be brief"),
        ("user", "Count."),
        ("assistant", "one two three"),
        ("user", "Go on."),
    ]


def test_the_bots_newest_words_are_those_that_were_heard() -> None:
    talk = Conversation("be brief")
    assert talk.last_heard == ""
    talk.heard(1, 1, "How can I", estimated=True)
    talk.heard(1, 1, "How can I help you?", estimated=False)
    talk.said(2, "Hi.")

    assert talk.last_heard == "How can I help you?"


def test_an_aside_comes_before_the_question_and_is_not_history() -> None:
    talk = Conversation("be brief")
    talk.said(1, "Hello")
    talk.aside = "last answer: 240 ms"

    assert pairs(talk.with_question(2, "How fast?"))[-2:] == [
        ("system", "last answer: 240 ms"),
        ("user", "How fast?"),
    ]
    assert [line.text for line in talk.lines] == ["Hello"]


def test_a_question_that_is_not_committed_leaves_no_trace() -> None:
    talk = Conversation("be brief")
    talk.with_question(1, "What ti")

    assert talk.lines == ()


def test_a_turn_that_goes_on_is_said_once() -> None:
    talk = Conversation("be brief")
    talk.said(1, "What time")
    talk.unsaid(1)
    talk.said(1, "What time is it?")

    assert [line.text for line in talk.lines] == ["What time is it?"]


def test_a_turn_that_goes_on_is_not_history_until_it_is_over() -> None:
    talk = Conversation("be brief")
    talk.said(1, "Hello")
    talk.heard(1, 1, "Hi.", estimated=False)
    talk.said(2, "What time")

    talk.unsaid(2)

    assert [line.text for line in talk.lines] == ["Hello", "Hi."]


def test_a_reply_of_which_nothing_was_heard_is_not_history() -> None:
    talk = Conversation("be brief")
    talk.said(1, "Hello")
    talk.heard(1, 1, "", estimated=False)

    assert [line.role for line in talk.lines] == ["user"]


# ---- what no longer fits ----


def long_talk(turns: int, limit_tokens: int | None) -> Conversation:
    talk = Conversation("be brief", limit_tokens)
    for turn in range(1, turns + 1):
        talk.with_question(turn, f"Question number {turn}, please?")
        talk.said(turn, f"Question number {turn}, please?")
        talk.heard(turn, turn, f"Answer number {turn}. " * 4, estimated=False)
        talk.trim()
    return talk


def test_without_a_limit_nothing_is_cut() -> None:
    assert len(long_talk(500, None).lines) == 1000


def test_the_prompt_stays_within_its_limit_and_keeps_what_the_model_is_told_and_the_newest() -> (
    None
):
    talk = long_talk(500, 1024)
    prompt = pairs(talk.with_question(501, "And now?"))

    assert prompt[0] == ("system", "be brief")
    assert prompt[-3][1].startswith("Question number 500")
    assert prompt[1][0] == "user"
    assert sum(estimate(content) + MESSAGE_TOKENS for _, content in prompt) <= 1024


def test_a_long_summary_or_system_prompt_leaves_a_share_to_the_talk_itself() -> None:
    talk = Conversation("be brief " * 160, 1024)
    newest = []
    for turn in range(1, 101):
        talk.with_question(turn, f"Question number {turn}, please?")
        talk.said(turn, f"Question number {turn}, please?")
        talk.heard(turn, turn, f"Answer number {turn}. " * 4, estimated=False)
        talk.trim()
        newest.append(talk.lines[-2:])

    assert all(len(two) == 2 and two[0].role == "user" for two in newest)


def test_a_question_that_has_no_answer_yet_is_not_cut() -> None:
    talk = Conversation("be brief", 512)
    talk.said(1, "word " * 400)
    talk.said(2, "word " * 200)
    assert talk.trim()
    assert [line.turn_id for line in talk.lines] == [2]
    talk.heard(2, 2, "An answer.", estimated=False)
    assert [role for role, _ in pairs(talk.prefix())] == ["system", "user", "assistant"]


def test_the_beginning_stays_the_same_for_nine_turns_of_ten() -> None:
    talk = Conversation("be brief", 1024)
    same, before = 0, [("system", "be brief")]
    for turn in range(1, 501):
        question = f"Question number {turn}, please?"
        prompt = pairs(talk.with_question(turn, question))
        same += prompt[: len(before)] == before
        talk.said(turn, question)
        talk.heard(turn, turn, f"Answer number {turn}.", estimated=False)
        talk.trim()
        before = prompt

    assert same >= 450


def test_a_question_that_fills_the_prompt_is_heard_to_its_end() -> None:
    talk = long_talk(20, 512)
    prompt = pairs(talk.with_question(21, "word " * 5000 + "the end"))

    assert prompt[-1][1].endswith("the end")
    assert sum(estimate(content) + MESSAGE_TOKENS for _, content in prompt) <= 512 + 1


def test_what_the_server_counts_goes_before_the_estimate() -> None:
    talk = Conversation("be brief", 1024)
    talk.said(1, "Hello")
    before = talk.tokens
    assert talk.uncounted() == ("Hello",)
    talk.counted("Hello", 100)

    assert talk.tokens == before - estimate("Hello") + 100
    assert talk.uncounted() == ()


def test_a_count_that_comes_late_for_words_that_have_changed_is_none() -> None:
    talk = Conversation("be brief", 1024)
    talk.heard(1, 1, "one", estimated=False)
    talk.heard(1, 1, "one two three", estimated=False)
    talk.counted("one", 1)

    assert talk.lines[0].tokens is None


def test_what_did_not_fit_although_it_should_have_is_halved() -> None:
    talk = long_talk(20, None)
    before = talk.tokens + estimate("And now?") + MESSAGE_TOKENS
    assert talk.shrink(21, "And now?")
    assert talk.tokens <= before // 2
    assert talk.limit_tokens == before * 3 // 4


def test_with_nothing_to_cut_there_is_no_shrinking() -> None:
    talk = Conversation("be brief " * 100)
    assert not talk.shrink(1, "And now?")
    assert talk.limit_tokens is None


def test_what_does_not_fit_costs_the_oldest_exchange_and_not_the_question() -> None:
    talk = long_talk(3, None)
    question = "And the " + "very " * 8 + "last?"
    talk.said(4, question)
    assert talk.shrink(4, question)

    assert [line.turn_id for line in talk.lines] == [3, 3, 4]
    assert pairs(talk.with_question(4, question))[-1] == ("user", question)
    assert talk.shrink(4, question)
    assert [role for role, _ in pairs(talk.with_question(4, question))] == ["system", "user"]
    assert [line.text for line in talk.lines] == [question]


def test_a_long_question_after_a_short_talk_stays_whole() -> None:
    for said in (True, False):
        talk = long_talk(1, None)
        question = "word " * 400 + "the end"
        if said:
            talk.said(2, question)
        assert talk.shrink(2, question)
        assert pairs(talk.with_question(2, question)) == [
            ("system", "be brief"),
            ("user", question),
        ]


def test_only_a_question_that_does_not_fit_alone_loses_its_beginning() -> None:
    talk = Conversation("be brief")
    question = "word " * 400 + "the end"
    talk.said(1, question)
    asked = [question]
    for _ in range(3):
        assert talk.shrink(1, question)
        asked.append(pairs(talk.with_question(1, question))[-1][1])

    sizes = [len(one) for one in asked]
    assert sizes == sorted(set(sizes), reverse=True)
    assert all(question.endswith(one) for one in asked)
    assert [line.text for line in talk.lines] == [question]


def test_what_a_long_system_prompt_leaves_is_not_asked_of_the_question() -> None:
    talk = Conversation("be brief " * 400, 1024)
    assert pairs(talk.with_question(1, "What time is it?"))[-1] == ("user", "What time is it?")
    assert not talk.shrink(1, "What time is it?")
    assert talk.limit_tokens == 1024


def test_what_is_mentioned_while_an_answer_is_awaited_does_not_cost_the_question() -> None:
    talk = Conversation("be brief", 512)
    talk.said(1, "word " * 200)
    for _ in range(20):
        talk.mentioned("by the way " * 20)

    assert talk.lines[0].turn_id == 1
    assert talk.tokens <= 512


@given(
    said=st.lists(st.integers(0, 600), max_size=8),
    asked=st.integers(1, 3000),
    limit=st.one_of(st.none(), st.integers(256, 1024)),
    is_said=st.booleans(),
    shrinks=st.integers(0, 3),
)
def test_the_question_is_whole_unless_it_does_not_fit_alone(
    said: list[int], asked: int, limit: int | None, is_said: bool, shrinks: int
) -> None:
    talk = Conversation("be brief", limit)
    for turn, size in enumerate(said, 1):
        talk.said(turn, "q" * size)
        talk.heard(turn, turn, "a" * size, estimated=False)
    question = "?" * asked
    if is_said:
        talk.said(99, question)
    alone = estimate("be brief") + estimate(question) + 2 * MESSAGE_TOKENS
    for _ in range(shrinks):
        before = pairs(talk.with_question(99, question))
        talk.shrink(99, question)
        if len(before) > 2:  # there was a past to cut
            assert pairs(talk.with_question(99, question))[-1] == before[-1]
    *_, (role, content) = pairs(talk.with_question(99, question))

    assert role == "user"
    assert question.endswith(content)
    if talk.limit_tokens is None or alone <= talk.limit_tokens:
        assert content == question
    if is_said:
        assert talk.lines[-1].text == question


def test_what_was_cut_can_be_summed_up_and_is_told_from_then_on() -> None:
    talk = long_talk(30, 1024)
    assert talk.to_sum_up.startswith("user: Question number 1, please?\nassistant: Answer ")
    talk.summed_up("They counted  to\nforty.")

    assert talk.to_sum_up == ""
    assert pairs(talk.prefix())[0] == (
        "system",
        "be brief\n\nEarlier in this call: They counted to forty.",
    )


def test_what_is_cut_while_the_rest_is_summed_up_waits_for_the_next_summary() -> None:
    talk = long_talk(30, 1024)
    lines = talk.cut_lines
    talk.said(31, "word " * 250)
    talk.heard(31, 31, "I see.", estimated=False)
    talk.trim()
    talk.summed_up("They counted to forty.", lines)

    assert talk.to_sum_up.startswith("Earlier in this call: They counted to forty.\nuser: ")
    assert "number 1, please?" not in talk.to_sum_up
    assert talk.cut_lines > 0


def test_what_was_cut_is_summed_up_in_a_prompt_that_fits() -> None:
    talk = long_talk(500, 1024)
    talk.summed_up("They counted. " * 100)
    for turn in range(501, 1001):
        talk.said(turn, f"Question number {turn}, please?")
        talk.heard(turn, turn, f"Answer number {turn}. " * 4, estimated=False)
        talk.trim()

    assert talk.cut_lines > 500
    assert estimate(talk.to_sum_up) + SUMMING_UP_TOKENS <= 1024
    assert talk.to_sum_up.startswith("Earlier in this call: They counted.")
    assert "\nassistant: " in talk.to_sum_up
    newest = talk.lines[0].turn_id - 1
    assert f"Answer number {newest}." in talk.to_sum_up


def test_the_day_comes_after_the_system_prompt_and_before_the_summary() -> None:
    talk = Conversation("Be brief.")
    talk.today = "Today is Friday."
    talk.summed_up("They met.")
    told = pairs(talk.with_question(1, "Why?"))[0]
    assert told == ("system", f"Be brief.\n\nToday is Friday.\n\n{SUMMARY}They met.")
    assert pairs(talk.prefix())[0] == told


def test_another_day_changes_only_what_comes_after_the_system_prompt() -> None:
    talk = Conversation("Be brief.")
    talk.today = "Today is Friday."
    before = pairs(talk.prefix())[0][1]
    talk.today = "Today is Saturday."
    assert before.partition("Friday")[0] == pairs(talk.prefix())[0][1].partition("Saturday")[0]


def test_without_a_system_prompt_the_day_is_told_alone() -> None:
    talk = Conversation("")
    talk.today = "Today is Friday."
    assert pairs(talk.prefix()) == [("system", "Today is Friday.")]


def test_words_that_nothing_answers_are_the_persons_and_are_told_with_the_next_question() -> None:
    talk = Conversation("be brief")
    talk.mentioned("I am in the kitchen.")
    assert pairs(talk.with_question(1, "Where am I?")) == [
        ("system", "be brief"),
        ("user", "I am in the kitchen."),
        ("user", "Where am I?"),
    ]


def test_what_was_cut_is_forgotten_when_nobody_wants_a_summary() -> None:
    talk = Conversation("be brief", 60)
    for turn in range(1, 9):
        talk.said(turn, f"This is what was said in turn {turn}, at some length.")
        talk.heard(turn, turn, "And this is what was answered.", estimated=False)
        talk.trim()
    assert talk.cut_lines > 0
    talk.forget_what_was_cut()
    assert talk.cut_lines == 0
