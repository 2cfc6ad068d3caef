"""`LLMClient`: the calls' language model for a program of one's own."""

import asyncio
import sys
import textwrap
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

import pipelines.services.llm.llm_client
from pipelines.core.thinking.failover import Patience
from pipelines.services.llm.llm_client import PLACES, Fallback, LLMClient
from pipelines.services.protocols import ChatMessage, FailureKind, ServiceError
from tests.pipelines.services.scripted_endpoint import (
    DONE,
    HANG,
    TEAR,
    Reply,
    ScriptedEndpoint,
    finish,
)
from tests.pipelines.services.scripted_endpoint import delta as said

ROOT = Path(__file__).parents[4]
FINE = Reply([said(content="One,"), said(content=" two,"), said(content=" three."), finish(), DONE])
VLLM: dict[str, object] = {"/v1/models": {"data": [{"id": "gemma", "owned_by": "vllm"}]}}


def asked(
    play: Callable[[LLMClient], Awaitable[None]],
    *replies: Reply,
    patience: Patience | None = None,
    pages: dict[str, object] | None = None,
) -> ScriptedEndpoint:
    endpoint = ScriptedEndpoint(list(replies), pages or {})

    async def scenario() -> None:
        async with endpoint, LLMClient(endpoint.url, "gemma", patience=patience) as llm:
            await play(llm)

    asyncio.run(scenario())
    return endpoint


def test_a_prompt_is_answered_whole_and_in_pieces() -> None:
    async def play(llm: LLMClient) -> None:
        assert await llm.generate("Count.") == "One, two, three."
        pieces = [piece async for piece in llm.generate_streaming("Count.")]
        assert pieces == ["One,", " two,", " three."]

    endpoint = asked(play, FINE, FINE)
    assert [one["messages"] for one in endpoint.requests] == [
        [{"role": "user", "content": "Count."}]
    ] * 2


def test_how_it_is_drawn_and_what_is_said_before_reach_the_endpoint() -> None:
    fields = {"temperature": 0.0, "top_p": 0.9, "max_tokens": 5, "seed": 7}
    before = [
        ChatMessage("user", "Hi."),
        ChatMessage("assistant", "Hello."),
        ChatMessage("user", "Go."),
    ]

    async def play(llm: LLMClient) -> None:
        await llm.generate(
            before,
            system="Be brief.",
            temperature=0.0,
            top_p=0.9,
            max_tokens=5,
            seed=7,
            others={"top_k": 20, "stop": ["END"]},
        )

    [body] = asked(play, FINE, pages=VLLM).requests
    wanted = {**fields, "top_k": 20, "stop": ["END"]}
    assert {name: body[name] for name in wanted} == wanted
    roles = [message["role"] for message in body["messages"]]
    assert roles == ["system", "user", "assistant", "user"]


def test_a_field_that_the_endpoint_is_not_known_to_take_is_refused_by_name() -> None:
    async def play(llm: LLMClient) -> None:
        with pytest.raises(ServiceError) as caught:
            await llm.generate("Count.", others={"top_k": 20})
        trouble = caught.value.trouble
        assert (trouble.kind, trouble.param) == (FailureKind.UNSUPPORTED, "top_k")

    assert asked(play).requests == []


def test_nothing_is_not_asked() -> None:
    async def play(llm: LLMClient) -> None:
        for nothing in ("", list[ChatMessage]()):
            with pytest.raises(ValueError, match="nothing to ask"):
                await llm.generate(nothing)

    assert asked(play).requests == []


def test_an_endpoint_that_fails_is_followed_by_the_next_without_a_trace() -> None:
    first, second = ScriptedEndpoint([Reply([b"{}"], 500)]), ScriptedEndpoint([FINE])

    async def scenario() -> None:
        async with first, second:
            then = Fallback(base_url=second.url, model="small", api_key="mine")
            async with LLMClient(first.url, "gemma", fallbacks=[then]) as llm:
                assert await llm.generate("Count.") == "One, two, three."
        assert (first.requests[0]["model"], second.requests[0]["model"]) == ("gemma", "small")
        assert "authorization: bearer mine" in second.headers[0].lower()

    asyncio.run(scenario())


