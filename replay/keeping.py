"""Writes what a replay came to as a recording: to make old ones anew with the code of today."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.recordings.folder import Retention
from bot.recordings.recorder import Rates
from bot.settings import Settings
from bot.wiring.flight_recorder import recorder_for
from pipelines.cascade import CallFormat, Policies
from pipelines.core.recording import Recorder
from replay.call_folder import RecordedCall

_FOREVER = Retention(days=3650, size=1 << 60)


@contextmanager
def kept(
    folder: Path | None,
    call: RecordedCall,
    settings: Settings,
    form: CallFormat,
    policies: Policies,
    voice_rate_hz: int,
) -> Iterator[Recorder | None]:
    """Keeps one play; in `folder` it takes the place of one with the name of `call`, once it is
    whole.

    Nobody records where `folder` is None. Raises OSError.
    """
    full = settings.model_copy(update={"record_calls": "full"})
    flight = recorder_for(full, lambda: {**policies.facts, "recorded": "full"})
    if folder is None or flight is None:
        yield None
        return
    folder.mkdir(parents=True, exist_ok=True)
    about = {
        "call": call.name,
        "door": call.about.get("door", ""),
        "lead_s": form.lead_s,
        "reports_playout": form.reports_playout,
    }
    with TemporaryDirectory(dir=folder, prefix=".") as draft:
        # Virtual time does not wait for the disk: there is no limit to what is not yet written.
        flight = replace(flight, folder=Path(draft), retention=_FOREVER, limit=0)
        rates = Rates(caller_hz=form.in_rate_hz, bot_hz=form.out_rate_hz, voice_hz=voice_rate_hz)
        recorder = flight.new_call(rates, about)
        try:
            yield recorder
        finally:
            flight.close()
        shutil.rmtree(folder / call.name, ignore_errors=True)
        recorder.folder.rename(folder / call.name)
