import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.core.speaking.markdown import Unmarker, speakable

MARKED = st.text(alphabet="ab1 \n.!?,*_~`#>-+|[](){}<>/:h\\😀é", max_size=80)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("This is **very** *good* and __new__ and ~~old~~.", "This is very good and new and old."),
        ("***Both***, yes.", "Both, yes."),
        ("Press # to go back or * to repeat.", "Press pound to go back or star to repeat."),
        ("Enter your PIN followed by #.", "Enter your PIN followed by pound."),
        ('Press the "#" key, then *.', 'Press the "pound" key, then star.'),
        ("Press **one** or *two* now.", "Press one or two now."),
        ("Hit the *red* button. # is a mark.", "Hit the red button. is a mark."),
        ("# Heading\n\nText.", "Heading Text."),
        ("### Closed ###\nText.", "Closed Text."),
        ("- one\n* two\n+ three\n• four", "one two three four"),
        ("  - [link](http://a.b/c) here", "link here"),
        ("1. one\n2) two", "1. one 2) two"),
        ("It is **a** <b and c* <d", "It is a <b and c <d"),
        ("> quoted\n> twice", "quoted twice"),
        ("Run `make all` now.", "Run make all now."),
        ("Do this:\n```python\nx = [1](2)\n```\nThen that.", "Do this: Then that."),
        ("~~~\ncode\n~~~\nText.", "Text."),
        ("Inline ```x = 1``` code.", "Inline code."),
        ("````\n```\ncode\n````\nText.", "Text."),
        ("See [the page](https://a.b/c_(d)) and ![a cat](cat.png).", "See the page and a cat."),
        ("Wait! [Here](x) it is [sic].", "Wait! Here it is sic."),
        ("See https://example.com/a_b or <https://x.org>.", "See example.com/a_b or x.org."),
        ("Write to <mailto:a@b.org> or a@b.org.", "Write to a@b.org or a@b.org."),
        ("a<br>b <b>bold</b> and 1 < 2", "a b bold and 1 < 2"),
        ("| Name | Age |\n|:---|---:|\n| Ann | -3 |", "Name, Age Ann, -3"),
        ("one\n\n---\n\n***\ntwo\n===\nthree", "one two three"),
        ("Great 🎉👍🏽! 5️⃣ stars ⭐ at 20 °C for €3.", "Great! 5 stars at 20 °C for €3."),
        ("snake_case, 2 * 3, 2*3 and ~5.", "snake_case, 2 times 3, 2 times 3 and about 5."),
        ("What?! No!!! Well... so…", "What? No! Well. so…"),
        ("wait...what", "wait. what"),
        ("-5 degrees, #1, +1 555", "-5 degrees, #1, +1 555"),
        ("#5 and\n+49 and\n-5", "#5 and +49 and -5"),
        (r"1\. \*not bold\* \$5", "1. not bold $5"),
        ("hello  there ,\tyou", "hello there, you"),
        ("he said http is https: ok", "he said http is https: ok"),
        ("*** --- |||", ""),
        ("", ""),
    ],
)
def test_what_is_written_becomes_what_is_said(written: str, said: str) -> None:
    assert speakable(written) == said


@given(MARKED, st.lists(st.integers(0, 80)))
def test_tokens_may_split_a_mark_anywhere(text: str, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    unmarker = Unmarker()
    pieces = [unmarker.feed(text[a:b]) for a, b in zip(edges, edges[1:], strict=False)]

    whole = Unmarker()
    assert "".join(pieces) + unmarker.finish() == whole.feed(text) + whole.finish()


@given(st.lists(st.text(alphabet="abcé12", min_size=1), min_size=1))
def test_plain_words_are_left_alone(words: list[str]) -> None:
    assert speakable(" ".join(words)) == " ".join(words)


@given(MARKED)
def test_no_mark_of_emphasis_or_code_is_said(text: str) -> None:
    assert not set("*`~\\😀") & set(speakable(text))
    assert re.search(r"(?<![^\W_])_|_(?![^\W_])", speakable(text)) is None


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('{"response": "It is noon."}', "It is noon."),
        ('{"mood": "calm", "answer": "It is noon."}', "It is noon."),
        ('{"unknown": "It is noon."}', "It is noon."),
        ('{ "text": "A brace { in it."}', '{ "text": "A brace { in it."}'),
        ('{"a": {"text": "It is noon."}}', '{"a": {"text": "It is noon."}}'),
        ('{"count": 3}', '{"count": 3}'),
        ("{curly} it is.", "{curly} it is."),
        ('{"not json}', '{"not json}'),
    ],
)
def test_an_answer_in_json_is_said_without_it_and_other_braces_stay(
    written: str, said: str
) -> None:
    assert speakable(written) == said
