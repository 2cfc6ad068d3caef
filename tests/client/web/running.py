"""The server as anyone starts it, in a process of its own, with the demo engine behind it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[3]


@contextmanager
def running(folder: Path, *options: str, **settings: str) -> Iterator[str]:
    """Its address, with a slash at the end. `folder` is where it runs; settings are variables."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **settings}  # noqa: TID251
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "serve", "--port", "0", *options],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        try:
            found = re.search(r"http://\S+", server.stdout.readline())
            assert found
            yield f"{found[0]}/"
        finally:
            server.send_signal(signal.SIGTERM)
            server.stdout.read()
