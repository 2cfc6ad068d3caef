import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.core.speaking.phrasing import Phraser, speakable


def clauses_of(tokens: list[str]) -> list[str]:
    phraser = Phraser()
    return [clause for token in tokens for clause in phraser.feed(token)] + phraser.finish()


def sentences_of(text: str) -> list[str]:
    """How `text` is cut when nothing is in a hurry."""
    opening = "This goes before what is asked."
    assert clauses_of([opening])[0] == opening
    return clauses_of([f"{opening} {text}"])[1:]


def letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


# ---- the first clause ----


@pytest.mark.parametrize(
    ("fed", "clause"),
    [
        ("Sure,", "Sure,"),
        ("**Sure**,", "Sure,"),
        ("Yes.", "Yes."),
        ("Okay!", "Okay!"),
        ("Really?", "Really?"),
        ("Of course,", "Of course,"),
        ("Here's the list:", "Here's the list:"),
        ("I see;", "I see;"),
        ("I think—", "I think—"),
        ("I think - ", "I think -"),
        ("Paris, France,", "Paris, France,"),
        ("I can help you with that.", "I can help you with that."),
        ("It costs $3.50, ", None),
        ("It costs $3.50, b", "It costs $3.50,"),
        ("The capital is Paris. ", "The capital is Paris."),
        ("# Answer\n", "Answer"),
    ],
)
def test_the_first_clause_goes_out_with_the_character_that_ends_it(
    fed: str, clause: str | None
) -> None:
    phraser = Phraser()
    early = phraser.feed(fed[:-1])

    assert early == []
    assert phraser.feed(fed[-1]) == ([clause] if clause else [])


@pytest.mark.parametrize(
    "fed",
    [
        "Paris, ",
        "The time is 3:",
        "The time is 3:30",
        "It is 3,",
        "It is 3,500",
        "It is 1.",
        "It is 1.5",
        "On May 5, 2024",
        "I met Dr. ",
        "I met Dr. Smith",
        "The author J. R. R. Tolkien",
        "In the U.S. it",
        "Fruit, e.g. apples",
        "Ask bob@example.",
        "Ask bob@example.com",
        "Go to example.com/a,b?c=d",
        '"Sure',
        '"Sure,',
        "He said (oddly, ",
        "1. ",
        "1. Apples",
        "...",
        "**",
        "😀! ",
    ],
)
def test_what_may_go_on_is_no_clause_yet(fed: str) -> None:
    assert Phraser().feed(fed) == []


def test_a_quote_that_closes_behind_the_mark_belongs_to_the_clause() -> None:
    assert clauses_of(['"Sure," she said.']) == ['"Sure,"', "she said."]
    assert clauses_of(["'Oh sure,' she said."]) == ["'Oh sure,'", "she said."]


def test_without_a_mark_the_first_clause_is_cut_before_a_linking_word() -> None:
    tokens = "You could take the number nine bus from the old station to the lake".split(" ")

    assert clauses_of([" " + token for token in tokens]) == [
        "You could take the number nine bus",
        "from the old station to the lake",
    ]


def test_without_a_linking_word_no_clause_hangs_on_an_article() -> None:
    first = clauses_of(["Nobody ever really tried selling seven hundred purple elephants the day"])

    assert first[0] == "Nobody ever really tried selling seven hundred purple elephants"


def test_a_lone_opener_is_followed_by_a_clause_and_not_by_a_hole() -> None:
    text = "Sure, when you arrive, you will see a door, which is red, and so on."

    assert clauses_of([text]) == [
        "Sure,",
        "when you arrive,",
        "you will see a door, which is red, and so on.",
    ]


# ---- sentences ----


@pytest.mark.parametrize(
    "sentences",
    [
        ["It is five, or six; maybe seven: who knows?", "Not me!", "Good."],
        ["I met Dr. Smith and Mrs. Jones at St. Paul's.", "Both were well."],
        ["She lives in the U.S. with J. R. Tolkien Jr. and a dog.", "It barks."],
        ["She moved to the U.S.", "She likes it."],
        ["It opens at 9 a.m. daily.", "It closes at 5 p.m.", "You have time."],
        ["Take fruit, e.g. apples, or nuts, i.e. seeds.", "Nothing else."],
        ["It costs $3.50, or 1,000.75 yen.", "At 3:30."],
        ["See example.com, a.b.org/x?y=z or me@x.org.", "Then ask."],
        ['He said "Go."', "Then he went."],
        ["(It is true.)", "Is it?"],
        ["We need vitamin C.", "You have some."],
        ["So am I.", "Did you know?"],
        ["We use version 1.2.3 of it.", "Not 2.0."],
        ["What?", "Never!"],
    ],
)
def test_a_full_stop_ends_a_sentence_unless_it_is_part_of_a_word(sentences: list[str]) -> None:
    assert sentences_of(" ".join(sentences)) == sentences


