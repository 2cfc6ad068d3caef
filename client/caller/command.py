"""`./run call`: plays recordings at a running server, and says what it was like."""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import soundfile
import soxr
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from client.caller import conductor
from client.caller.call import CallOptions, CallResult, Watch, place_call
from client.caller.conductor import CallerStage, Pacing, ScriptLine, keyed
from client.caller.door import CallError, Door, PageDoor
from client.caller.microphone import MICROPHONE_RATE_HZ
from client.caller.report import as_json, print_report
from client.caller.speech_file import RecordingError, load
from client.caller.telephone import NO_ACCOUNT, TelephoneCaller
from client.caller.trouble import parse
from client.caller.waiting import READY_WITHIN_S, until_ready
from pipelines.audio.pcm import Pcm

UNANSWERED, FAILED, STOPPED = 1, 2, 130
"""Exit codes: a turn was not answered, or with an apology; there was no call to speak of; the
person who measures has stopped it."""

KEYS = "0123456789*#ABCD"

DOING = {
    CallerStage.WAITING: "waiting for the server",
    CallerStage.SPEAKING: "speaking",
    CallerStage.AWAITING: "waiting for the answer",
    CallerStage.ANSWERED: "listening",
    CallerStage.DONE: "done",
}


def call(  # noqa: PLR0913 - the options of a command are its arguments
    files: Annotated[list[Path], typer.Argument(help="Recordings: WAV, FLAC, at any rate.")],
    url: Annotated[
        str, typer.Option(help="The server, or a ws:// address to dial without POST /start.")
    ] = "http://127.0.0.1:7860",
    token: Annotated[
        str | None,
        typer.Option(envvar="ACCESS_TOKEN", show_envvar=False, help="The server's access token."),
    ] = None,
    save: Annotated[Path | None, typer.Option(help="Write what was heard to this WAV.")] = None,
    stereo: Annotated[
        bool, typer.Option("--stereo", help="Save both sides: caller left, bot right.")
    ] = False,
    as_data: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    separate: Annotated[
        bool, typer.Option("--separate", help="A call for each file, not one conversation.")
    ] = False,
    stock: Annotated[
        bool, typer.Option("--stock", help="Behave as Pipecat's client: no flush, no report.")
    ] = False,
    wait: Annotated[
        float, typer.Option(min=0.0, help="Seconds to wait for a server that is still loading.")
    ] = READY_WITHIN_S,
    until_quiet: Annotated[
        float, typer.Option(min=0.05, help="Seconds of silence that end the bot's answer.")
    ] = 1.0,
    gap: Annotated[
        float | None, typer.Option(min=0.0, help="Seconds between files, whatever the bot does.")
    ] = None,
    floor: Annotated[
        float | None, typer.Option(max=-40.0, help="Noise between files in dBFS; else zeros.")
    ] = None,
    caller: Annotated[
        Literal["browser", "twilio"], typer.Option("--as", help="The caller: a page, or Twilio.")
    ] = "browser",
    dtmf: Annotated[
        str, typer.Option(help="Keys to press after the files, as Twilio.", show_default=False)
    ] = "",
    trouble: Annotated[
        str,
        typer.Option(help="Faults on the way, as Twilio: see below.", show_default=False),
    ] = "",
    account_sid: Annotated[
        str, typer.Option(envvar="TWILIO_ACCOUNT_SID", show_envvar=False, help="Twilio's account.")
    ] = NO_ACCOUNT,
    auth_token: Annotated[
        str | None,
        typer.Option(envvar="TWILIO_AUTH_TOKEN", show_envvar=False, help="What Twilio signs with."),
    ] = None,
    public_url: Annotated[
        str | None,
        typer.Option(
            envvar="PUBLIC_BASE_URL",
            show_envvar=False,
            help="The server's own address, which is what Twilio signs; else the --url.",
        ),
    ] = None,
) -> None:
    """Play recordings at a running server in real time, listen, and measure each answer.

    A server that is still loading is waited for. Ctrl-C hangs up, and tells what was measured
    until then.

    \b
    Examples:
      ./run call hello.wav more.wav
      ./run call hello.wav --stereo --save both.wav
      TWILIO_AUTH_TOKEN=... ./run call hello.wav --as twilio --dtmf 1234#
      ./run call hello.wav --as twilio --trouble jitter=0.06,loss=0.05

    \b
    Trouble, with a number after each and commas between:
      jitter=S     each message is late by up to S seconds
      stall=S      nothing arrives for S seconds, every three; then all at once
      loss=P       this share of the audio never arrives
      duplicate=P  this share of it arrives twice
      reorder=P    this share of it arrives one message too late
      vanish=S     after S seconds the caller is gone, and the socket stays open
      seed=N       another chance
    """
    try:
        _check_save(save, stereo=stereo)
        door: Door = PageDoor(stock=stock, token=token)
        if caller == "twilio":
            door = _telephone(auth_token, account_sid, public_url, trouble, keys=dtmf)
        elif dtmf or trouble:
            raise CallError("a page has no keys and no --trouble: they are for --as twilio")
        options = CallOptions(
            door=door,
            floor_dbfs=floor,
            pacing=Pacing(until_quiet_s=until_quiet, gap_s=gap),
        )
        lines = [ScriptLine(load(path)) for path in files] + ([keyed(dtmf)] if dtmf else [])
        calls = [[line] for line in lines] if separate else [lines]
        results: list[CallResult] = []
        stopped = False
        with _progress(lines, hidden=as_data) as shown:
            _wait(url, wait, shown.say)
            try:
                asyncio.run(_place_all(url, calls, options, shown.watch, results.append))
            except KeyboardInterrupt:
                stopped = True
        if save is not None and results:
            _save(save, results, stereo=stereo)
    except (RecordingError, CallError, OSError, soundfile.LibsndfileError) as exc:
        Console(stderr=True).print(str(exc), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(FAILED) from exc
    measured = sum(len(result.turns) for result in results)
    if as_data:
        typer.echo(json.dumps(as_json(results, floor), indent=2, ensure_ascii=False))
    elif measured or not stopped:
        print_report(Console(), results, floor)
    if stopped:
        turns = sum(len(line.recording.turns) for line in lines)
        were = "was" if measured == 1 else "were"
        typer.echo(f"stopped: {measured} of {turns} turns {were} measured until then", err=True)
        raise typer.Exit(STOPPED)
    missed = any(turn.wait.missed for result in results for turn in result.turns)
    if missed or any(result.faults for result in results):
        raise typer.Exit(UNANSWERED)


def _check_save(save: Path | None, *, stereo: bool) -> None:
    """Before minutes are played, and not behind them. Raises CallError."""
    if save is None and stereo:
        raise CallError("--stereo is how to save: name a file with --save")
    if save is not None and (save.is_dir() or not save.parent.is_dir()):
        raise CallError(f"--save {save}: is no file in a folder that there is")


def _telephone(
    auth_token: str | None, account_sid: str, public_url: str | None, trouble: str, *, keys: str
) -> TelephoneCaller:
    if not auth_token:
        raise CallError("Twilio signs what it asks: set TWILIO_AUTH_TOKEN as the server has it")
    if odd := set(keys) - set(KEYS):
        raise CallError(f"--dtmf {keys}: no telephone has {' '.join(sorted(odd))}")
    try:
        expected = parse(trouble)
    except ValueError as exc:
        raise CallError(f"--trouble {trouble}: {exc}") from exc
    return TelephoneCaller(
        auth_token=auth_token, account_sid=account_sid, public_url=public_url, trouble=expected
    )


def _wait(url: str, limit_s: float, say: Callable[[str], None]) -> None:
    """Raises CallError. Stopped, it has nothing to tell: no call has begun."""
    try:
        asyncio.run(until_ready(url, limit_s, lambda why: say(f"waiting for the server: {why}")))
    except KeyboardInterrupt:
        raise typer.Exit(STOPPED) from None


async def _place_all(
    url: str,
    calls: Sequence[Sequence[ScriptLine]],
    options: CallOptions,
    watch: Watch,
    tell: Callable[[CallResult], None],
) -> None:
    for lines in calls:
        tell(await place_call(url, lines, options, watch, when_stopped=tell))


@dataclass(frozen=True, slots=True)
class _Shown:
    watch: Watch
    say: Callable[[str], None]
    """Prints what happens before the call."""


@contextmanager
def _progress(lines: Sequence[ScriptLine], *, hidden: bool) -> Iterator[_Shown]:
    """A bar on a terminal's standard error: it is real time, and people wait. Else lines."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    hidden = hidden or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as bar:
        total_s = sum(line.recording.duration_s for line in lines)
        task = bar.add_task("calling", total=total_s)
        before, before_s, last = 0, 0.0, conductor.CallProgress(-1, CallerStage.WAITING, 0.0)

        def watch(now: conductor.CallProgress) -> None:
            nonlocal before, before_s, last
            if now.played_s < last.played_s:  # the next call has begun
                before, before_s = before + last.line + 1, before_s + last.played_s
            last = now
            doing = f"{before + now.line + 1} of {len(lines)}: {DOING[now.stage]}"
            bar.update(task, completed=before_s + now.played_s, description=doing)

        def say(what: str) -> None:
            if hidden:
                typer.echo(what, err=True)
            bar.update(task, description=what)

        yield _Shown(watch, say)


def _save(path: Path, results: Sequence[CallResult], *, stereo: bool) -> None:
    """All calls one after another, on each call's own clock from the microphone's first sample."""
    sides = [_both_sides(result) if stereo else result.heard for result in results]
    rate_hz = results[0].heard_hz
    soundfile.write(path, np.concatenate(sides), rate_hz, subtype="PCM_16", format="WAV")


def _both_sides(result: CallResult) -> Pcm:
    """Shape (samples, 2)."""
    caller = soxr.resample(result.spoken, MICROPHONE_RATE_HZ, result.heard_hz)
    sides = np.zeros((result.heard.size, 2), dtype=np.int16)
    size = min(caller.size, result.heard.size)
    sides[:size, 0] = caller[:size]
    sides[:, 1] = result.heard
    return sides
