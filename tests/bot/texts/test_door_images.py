"""Images in messages: to a model that sees them, else refused in words that people understand."""

import asyncio
import base64
import json
import zlib
from typing import Any

import openai
import pytest

from bot.engines.demo import DemoEngine
from bot.settings.latency_profile import profile_named
from bot.texts.door import BODY_LIMIT, TEXT_LIMIT
from tests.bot.engines.test_demo import serving as demo
from tests.bot.texts.engine import FINE, MODEL, VLLM, Door, before, llama_cpp, refusal
from tests.pipelines.services.scripted_endpoint import Reply, ScriptedEndpoint


def png(side: int = 1) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        summed = zlib.crc32(kind + body).to_bytes(4, "big")
        return len(body).to_bytes(4, "big") + kind + body + summed

    head = side.to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    rows = zlib.compress(b"\0" * (side * (side + 1)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def url(image: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"


def showing(at: str, question: str = "What is this?", **more: object) -> list[dict[str, Any]]:
    return [
        {"type": "text", "text": question},
        {"type": "image_url", "image_url": {"url": at, **more}},
    ]


DOT = url(png())


@pytest.mark.parametrize("pages", [VLLM, llama_cpp(vision=True), {}])
def test_an_image_reaches_a_model_that_sees_as_it_was_given(pages: dict[str, object]) -> None:
    content = showing(DOT, detail="low")

    async def play(on: Door) -> None:
        answer = await on.create(content)
        assert answer.choices[0].message.content == "Machine learning."
        assert on.asked[0]["messages"] == [{"role": "user", "content": content}]

    before([ScriptedEndpoint([FINE], pages)], play)


def test_images_keep_their_places_where_messages_of_one_speaker_are_joined() -> None:
    messages: Any = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "First look."},
        {"role": "user", "content": [*showing(DOT, "Left: "), *showing(DOT, "right: ")]},
        {"role": "user", "content": "Which is larger?"},
    ]

    async def play(on: Door) -> None:
        await on.client.chat.completions.create(model=MODEL, messages=messages)
        system, user = on.asked[0]["messages"]
        assert system == {"role": "system", "content": "Be brief."}
        told = [part.get("text", "image") for part in user["content"]]
        wanted = ["First look.\n", "Left: ", "image", "right: ", "image", "\nWhich is larger?"]
        assert told == wanted

    before([ScriptedEndpoint([FINE], VLLM)], play)


def test_images_are_kept_where_a_system_role_is_not() -> None:
    messages: Any = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": showing(DOT)},
    ]

    async def play(on: Door) -> None:
        await on.client.chat.completions.create(model=MODEL, messages=messages)
        [user] = on.asked[-1]["messages"]
        assert user["content"] == [{"type": "text", "text": "Be brief.\n\n"}, *showing(DOT)]

    no = refusal("System role not supported")
    before([ScriptedEndpoint([no, FINE], VLLM)], play)


BLIND = [
    ("gemma-3-1b-it is not a multimodal model", 400),
    ("At most 0 image(s) may be provided in one prompt.", 400),
    ("image input is not supported - hint: you may need to provide the mmproj", 500),
    ("Model does not support images", 400),
    ("No endpoints found that support... this model has no support for image input", 422),
]


@pytest.mark.parametrize(("words", "status"), BLIND)
@pytest.mark.parametrize("stream", [False, True])
def test_a_model_that_does_not_see_is_told_of_in_words(
    words: str, status: int, stream: bool
) -> None:
    async def play(on: Door) -> None:
        error = await on.refused(showing(DOT), stream=stream)
        assert (error.status_code, error.code) == (400, "images_not_supported")
        assert "the model does not see images" in error.message
        assert len(on.asked) == 1
        await on.create()
        assert "repetition_penalty" in on.asked[-1]

    before([ScriptedEndpoint([refusal(words, status), FINE], VLLM)], play)


def test_llama_cpp_without_a_projector_says_so_before_it_is_asked() -> None:
    async def play(on: Door) -> None:
        error = await on.refused(showing(DOT))
        assert error.code == "images_not_supported"
        assert "--mmproj" in error.message
        assert on.asked == []
        assert on.engines[0].looked == ["/v1/models", "/props"]

    before([ScriptedEndpoint([], llama_cpp(vision=False))], play)


def test_a_fallback_that_sees_answers_in_the_place_of_a_model_that_does_not() -> None:
    async def play(on: Door) -> None:
        await on.create(showing(DOT))
        assert [len(engine.requests) for engine in on.engines] == [0, 1]

    blind = ScriptedEndpoint([], llama_cpp(vision=False))
    before([blind, ScriptedEndpoint([FINE], VLLM)], play)