def test_items_of_a_list_are_clauses_without_marks_of_their_own() -> None:
    text = "Here is what you need:\n\n- **flour**, one pound\n- milk\n\n1. Mix it\n2. Wait"

    assert clauses_of([text]) == [
        "Here is what you need:",
        "flour, one pound",
        "milk",
        "1. Mix it",
        "2. Wait",
    ]


def test_a_sentence_without_an_end_is_cut_all_the_same() -> None:
    clauses = clauses_of([" ".join(["This goes before it."] + ["one and two"] * 60)])

    assert len(clauses) > 4
    assert max(len(clause.split()) for clause in clauses) <= 42


# ---- whatever the text, and however it is cut ----

WORDS = (
    "Sure, Well, yes okay. I you that. Dr. Smith e.g. U.S. J. 3,5 3:30 1.5 $2.00 bob@x.org "
    'a.b/c,d the of and, with (maybe so) "Yes," what? no! — - ... **bold** _it_ `code` '
    "[text](http://u.rl) 😀 2024, 5,"
).split(" ")
SPOKEN = st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join)
TEXT = st.one_of(
    SPOKEN,
    st.text(alphabet="abI 1.,:;!?—-\n\"'()*_`#|[]<>h~é", max_size=80),
    st.text(max_size=60),
)


@given(TEXT, st.lists(st.integers(0, 200)))
def test_the_clauses_do_not_depend_on_the_tokens(text: str, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    tokens = [text[a:b] for a, b in zip(edges, edges[1:], strict=False)]

    assert clauses_of(tokens) == clauses_of([text])


@given(TEXT)
@example("Sure,okay—so")
def test_nothing_is_lost_and_nothing_is_said_twice(text: str) -> None:
    clauses = clauses_of([text])

    assert letters("".join(clauses)) == letters(speakable(text))


PROSE = st.lists(
    st.sampled_from([w for w in WORDS if letters(w) and "—" not in w]), max_size=30
).map(" ".join)


@given(PROSE)
def test_the_clauses_joined_are_what_is_to_be_said(text: str) -> None:
    assert " ".join(clauses_of([text])) == speakable(text)


@given(TEXT)
def test_every_clause_has_something_to_say_on_one_line(text: str) -> None:
    for clause in clauses_of([text]):
        assert letters(clause)
        assert clause == " ".join(clause.split())


@given(st.lists(st.sampled_from(["word", "the", "and", "seven", "of"]), min_size=24, max_size=24))
def test_the_first_clause_waits_for_few_words(words: list[str]) -> None:
    phraser = Phraser(first_words=6)
    fed = 0
    while fed < len(words) and not phraser.feed(words[fed] + " "):
        fed += 1

    waited = words[4:fed]
    assert fed <= 8 or not {"word", "seven"} & set(waited[:-1])


# ---- writing without blanks ----


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("你好，我们今天开门。谢谢！", ["你好，", "我们今天开门。", "谢谢！"]),
        ("他说：“你好。”然后走了。", ["他说：", "“你好。”", "然后走了。"]),
        ("价格是3，500元，时间3：30，好的。", ["价格是3，500元，", "时间3：30，", "好的。"]),
        ("我用 Python 写程序，很好。", ["我用 Python 写程序，", "很好。"]),
        ("「はい。」と言った。そうです！？", ["「はい。」", "と言った。", "そうです！"]),
        (
            "はい、本日は夜十時まで営業しておりますのでどうぞ。",
            ["はい、本日は夜十時まで営業して", "おりますのでどうぞ。"],
        ),
        ("ร้านของเราเปิดทุกวัน เชิญเลยค่ะ", ["ร้านของเราเปิดทุกวัน", "เชิญเลยค่ะ"]),
        ("សូមអរគុណ។ជំរាបលា។", ["សូមអរគុណ។", "ជំរាបលា។"]),
        ("ကျေးဇူးတင်ပါသည်။နှုတ်ဆက်ပါသည်။", ["ကျေးဇူးတင်ပါသည်။", "နှုတ်ဆက်ပါသည်။"]),
        ("हम बंद हैं। धन्यवाद।", ["हम बंद हैं।", "धन्यवाद।"]),
        ("نعم؟ شكرا", ["نعم؟", "شكرا"]),
    ],
)
def test_scripts_are_cut_at_their_own_marks(text: str, clauses: list[str]) -> None:
    assert clauses_of([text]) == clauses
    assert clauses_of(list(text)) == clauses


