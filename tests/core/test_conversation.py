from pipelines.core.conversation import Conversation


def test_the_history_holds_what_was_heard() -> None:
    talk = Conversation("be brief")
    talk.said(1, "Count.")
    talk.heard(1, 1, "one two", estimated=False)
    talk.heard(1, 1, "one two three", estimated=False)

    assert talk.with_question(2, "Go on.") == [
        ("system", "be brief"),
        ("user", "Count."),
        ("assistant", "one two three"),
        ("user", "Go on."),
    ]


def test_an_aside_comes_before_the_question_and_is_not_history() -> None:
    talk = Conversation("be brief")
    talk.said(1, "Hello")
    talk.aside = "last answer: 240 ms"

    assert talk.with_question(2, "How fast?")[-2:] == [
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


def test_a_reply_of_which_nothing_was_heard_is_not_history() -> None:
    talk = Conversation("be brief")
    talk.said(1, "Hello")
    talk.heard(1, 1, "", estimated=False)

    assert [line.role for line in talk.lines] == ["user"]
