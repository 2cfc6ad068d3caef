"""The flight recorder: calls tell it what happens, and a thread of its own writes it down.

A call only ever puts things into a queue. Where that is full, because the disk is too slow, what
comes is counted as lost, and the call goes on.
"""

import json
import queue
import re
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from bot.recordings.flac import FlacFile
from bot.recordings.folder import (
    NAME_BEGINS,
    PRIVATE_FOLDER,
    UNFINISHED,
    Retention,
    mark_as_running,
    prune,
    size_beside,
    write_private,
)
from pipelines.audio.two_track import KEEP_S, TwoTrack
from pipelines.core.exchange import AudioIn, AudioOut, Flush
from pipelines.core.recording import (
    ABOUT_NAME,
    EVENTS_NAME,
    FORMAT,
    SOUND_NAME,
    VERSION,
    VOICE_NAME,
    Came,
    Level,
    Noted,
    Told,
    late_audio,
    line_of,
)

QUEUE_LIMIT = 20_000
"""Things not yet written, of all calls: one call brings about 250 a second."""
WRITE_EVERY_S = 0.1
SHARES = 8
"""One recording takes one share in so many of what all may take, and ends there; another is kept
free for the calls to come. 256 MB are more than two hours of sound."""
NAME_LIMIT = 64
"""Characters of a call's name in its folder's: the peer may have chosen it."""
_STRANGE = re.compile(r"[^A-Za-z0-9_-]")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """In samples per second: what the caller sends, is sent, and what the voice makes."""

    caller_hz: int
    bot_hz: int
    voice_hz: int


@dataclass(slots=True, eq=False)
class CallRecorder:
    """`Recorder` of one call. Used from the event loop."""

    folder: Path
    about: Mapping[str, object]
    rates: Rates
    _queue: "queue.Queue[_Entry]"
    lost: int = 0
    begun_s: float | None = None
    _over: bool = False

    def note(self, item: Noted, at_s: float) -> None:
        """Facts after the end are ignored: the stages of a call end one by one."""
        if self._over:
            return
        if self.begun_s is None:
            self.begun_s = at_s
        self._put((self, item, at_s))

    def close(self) -> None:
        if not self._over:
            self._over = True
            self._put((self, None, 0.0))

    def _put(self, entry: "_Entry") -> None:
        try:
            self._queue.put_nowait(entry)
        except queue.Full:
            self.lost += 1


_Entry = tuple[CallRecorder, Noted | None, float] | None
"""A call, a thing and its time; no thing: the call is over; no call: all are."""


