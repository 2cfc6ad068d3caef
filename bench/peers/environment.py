"""The folder of a peer's environment, which `bench/peers/install NAME` makes."""

from pathlib import Path

from bench.servers import ServerError

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".cache" / "peers"


def python_of(name: str) -> Path:
    """The environment's interpreter. Raises ServerError where there is none."""
    python = FOLDER / name / "bin" / "python"
    if not python.exists():
        raise ServerError(f"{name} has no environment yet: bench/peers/install {name}")
    return python
