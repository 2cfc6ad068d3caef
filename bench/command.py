"""`./run bench turns`: how long people wait for an answer, and how often they are cut into."""

import asyncio
import json
import os
import random
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import soundfile
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench.natural.command import in_real_time, on_virtual_time, tell
from bench.natural.plays import NaturalPlay
from bench.natural.speech import FOLDER, SpeechError, load
from bench.natural.verdicts import JudgeName
from bench.output import Picture
from bench.playlist import Half, PlaylistItem, playlist
from bench.plays import Play
from bench.report import print_demands, print_report
from bench.servers import ServerError
from bench.summary import as_json, demands, difference, figures, ratios
from bench.turns import EARLIER, BenchPlan, Caller, PeerName, TtsName, bench, length_s
from bot.settings.latency_profile import ProfileName
from bot.terminal.ending import give_up
from bot.terminal.output import JsonFile

NOT_MET, FAILED = 1, 2
"""Exit codes: a demand of `--gate` is not met; there was nothing to measure."""

NAMES = ("stock", "livekit", "fastrtc", "processor", "page", EARLIER, "ours")
"""The servers' names; `ours` is compared with one before it."""

PRINTED_CELLS = 120
"""The width of the table in a file."""


def turns(  # noqa: PLR0913 - the options of a command are its arguments
    suite: Annotated[
        Literal["read", "natural"],
        typer.Option(help="Recordings that come with the project, or a folder of natural speech."),
    ] = "read",
    speech: Annotated[
        Path, typer.Option(help="The folder of natural speech.", show_default=False)
    ] = FOLDER,
    fast: Annotated[
        bool, typer.Option("--fast", help="Natural speech on virtual time: our decisions alone.")
    ] = False,
    profile: Annotated[ProfileName, typer.Option(help="The pace of the LLM.")] = "fixed-150",
    peer: Annotated[
        list[PeerName] | None,
        typer.Option(
            help="Beside a stock Pipecat bot, LiveKit Agents, FastRTC, our processor in a Pipecat "
            "bot, or our own server called by our page. Give it once for each."
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            help="A checkout of another version of this project, played beside this one.",
            exists=True,
            file_okay=False,
            resolve_path=True,
        ),
    ] = None,
    judge: Annotated[
        JudgeName,
        typer.Option(help="With --fast: a language model says, too, whether a turn is over."),
    ] = "none",
    only_peer: Annotated[bool, typer.Option("--only-peer", help="Not our server.")] = False,
    calls: Annotated[int, typer.Option(min=1, max=64, help="At once, per server.")] = 1,
    half: Annotated[Half, typer.Option(help="Which half of the suite.")] = "held-out",
    repeats: Annotated[int, typer.Option(min=1, help="How often each recording is played.")] = 1,
    limit: Annotated[int | None, typer.Option(min=1, help="So many items, by chance.")] = None,
    tts: Annotated[TtsName, typer.Option(help="Which voice, for both.")] = "espeak",
    tts_first_audio_ms: Annotated[
        float, typer.Option(min=0, help="Seconds to the stub voice's first audio.")
    ] = 0.0,
    tts_cache_mb: Annotated[
        int,
        typer.Option(min=0, help="Of ours. Every answer is the same: with any, it is soon known."),
    ] = 0,
    caller: Annotated[
        Caller,
        typer.Option("--as", help="The caller: Pipecat's client, our page, or Twilio."),
    ] = "stock",
    json_file: JsonFile = None,
    picture: Picture = None,
    seed: Annotated[int, typer.Option(help="For order, chance and intervals.")] = 0,
    gate: Annotated[bool, typer.Option("--gate", help="Exit 1 where a demand is not met.")] = False,
) -> None:
    """Play a suite at our server, and at others in turn, in real time.

    \b
    Examples:
      ./run bench turns --limit 20
      ./run bench turns --profile fixed-150 --peer stock --repeats 2 --picture turns.svg
      ./run bench turns --as twilio --peer page --limit 20
      ./run bench turns --against ../halfsecond-before
      ./run bench turns --suite natural --fast
      ./run bench turns --suite natural --fast --judge perfect
      ./run bench turns --suite natural --peer stock --peer livekit --as browser
    """
    errors = Console(stderr=True)
    wanted = BenchPlan(
        profile=profile,
        peers=tuple(peer or [PeerName.STOCK] * only_peer),
        ours=not only_peer,
        against=against,
        calls=calls,
        repeats=repeats,
        tts=tts,
        tts_first_audio_ms=tts_first_audio_ms,
        tts_cache_mb=tts_cache_mb,
        caller=caller,
        seed=seed,
    )
    if suite == "natural":
        played, heading = _natural(speech, wanted, limit, fast=fast, judge=judge)
        tell(NAMES, played, heading, wanted, json_file, picture)
        return
    plays: list[Play] = []
    said: dict[str, str] = {}
    try:
        items = some(playlist(half), limit, seed)
        with suppress(KeyboardInterrupt, asyncio.CancelledError):  # what there is, is told
            asyncio.run(_play(items, wanted, plays, said, errors))
    except (ServerError, OSError, soundfile.LibsndfileError) as exc:
        errors.print(f"halfsecond: {exc}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(FAILED) from exc
    if not plays:
        raise typer.Exit(FAILED)
    heading = _heading(wanted, half, len(plays))
    names = [name for name in NAMES if any(play.server == name for play in plays)]
    found = [figures(name, plays, seed) for name in names]
    ratio = ratios(plays, names[0], seed)
    apart = difference(plays, names[0], seed)
    console = Console() if sys.stdout.isatty() else Console(width=PRINTED_CELLS)
    print_report(console, found, ratio, apart, heading)
    if json_file is not None:
        made = {
            **wanted.as_json(),
            "half": half,
            "cores": os.cpu_count(),
            "servers": said,
        }
        document: dict[str, Any] = {
            "made": made,
            "summary": [as_json(one) for one in found],
            "difference": asdict(apart),
            "ratio": {percent: asdict(one) for percent, one in ratio.items()},
            "plays": [play.as_json() for play in plays],
        }
        json_file.write_text(json.dumps(document, indent=1) + "\n")
    if picture is not None:
        from bench.picture import draw

        picture.write_text(draw(found, plays, heading))
    if gate and "ours" in names:
        theirs = found[0] if names[0] == "stock" else None
        asked = demands(found[-1], theirs, ratio[50].value)
        print_demands(console, asked)
        if not all(demand.met for demand in asked):
            raise typer.Exit(NOT_MET)


def _natural(
    speech: Path, wanted: BenchPlan, limit: int | None, *, fast: bool, judge: JudgeName
) -> tuple[list[NaturalPlay], str]:
    try:
        turns = load(speech)
        if fast:
            found, heading = on_virtual_time(turns, limit, wanted.seed, judge)
        else:
            found, heading = in_real_time(turns, wanted, limit, Console(stderr=True))
    except (SpeechError, ServerError, OSError) as error:
        give_up(str(error), FAILED)
    if not found:
        raise typer.Exit(FAILED)
    return found, heading


def some(items: Sequence[PlaylistItem], limit: int | None, seed: int) -> list[PlaylistItem]:
    """So many of them, each as likely as any other; all of them without a limit."""
    if limit is None or limit >= len(items):
        return list(items)
    return random.Random(seed).sample(items, limit)


async def _play(
    items: Sequence[PlaylistItem],
    wanted: BenchPlan,
    plays: list[Play],
    said: dict[str, str],
    console: Console,
) -> None:
    total = len(items) * wanted.repeats * wanted.servers
    minutes = length_s(items, wanted) / 60
    console.print(f"{total} plays in real time: about {minutes:.0f} min.", style="dim")
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("starting", total=total)

        def tell(heard: list[Play]) -> None:
            plays.extend(heard)
            bar.update(task, advance=len(heard), description=f"{heard[-1].server:5}")

        async with bench(wanted) as running:
            said.update(running.said)
            bar.update(task, description="warming")
            await running.play(items, tell)


def _heading(wanted: BenchPlan, half: str, plays: int) -> str:
    voice: str = wanted.tts
    if wanted.tts_first_audio_ms:
        voice = f"{voice} after {wanted.tts_first_audio_ms:.0f} ms"
    if wanted.tts_cache_mb:
        voice = f"{voice}, with its cache"
    return (
        f"{plays} plays of the half {half}, LLM {wanted.profile}, voice {voice}, "
        f"{wanted.calls} at once, {wanted.caller} client"
    )
