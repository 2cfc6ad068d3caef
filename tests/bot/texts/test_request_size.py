"""A request's size is known before it is parsed, and one complaint costs no more than one."""

import json
from functools import partial

import pytest
from pydantic import ValidationError

import bot.texts.request
from bot.texts.request import (
    FIELDS_LIMIT,
    LIST_LIMIT,
    MESSAGES_LIMIT,
    VALUES_LIMIT,
    BadRequestError,
    ChatRequest,
    Submission,
    has_too_many_values,
    read_chat,
)
from tests.steps import counted

HELLO = {"role": "user", "content": "hello"}


def chat(**fields: object) -> bytes:
    return json.dumps({"model": "x", "messages": [HELLO]} | fields).encode()


MANY = VALUES_LIMIT + 1
TOO_MANY = {
    "wrong messages": b'{"messages":[' + b",".join([b"1"] * MANY) + b"]}",
    "good messages": chat(messages=[HELLO] * 25_000),
    "empty strings": b"[" + b",".join([b'""'] * MANY) + b"]",
    "empty lists": b"[" + b",".join([b"[]"] * MANY) + b"]",
    "brackets that never close": b"[" * MANY,
    "fields": json.dumps({str(n): 0 for n in range(MANY)}).encode(),
}


@pytest.mark.parametrize("body", TOO_MANY.values(), ids=TOO_MANY)
def test_json_of_too_many_values_is_told_by_its_marks(body: bytes) -> None:
    assert has_too_many_values(body)


FEW = {
    "marks in a text": chat(messages=[HELLO | {"content": "[,{" * 200_000}]),
    "marks behind escaped quotes": chat(messages=[HELLO | {"content": '",[{\\' * 100_000}]),
    "a text that never ends": b'{"messages":["' + b",[{" * 50_000,
    "a text that ends in half an escape": b'["' + b",[{" * 50_000 + b"\\",
    "strings with nothing between, which is no JSON": b'""' * 2 * MANY,
    "escaped quotes that never end": b'["' + b'\\",' * 50_000,
    "as many as there may be": b"[" + b",".join([b"1"] * (VALUES_LIMIT - 1)) + b"]",
}


@pytest.mark.parametrize("body", FEW.values(), ids=FEW)
def test_marks_in_a_text_are_no_values(body: bytes) -> None:
    assert not has_too_many_values(body)


@pytest.mark.parametrize("body", [*TOO_MANY.values(), *FEW.values()], ids=[*TOO_MANY, *FEW])
def test_to_tell_takes_one_look_at_each_byte(body: bytes) -> None:
    with counted(bot.texts.request) as count:
        assert count(partial(has_too_many_values, body)) <= 10 * len(body) + 100


BARELY = VALUES_LIMIT // 2
WRONG = {
    "messages": chat(messages=[1] * BARELY),
    "fields that are not known": chat(**{f"x{n}": 1 for n in range(BARELY)}),
    "parts": chat(messages=[HELLO | {"content": [1] * BARELY}]),
    "calls of tools": chat(messages=[HELLO | {"tool_calls": [1] * BARELY}]),
    "calls of tools in each message": chat(messages=[HELLO | {"tool_calls": [1]}] * 3000),
    "stop": chat(stop=[1] * BARELY),
    "logit_bias": chat(logit_bias={str(n): "x" for n in range(BARELY)}),
    "metadata": chat(metadata={str(n): 1 for n in range(BARELY)}),
    "modalities": chat(modalities=[1] * BARELY),
    "tools": chat(tools=[{}] * BARELY),
    "functions": chat(functions=[{}] * BARELY),
    "stop_token_ids": chat(stop_token_ids=["x"] * BARELY),
    "bad_words": chat(bad_words=[1] * BARELY),
    "documents": chat(documents=[1] * BARELY),
}


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG)
def test_few_complaints_are_made_of_a_request_that_is_wrong_throughout(body: bytes) -> None:
    """The library makes all of them, to tell of the first."""
    with pytest.raises(ValidationError) as told:
        ChatRequest.model_validate_json(body)
    assert told.value.error_count() <= 8


def test_few_complaints_are_made_of_a_submission() -> None:
    body = {"prompt": "x", "client_id": "me"}
    for context in ([1] * BARELY, [HELLO] * (MESSAGES_LIMIT + 1)):
        with pytest.raises(ValidationError) as told:
            Submission.model_validate_json(json.dumps(body | {"context": context}))
        assert told.value.error_count() <= 3


@pytest.mark.parametrize(
    ("body", "limit"),
    [
        (chat(messages=[HELLO] * (MESSAGES_LIMIT + 1)), f"{MESSAGES_LIMIT:d}"),
        (chat(logit_bias={str(n): 1 for n in range(LIST_LIMIT + 1)}), f"{LIST_LIMIT:d}"),
        (chat(**{f"x{n}": 1 for n in range(FIELDS_LIMIT)}), f"{FIELDS_LIMIT:d}"),
        (chat(user="x" * 513), "512"),
    ],
)
def test_a_complaint_names_the_limit(body: bytes, limit: str) -> None:
    with pytest.raises(BadRequestError, match=limit):
        read_chat(body)


def test_a_complaint_does_not_say_a_name_of_theirs_at_length() -> None:
    with pytest.raises(BadRequestError) as told:
        read_chat(chat(**{"x" * 500_000: 1}))
    assert len(str(told.value)) < 200
    assert len(told.value.param or "") <= 100