def test_images_that_the_engine_cannot_read_are_not_called_a_failure_of_the_model() -> None:
    async def play(on: Door) -> None:
        error = await on.refused(showing(DOT))
        assert (error.status_code, error.param) == (400, "messages")
        assert "does not take these images" in error.message

    no = refusal("cannot identify image file <_io.BytesIO object at 0x7f>")
    before([ScriptedEndpoint([no, no], VLLM)], play)


WRONG = [
    ("https://example.com/cat.jpg", "send the image itself"),
    ("HTTP://169.254.169.254/latest/meta-data", "send the image itself"),
    ("file:///etc/passwd", "should be an image as data:"),
    ("cat.jpg", "should be an image as data:"),
    ("data:text/html;base64,PGI+", "should be an image as data:"),
    ("data:image/png,iVBORw0K", "should be an image as data:"),
    ("data:image/png;base64,iVBORw0K*", "is not base64"),
    ("data:image/png;base64,", "is no image"),
    (url(b"<svg/>", "svg+xml"), "is no image"),
]


@pytest.mark.parametrize(("at", "told"), WRONG)
def test_what_is_no_image_is_refused_at_the_door(at: str, told: str) -> None:
    async def play(on: Door) -> None:
        error = await on.refused(showing(at))
        assert error.param == "messages.0.content.1.image_url.url"
        assert told in error.message
        assert (on.asked, on.engines[0].looked) == ([], [])

    before([ScriptedEndpoint([], VLLM)], play)


def test_sound_and_files_are_refused_as_parts_that_are_not_taken() -> None:
    async def play(on: Door) -> None:
        for part in (
            {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}},
            {"type": "file", "file": {"file_id": "x"}},
            {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}},
        ):
            error = await on.refused([part])
            assert error.param == "messages.0.content.0"
            assert "text or image_url" in error.message

    before([ScriptedEndpoint([], VLLM)], play)


def test_images_may_be_larger_than_all_the_text_beside_them() -> None:
    large = url(png() + b"\0" * (2 * TEXT_LIMIT))
    post = "/v1/chat/completions"

    async def play(on: Door) -> None:
        await on.create(showing(large))
        assert on.asked[0]["messages"][0]["content"][1]["image_url"]["url"] == large
        message = {"role": "user", "content": showing(large)}
        escaped = json.dumps({"model": MODEL, "messages": [message]}).replace("/", "\\/")
        assert (await on.served.http.post(post, content=escaped)).status_code == 200
        for content in (showing(DOT, "x" * TEXT_LIMIT), showing(url(png() + b"\0" * BODY_LIMIT))):
            asked = {"model": MODEL, "messages": [{"role": "user", "content": content}]}
            assert (await on.served.http.post(post, json=asked)).status_code == 413

    before([ScriptedEndpoint([FINE, FINE], VLLM)], play)


def test_a_page_may_show_an_image_in_what_it_says_before() -> None:
    context = [
        {"role": "user", "content": showing(DOT)},
        {"role": "assistant", "content": "A dot."},
    ]

    async def play(on: Door) -> None:
        async with on.served.http.stream("GET", "/api/v1/chat/stream/ann") as stream:
            lines = stream.aiter_lines()
            assert await anext(lines) == "event: ready"
            asked = {"client_id": "ann", "prompt": "Of which colour?", "context": context}
            answer = await on.served.http.post("/api/v1/chat/submit", json=asked)
            assert answer.status_code == 202
            while "Machine" not in await anext(lines):
                pass
        assert on.asked[0]["messages"][0]["content"] == showing(DOT)

    before([ScriptedEndpoint([FINE], VLLM)], play)


def test_the_demo_engine_sees_nothing_and_says_so() -> None:
    async def scenario() -> None:
        async with demo(DemoEngine(profile_named("none"))) as client:
            messages: Any = [{"role": "user", "content": showing(DOT)}]
            with pytest.raises(openai.BadRequestError, match="takes no images"):
                await client.chat.completions.create(model="halfsecond-demo", messages=messages)

    asyncio.run(scenario())


def test_replies_of_the_engine_that_name_no_image_stay_failures() -> None:
    async def play(on: Door) -> None:
        answer = await on.served.http.post(
            "/v1/chat/completions",
            json={"model": MODEL, "messages": [{"role": "user", "content": showing(DOT)}]},
        )
        assert (answer.status_code, answer.json()["error"]["code"]) == (502, "engine_failed")

    broken = Reply([b"{}"], 500)
    before([ScriptedEndpoint([broken] * 6, VLLM)], play)
