"""The plain text stream over curl, and how one prompt's answer is drawn, on a real socket."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.bot.texts.engine import FINE, VLLM, Door, before, refusal
from tests.bot.texts.texting import ANSWER, MODEL, WORDS, Texting, on_a_server
from tests.pipelines.services.scripted_endpoint import DONE, Reply, ScriptedEndpoint, delta, finish

pytestmark = pytest.mark.needs("curl")

PLAIN = b"".join(b"data: %s\n\n" % word.encode() for word in WORDS) + b"event: end\ndata:\n\n"


async def curl(*words: str) -> tuple[bytes, int]:
    """The body, and the status."""
    process = await asyncio.create_subprocess_exec(
        *("curl", "-sSN", "--max-time", "20", "-w", "%{stderr}%{http_code}", *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    body, status = await process.communicate()
    return body, int(status)


def asking(text: str, **fields: object) -> tuple[str, ...]:
    asked = {"model": MODEL, "messages": [{"role": "user", "content": text}], **fields}
    return ("-H", "Content-Type: application/json", "-d", json.dumps(asked))


@pytest.mark.parametrize(
    "chosen",
    [
        ("?format=text",),
        ("", "-H", "Accept: text/plain"),
        ("", "-H", "Accept: text/event-stream;format=text"),
        ("?format=text", "-H", "Accept: application/json"),
    ],
)
def test_curl_is_given_the_text_alone_where_it_asks_for_that(chosen: tuple[str, ...]) -> None:
    query, *headers = chosen

    async def play(on: Texting) -> None:
        url = f"{on.base_url}/chat/completions{query}"
        streamed = await curl(url, *headers, *asking("hello", stream=True))
        assert streamed == (PLAIN, 200)
        assert await curl(url, *headers, *asking("hello")) == (ANSWER.encode(), 200)

    on_a_server(play)


def test_without_asking_for_it_curl_is_given_openai_s_chunks() -> None:
    async def play(on: Texting) -> None:
        body, _ = await curl(f"{on.base_url}/chat/completions", *asking("hello", stream=True))
        assert body.endswith(b"data: [DONE]\n\n")
        assert b"chat.completion.chunk" in body

    on_a_server(play)


def test_a_failure_is_an_error_with_a_status_before_the_words_and_an_event_after_them() -> None:
    async def play(on: Texting) -> None:
        url = f"{on.base_url}/chat/completions"
        told, status = await curl(f"{url}?format=text", *asking("fail", stream=True))
        assert (status, json.loads(told)["error"]["code"]) == (502, "engine_failed")
        told, status = await curl(f"{url}?format=text", *asking("break", stream=True))
        assert status == 200
        wanted = b"data: One \n\nevent: error\ndata: the language model failed\n\n"
        assert told == wanted
        told, status = await curl(f"{url}?format=xml", *asking("hello", stream=True))
        assert (status, json.loads(told)["error"]["param"]) == (400, "format")

    on_a_server(play)


@asynccontextmanager
async def listening(
    on: Texting | Door, where: str, *options: str
) -> AsyncIterator[asyncio.StreamReader]:
    """A curl that reads a page's stream."""
    process = await asyncio.create_subprocess_exec(
        *("curl", "-sSN", "--max-time", "20", *options),
        f"http://127.0.0.1:{on.served.port}/api/v1/chat/stream/{where}",
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        assert await process.stdout.readuntil(b"\n\n") == b"event: ready\ndata:\n\n"
        yield process.stdout
    finally:
        process.kill()
        await process.wait()


async def submit(on: Texting | Door, **fields: object) -> tuple[dict[str, str], int]:
    asked = json.dumps({"client_id": "ann", "prompt": "hello", **fields})
    url = f"http://127.0.0.1:{on.served.port}/api/v1/chat/submit"
    body, status = await curl(url, "-H", "Content-Type: application/json", "-d", asked)
    told = json.loads(body)
    return told.get("error", told), status


@pytest.mark.parametrize(
    "options", [("ann?format=text",), ("ann", "-H", "Accept: text/plain, */*;q=0.1")]
)
def test_a_page_may_listen_to_the_text_alone(options: tuple[str, ...]) -> None:
    async def play(on: Texting) -> None:
        async with listening(on, *options) as stream:
            for _ in range(2):
                told, status = await submit(on)
                assert status == 202
                heard = await stream.readuntil(b"event: end\ndata:\n\n")
                assert heard == f"id: {told['request_id']}\n".encode() + PLAIN
            told, _ = await submit(on, prompt="break")
            heard = await stream.readuntil(b"failed\n\n")
            error = b"data: One \n\nevent: error\ndata: the language model failed\n\n"
            assert heard == f"id: {told['request_id']}\n".encode() + error

    on_a_server(play)


def test_a_page_that_waits_is_told_its_place_in_a_comment() -> None:
    async def play(on: Texting) -> None:
        async with listening(on, "ann?format=text") as stream:
            await submit(on, prompt="long")
            await submit(on)
            await stream.readuntil(b"data: two \n\n")
            assert await stream.readuntil(b"\n\n") == b": place 1 in the queue\n\n"

    on_a_server(play, places=1)


def test_a_format_that_there_is_not_is_refused_to_a_page_too() -> None:
    async def play(on: Texting) -> None:
        url = f"http://127.0.0.1:{on.served.port}/api/v1/chat/stream/ann?format=xml"
        body, status = await curl(url)
        assert (status, json.loads(body)["error"]["param"]) == (400, "format")

    on_a_server(play)


def test_an_answer_that_is_cut_off_at_its_length_says_so() -> None:
    cut = Reply([delta(content="One"), delta(content=" two"), finish("length"), DONE])

    async def play(on: Door) -> None:
        url = f"{on.url}/v1/chat/completions?format=text"
        asked = {"model": "gemma", "messages": [{"role": "user", "content": "x"}], "stream": True}
        body, _ = await curl(url, "-d", json.dumps(asked))
        assert body == b"data: One\n\ndata:  two\n\nevent: end\ndata: length\n\n"

    before([ScriptedEndpoint([cut])], play)


# ---- how one prompt's answer is drawn ----


def test_what_a_prompt_is_submitted_with_reaches_the_engine() -> None:
    drawn = {"temperature": 0.15, "top_p": 0.8, "max_tokens": 33, "seed": 7}

    async def play(on: Door) -> None:
        async with listening(on, "ann?format=text") as stream:
            for fields in (drawn, {"temperature": 0}, {}):
                assert (await submit(on, **fields))[1] == 202
                await stream.readuntil(b"event: end\ndata:\n\n")
        first, second, third = on.asked
        assert {name: first[name] for name in drawn} == drawn
        assert (second["temperature"], second["max_tokens"]) == (0, 256)
        assert (third["temperature"], "seed" in third, "top_p" in third) == (0.7, False, False)

    before([ScriptedEndpoint([FINE, FINE, FINE], VLLM)], play)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", 2.1),
        ("temperature", -0.1),
        ("temperature", "hot"),
        ("temperature", True),
        ("top_p", 0),
        ("top_p", 1.01),
        ("max_tokens", 0),
        ("max_tokens", 1.5),
        ("max_tokens", 40_000),
        ("seed", 2**60),
        ("seed", "7"),
        ("top_k", 5),
        ("temprature", 0.5),
    ],
)
def test_a_wrong_one_is_refused_by_its_name(name: str, value: object) -> None:
    async def play(on: Texting) -> None:
        async with listening(on, "ann?format=text"):
            error, status = await submit(on, **{name: value})
            assert (status, error["param"]) == (400, name)
            assert error["message"].startswith(f"{name}: ")
        assert on.llm.requests == []

    on_a_server(play)


def test_one_that_the_engine_does_not_take_is_told_of_on_the_stream() -> None:
    no = refusal("Unsupported value: 'temperature' does not support 0.15 with this model.")

    async def play(on: Door) -> None:
        async with listening(on, "ann?format=text") as stream:
            await submit(on, temperature=0.15)
            heard = await stream.readuntil(b"\n\n")
            assert heard.endswith(
                b"event: error\ndata: temperature: the model's server refuses this value\n\n"
            )

    before([ScriptedEndpoint([no, no], VLLM)], play)
