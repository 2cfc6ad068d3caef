"""Checks of this machine: Python, packages, models, disk, files."""

import hashlib
import importlib.metadata
import re
import resource
import shutil
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

from bot.commands.checks.finding import Finding, bad, good, poor
from bot.server.files import file_limit, files_needed, most_connections
from bot.terminal.program import CHECKOUT, program
from pipelines.services.onnx import packaged_file
from pipelines.services.tts.tts_hibari import MODEL, MODEL_SHA256

MODELS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "voice activity": (
        ("pipecat", "audio", "vad", "data", "silero_vad.onnx"),
        "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3",
    ),
    "turn end": (
        ("pipecat", "audio", "turn", "smart_turn", "data", "smart-turn-v3.2-cpu.onnx"),
        "2bb026316b14a660486a75b1733cd3fbab8c2fd0314dc9af7be49f8cca967e4f",
    ),
    "ears, encoder": (
        ("moonshine_voice", "assets", "tiny-en", "encoder_model.ort"),
        "94e90a4654fc45cdfedb77c4c08e1739f48862998e58fada384b25118134f221",
    ),
    "ears, decoder": (
        ("moonshine_voice", "assets", "tiny-en", "decoder_model_merged.ort"),
        "cf524c4862d36e9e5ab032eddc73637efd822d70e868ac575cf1a46e1e4708a0",
    ),
    "ears, tokenizer": (
        ("moonshine_voice", "assets", "tiny-en", "tokenizer.bin"),
        "6884b35fd6377d4c4d32336a0bc152f36b64d1e45b6503683cdc238250a8472d",
    ),
    "voice, model": (MODEL, MODEL_SHA256),
}
"""The place of each in its package, and the SHA-256 of the one that the tests were run with."""

DISK_LOW, DISK_OUT = 1_000_000_000, 100_000_000


def new_environment() -> str:
    """Mends whatever is wrong with installed packages."""
    if program() == "./run":
        return "remove .venv and start ./run again: it makes it anew"
    return "install Halfsecond into a new environment"


def check_python(version: tuple[int, ...] = sys.version_info[:3]) -> Finding:
    found = ".".join(map(str, version))
    if version < (3, 11):
        return bad("python", found, f"install Python 3.11 or newer, then {new_environment()}")
    return good("python", found)


def check_packages(root: Path = CHECKOUT) -> Finding:
    """Those that the project names, held against its lock where there is one."""
    wanted, pins = _wanted(root), _pins(root)
    missing, others = [], []
    for name in wanted:
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
            continue
        if version not in pins.get(name, {version}):
            others.append(f"{name} is {version}, not {' or '.join(sorted(pins[name]))}")
    if missing:
        return bad("packages", f"missing: {', '.join(missing)}", new_environment())
    if others:
        return poor("packages", "; ".join(others), new_environment())
    count = len(wanted)
    return good("packages", f"{count} as in the lock" if pins else f"all {count} are here")


def _wanted(root: Path) -> list[str]:
    if (root / "pyproject.toml").is_file():
        lines = tomllib.loads((root / "pyproject.toml").read_text())["project"]["dependencies"]
    else:
        needs = importlib.metadata.requires("halfsecond") or []
        lines = [line for line in needs if "extra ==" not in line]
    return [re.split(r"[<>=!~;\[ ]", line)[0].lower() for line in lines]


def _pins(root: Path) -> dict[str, set[str]]:
    """A package can have several, for several versions of Python."""
    lock = root / "requirements.lock"
    text = lock.read_text() if lock.is_file() else ""
    pins: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([a-z0-9-]+)==([^\s;\\]+)", text, re.MULTILINE):
        pins.setdefault(name, set()).add(version)
    return pins


def check_models(models: Mapping[str, tuple[tuple[str, ...], str]] = MODELS) -> list[Finding]:
    return [_check_model(name, parts, digest) for name, (parts, digest) in models.items()]


def _check_model(name: str, parts: tuple[str, ...], digest: str) -> Finding:
    try:
        path = packaged_file(*parts)
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return bad(name, f"{parts[-1]} is not there", new_environment())
    if found != digest:
        return poor(
            name,
            f"{parts[-1]} is not the one that was tested (sha256 {found[:8]}, not {digest[:8]})",
            new_environment(),
        )
    return good(name, f"{parts[-1]}, sha256 {digest[:8]}")


def check_disk(folder: Path, free: int | None = None) -> Finding:
    """`free`: bytes; unset, as the system says."""
    free = shutil.disk_usage(folder).free if free is None else free
    found = f"{free / 1e9:.1f} GB free"
    if free < DISK_OUT:
        return bad("disk", found, f"make room on the disk of {folder}")
    if free < DISK_LOW:
        return poor("disk", found, f"make room on the disk of {folder}")
    return good("disk", found)


def check_files(calls: int, limit: int | None = None) -> Finding:
    """`limit` is how many files the process may have open; unset, as far as a server raises it.

    Calls and what they need come first: with fewer files there is less room for other connections.
    """
    limit = file_limit()[1] if limit is None else limit
    need = files_needed(calls)
    if limit == resource.RLIM_INFINITY or limit >= need:
        return good("file limit", f"{min(limit, need)} open files, for {calls} calls")
    mend = f"ulimit -Hn {need} before the start (LimitNOFILE= for systemd), or lower MAX_CALLS"
    found = (
        f"{limit} open files, and {calls} calls with all that stands beside them can need {need}"
    )
    beside = most_connections(calls, limit) - calls
    return bad("file limit", found, mend) if beside < 0 else poor("file limit", found, mend)
