"""Fields beyond OpenAI's at the text door: passed on where the engine takes them, else refused."""

from typing import Any

import pytest

from pipelines.services.llm.llm_server import EXTRA
from tests.bot.texts.engine import FINE, VLLM, Door, before, listed, llama_cpp, refusal
from tests.pipelines.services.scripted_endpoint import Reply, ScriptedEndpoint

EVERY: dict[str, Any] = {
    "top_k": 20,
    "min_p": 0.05,
    "repetition_penalty": 1.2,
    "length_penalty": 1.0,
    "stop_token_ids": [1, 106],
    "include_stop_str_in_output": True,
    "ignore_eos": True,
    "min_tokens": 2,
    "skip_special_tokens": False,
    "spaces_between_special_tokens": False,
    "truncate_prompt_tokens": 100,
    "allowed_token_ids": [5, 6],
    "bad_words": ["damn"],
    "chat_template": "{{ messages }}",
    "chat_template_kwargs": {"style": "terse"},
    "add_generation_prompt": False,
    "continue_final_message": True,
    "add_special_tokens": True,
    "documents": [{"title": "A", "text": "B"}],
    "mm_processor_kwargs": {"do_pan_and_scan": True},
    "media_io_kwargs": {"image": {}},
    "structured_outputs": {"choice": ["yes", "no"]},
    "reasoning_effort": "low",
    "thinking_token_budget": 16,
    "cache_salt": "mine",
    "vllm_xargs": {"a": 1},
}


def vllm(*replies: Reply) -> ScriptedEndpoint:
    return ScriptedEndpoint(list(replies), VLLM)


def test_every_one_of_them_reaches_vllm_as_the_stock_client_gave_it() -> None:
    async def play(on: Door) -> None:
        answer = await on.create(extra_body=EVERY, temperature=0.1, logit_bias={"7": -100})
        assert answer.choices[0].message.content == "Machine learning."
        [body] = on.asked
        thinking = {"chat_template_kwargs": {"enable_thinking": False, "style": "terse"}}
        wanted = {**EVERY, **thinking, "temperature": 0.1, "logit_bias": {"7": -100}}
        assert {name: body[name] for name in wanted} == wanted

    assert EVERY.keys() == EXTRA
    before([vllm(FINE)], play)


def test_the_server_is_asked_what_it_is_once_and_not_where_nothing_depends_on_it() -> None:
    async def play(on: Door) -> None:
        await on.create(temperature=0, top_p=0.5, seed=3, stop="END")
        assert on.engines[0].looked == []
        for _ in range(3):
            await on.create(extra_body={"top_k": 3})
        assert on.engines[0].looked == ["/v1/models"]

    before([vllm(FINE, FINE, FINE, FINE)], play)


def test_llama_cpp_is_given_them_by_its_own_names() -> None:
    asked = {"top_k": 20, "min_p": 0.05, "repetition_penalty": 1.3, "ignore_eos": False}

    async def play(on: Door) -> None:
        await on.create(extra_body=asked)
        [body] = on.asked
        assert (body["top_k"], body["min_p"], body["ignore_eos"]) == (20, 0.05, False)
        assert body["repeat_penalty"] == 1.3
        assert "repetition_penalty" not in body

    before([ScriptedEndpoint([FINE], llama_cpp(vision=False))], play)


@pytest.mark.parametrize(
    ("pages", "name", "value"),
    [
        (llama_cpp(vision=False), "min_tokens", 2),
        (llama_cpp(vision=False), "structured_outputs", {"choice": ["a"]}),
        (llama_cpp(vision=True), "bad_words", ["damn"]),
        (listed("openai"), "top_k", 5),
        (listed("library"), "repetition_penalty", 1.1),
        ({}, "min_p", 0.1),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_field_that_the_engine_is_not_known_to_take_is_refused_by_its_name(
    pages: dict[str, object], name: str, value: object, stream: bool
) -> None:
    async def play(on: Door) -> None:
        error = await on.refused(extra_body={name: value}, stream=stream)
        assert (error.param, error.code) == (name, "unsupported_parameter")
        assert error.type == "invalid_request_error"
        assert name in error.message
        assert on.asked == []
        again = await on.create()  # nothing is held against the engine
        assert again.choices[0].message.content == "Machine learning."

    before([ScriptedEndpoint([FINE], pages)], play)


@pytest.mark.parametrize(
    "name",
    ["use_beam_search", "best_of", "echo", "prompt_logprobs", "priority", "guided_json", "tpo_k"],
)
def test_a_field_that_no_engine_is_given_is_refused_by_its_name(name: str) -> None:
    async def play(on: Door) -> None:
        error = await on.refused(extra_body={name: 1})
        assert (error.status_code, error.param) == (400, name)
        assert name in error.message

    before([vllm()], play)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("top_k", -2),
        ("top_k", "40"),
        ("min_p", 1.5),
        ("repetition_penalty", 0),
        ("min_tokens", -1),
        ("stop_token_ids", ["a"]),
        ("ignore_eos", "yes"),
        ("logit_bias", {"7": 101}),
    ],
)
def test_a_value_out_of_range_is_refused_before_the_engine_is_asked(
    name: str, value: object
) -> None:
    async def play(on: Door) -> None:
        error = await on.refused(extra_body={name: value})
        assert error.param.split(".")[0] == name
        assert on.engines[0].looked == []

    before([vllm()], play)


