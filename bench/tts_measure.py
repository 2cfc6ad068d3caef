"""Measures the voices: what `bench tts` does, without its options."""

import asyncio
import random
import statistics
from collections.abc import Iterator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench.stt_measure import rss_mb
from bench.tts_table import TtsAlone, TtsCell, cell
from bot.settings import Settings, SettingsError, changed
from bot.wiring.second_voice import VoiceChoice
from bot.wiring.voice import choose_voice
from pipelines.services.protocols import TextToSpeech

LENGTHS = {"2 words": 2, "8 words": 8, "25 words": 25}
"""An opener, a first clause without a mark, and a long sentence."""
TIMES = 7
"""How often each length is spoken alone; the median is told."""
STAGGER_S = 0.2
"""Calls do not begin their answers in the same instant: somewhere within so long."""
WORDS = (
    "about after again answer because before begin between better certainly children clearly "
    "could every evening family follow garden happen however important little morning mountain "
    "never number often other people perhaps question quickly really river several should simple "
    "something station summer table there thing through today together tomorrow under village "
    "water weather window winter without wonder yellow yesterday"
).split()


@dataclass(frozen=True, slots=True)
class SpokenText:
    """One text, by one voice."""

    first_audio_s: float
    whole_s: float
    audio_s: float
    trimmed_s: float


def wanted(settings: Settings, engines: Sequence[str], model: str | None) -> list[Settings]:
    """The settings of each engine to measure. Raises SettingsError."""
    if engines:
        given = {"tts_model": model} if model else {}
        return [changed(settings, tts_engine=engine, **given) for engine in engines]
    found = [changed(settings, tts_engine=engine) for engine in ("espeak", "hibari", "stub")]
    for engine in ("piper", "kokoro"):
        with suppress(SettingsError):  # neither is here
            choose_voice(one := changed(settings, tts_engine=engine))
            found.append(one)
    if settings.tts_engine in ("openai", "pipecat"):
        found.append(settings)
    return found


async def measure(
    choices: Sequence[VoiceChoice], levels: Sequence[int], answers: int, console: Console
) -> tuple[list[TtsAlone], list[TtsCell]]:
    alone: list[TtsAlone] = []
    cells: list[TtsCell] = []
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=len(choices) * (1 + len(levels)))
        for choice in choices:
            bar.update(task, description=f"{choice.model}, alone")
            texts = Texts(random.Random(0))
            before_mb = whole_rss_mb()
            opens_s = await _opened(choice.service)
            try:
                said = {
                    name: [await say(choice.service, texts.new(words)) for _ in range(TIMES)]
                    for name, words in LENGTHS.items()
                }
                memory_mb = max(0.0, whole_rss_mb() - before_mb)
                alone.append(_alone(choice.model, opens_s, memory_mb, said))
                bar.advance(task)
                for calls in levels:
                    bar.update(task, description=f"{choice.model}, {calls} at once")
                    cells.append(await _at_once(choice, calls, answers, texts))
                    bar.advance(task)
            finally:
                await choice.service.close()
    return alone, cells


class Texts:
    """Sentences that nobody has said before, so that none comes from a cache."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._said: set[str] = set()

    def new(self, words: int) -> str:
        while (text := " ".join(self._chance.choices(WORDS, k=words))) in self._said:
            pass
        self._said.add(text)
        return f"{text.capitalize()}."


async def say(voice: TextToSpeech, text: str, *, first: bool = True) -> SpokenText:
    now = asyncio.get_running_loop().time
    asked_s, first_s, samples, trimmed_s = now(), None, 0, 0.0
    stream = voice.synthesise(text, first=first)
    async with aclosing(stream):
        async for chunk in stream:
            first_s = now() if first_s is None else first_s
            samples, trimmed_s = samples + len(chunk.pcm), trimmed_s + chunk.trimmed_s
    ended_s = now()
    first_s = ended_s if first_s is None else first_s
    return SpokenText(first_s - asked_s, ended_s - asked_s, samples / voice.rate_hz, trimmed_s)


async def _at_once(choice: VoiceChoice, calls: int, answers: int, texts: Texts) -> TtsCell:
    """Each call is answered again and again, as fast as the voice goes."""
    firsts: list[SpokenText] = []
    rest: list[SpokenText] = []
    chance = random.Random(calls)

    async def call() -> None:
        for _ in range(answers):
            await asyncio.sleep(chance.uniform(0, STAGGER_S))
            firsts.append(await say(choice.service, texts.new(LENGTHS["8 words"])))
            for words in (LENGTHS["25 words"],) * 2:
                sentence = texts.new(words)
                rest.append(await say(choice.service, sentence, first=False))

    async with asyncio.TaskGroup() as tasks:
        for _ in range(calls):
            tasks.create_task(call())
    first_s = [one.first_audio_s for one in firsts]
    busy_s, audio_s = (
        sum(getattr(one, name) for one in (*firsts, *rest)) for name in ("whole_s", "audio_s")
    )
    return cell(choice.model, calls, first_s, [one.first_audio_s for one in rest], busy_s / audio_s)


def _alone(
    name: str, opens_s: float, memory_mb: float, said: dict[str, list[SpokenText]]
) -> TtsAlone:
    everything = [one for some in said.values() for one in some]
    return TtsAlone(
        name,
        opens_s,
        memory_mb,
        {key: statistics.median(one.first_audio_s for one in some) for key, some in said.items()},
        sum(one.whole_s for one in everything) / sum(one.audio_s for one in everything),
        statistics.median(one.trimmed_s for one in everything),
    )


async def _opened(voice: TextToSpeech) -> float:
    now = asyncio.get_running_loop().time
    started = now()
    await voice.open()
    return now() - started


def whole_rss_mb() -> float:
    """The memory of this process and of those that it started."""
    return rss_mb() + sum(_child_rss_mb(pid) for pid in _children())


def _children() -> Iterator[int]:
    for task in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):
            yield from map(int, task.read_text().split())


def _child_rss_mb(pid: int) -> float:
    with suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1]) / 1024
    return 0.0
