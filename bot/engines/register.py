"""Which engines are up: a file each, written by its minder, with a log beside it."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from bot.engines.recipe import EngineName

TAIL_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    name: EngineName
    minder: int
    """Process id of who minds it; a signal to it ends both."""
    engine: int
    """Process id of the engine; 0 between two starts."""
    state: str
    """starting, ready, or waiting (to be started again)."""
    base_url: str
    model: str
    shown: str
    since: str
    """ISO 8601, when its minder began."""
    restarts: int = 0
    trouble: str = ""
    """Why it was started again the last time."""


class Register:
    def __init__(self, root: Path) -> None:
        self.root = root.expanduser() / "engines"

    def log(self, name: EngineName) -> Path:
        return self.root / f"{name}.log"

    def write(self, entry: Entry) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        fresh = self._file(entry.name).with_suffix(".new")
        fresh.write_text(json.dumps(asdict(entry), indent=1) + "\n")
        fresh.replace(self._file(entry.name))

    def remove(self, name: EngineName) -> None:
        self._file(name).unlink(missing_ok=True)

    def entry(self, name: EngineName) -> Entry | None:
        """None if it is not up; what a minder that was killed left behind is removed."""
        try:
            entry = Entry(**json.loads(self._file(name).read_text()))
        except (OSError, ValueError, TypeError):
            return None
        if is_minder(entry.minder):
            return entry
        self.remove(name)
        return None

    def all(self) -> Iterator[Entry]:
        for name in ("vllm", "llama.cpp", "demo"):
            if (entry := self.entry(name)) is not None:
                yield entry

    def _file(self, name: EngineName) -> Path:
        return self.root / f"{name}.json"


def is_minder(pid: int) -> bool:
    """Whether that process is alive and a minder, and not another that was given its number."""
    process = Path(f"/proc/{pid}")
    if not Path("/proc/self").exists():  # not Linux: take the number's word for it
        with suppress(OSError):
            os.kill(pid, 0)
            return True
        return False
    try:
        return b"bot.engines.minder" in (process / "cmdline").read_bytes()
    except OSError:
        return False


def stop(pid: int, how: signal.Signals = signal.SIGTERM) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, how)


def tail(log: Path, size: int = TAIL_BYTES) -> str:
    """The end of a log, as much of it as `size` bytes hold; "" without one."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - size))
            return file.read().decode(errors="replace")
    except OSError:
        return ""
