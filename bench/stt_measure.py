"""Measures the ears: what `bench stt` does, without its options."""

import asyncio
import os
import platform
import statistics
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench.stock_pipecat import warm_transcribers
from bench.stt_calls import (
    ConcurrencyLevel,
    OurEars,
    Round,
    TranscribedRecording,
    TranscribingListener,
    at_once,
    handed_out,
)
from bench.stt_corpus import (
    SttRecording,
    SttWordErrors,
    as_samples,
    bucket,
    by_telephone,
    word_errors,
)
from bench.stt_table import SttAlone, SttCell, cell
from bot.engines.models.catalogue import EARS
from bot.engines.models.store import Store
from bot.settings import Settings, changed
from bot.wiring.ears import Choice
from pipelines.services.onnx import OnnxModel
from pipelines.services.protocols import SpeechToText, TranscriptionJob
from pipelines.services.vad.vad_silero import load_silero

STOCK = "stock Pipecat, Moonshine"


@dataclass
class SttMeasurement:
    alone: list[SttAlone]
    cells: list[SttCell]
    heard: list[TranscribedRecording]


def wanted(settings: Settings, engines: Sequence[str], model: str | None) -> list[Settings]:
    """The settings of each engine to measure. Raises SettingsError."""
    if engines:
        given = {"stt_model": model} if model else {}
        return [changed(settings, stt_engine=engine, **given) for engine in engines]
    found = [changed(settings, stt_engine="moonshine", stt_model=None)]
    store = Store(settings.models_dir)
    for one in EARS:
        if store.installed(one) is not None:
            kind = "faster-whisper" if one.kind == "whisper" else "moonshine"
            found.append(changed(settings, stt_engine=kind, stt_model=one.name))
    if settings.stt_engine not in ("auto", "moonshine"):
        found.append(settings)
    return found


async def measure(
    choices: Sequence[Choice],
    items: Sequence[SttRecording],
    levels: Sequence[int],
    peer: str,
    limit: int,
    console: Console,
) -> SttMeasurement:
    found = SttMeasurement([], [], [])
    played = _spread(items, limit)
    levels = [level for level in levels if level]
    total = len(played) * sum(levels) * (len(choices) + (peer == "stock"))
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    )  # fmt: skip
    silero = await asyncio.to_thread(load_silero)
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("alone", total=total)

        async def in_calls(name: str, new: Callable[[], TranscribingListener]) -> None:
            for level in levels:
                bar.update(task, description=f"{name}, {level} at once")
                one = await at_once(Round(name, new, level, played), lambda: bar.advance(task))
                _keep(found, name, level, one)

        for choice in choices:
            bar.update(task, description=f"{choice.model}, alone")
            opened, memory_mb = await _open(choice.service)
            try:
                one = await _alone(choice.model, choice.service, opened, memory_mb, items)
                found.alone.append(one)
                await in_calls(choice.model, _ours(choice.service, silero))
            finally:
                await choice.service.close()
        if peer == "stock":
            transcribers = cycle(await asyncio.to_thread(warm_transcribers))
            await in_calls(STOCK, handed_out(transcribers))
    return found


def _ours(service: SpeechToText, silero: OnnxModel) -> Callable[[], TranscribingListener]:
    return lambda: OurEars(service, silero)


def _keep(found: SttMeasurement, name: str, calls: int, level: ConcurrencyLevel) -> None:
    found.cells.append(cell(name, calls, level))
    found.heard.extend(level.heard)


def _spread(items: Sequence[SttRecording], limit: int) -> list[SttRecording]:
    """So many of them, of all lengths."""
    by_length = sorted(items, key=lambda item: item.length_s)
    if limit >= len(by_length):
        return by_length
    return [by_length[n * len(by_length) // limit] for n in range(limit)]


async def _open(service: SpeechToText) -> tuple[float, float]:
    before, now = rss_mb(), asyncio.get_running_loop().time
    started = now()
    await service.open()
    return now() - started, rss_mb() - before


async def _alone(
    name: str,
    service: SpeechToText,
    load_s: float,
    memory_mb: float,
    items: Sequence[SttRecording],
) -> SttAlone:
    now = asyncio.get_running_loop().time
    jobs: dict[str, list[float]] = {}
    errors = {
        "wide": SttWordErrors(0, 0),
        "narrow": SttWordErrors(0, 0),
        "telephone": SttWordErrors(0, 0),
    }
    busy_s = audio_s = 0.0
    for item in items:
        started = now()
        heard = await service.transcribe(TranscriptionJob(item.speech, final=True))
        took_s = now() - started
        jobs.setdefault(bucket(item.length_s), []).append(took_s)
        busy_s, audio_s = busy_s + took_s, audio_s + item.length_s
        errors[item.band] += word_errors(item.transcript, heard.text)
        if item.band == "wide":
            narrow = TranscriptionJob(as_samples(by_telephone(item.pcm)), final=True)
            told = await service.transcribe(narrow)
            errors["narrow"] += word_errors(item.transcript, told.text)
    medians = {length: statistics.median(times) for length, times in jobs.items()}
    wide, narrow_, own = errors["wide"], errors["narrow"], errors["telephone"]
    return SttAlone(name, load_s, memory_mb, medians, busy_s / audio_s, wide, narrow_, own)


def made_on(limit: int) -> dict[str, object]:
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "recordings_a_call": limit,
        "python": platform.python_version(),
    }


def rss_mb() -> float:
    """This process's memory, now."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def _cpu() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()
