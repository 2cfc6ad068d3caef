import pytest

from pipelines.core.turn.barge_in import BargeInMoment, Judgement, asks, judge, moment_of


@pytest.mark.parametrize(
    ("text", "final", "judgement"),
    [
        ("", False, Judgement.WAIT),
        ("", True, Judgement.GO_ON),
        ("Mm-hmm.", True, Judgement.GO_ON),
        ("yeah, okay", True, Judgement.GO_ON),
        ("Yeah", False, Judgement.WAIT),
        ("Stop", False, Judgement.STOP),
        ("Wait a second", False, Judgement.STOP),
        ("what about", False, Judgement.STOP),
        ("yeah but", False, Judgement.STOP),
        ("Tuesday", False, Judgement.WAIT),
        ("Tuesday", True, Judgement.STOP),
    ],
)
def test_a_sound_over_the_bot_is_judged_by_its_words(
    text: str, final: bool, judgement: Judgement
) -> None:
    assert judge(text, final=final) is judgement


@pytest.mark.parametrize(
    "text",
    [
        "Thank you.",
        "Thanks!",
        "Oh, thank you very much.",
        "Okay, thanks a lot.",
        "Thank you so much.",
        "Yes, please.",
        "That's lovely.",
        "How nice.",
        "Very good.",
        "That makes sense.",
        "Of course.",
        "I see, I see.",
        "Yeah, yeah, yeah, yeah.",
        "Go on.",
        "Tell me more.",
        "No way!",
        "Fair enough.",
        "Absolutely.",
        "You're welcome.",
        "Oh my god",
        "Good to know, thanks.",
        "All right.",
        "Sure thing.",
        "Ha ha!",
        "Gotcha.",
        "That's so cool.",
        "Not bad.",
    ],
)
def test_a_listeners_courtesies_stop_no_story(text: str) -> None:
    assert judge(text, final=False) is Judgement.WAIT
    assert judge(text, final=True) is Judgement.GO_ON


@pytest.mark.parametrize(
    "text",
    [
        "Thank you, goodbye.",
        "Thank you, that's all.",
        "Thanks, that's enough.",
        "Thank you but I have heard that one",
        "No, thank you.",
        "That's wrong.",
        "Go away.",
        "Sorry?",
        "Excuse me.",
        "Okay, next.",
        "How much?",
        "I know her.",
        "Yes I would like two of them",
        "yeah yeah yeah yeah yeah yeah yeah yeah",
    ],
)
@pytest.mark.parametrize("moment", BargeInMoment)
def test_words_that_want_the_floor_get_it_at_any_moment(text: str, moment: BargeInMoment) -> None:
    assert judge(text, final=True, moment=moment) is Judgement.STOP


@pytest.mark.parametrize("text", ["Tha", "That's", "Very", "Thank"])
def test_half_of_a_courtesy_is_waited_for(text: str) -> None:
    assert judge(text, final=False) is Judgement.WAIT


@pytest.mark.parametrize("text", ["Thank", "That's", "I", "Oh, my"])
def test_a_gap_between_two_words_of_a_courtesy_decides_nothing(text: str) -> None:
    assert judge(text, final=True, passed=False) is Judgement.WAIT
    assert judge(text, final=True, passed=True) is Judgement.STOP


@pytest.mark.parametrize(
    "text",
    ["Yes.", "Okay", "Sure!", "Mhm.", "Uh-huh", "Of course.", "Yes, please.", "Right."]
    + ["Mm-hmm.", "Mm-hm", "Uh-uh."],
)
def test_a_listeners_words_answer_a_question_that_ends(text: str) -> None:
    assert judge(text, final=True, moment=BargeInMoment.QUESTION_ENDS) is Judgement.STOP
    assert judge(text, final=False, moment=BargeInMoment.QUESTION_ENDS) is Judgement.WAIT
    assert judge(text, final=True, moment=BargeInMoment.MIDDLE) is Judgement.GO_ON


@pytest.mark.parametrize("text", ["", "Hmm.", "Oh", "Uh", "Ah, hm"])
def test_a_hesitation_answers_no_question(text: str) -> None:
    assert judge(text, final=True, moment=BargeInMoment.QUESTION_ENDS) is Judgement.GO_ON


@pytest.mark.parametrize(
    ("text", "judgement"),
    [
        ("Thank you.", Judgement.STOP),
        ("Great, thanks a lot!", Judgement.STOP),
        ("Okay.", Judgement.GO_ON),
        ("Mhm", Judgement.GO_ON),
    ],
)
def test_thanks_at_the_end_of_what_the_bot_says_are_a_turn(text: str, judgement: Judgement) -> None:
    assert judge(text, final=True, moment=BargeInMoment.REPLY_ENDS) is judgement


@pytest.mark.parametrize(
    ("sentences", "left_s", "moment"),
    [
        ([("Shall I book it?", 0.5)], 0.5, BargeInMoment.QUESTION_ENDS),
        ([("Shall I book it?", 0.0)], None, BargeInMoment.QUESTION_ENDS),
        ([("Shall I book it?", 1.6)], 1.6, BargeInMoment.MIDDLE),
        ([("I can book it.", 0.3), ("Okay?", 0.8)], 0.8, BargeInMoment.QUESTION_ENDS),
        ([("Shall I book it?", -0.6), ("It costs ten.", 1.1)], 1.1, BargeInMoment.QUESTION_ENDS),
        ([("Shall I book it?", -1.4), ("It costs ten.", 0.4)], 0.4, BargeInMoment.REPLY_ENDS),
        ([("It costs ten.", 0.4)], 0.4, BargeInMoment.REPLY_ENDS),
        ([("It costs ten.", 0.4)], None, BargeInMoment.MIDDLE),
        ([("It costs ten.", 0.4), ("So there.", 1.5)], 1.5, BargeInMoment.MIDDLE),
        ([], 5.0, BargeInMoment.MIDDLE),
        ([], None, BargeInMoment.MIDDLE),
    ],
)
def test_the_moment_is_told_by_what_ends_about_then(
    sentences: list[tuple[str, float]], left_s: float | None, moment: BargeInMoment
) -> None:
    assert moment_of(sentences, left_s) is moment


@pytest.mark.parametrize(
    ("sentence", "wants_an_answer"),
    [
        ("Shall I book it?", True),
        ('He asked, "shall I?"', True),
        ("¿Quiere usted una mesa?", True),
        ("您要订吗？", True),
        ("هل تريد؟", True),
        ("And would you like a window seat.", True),
        ("Please say yes or no.", True),
        ("Let me know if that suits you.", True),
        ("That is two people, right.", True),
        ("Two people? 😊", True),
        ("Two people?!", True),
        ("Two people, at eight?)**", True),
        ("Πόσα άτομα;", True),
        ("Two people;", False),
        ("Then I will book it.", False),
        ("When I was young I had a boat.", False),
        ("Is was all I could read!", False),
        ("You are right.", False),
        ("", False),
    ],
)
def test_a_sentence_asks_by_its_mark_or_its_words(sentence: str, wants_an_answer: bool) -> None:
    assert asks(sentence) is wants_an_answer