def test_a_value_that_the_engine_itself_refuses_is_told_of_by_its_name() -> None:
    words = "min_tokens must be less than or equal to max_tokens=4, got 9."

    async def play(on: Door) -> None:
        error = await on.refused(extra_body={"min_tokens": 9}, max_tokens=4)
        assert (error.status_code, error.param) == (400, "min_tokens")
        assert "must be less" not in error.message
        body = on.asked[-1]
        assert body["min_tokens"] == 9
        await on.create(extra_body={"top_k": 4})
        assert "repetition_penalty" in on.asked[-1]  # of ours nothing was left out for it

    before([vllm(refusal(words), refusal(words), FINE)], play)


def test_a_field_that_somebody_asked_for_is_never_left_out_to_please_an_endpoint() -> None:
    words = "Unsupported value: 'temperature' does not support 0.2 with this model."

    async def play(on: Door) -> None:
        assert (await on.refused(temperature=0.2)).param == "temperature"
        assert all(body["temperature"] == 0.2 for body in on.asked)
        await on.create()  # the settings' own is left out, and that is remembered
        assert "temperature" not in on.asked[-1]
        asked = len(on.asked)
        error = await on.refused(temperature=0.2)
        assert (error.param, error.code) == ("temperature", "unsupported_parameter")
        assert len(on.asked) == asked

    no = refusal(words)
    before([ScriptedEndpoint([no, no, no, FINE], VLLM)], play)


def test_a_fallback_that_takes_the_field_answers_in_the_place_of_one_that_does_not() -> None:
    async def play(on: Door) -> None:
        answer = await on.create(extra_body={"min_tokens": 3})
        assert answer.choices[0].message.content == "Machine learning."
        first, second = on.engines
        assert first.requests == []
        assert second.requests[0]["min_tokens"] == 3

    before([ScriptedEndpoint([], llama_cpp(vision=False)), vllm(FINE)], play)


def test_a_prompt_that_is_too_long_is_told_of_as_openai_tells_it() -> None:
    words = "This model's maximum context length is 4096 tokens. However, you requested 9000."

    async def play(on: Door) -> None:
        error = await on.refused()
        assert (error.status_code, error.code) == (400, "context_length_exceeded")

    before([vllm(refusal(words))], play)


def test_a_field_that_is_null_or_says_the_usual_is_as_good_as_none() -> None:
    nothing = {
        **dict.fromkeys(["best_of", "audio", "verbosity", "top_k", "min_p", "unheard_of"]),
        **{"store": False, "tools": [], "tool_choice": "auto", "metadata": {"a": "b"}},
        **{"service_tier": "auto", "safety_identifier": "x", "logprobs": False, "n": 1},
    }

    async def play(on: Door) -> None:
        await on.create(extra_body=nothing)
        assert on.asked[0].keys().isdisjoint(nothing.keys() - {"top_k"})
        assert on.asked[0]["top_k"] == 50  # the settings' own
        assert on.engines[0].looked == []

    before([vllm(FINE)], play)


def test_lists_that_are_empty_are_passed_on_too() -> None:
    async def play(on: Door) -> None:
        await on.create(extra_body={"stop_token_ids": [], "bad_words": []})
        assert (on.asked[0]["stop_token_ids"], on.asked[0]["bad_words"]) == ([], [])

    before([vllm(FINE)], play)
