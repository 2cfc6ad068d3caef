"""docker-compose for the tests: on the path, or where `.ci/run` has put it. It needs no daemon."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CACHED = ROOT / ".cache" / "docker-compose" / "docker-compose"
"""`tests/deploy/get_docker_compose.sh .cache/docker-compose` puts one there."""


def find() -> str | None:
    return shutil.which("docker-compose") or (str(CACHED) if CACHED.is_file() else None)


def config(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """The result of `docker compose WORDS config` for compose.yaml, without a .env."""
    program = find()
    assert program is not None
    return subprocess.run(
        [program, "--file", str(ROOT / "compose.yaml"), "--env-file", os.devnull, *words, "config"]
        + ["--format", "json"],
        env={"PATH": os.defpath, "HOME": "/nonexistent", **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def resolved(*words: str, **variables: str) -> dict[str, Any]:
    """Its services, by name, with every variable in its place."""
    done = config(*words, ACCESS_TOKEN="a-token", **variables)
    assert done.returncode == 0, done.stderr
    services: dict[str, Any] = json.loads(done.stdout)["services"]
    return services
