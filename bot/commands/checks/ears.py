"""Checks of the ears: that they open, and how long a final takes."""

import asyncio

from bot.commands.checks.finding import Finding, bad, good, poor
from bot.settings import Settings, SettingsError
from bot.wiring.ears import THIS_MACHINE, Machine, choose_ears
from pipelines.services.protocols import ServiceError, TranscriptionJob
from pipelines.services.stt.sample import somebody_speaks

HEARD_S = 3.0
SLOW_S = 0.5
"""A final that takes longer alone spends the whole of what a turn has."""


async def check_ears(
    settings: Settings, machine: Machine = THIS_MACHINE, *, slow_s: float = SLOW_S
) -> Finding:
    try:
        choice = choose_ears(settings, machine)
    except SettingsError as error:
        return bad("ears", str(error), "run that, or choose another STT_ENGINE")
    now = asyncio.get_running_loop().time
    try:
        await choice.service.open()
        job = TranscriptionJob(somebody_speaks(HEARD_S), final=True)
        await choice.service.transcribe(job)
        asked_s = now()
        heard = await choice.service.transcribe(job)
        took_s = now() - asked_s
    except ServiceError as error:
        return bad("ears", f"{choice.model}: {error}", "see that STT_ENGINE can run as it is set")
    finally:
        await choice.service.close()
    found = f"{choice.model}: {1000 * took_s:.0f} ms for a final of {HEARD_S:g} s"
    if took_s > slow_s:
        return poor("ears", found, "take a smaller STT_MODEL, or CUDA; or this machine is busy now")
    if not heard.text:
        return poor("ears", f"{found}, and hears nothing in it", "take another STT_MODEL")
    return good("ears", found)
