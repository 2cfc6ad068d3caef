from pipelines.core.turn.wording import same_words, words


def test_words_are_compared_without_case_and_marks() -> None:
    assert words("It’s 3.5, isn't it?") == ("it's", "3.5", "isn't", "it")
    assert same_words("Hello, there!", "hello there")
    assert not same_words("hello there", "hello dear")