@dataclass(slots=True)
class FlightRecorder:
    """One per process. The thread begins with the first call."""

    folder: Path
    level: Level
    retention: Retention
    describe: Callable[[], Mapping[str, object]]
    """The server's facts for each recording; asked once, on the thread."""
    limit: int = QUEUE_LIMIT
    """Things not yet written; 0 for any number of them."""
    _queue: "queue.Queue[_Entry]" = field(init=False)
    _thread: threading.Thread | None = field(default=None, init=False)
    _beside: int = field(default=0, init=False)
    """Bytes of the recordings that do not grow, when they were looked at last."""

    def __post_init__(self) -> None:
        self._queue = queue.Queue(self.limit)

    def new_call(self, rates: Rates, about: Mapping[str, object]) -> CallRecorder:
        """`about`: what is known of this call alone."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)
            self._thread.start()
        now = datetime.now(UTC)
        call = _STRANGE.sub("", str(about.get("call", "")))[:NAME_LIMIT] or now.microsecond
        name = f"{now:{NAME_BEGINS}}-{call}"
        described = {"began": now.isoformat(timespec="milliseconds"), **about}
        return CallRecorder(self.folder / name, described, rates, self._queue)

    def close(self) -> None:
        """Write all that there is; blocks until it is on disk."""
        thread, self._thread = self._thread, None
        if thread is not None:
            while thread.is_alive():
                with suppress(queue.Full):
                    self._queue.put(None, timeout=WRITE_EVERY_S)
                    break
            thread.join()

    def _work(self) -> None:
        server = self.describe()
        tapes: dict[CallRecorder, _Tape | None] = {}
        written_s, self._beside = time.monotonic(), size_beside(self.folder, ())
        while True:
            try:
                entry = self._queue.get(timeout=WRITE_EVERY_S)
                if entry is None:
                    break
                self._take(entry, tapes, server)
            except queue.Empty:
                pass
            if time.monotonic() - written_s >= WRITE_EVERY_S:
                for tape in tapes.values():
                    _safely(tape, _Tape.write)
                written_s = time.monotonic()
        for tape in tapes.values():
            _safely(tape, _Tape.end)

    def _take(
        self,
        entry: tuple[CallRecorder, Noted | None, float],
        tapes: "dict[CallRecorder, _Tape | None]",
        server: Mapping[str, object],
    ) -> None:
        call, item, at_s = entry
        if call not in tapes:
            self._prune(tapes)
            tapes[call] = _begin(call, server, self.level)
        tape = tapes[call]
        if item is None:
            _safely(tape, _Tape.end)
            self._beside += 0 if tape is None else tape.size
            del tapes[call]
        elif tape is not None:
            try:
                tape.take(item, at_s)
            except Exception as error:  # noqa: BLE001 - the other calls are recorded all the same
                _give_up(tape, error)
                tapes[call] = None
            else:
                self._keep_within(call, tape, tapes)

    def _keep_within(
        self, call: CallRecorder, tape: "_Tape", tapes: "dict[CallRecorder, _Tape | None]"
    ) -> None:
        """A recording that has taken its share ends; where all take too much, old ones go."""
        is_over = self._beside + _size(tapes) > self.retention.size
        if is_over:
            self._prune(tapes)
            is_over = self._beside + _size(tapes) > self.retention.size
        if is_over or tape.size > self.retention.size // SHARES:
            _log.error("a recording ends early", reason="it takes all the room that it may")
            _safely(tape, _Tape.end)
            tapes[call] = None
            self._beside += tape.size

    def _prune(self, tapes: "dict[CallRecorder, _Tape | None]") -> None:
        growing = {one.folder for one, tape in tapes.items() if tape is not None}
        room = self.retention.size // SHARES
        try:
            prune(self.folder, self.retention, growing, room + _size(tapes))
            self._beside = size_beside(self.folder, growing)
        except OSError as error:
            _log.error("old recordings stay", reason=type(error).__name__)


def _size(tapes: "dict[CallRecorder, _Tape | None]") -> int:
    return sum(tape.size for tape in tapes.values() if tape is not None)


def _begin(call: CallRecorder, server: Mapping[str, object], level: Level) -> "_Tape | None":
    try:
        return _Tape(call, server, level)
    except Exception as error:  # noqa: BLE001 - the other calls are recorded all the same
        reason = (isinstance(error, OSError) and error.strerror) or type(error).__name__
        _log.error("a call cannot be recorded", reason=reason)
        return None


def _safely(tape: "_Tape | None", act: "Callable[[_Tape], None]") -> None:
    if tape is None or tape.broken:
        return
    try:
        act(tape)
    except Exception as error:  # noqa: BLE001 - the other calls are recorded all the same
        _give_up(tape, error)


def _give_up(tape: "_Tape", error: Exception) -> None:
    tape.broken = True
    tape.abandon()
    _log.error("a recording ends early", reason=type(error).__name__)


class _Tape:
    """The files of one call. Used from the thread; raises OSError or SoundFileRuntimeError."""

    def __init__(self, call: CallRecorder, server: Mapping[str, object], level: Level) -> None:
        self.broken = False
        self._call = call
        self._level = level
        self._about: dict[str, Any] = {
            "format": FORMAT,
            "version": VERSION,
            "level": level,
            **call.about,
            **{f"{name}_rate_hz": getattr(call.rates, f"{name}_hz") for name in
               ("caller", "bot", "voice")},
            **server,
            "ended_s": None,
        }  # fmt: skip
        first, number = call.folder.name, 1
        while call.folder.exists():  # a call of the same name, in the same second
            number += 1
            call.folder = call.folder.with_name(f"{first}-{number}")
        call.folder.parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
        call.folder.mkdir(mode=PRIVATE_FOLDER)
        events = call.folder / EVENTS_NAME
        half = events.with_name(EVENTS_NAME + UNFINISHED)
        self._events = write_private(half)
        mark_as_running(self._events)  # before the recording is one: nobody sees it without
        half.replace(events)
        self._write_about()
        self._at_s = 0.0
        self._lines = self._sounds = 0
        """Bytes."""
        self._track: TwoTrack | None = None
        if level == "full":
            rates = call.rates
            self._track = TwoTrack(rates.caller_hz, rates.bot_hz)
            self._sound = FlacFile(call.folder / SOUND_NAME, rates.caller_hz, 2)
            self._voice = FlacFile(call.folder / VOICE_NAME, rates.voice_hz, 1)
            self._voiced = 0

    @property
    def size(self) -> int:
        """Bytes, as good as they are known."""
        return self._lines + self._sounds

    def take(self, item: Noted, at_s: float) -> None:
        if isinstance(item, Told) and self._level != "full":
            return  # without words it decides nothing
        begun_s = self._call.begun_s or 0.0
        line = line_of(item, at_s, self._level, begun_s)
        at_s -= begun_s
        if self._track is not None:
            self._lay(item, at_s, line, self._track)
        self._at_s = max(self._at_s, at_s)
        written = json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n"
        self._lines += len(written.encode(errors="backslashreplace"))
        self._events.write(written)

    def _lay(self, item: Noted, at_s: float, line: dict[str, object], track: TwoTrack) -> None:
        match item:
            case AudioIn(pcm):
                place = track.hear(np.frombuffer(pcm, "<i2"), at_s)
                line |= {"late": late_audio(pcm)} if place is None else {"from": place}
            case AudioOut(pcm):
                track.say(np.frombuffer(pcm, "<i2"), at_s)
            case Flush():
                track.flush(at_s)
            case Came(pcm=np.ndarray() as pcm):
                self._voice.write(pcm)
                line["from"] = self._voiced
                self._voiced += len(pcm)
            case _:
                pass

    def write(self) -> None:
        """The sound that will not change any more."""
        self._events.flush()
        if self._track is not None:
            self._sound.write(self._track.take(self._at_s - KEEP_S))
            files = (self._call.folder / SOUND_NAME, self._call.folder / VOICE_NAME)
            self._sounds = sum(file.stat().st_size for file in files if file.exists())

    def end(self) -> None:
        with self._events:  # it counts as running until all is written
            self._events.flush()
            self._write_end()

    def abandon(self) -> None:
        """Write nothing more; all that is on the disk can be read."""
        if self._track is not None:
            self._sound.abandon()
            self._voice.abandon()
        with suppress(OSError):  # what it still holds cannot be written either
            self._events.close()

    def _write_end(self) -> None:
        if self._track is not None:
            self._sound.write(self._track.take(max(self._at_s, self._track.end_s)))
            self._sound.close()
            self._voice.close()
        self._about |= {"ended_s": round(self._at_s, 6), "lost": self._call.lost}
        self._write_about()

    def _write_about(self) -> None:
        path = self._call.folder / ABOUT_NAME
        half = path.with_name(ABOUT_NAME + UNFINISHED)
        with write_private(half) as file:
            file.write(json.dumps(self._about, indent=1, ensure_ascii=False) + "\n")
        half.replace(path)
