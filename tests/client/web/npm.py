"""Packages that the tests take from npm, pinned by hashes: a judge of accessibility, and strangers'
clients.

The product needs none of it, and no Node.
"""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

STRANGER = Path(__file__).with_name("stranger")
CACHE = Path(__file__).parents[3] / ".cache" / "npm"

INSTALL_S = 300.0


def node_modules() -> Path:
    """Installed once for each lock; nothing that is installed is run by it."""
    pins = [STRANGER / "package.json", STRANGER / "package-lock.json"]
    digest = hashlib.sha256(b"".join(pin.read_bytes() for pin in pins)).hexdigest()
    there = CACHE / digest[:16] / "node_modules"
    if not there.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            for pin in pins:
                shutil.copy(pin, folder)
            run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], Path(folder))
            there.parent.mkdir(exist_ok=True)
            (Path(folder) / "node_modules").rename(there)
    return there


def bundle(source: Path) -> bytes:
    """A module and what it imports, as one script for a browser."""
    modules = node_modules()
    inside = modules.parent / source.name
    shutil.copy(source, inside)  # it looks for packages from where it stands
    command = [str(modules / ".bin" / "esbuild"), inside.name, "--bundle", "--format=iife"]
    return run([*command, "--log-level=error"], modules.parent)


def run(command: list[str], folder: Path) -> bytes:
    """Returns its output. Raises AssertionError with its complaint."""
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=INSTALL_S, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