@pytest.mark.parametrize(
    ("text", "most"),
    [
        (
            "我们今天营业到晚上十点周末休息如果你想预约请告诉我你的名字和电话号码我会马上帮你安排"
            * 3,
            16,
        ),
        ("本日は夜十時まで営業しておりますのでどうぞお気軽にお越しくださいませ" * 3, 26),
        ("วันนี้เราเปิดถึงสี่ทุ่มหากคุณต้องการจองโต๊ะกรุณาบอกชื่อและเบอร์โทรศัพท์" * 3, 40),
        ("ថ្ងៃនេះយើងបើកដល់ម៉ោងដប់យប់ហើយប្រសិនបើអ្នកចង់កក់តុសូមប្រាប់ឈ្មោះរបស់អ្នក" * 3, 40),
        ("ມື້ນີ້ພວກເຮົາເປີດຮອດສິບໂມງແລງຖ້າທ່ານຕ້ອງການຈອງໂຕະກະລຸນາບອກຊື່" * 3, 40),
        ("ယနေ့ကျွန်ုပ်တို့သည်ညဆယ်နာရီအထိဖွင့်ပါသည်" * 3, 40),
    ],
)
def test_without_a_mark_the_first_clause_waits_for_a_few_letters(text: str, most: int) -> None:
    phraser, fed = Phraser(), 0
    clauses: list[str] = []
    while not clauses:
        clauses = phraser.feed(text[fed])
        fed += 1
    assert fed <= most
    rest = [one for char in text[fed:] for one in phraser.feed(char)] + phraser.finish()
    assert "".join([*clauses, *rest]) == text
    assert max(map(len, rest)) <= 100
    for clause in rest:
        assert unicodedata.category(clause[0])[0] != "M", "a letter is cut from its marks"


DENSE = st.text(alphabet="我们，。！「」：3a เก่าๆ ដ្ឋំ។ ကျွန်။のは、", max_size=120)


@given(DENSE, st.lists(st.integers(0, 200)))
def test_no_cut_into_tokens_changes_clauses_without_blanks(text: str, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    tokens = [text[a:b] for a, b in zip(edges, edges[1:], strict=False)]
    assert clauses_of(tokens) == clauses_of([text])
    assert letters("".join(clauses_of([text]))) == letters(speakable(text))


@pytest.mark.parametrize(
    "clauses",
    [
        ["Wir treffen uns am 15. Oktober um 10 Uhr.", "Passt das?"],
        ["Am 3. Mai ist Feiertag.", "Dann ist zu."],
        ["Montag, 15. Dezember,", "passt."],
        ["Er wohnt im 3. Stock.", "Sie ist 16.", "Er ist 17."],
        ["Der 1. und 2. Platz sind frei."],
        ["Das war Heinrich VIII. von England."],
        ["Am 24.12. ist zu.", "Am 24.12.2026 auch."],
        ["Den 15. oktober kommer vi.", "Hej."],
        ["Sejdeme se 3. března."],
        ["Es sind ca. 15 Min. zu Fuß bis zur 5. Etage."],
        ["Das kostet bzw. 11 Mio. Euro."],
        ["I am 15.", "Please wait."],
        ["Your code is 15.", "October is next."],
    ],
)
def test_an_ordinal_with_a_full_stop_ends_no_sentence(clauses: list[str]) -> None:
    text = " ".join(clauses)
    for tokens in ([text], list(text), re.findall(r"\S+\s*", text)):
        assert clauses_of(tokens) == clauses
