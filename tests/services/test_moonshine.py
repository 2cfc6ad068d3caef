from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.services.moonshine import (
    MAX_TOKENS,
    Moonshine,
    loop_length,
    read_tokenizer,
    rest_of_draft,
    token_limit,
)
from pipelines.services.protocols import EAR_RATE_HZ, Samples, ServiceError
from tests.services.shipped_speech import shipped_speech


@pytest.fixture(scope="module")
def model() -> Moonshine:
    return Moonshine()


@pytest.fixture(scope="module")
def speech() -> Samples:
    return shipped_speech()


def test_it_writes_down_what_was_said(model: Moonshine, speech: Samples) -> None:
    found = model.decode(speech)

    assert model.text(found.tokens) == (
        "Ever tried, ever failed, no matter, try again, fail again, fail better."
    )
    assert -0.3 < found.confidence < 0


def test_a_right_draft_is_confirmed_in_one_pass(model: Moonshine, speech: Samples) -> None:
    found = model.decode(speech)
    again = model.decode(speech, found.tokens)

    assert again.tokens == found.tokens
    assert (found.passes, again.passes) == (len(found.tokens) + 1, 1)


def test_a_draft_that_is_partly_wrong_costs_few_passes_and_no_words(
    model: Moonshine, speech: Samples
) -> None:
    found = model.decode(speech)
    middle = len(found.tokens) // 2
    missing = found.tokens[:middle] + found.tokens[middle + 1 :]

    again = model.decode(speech, missing)

    assert model.text(again.tokens).lower() == model.text(found.tokens).lower()
    assert again.passes < found.passes // 2


def test_a_draft_of_something_else_does_not_put_words_in_anyones_mouth(
    model: Moonshine, speech: Samples
) -> None:
    first, last = speech[: 2 * EAR_RATE_HZ], speech[-2 * EAR_RATE_HZ :]

    misled = model.text(model.decode(last, model.decode(first).tokens).tokens).lower()

    assert "tried" in model.text(model.decode(first).tokens).lower()
    assert "better" in misled
    assert "tried" not in misled


def test_audio_of_every_length_the_model_takes_is_decoded(model: Moonshine) -> None:
    noise = np.random.default_rng(5).standard_normal(28 * EAR_RATE_HZ) * 0.01
    for length_s in (0.1, 0.5, 8.9, 9.3, 28.0):
        stretch = noise[: int(length_s * EAR_RATE_HZ)].astype(np.float32)
        assert len(model.decode(stretch).tokens) <= token_limit(len(stretch))


def test_a_job_nobody_waits_for_is_left_between_two_steps(
    model: Moonshine, speech: Samples
) -> None:
    asked: list[None] = []

    def called_off() -> bool:
        asked.append(None)
        return len(asked) == 3

    with pytest.raises(ServiceError) as failure:
        model.decode(speech, called_off=called_off)
    assert failure.value.retryable
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("tokens", "kept"),
    [
        ([], 0),
        ([5, 5, 5], 0),  # "no, no, no"
        ([7, 7, 7, 7], 0),  # a number read out
        ([1, 2, 9, *[4] * 10], 4),
        ([1, 2, 9, *[4] * 9], 0),
        ([3, *[4, 5, 6] * 3], 0),
        ([3, *[4, 5, 6] * 4], 4),
        ([3, *[4, 5, 6] * 4, 8], 0),
        ([*[4, 5, 6, 7, 8] * 4], 5),
    ],
)
def test_a_loop_is_four_copies_and_ten_tokens(tokens: list[int], kept: int) -> None:
    assert loop_length(tokens) == kept


@given(st.lists(st.integers(0, 3), max_size=40))
def test_what_is_cut_from_a_loop_is_a_copy_of_what_stays(tokens: list[int]) -> None:
    kept = loop_length(tokens)
    if kept:
        cut = tokens[kept:]
        width = next(w for w in range(1, kept + 1) if tokens[kept - w : kept] == cut[:w])
        assert all(tokens[i] == tokens[i - width] for i in range(kept, len(tokens)))


@pytest.mark.parametrize(
    ("draft", "tokens", "rest"),
    [
        ([1, 2, 3, 4], [1, 9], [3, 4]),  # another token in its place
        ([1, 2, 3, 4], [1, 3], [4]),  # the draft had one too many
        ([1, 2, 3, 4], [1, 9, 2], [3, 4]),  # the draft had one too few
        ([1, 2], [1, 2, 3], []),
        ([], [1], []),
    ],
)
def test_the_rest_of_a_draft_is_found_again(
    draft: list[int], tokens: list[int], rest: list[int]
) -> None:
    assert rest_of_draft(draft, tokens) == rest


def test_tokens_are_limited_by_the_length_of_the_audio() -> None:
    assert token_limit(EAR_RATE_HZ) == 12
    assert token_limit(60 * EAR_RATE_HZ) == MAX_TOKENS


def test_a_tokenizer_file_is_lengths_and_bytes() -> None:
    long = bytes(range(200))
    assert read_tokenizer(b"\x00\x03abc" + bytes([200 % 128 + 128, 200 // 128]) + long) == [
        b"",
        b"abc",
        long,
    ]


def test_a_folder_without_a_model_is_a_service_error(tmp_path: Path) -> None:
    with pytest.raises(ServiceError) as failure:
        Moonshine(tmp_path)
    assert not failure.value.retryable
