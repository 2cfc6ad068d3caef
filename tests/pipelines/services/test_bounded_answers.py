"""A server that answers without measure costs no more than a good one: model, ears and voice."""

import asyncio
import gzip
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager

import numpy as np
import pytest

from pipelines.services.llm.llm_answer import LONGEST_ALOUD, LONGEST_ANSWER, PIECE
from pipelines.services.llm.llm_openai import OpenAiLanguageModel
from pipelines.services.llm.llm_tool_calls import ToolCallCollector
from pipelines.services.openai_client import LONGEST_LINE
from pipelines.services.pacing import LEAST_BYTES, PIECE_BYTES, paced
from pipelines.services.protocols import (
    ChatMessage,
    Finished,
    Sampling,
    ServiceError,
    SpeechChunk,
    TextDelta,
    TranscriptionJob,
)
from pipelines.services.stt.stt_openai import OpenAiSpeechToText
from pipelines.services.tts.postprocessor import (
    CHARACTER_S,
    LEAST_SOUND_S,
    REHEARSAL,
    AudioPostprocessor,
)
from pipelines.services.tts.tts_openai import OpenAiTextToSpeech
from tests.pipelines.services.scripted_endpoint import (
    DONE,
    HANG,
    Reply,
    ScriptedEndpoint,
    delta,
    finish,
)

HELLO = [ChatMessage("user", "Hello.")]
ALOUD = Sampling(aloud=True)
SPEECH = (0.3 * np.sin(np.arange(16_000) / 5)).astype(np.float32)
COMPRESSED = ("content-type: text/event-stream", "content-encoding: gzip")


def asking(reply: Reply, scenario: Callable[[str], Awaitable[None]]) -> None:
    async def served() -> None:
        async with ScriptedEndpoint([reply] * 8) as endpoint:
            await scenario(endpoint.url)

    asyncio.run(served())


class Turns:
    """The turns that others have at the event loop."""

    count = 0

    @asynccontextmanager
    async def counted(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            turning = tasks.create_task(self._turn())
            yield
            turning.cancel()

    async def _turn(self) -> None:
        while True:
            self.count += 1
            await asyncio.sleep(0)


async def answer(url: str, sampling: Sampling = ALOUD) -> tuple[list[str], Finished]:
    model = OpenAiLanguageModel(base_url=url, model="m")
    await model.open()
    pieces, ended = list[str](), list[Finished]()
    try:
        async with aclosing(model.stream(HELLO, sampling)) as deltas:
            async for one in deltas:
                if isinstance(one, TextDelta):
                    pieces.append(one.text)
                else:
                    ended.append(one)
    finally:
        await model.close()
    return pieces, ended[0]


# ---- a language model ----

LONG = {
    "words": "word " * 150_000,
    "commas": "a," * 400_000,
    "one word": "a" * 750_000,
    "sentences": "This is one. " * 58_000,
    "emoji": "\N{GRINNING FACE} a " * 90_000,
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
@pytest.mark.parametrize(
    ("sampling", "longest"), [(ALOUD, LONGEST_ALOUD), (Sampling(), LONGEST_ANSWER)]
)
def test_a_line_of_any_length_is_taken_in_pieces_up_to_a_limit(
    text: str, sampling: Sampling, longest: int
) -> None:
    async def scenario(url: str) -> None:
        pieces, finished = await answer(url, sampling)
        said = "".join(pieces)
        assert text.startswith(said)
        assert longest * 0.8 < len(said) <= longest
        assert max(map(len, pieces)) <= 3 * PIECE
        assert finished.reason == "length"

    raw = json.dumps(delta(content=text), ensure_ascii=False).encode()
    asking(Reply([b"data: " + raw + b"\n\n", finish(), DONE]), scenario)


def test_the_loop_has_its_turn_between_the_pieces_of_a_line() -> None:
    async def scenario(url: str) -> None:
        turns = Turns()
        async with turns.counted():
            pieces, _ = await answer(url)
        assert turns.count >= len(pieces) >= LONGEST_ALOUD // PIECE

    asking(Reply([delta(content="word " * 100_000), finish(), DONE]), scenario)


def test_many_small_pieces_come_to_the_same_limit() -> None:
    async def scenario(url: str) -> None:
        pieces, finished = await answer(url)
        assert len("".join(pieces)) == LONGEST_ALOUD
        assert finished.reason == "length"

    many = b"".join(
        b"data: " + json.dumps(delta(content="word ")).encode() + b"\n\n" for _ in "x" * 4000
    )
    asking(Reply([many, HANG]), scenario)


def test_an_answer_as_long_as_one_may_be_is_whole() -> None:
    async def scenario(url: str) -> None:
        pieces, finished = await answer(url)
        assert ("".join(pieces), finished.reason) == ("word " * 3276, "stop")

    asking(Reply([delta(content="word " * 3276), finish(), DONE]), scenario)


def test_thoughts_before_an_answer_do_not_shorten_it() -> None:
    async def scenario(url: str) -> None:
        pieces, finished = await answer(url)
        assert ("".join(pieces).strip(), finished.reason) == ("Yes, of course.", "stop")

    thought = f"<think>{'hm, ' * 5000}</think>Yes, of course."
    asking(Reply([delta(content=thought), finish(), DONE]), scenario)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "GZIP", "gzip, identity"])