def test_silence_is_given_up_after_the_time_that_was_set() -> None:
    brief = Patience(first_token_s=0.02, first_clause_s=0.02, apology_s=0.05)

    async def play(llm: LLMClient) -> None:
        with pytest.raises(ServiceError, match="no answer yet"):
            await llm.generate("Count.")

    asked(play, Reply([HANG]), Reply([HANG]), patience=brief)


def test_an_answer_that_breaks_off_is_an_error_after_its_pieces() -> None:
    async def play(llm: LLMClient) -> None:
        pieces = llm.generate_streaming("Count.")
        assert [await anext(pieces), await anext(pieces)] == ["One,", " two,"]
        with pytest.raises(ServiceError):
            await anext(pieces)
        with pytest.raises(ServiceError):
            await llm.generate("Count.")

    broken = Reply([said(content="One,"), said(content=" two,"), TEAR])
    asked(play, broken, broken)


def test_leaving_the_loop_early_ends_the_request() -> None:
    endpoint = ScriptedEndpoint([Reply([said(content="One, two, "), HANG])])

    async def scenario() -> None:
        async with endpoint, LLMClient(endpoint.url, "gemma") as llm:
            async with aclosing(llm.generate_streaming("Count.")) as pieces:
                assert await anext(pieces) == "One, two, "
            await endpoint.left.wait()
            assert endpoint.answering == 0

    asyncio.run(scenario())


def test_no_more_are_asked_at_once_than_there_are_places() -> None:
    most = 0

    async def scenario() -> None:
        nonlocal most
        endpoint = ScriptedEndpoint([Reply([0.01, *FINE.steps])] * (PLACES + 10))

        async def ask(llm: LLMClient) -> None:
            nonlocal most
            assert await llm.generate("Count.") == "One, two, three."
            most = max(most, endpoint.connections)

        async with endpoint, LLMClient(endpoint.url, "gemma") as llm, asyncio.TaskGroup() as tasks:
            for _ in range(PLACES + 10):
                tasks.create_task(ask(llm))

    asyncio.run(scenario())
    assert most <= PLACES


def example() -> str:
    """The five lines in the module's docstring, which the documentation has too."""
    told = pipelines.services.llm.llm_client.__doc__ or ""
    indented = told[told.index("    from") : told.index("\n\nIt asks")]
    return textwrap.dedent(indented)


def test_the_documentation_has_the_same_example() -> None:
    documented = (ROOT / "docs" / "guide" / "language-model.md").read_text()
    assert example().splitlines()[0].startswith("from pipelines.services.llm.llm_client import")
    assert len([line for line in example().splitlines() if line]) == 5
    assert example() in documented


def test_the_example_runs_as_it_stands() -> None:
    """As a program of somebody else's, which has nothing of the server."""

    async def scenario() -> None:
        async with ScriptedEndpoint([FINE, FINE]) as endpoint:
            here = example().replace("http://localhost:8000/v1", endpoint.url)
            head, *body = here.splitlines()
            program = "\n".join(
                [
                    "import asyncio, sys",
                    head,
                    "async def main():",
                    *(f"    {line}" for line in body),
                    "asyncio.run(main())",
                    "assert not any(name.partition('.')[0] == 'bot' for name in sys.modules)",
                ]
            )
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-W", "error::SyntaxWarning", "-c", program),
                cwd=ROOT,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            printed, wrong = await process.communicate()
            assert process.returncode == 0, wrong.decode()
            assert printed.decode() == "One, two, three.\nOne, two, three."
            assert endpoint.requests[1]["temperature"] == 1.0

    asyncio.run(scenario())
