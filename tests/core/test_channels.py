"""What a model thinks aloud is not spoken, however its text was cut into tokens."""

import pytest

from pipelines.core.channels import ChannelFilter


def spoken(*pieces: str) -> str:
    channels = ChannelFilter()
    return "".join([*map(channels.feed, pieces), channels.finish()])


@pytest.mark.parametrize(
    ("raw", "left"),
    [
        ("It is noon.", "It is noon."),
        ("<think>Noon?</think>It is noon.", "It is noon."),
        ("<|channel>thought\nNoon, I think.<channel|>It is noon.", "It is noon."),
        ("<|channel|>analysis<|message|>Noon?<|end|>It is noon.", "It is noon."),
        (
            "<|channel|>analysis<|message|>Noon?<|end|><|start|>assistant<|channel|>final"
            "<|message|>It is noon.<|return|>",
            "It is noon.",
        ),
        ("<start_of_turn>model\nIt is noon.<end_of_turn>", "It is noon."),
        ("It is noon.<end_of_turn>", "It is noon."),
        ("It is <b>noon</b>, and 2 < 3 > 1.", "It is <b>noon</b>, and 2 < 3 > 1."),
        ("Two is <", "Two is <"),
        ("<think>It never ended", ""),
        ("<|channel>thought", ""),
    ],
)
def test_only_what_is_meant_for_the_person_is_left(raw: str, left: str) -> None:
    assert spoken(raw) == left
    assert spoken(*raw) == left
    for at in range(len(raw)):
        assert spoken(raw[:at], raw[at:]) == left


def test_plain_text_is_not_kept_back() -> None:
    channels = ChannelFilter()
    assert [channels.feed(token) for token in ("It", " is", " noon", ".")] == [
        "It",
        " is",
        " noon",
        ".",
    ]
