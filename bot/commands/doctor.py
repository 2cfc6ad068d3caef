"""`./run doctor`: looks at everything that the server needs, and says how to mend it."""

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from bot.commands.checks.finding import CheckVerdict, Finding, bad
from bot.server.telemetry import configure_logs
from bot.settings import EXAMPLE, Settings, SettingsError, load
from bot.terminal.options import AsJson


def doctor(
    call: Annotated[
        bool, typer.Option("--call", help="Play a recorded question at it too, and be answered.")
    ] = False,
    as_data: AsJson = False,
) -> None:
    """Check that the server can run as it is set up, and say how to mend what is wrong.

    It looks at Python, packages, models, ears, voice, port, TLS, token, public address, the LLM's
    endpoint (one short answer is asked for), Twilio where set, disk and file limits. The exit
    code is 1 if something fails, and 0 otherwise, warnings or not.

    --call plays a recording, in English, at the server that runs with these settings; where none
    does, at one that it starts at a free port and ends again.

    \b
    Examples:
      ./run doctor
      ./run doctor --call
    """
    try:
        settings = load()
    except SettingsError as error:
        _tell([bad("settings", str(error), f"{EXAMPLE} lists all of them")], as_data=as_data)
    configure_logs(sys.stderr)
    _tell(asyncio.run(examine(settings, call=call)), as_data=as_data)


async def examine(settings: Settings, *, call: bool = False) -> list[Finding]:
    # Imported here, for they bring the frameworks: help and a wrong setting answer at once.
    from bot.commands.checks import ears, engines, machine, network

    findings = [
        machine.check_python(),
        machine.check_packages(),
        *machine.check_models(),
        await ears.check_ears(settings),
        await engines.check_voice(settings),
        await network.check_port(settings),
        network.check_tls(settings),
        network.check_token(settings),
        await network.check_public_address(settings),
        await engines.check_llm(settings),
        await network.check_twilio(settings),
        machine.check_disk(Path.cwd()),
        machine.check_files(settings.max_calls),
    ]
    if call:
        from bot.commands.checks.call import check_call

        findings.append(await check_call(settings))
    return [finding for finding in findings if finding is not None]


def _tell(findings: Sequence[Finding], *, as_data: bool) -> NoReturn:
    fails = sum(finding.verdict is CheckVerdict.FAIL for finding in findings)
    typer.echo(as_json(findings) if as_data else as_text(findings))
    raise typer.Exit(1 if fails else 0)


def as_json(findings: Sequence[Finding]) -> str:
    checks = [
        {"name": one.name, "verdict": one.verdict, "found": one.found, "mend": one.mend}
        for one in findings
    ]
    is_well = all(one.verdict is not CheckVerdict.FAIL for one in findings)
    return json.dumps({"ok": is_well, "checks": checks}, indent=2, ensure_ascii=False)


def as_text(findings: Sequence[Finding]) -> str:
    width = max(len(one.name) for one in findings)
    lines = []
    for one in findings:
        lines.append(f"{one.verdict:4}  {one.name:{width}}  {one.found}")
        if one.mend:
            lines.append(f"{'':{width + 6}}  -> {one.mend}")
    counts = [sum(one.verdict is verdict for one in findings) for verdict in CheckVerdict]
    lines.append("{} pass, {} to be looked at, {} fail".format(*counts))
    return "\n".join(lines)
