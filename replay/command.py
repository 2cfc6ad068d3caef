"""`./run replay`: recorded calls through the pipeline again, compared, and thought through."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bot.server.telemetry import configure_logs
from bot.settings import SettingsError
from bot.settings.latency_profile import PROFILES
from bot.terminal.ending import give_up
from bot.terminal.output import JsonFile, Picture, in_a_folder
from replay import comparison
from replay.call_folder import UnreadableError, calls_at, load
from replay.causes import Instead, causes_of
from replay.comparison import broken_budgets
from replay.page import page_of
from replay.printed import (
    markdown_of_comparison,
    markdown_of_run,
    print_comparison,
    print_facts,
    print_foretold,
    print_run,
)
from replay.run import ReplayRun, load_run
from replay.suite import Suite, find
from replay.whatif import Foretold, foretell, jobs_of, most, queue_up, sweep
from replay.whatif import picture as draw

if TYPE_CHECKING:  # it brings pipecat, which takes seconds
    from replay.conducting import ReplayRequest

NOT_MET, FAILED = 1, 2
"""Exit codes: the gate does not open; there was nothing to play or compare."""
PRINTED_CELLS = 110

MarkdownFile = Annotated[
    Path | None, typer.Option("--markdown", help="A table, to FILE.", callback=in_a_folder)
]
HtmlFile = Annotated[
    Path | None,
    typer.Option("--html", help="Every turn, drawn, in one page, to FILE.", callback=in_a_folder),
]
WithSound = Annotated[
    bool, typer.Option("--sound", help="Put the sound of a run kept with --out into the page.")
]
Gate = Annotated[bool, typer.Option("--gate", help="Exit 1 where something is not good enough.")]


def replay(  # noqa: PLR0913 - the options of a command are its arguments
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="RECORDING|SUITE...",
            help="Folders, also of recordings; smoke and turns are built in.",
        ),
    ],
    fast: Annotated[
        bool, typer.Option("--fast", help="On virtual time, with the models' answers of then.")
    ] = False,
    against: Annotated[
        str | None, typer.Option(metavar="URL", help="At a running server, as its page.")
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(envvar="ACCESS_TOKEN", show_envvar=False, help="That server's access token."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="In place of what was set then."),
    ] = None,
    llm: Annotated[
        str,
        typer.Option(help="recording, live, or a profile: fixed-150 (or another N), a100, none."),
    ] = "recording",
    voice: Annotated[
        Literal["recording", "live"], typer.Option(help="Whose voice is heard.")
    ] = "recording",
    no_speculation: Annotated[
        bool, typer.Option("--no-speculation", help="No answer is begun before the turn is over.")
    ] = False,
    repeats: Annotated[int | None, typer.Option(min=1, help="How often each is played.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Keep the run in this folder, to compare it later.")
    ] = None,
    record: Annotated[
        Path | None, typer.Option(help="Write what comes of it as recordings into this folder.")
    ] = None,
    json_file: JsonFile = None,
    markdown_file: MarkdownFile = None,
    html_file: HtmlFile = None,
    sound: WithSound = False,
    gate: Gate = False,
) -> None:
    """Play recorded calls through the pipeline again, and say where the time went.

    RECORD_CALLS=full records calls. In real time unless --fast is given. Ctrl-C keeps what is
    done. See also `./run replay compare --help` and `./run replay whatif --help`.

    \b
    Examples:
      ./run replay recordings/20261120T121355Z-5d21 --fast
      ./run replay recordings --fast
      ./run replay smoke --fast --gate
      ./run replay smoke --fast --set STT_ENGINE=faster-whisper --out runs/whisper
      ./run replay compare runs/before runs/whisper --html report.html
      ./run replay whatif recordings/20261120T121355Z-5d21 --llm-first-token 60
    """
    configure_logs(sys.stderr)
    from replay.conducting import ReplayRequest, suites_of
    from replay.performance import Options, profile_of

    if llm not in ("recording", "live") and profile_of(llm) is None:
        give_up(
            f"--llm {llm}: recording, live, fixed-N (ms), or one of {', '.join(PROFILES)}", FAILED
        )
    if fast and against:
        give_up("--fast is on virtual time, and --against a server's: choose one", FAILED)
    if record and against:
        give_up(
            "--record is for what is played here: the server at --against has RECORD_CALLS", FAILED
        )
    wanted = ReplayRequest(
        options=Options(
            settings=_pairs(settings or []),
            llm=llm,
            voice=voice,
            speculates=not no_speculation,
            record=record,
        ),
        mode="against a server" if against else ("fast" if fast else "real time"),
        url=against,
        token=token,
        repeats=repeats,
        keep_sound=out,
    )
    console, errors = _consoles()
    try:
        suites = suites_of(words)
        run = _perform(suites, wanted, errors)
    except (UnreadableError, SettingsError) as error:
        give_up(str(error), FAILED)
    broken = broken_budgets(run, {name: most for one in suites for name, most in
                                  one.budgets.items()})  # fmt: skip
    print_run(console, run, broken)
    if out is not None:
        run.save(out)
    _write(json_file, lambda: json.dumps(run.as_json(), ensure_ascii=False, indent=1) + "\n")
    _write(markdown_file, lambda: markdown_of_run(run, broken))
    _write(html_file, lambda: page_of([replace(run, folder=out)], sound=sound))
    if not run.turns:
        give_up("no turn was answered", FAILED)
    if gate and broken:
        raise typer.Exit(NOT_MET)


def _perform(suites: Sequence[Suite], wanted: "ReplayRequest", errors: Console) -> ReplayRun:
    """Raises UnreadableError, SettingsError."""
    from replay.conducting import conduct, tasks_of

    def complain(line: str) -> None:
        errors.print(f"halfsecond: {line}", style="red", markup=False, soft_wrap=True)

    tasks = tasks_of(suites, wanted)
    name = " ".join(suite.name for suite in suites)
    with _progress(errors, sum(task.call.duration_s for task in tasks)) as tell:
        return conduct(name, tasks, wanted, tell, complain)


def compare(  # noqa: PLR0913
    before: Annotated[Path, typer.Argument(help="A run's folder (--out), or a recorded call.")],
    after: Annotated[Path, typer.Argument(help="The other one.")],
    json_file: JsonFile = None,
    markdown_file: MarkdownFile = None,
    html_file: HtmlFile = None,
    sound: WithSound = False,
    gate: Gate = False,
) -> None:
    """Two runs, turn by turn: what changed beyond noise, by how much, and what did not.

    The gate does not open where a stage's p95 is worse by over 10 % at 95 % confidence (and by
    over 5 ms), or where the bot cuts in more often.

    \b
    Examples:
      ./run replay compare runs/before runs/after
      ./run replay compare tests/baseline/run.json runs/now --gate --markdown report.md
    """
    console, _ = _consoles()
    try:
        first, second = load_run(before), load_run(after)
    except UnreadableError as error:
        give_up(str(error), FAILED)
    found = comparison.compare(first, second)
    broken = found.broken
    print_comparison(console, found, broken)
    _write(json_file, lambda: json.dumps(found.as_json(), ensure_ascii=False, indent=1) + "\n")
    _write(markdown_file, lambda: markdown_of_comparison(found, broken))
    _write(html_file, lambda: page_of([first, second], found, sound=sound))
    if not found.pairs:
        raise typer.Exit(FAILED)
    if gate and broken:
        raise typer.Exit(NOT_MET)


def whatif(  # noqa: PLR0913
    words: Annotated[
        list[str],
        typer.Argument(metavar="RECORDING...", help="Recorded calls, or folders of them."),
    ],
    llm_first_token: Annotated[
        float | None, typer.Option(min=0, help="The LLM's first token, in ms.")
    ] = None,
    vad_stop: Annotated[
        float | None, typer.Option(min=0, help="From the last sample to noticing the pause, ms.")
    ] = None,
    stt_more: Annotated[float, typer.Option(help="Longer (or shorter) transcription, ms.")] = 0.0,
    turn_more: Annotated[float, typer.Option(help="A slower (or faster) turn model, ms.")] = 0.0,
    tts_first_audio: Annotated[
        float | None, typer.Option(min=0, help="The voice's first sound, ms.")
    ] = None,
    network: Annotated[
        float | None, typer.Option(min=0, help="From the server to the listener's ear, ms.")
    ] = None,
    calls: Annotated[int, typer.Option(min=1, help="Callers at once on the same cores.")] = 1,
    no_speculation: Annotated[
        bool, typer.Option("--no-speculation", help="No answer is begun before the turn is over.")
    ] = False,
    picture: Picture = None,
) -> None:
    """Foretell the waits with other parts, by the recorded calls' own timeline.

    Also RECORD_CALLS=timing is enough. Nothing is played: see `./run replay` for that.

    \b
    Examples:
      ./run replay whatif recordings/* --llm-first-token 60
      ./run replay whatif recordings/* --calls 20 --no-speculation --picture sweep.svg
    """
    console, _ = _consoles()

    def seconds(value: float | None) -> float | None:
        return None if value is None else value / 1000

    instead = Instead(
        noticed=seconds(vad_stop),
        stt_more=stt_more / 1000,
        turn_more=turn_more / 1000,
        first_token=seconds(llm_first_token),
        first_audio=seconds(tts_first_audio),
        way=seconds(network),
        speculates=not no_speculation,
    )
    try:
        found = [load(folder) for word in words for folder in calls_at(find(word))]
    except UnreadableError as error:
        give_up(str(error), FAILED)
    causes, queued = [], []
    for call in found:
        of_call = causes_of(call.events)
        causes += of_call
        queued += queue_up(jobs_of(call.events), of_call, call.duration_s, calls)
    if not causes:
        give_up("no turn was answered", FAILED)
    was = foretell(causes, Instead())

    def foretold(token_s: float | None) -> Foretold:
        changed = instead if token_s is None else replace(instead, first_token=token_s)
        return foretell(causes, changed, queued if calls > 1 else None)

    swept = sweep(foretold)
    print_foretold(console, was, foretold(None), most(swept), crowd=calls > 1)
    _write(picture, lambda: draw(swept))


def facts(
    words: Annotated[
        list[str],
        typer.Argument(metavar="RECORDING...", help="Recorded calls, or folders of them."),
    ],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="In place of what was set then."),
    ] = None,
) -> None:
    """Decide recorded calls again from the facts of then, and name the first difference.

    It takes milliseconds: no sound, no models. A call over the telephone has tools and
    announcements of its own, which are those of today's settings. RECORD_CALLS=full is needed.

    \b
    Examples:
      ./run replay facts recordings/20261120T121355Z-5d21
      ./run replay facts recordings --set TURN_PATIENCE=patient
    """
    configure_logs(sys.stderr)
    from bot.wiring.engine import Wiring
    from replay.facts import replay_facts
    from replay.performance import Options, settings_of

    console, _ = _consoles()
    options = Options(settings=_pairs(settings or []))
    differ = False
    try:
        for call in [load(folder) for word in words for folder in calls_at(find(word))]:
            wiring = Wiring(settings_of(call, options))
            by_phone = call.about.get("door") == "phone"
            announcements = wiring.phone.announcements if by_phone else None
            found = replay_facts(call, wiring.policies, announcements)
            differ = differ or found.difference is not None
            print_facts(console, call.name, found)
    except (UnreadableError, SettingsError) as error:
        give_up(str(error), FAILED)
    if differ:
        raise typer.Exit(NOT_MET)


def _pairs(settings: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for one in settings:
        name, equals, value = one.partition("=")
        if not equals:
            give_up(f"--set {one}: should be NAME=VALUE, as in --set TTS_ENGINE=stub", FAILED)
        pairs[name.upper()] = value
    return pairs


@contextmanager
def _progress(console: Console, total_s: float) -> Iterator[Callable[[float], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        shown = bar.add_task("replaying", total=total_s)
        yield lambda done_s: bar.update(shown, completed=done_s)


def _write(path: Path | None, made: Callable[[], str]) -> None:
    if path is None:
        return
    try:
        path.write_text(made(), encoding="utf-8")
    except OSError as error:
        give_up(f"{path}: {error.strerror}", FAILED)


def _consoles() -> tuple[Console, Console]:
    console = Console() if sys.stdout.isatty() else Console(width=PRINTED_CELLS)
    return console, Console(stderr=True)
