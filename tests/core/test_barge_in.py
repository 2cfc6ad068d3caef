import pytest

from pipelines.core.barge_in import Judgement, judge


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
