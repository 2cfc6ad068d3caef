"""A loudspeaker that plays into nothing, at the pace of a real one: PulseAudio with a null sink."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

WAIT_S = 20.0


@contextmanager
def null_sink() -> Iterator[Path]:
    """The socket of a sound server of its own, which leaves this machine's sound alone."""
    # Not in pytest's folder: a socket's path may have 107 characters.
    with TemporaryDirectory(prefix="sound-") as name:
        folder = Path(name)
        path = folder / "native"
        command = [
            shutil.which("pulseaudio") or "pulseaudio",
            *("--daemonize=no", "--system=false", "--exit-idle-time=-1", "-n"),
            *("-L", "module-null-sink"),
            *("-L", f"module-native-protocol-unix socket={path}"),
        ]
        environment = {**os.environ, "HOME": name, "XDG_RUNTIME_DIR": name}  # noqa: TID251
        environment.pop("PULSE_SERVER", None)
        told = folder / "complaints"
        with (
            told.open("w") as complaints,
            subprocess.Popen(
                command, env=environment, stdout=complaints, stderr=complaints
            ) as process,
        ):
            try:
                end_s = time.monotonic() + WAIT_S
                while not _listens(path):
                    assert process.poll() is None, f"pulseaudio ended: {told.read_text()}"
                    assert time.monotonic() < end_s, f"no pulseaudio: {told.read_text()}"
                    time.sleep(0.05)
                yield path
            finally:
                process.terminate()


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as knocking:
        return knocking.connect_ex(str(path)) == 0