def test_a_compressed_answer_is_refused_before_it_is_unpacked(encoding: str) -> None:
    bomb = gzip.compress(bytes(50_000_000))

    async def scenario(url: str) -> None:
        with pytest.raises(ServiceError, match="the connection broke"):
            await answer(url)
        voice = OpenAiTextToSpeech(base_url=url, model="m", voice="v")
        await voice.open()
        with pytest.raises(ServiceError, match="the connection broke"):
            async with aclosing(voice.synthesise("Hello.")) as chunks:
                assert [chunk async for chunk in chunks] == []
        await voice.close()

    headers = ("content-type: text/event-stream", f"content-encoding: {encoding}")
    asking(Reply([bomb], 200, headers), scenario)


def test_nobody_is_asked_for_a_compressed_answer() -> None:
    async def served() -> None:
        async with ScriptedEndpoint([Reply([delta(content="Hi."), finish(), DONE])]) as endpoint:
            await answer(endpoint.url)
            [head] = endpoint.headers
            assert [one for one in head.lower().splitlines() if "accept-encoding" in one] == [
                "accept-encoding: identity"
            ]

    asyncio.run(served())


def test_a_tools_arguments_are_parsed_once_they_may_be_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parsed: list[int] = []

    def loads(text: str) -> object:
        parsed.append(len(text))
        return json.JSONDecoder().decode(text)

    monkeypatch.setattr("pipelines.services.llm.llm_tool_calls.json.loads", loads)
    calls = ToolCallCollector()
    for name in ("book", *[None] * 20_000, *["book"] * 2000):
        function = {"name": name, "arguments": '{"a": "' if name and not parsed else "x"}
        calls.take({"tool_calls": [{"index": 0, "function": function}]})
    assert sum(parsed) == 0


# ---- pieces ----


@pytest.mark.parametrize(
    "sizes", [[1_000_000], [1] * 3000, [PIECE_BYTES] * 50, [5000, 3] * 60, [0] * 3000]
)
def test_bytes_are_the_same_in_pieces_between_which_others_have_their_turn(
    sizes: list[int],
) -> None:
    async def sent() -> AsyncIterator[bytes]:
        for size in sizes:
            yield bytes(size)

    async def scenario() -> None:
        turns = Turns()
        async with turns.counted():
            pieces = [piece async for piece in paced(sent())]
        assert sum(map(len, pieces)) == sum(sizes)
        assert max(map(len, pieces), default=0) <= PIECE_BYTES
        work = sum(max(len(piece), LEAST_BYTES) for piece in pieces)
        assert turns.count >= work // (2 * PIECE_BYTES)

    asyncio.run(scenario())


# ---- ears ----


@pytest.mark.parametrize("status", [200, 500])
def test_ears_that_do_not_come_to_an_end_have_failed(status: int) -> None:
    async def scenario(url: str) -> None:
        ears = OpenAiSpeechToText(base_url=url, model="m")
        await ears.open()
        with pytest.raises(ServiceError, match="the connection broke"):
            await ears.transcribe(TranscriptionJob(SPEECH))
        await ears.close()

    endless = [b'{"text": "' + b"a" * 65_000] + [b"\n" + b"a" * 65_000] * (LONGEST_LINE // 65_000)
    asking(Reply(endless, status, ("content-type: application/json",)), scenario)


# ---- voices ----


class EndlessVoice:
    """A voice that goes on, with a tone or in silence; the rehearsal alone it ends."""

    rate_hz = 8000

    def __init__(self, loud: int = 8000, chunk: int = 4000, rehearses: int = 4) -> None:
        """`rehearses`: the pieces of its rehearsal."""
        self.loud, self.chunk, self.made, self.rehearses = loud, chunk, 0, rehearses

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def synthesise(
        self, text: str, *, first: bool = False
    ) -> AsyncGenerator[SpeechChunk, None]:
        loud = 8000 if text == REHEARSAL else self.loud
        size = 4000 if text == REHEARSAL else self.chunk
        sound = (loud * np.sin(np.arange(size))).astype(np.int16)
        for _ in range(self.rehearses) if text == REHEARSAL else iter(int, 1):
            self.made += len(sound)
            yield SpeechChunk(sound)


@pytest.mark.parametrize("chunk", [160, 4000, 200_000])
@pytest.mark.parametrize("loud", [8000, 0])
@pytest.mark.parametrize("text", ["Hi.", "one two three", "word " * 100])
def test_a_voice_that_does_not_end_is_cut_off(text: str, loud: int, chunk: int) -> None:
    async def scenario() -> None:
        endless = EndlessVoice(loud, chunk)
        voice = AudioPostprocessor(endless)
        await voice.open()
        endless.made = 0
        async with aclosing(voice.synthesise(text)) as chunks:
            given = [len(one.pcm) async for one in chunks]
        most_s = LEAST_SOUND_S + CHARACTER_S * len(text)
        assert sum(given) <= most_s * 8000
        assert endless.made <= most_s * 8000 + 2 * chunk
        await voice.close()

    asyncio.run(scenario())


def test_a_voice_that_does_not_end_its_rehearsal_is_cut_off_as_well() -> None:
    async def scenario() -> None:
        endless = EndlessVoice(rehearses=1_000_000)
        voice = AudioPostprocessor(endless)
        await voice.open()
        assert endless.made <= (LEAST_SOUND_S + CHARACTER_S * len(REHEARSAL)) * 8000 + 4000
        await voice.close()

    asyncio.run(scenario())


def test_a_voice_that_is_cut_off_is_not_remembered() -> None:
    async def scenario() -> None:
        endless = EndlessVoice()
        voice = AudioPostprocessor(endless)
        await voice.open()
        for _ in range(2):
            endless.made = 0
            async with aclosing(voice.synthesise("Hi.")) as chunks:
                assert [one async for one in chunks] != []
            assert endless.made > 0
        await voice.close()

    asyncio.run(scenario())
