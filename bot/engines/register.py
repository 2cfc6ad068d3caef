"""Which engines are up: a file each, written by its supervisor, with a log beside it.

Two of one name may be up, each with a supervisor of its own: one by `llm up`, and one for each
server.
"""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from bot.settings.engine import EngineName

TAIL_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class LogBounds:
    """The size of an engine's log."""

    most_bytes: int = 16 * 1024 * 1024
    kept_bytes: int = 1024 * 1024
    """Its end, once it has grown longer."""
    every_s: float = 10.0
    """It is looked at so often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    name: EngineName
    supervisor: int
    """Process id of its supervisor; a signal to it ends both."""
    engine: int
    """Process id of the engine; 0 between two starts."""
    state: str
    """starting, ready, or waiting (to be started again)."""
    base_url: str
    model: str
    shown: str
    since: str
    """ISO 8601, when its supervisor began."""
    served: bool = False
    """A server has started it, and it goes with that server."""
    restarts: int = 0
    trouble: str = ""
    """Why it was started again the last time."""


class Register:
    def __init__(self, root: Path) -> None:
        self.root = root.expanduser() / "engines"

    def log(self, name: EngineName, supervisor: int) -> Path:
        return self.root / f"{name}.{supervisor}.log"

    def latest_log(self, name: EngineName) -> Path | None:
        """The newest log of those that are up, and of the one that was up last."""
        logs = self.root.glob(f"{name}.*.log")
        return max(logs, key=lambda log: log.stat().st_mtime, default=None)

    def begin(self, name: EngineName, supervisor: int) -> Path:
        """An empty log; those of supervisors that are gone have had their time."""
        self.root.mkdir(parents=True, exist_ok=True)
        for log in self.root.glob(f"{name}.*.log"):
            if not is_supervisor(int(log.suffixes[-2][1:])):
                log.unlink(missing_ok=True)
        fresh = self.log(name, supervisor)
        fresh.write_bytes(b"")
        return fresh

    def write(self, entry: Entry) -> None:
        file = self._file(entry.name, entry.supervisor)
        fresh = file.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(entry), indent=1) + "\n")
        fresh.replace(file)

    def remove(self, name: EngineName, supervisor: int) -> None:
        self._file(name, supervisor).unlink(missing_ok=True)

    def entries(self, name: EngineName) -> list[Entry]:
        """Entries, those of `llm up` first; entries of a supervisor that was killed are removed."""
        found = []
        for file in self.root.glob(f"{name}.*.json"):
            try:
                entry = Entry(**json.loads(file.read_text()))
            except (OSError, ValueError, TypeError):
                continue
            if is_supervisor(entry.supervisor):
                found.append(entry)
            else:
                file.unlink(missing_ok=True)
        return sorted(found, key=lambda entry: (entry.served, entry.since))

    def own(self, name: EngineName) -> Entry | None:
        """The one that `llm up` has started."""
        return next((entry for entry in self.entries(name) if not entry.served), None)

    def all(self) -> Iterator[Entry]:
        for name in ("vllm", "llama.cpp", "demo"):
            yield from self.entries(name)

    def _file(self, name: EngineName, supervisor: int) -> Path:
        return self.root / f"{name}.{supervisor}.json"


def is_supervisor(pid: int) -> bool:
    """True if that process is alive and a supervisor, and not another that was given its number."""
    return b"bot.engines.supervisor" in (
        command_by_proc(pid) if Path("/proc/self").exists() else command_by_ps(pid)
    )


def command_by_proc(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def command_by_ps(pid: int) -> bytes:
    """For macOS, which has no /proc."""
    return subprocess.run(
        ["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, check=False
    ).stdout


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


def bound(log: Path, bounds: LogBounds) -> None:
    """Cuts its beginning. Programs that write to it append, and go on behind what was kept."""
    if log.stat().st_size > bounds.most_bytes:
        end = tail(log, bounds.kept_bytes)
        with log.open("w") as file:
            file.write(end)
