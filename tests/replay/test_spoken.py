"""All that was said in a call, and not only what was measured."""

from typing import Any

from replay.spoken import exchanges_of


def commit(turn: int, text: str) -> dict[str, Any]:
    return {"t": 0.0, "k": "command", "type": "CommitReply", "turn_id": turn, "text": text}


def bot(turn: int, text: str, *, final: bool = False, heard: str | None = None) -> dict[str, Any]:
    caption = {"t": 0.0, "k": "out", "type": "Caption", "speaker": "bot", "turn": turn}
    return {**caption, "text": text, "final": final, **({} if heard is None else {"heard": heard})}


def typed(text: str) -> dict[str, Any]:
    return {"t": 0.0, "k": "in", "type": "Typed", "text": text}


def test_a_greeting_is_said_by_itself() -> None:
    (one,) = exchanges_of([commit(1, ""), bot(1, "Hello!"), bot(1, "Hello!", final=True)], [])
    assert (one.asks, one.asked, one.said) == (False, "", "Hello!")


def test_a_greeting_that_was_cut_off_says_what_was_heard() -> None:
    events = [commit(1, ""), bot(1, "Hello there."), bot(1, "How are you?")]
    (one,) = exchanges_of([*events, bot(1, "Hello", final=True, heard="Hello")], [])
    assert (one.said, one.heard) == ("Hello there. How are you?", "Hello")


def test_what_was_typed_and_what_was_announced_stand_in_their_order() -> None:
    events = [
        commit(1, ""),
        bot(1, "Hello!", final=True),
        typed("Any news?"),
        commit(2, "Any news?"),
        bot(2, "None.", final=True),
        commit(3, ""),
        bot(3, "Are you still there?", final=True),
        commit(4, "Yes."),
        bot(4, "Good.", final=True),
    ]
    found = exchanges_of(events, [])
    assert [one.said for one in found] == ["Hello!", "None.", "Are you still there?", "Good."]
    assert [(one.asks, one.typed) for one in found] == [
        (False, False),
        (True, True),
        (False, False),
        (True, False),
    ]


def test_a_turn_that_goes_on_has_its_last_words() -> None:
    events = [commit(1, "I would"), commit(1, "I would like tea."), bot(1, "Tea.", final=True)]
    assert [one.asked for one in exchanges_of(events, [])] == ["I would like tea."]


def test_what_was_withdrawn_before_a_commit_is_not_in_it() -> None:
    assert exchanges_of([bot(1, "Never heard.")], []) == []


def test_without_words_it_is_still_known_who_began() -> None:
    greeting = {**commit(1, ""), "text_characters": 0}
    question = {**commit(2, ""), "text_characters": 12}
    for line in (greeting, question):
        del line["text"]
    assert [one.asks for one in exchanges_of([greeting, question], [])] == [False, True]
