"""`./run phone dial`, `check` and `setup`: what is to be done with Twilio, from here."""

import asyncio
import re
from collections.abc import Coroutine
from typing import Annotated, Any

import typer

from bot.commands.checks.finding import CheckVerdict
from bot.commands.checks.twilio_reach import (
    STATUS,
    VOICE,
    NoTelephoneError,
    examine,
    line_of,
    rings_at,
)
from bot.commands.doctor import as_json, as_text
from bot.phone.line import TelephoneConfig
from bot.phone.rest import TwilioError, TwilioRest
from bot.settings import SettingsError, load
from bot.terminal.ending import give_up
from bot.terminal.options import AsJson
from bot.terminal.program import program

E164 = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
LOOK_EVERY_S = 1.0
RINGS_S = 30
"""Seconds until nobody is at home."""
UNDER_WAY = ("queued", "initiated", "ringing")
FAILED = ("busy", "no-answer", "failed", "canceled")

DETECTION = {"machine_detection": "Enable"}
"""The webhook is then told who answered: docs/voice/answering-machine-detection at twilio.com."""


def dial(
    number: Annotated[str, typer.Argument(help="The number to call: +15551234567.")],
    from_number: Annotated[
        str | None,
        typer.Option("--from", help="A number of yours; else the one that rings here."),
    ] = None,
    people_only: Annotated[
        bool, typer.Option("--people-only", help="Let Twilio hang up on answering machines.")
    ] = False,
    rings: Annotated[int, typer.Option(min=5, max=600, help="Seconds it may ring.")] = RINGS_S,
) -> None:
    """Call somebody, who then talks with the server as a caller does; wait until they answer.

    The server must run, at PUBLIC_BASE_URL. With --people-only Twilio listens first, for up to
    a few seconds, in which a person hears nothing.

    \b
    Examples:
      ./run phone dial +15551234567
      ./run phone dial +15551234567 --from +15557654321 --people-only
    """
    _run(
        _dial(
            _line(), _e164(number), from_number and _e164(from_number), rings, detects=people_only
        )
    )


def check(
    as_data: AsJson = False,
) -> None:
    """See whether Twilio can reach the server: account, address, certificate, signature, stream.

    The server must run. The exit code is 1 if something fails.

    \b
    Example:
      ./run phone check
    """
    findings = asyncio.run(examine(_line()))
    typer.echo(as_json(findings) if as_data else as_text(findings))
    raise typer.Exit(any(one.verdict is CheckVerdict.FAIL for one in findings))


def setup(
    number: Annotated[str, typer.Argument(help="A number of yours: +15557654321.")],
) -> None:
    """Let a number of yours ring at the server, at PUBLIC_BASE_URL.

    \b
    Example:
      ./run phone setup +15557654321
    """
    _run(_setup(_line(), _e164(number)))


async def _dial(
    line: TelephoneConfig, to_number: str, from_number: str | None, rings: int, *, detects: bool
) -> None:
    async with line.rest() as rest:
        called_from = from_number or await _own_number(line, rest)
        form = outbound(line, called_from, to_number, rings)
        call = await rest.dial(form | (DETECTION if detects else {}))
        typer.echo(f"calling {to_number} from {called_from} ({call.sid})")
        status = await _settled(rest, call, rings)
    if status in FAILED:
        give_up(f"{to_number}: {status}{_why(status)}", 1)
    typer.echo("answered" if status == "in-progress" else status)


def outbound(line: TelephoneConfig, from_number: str, to_number: str, rings: int) -> dict[str, Any]:
    """The request to Twilio; once answered, the call is as one that came in."""
    return {
        "to": to_number,
        "from_": from_number,
        "url": line.public + VOICE,
        "method": "POST",
        "status_callback": line.public + STATUS,
        "status_callback_method": "POST",
        "timeout": rings,
    }


async def _settled(rest: TwilioRest, call: Any, rings: int) -> str:
    """The first status that is not about ringing, or the last one after a while."""
    status = told = str(call.status)
    for _ in range(rings + RINGS_S):
        if status not in UNDER_WAY:
            break
        await asyncio.sleep(LOOK_EVERY_S)
        status = str((await rest.call(call.sid)).status)
        if status == "ringing" and status != told:
            typer.echo("ringing")
        told = status
    return status


async def _own_number(line: TelephoneConfig, rest: TwilioRest) -> str:
    numbers = await rest.numbers()
    ours = [one for one in numbers if rings_at(one) == line.public + VOICE]
    for found in (ours, numbers):
        if len(found) == 1:
            return str(found[0].phone_number)
    have = ", ".join(str(one.phone_number) for one in ours or numbers) or "none"
    raise NoTelephoneError(f"which number to call from (--from)? The account has {have}")


async def _setup(line: TelephoneConfig, number: str) -> None:
    async with line.rest() as rest:
        found = [one for one in await rest.numbers(number) if one.phone_number == number]
        if not found:
            have = ", ".join(str(one.phone_number) for one in await rest.numbers())
            raise NoTelephoneError(f"{number} is not the account's: it has {have or 'none'}")
        before = rings_at(found[0])
        webhook = line.public + VOICE
        form = {
            "trunk_sid": "",
            "voice_application_sid": "",
            "voice_url": webhook,
            "voice_method": "POST",
            "status_callback": line.public + STATUS,
            "status_callback_method": "POST",
        }
        await rest.point(str(found[0].sid), form)
    instead = f" (before: {before})" if before and before != webhook else ""
    typer.echo(f"{number} rings at {webhook}{instead}")
    typer.echo(f"{program()} phone check looks whether Twilio can reach it.")


def _why(status: str) -> str:
    if status == "failed":
        return ": Twilio could not reach it; console.twilio.com, Monitor, Logs, says why"
    return ""


def _line() -> TelephoneConfig:
    try:
        return line_of(load())
    except (SettingsError, NoTelephoneError) as error:
        give_up(str(error), 2)


def _e164(number: str) -> str:
    """As Twilio writes it; people put spaces and hyphens in it."""
    plain = re.sub(r"[\s().-]", "", number)
    if not E164.fullmatch(plain):
        give_up(f"{number} is no number: write it with + and the country's code, +15551234567", 2)
    return plain


def _run(work: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(work)
    except (TwilioError, NoTelephoneError) as error:
        give_up(str(error), 1)
