"""`./run mutants MODULE...`: changes a pure module in small ways, and lists those no test sees.

mutmut makes the changes and runs, for each, the tests that reach it. A module of the core is tested
by the folder of tests that mirrors its own, any other by the file of tests that has its name. Exit
code 1: a module reaches less than `--least` per cent.
"""

import json
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

ROOT = Path(__file__).parents[1]
BENCH = ROOT / ".cache" / "mutants"
CODE = ("bot", "pipelines", "client", "replay", "tests", "docs", ".env.example")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.flac", "*.png", "web", "suites")
CONFIG = """
[tool.pytest.ini_options]
addopts = "--import-mode=importlib -p no:cacheprovider -p no:xdist"
pythonpath = ["."]
markers = ["soak: the full counts", "many: drawn at random", "needs(program): of the system"]

[tool.mutmut]
source_paths = {sources}
also_copy = {code}
pytest_add_cli_args_test_selection = {tests}
pytest_add_cli_args = ["-m", "not soak and not many"]
"""
EQUIVALENT = Path(__file__).with_name("equivalent_mutants.toml")
SEEN = ("killed", "timeout", "segfault", "caught_by_type_check")


@dataclass(frozen=True, slots=True)
class Score:
    """How many changes of one module some test sees."""

    seen: int
    made: int
    unseen: tuple[str, ...]
    """The others, as a diff shows them."""
    equivalent: int = 0
    """Changes that make no difference, by `equivalent_mutants.toml`."""

    @property
    def percent(self) -> float:
        could_be_seen = self.made - self.equivalent
        return 100 * self.seen / could_be_seen if could_be_seen else 100.0


def mirror_of(module: Path) -> Path:
    """The folder that mirrors the module's own, or one file of it: outside the core, others run
    servers.
    """
    folder = Path("tests") / module.parent
    return folder if "core" in module.parts else folder / f"test_{module.name}"


def mutants(
    modules: Annotated[list[Path], typer.Argument(metavar="MODULE...", exists=True)],
    least: Annotated[float, typer.Option(help="Per cent that must be seen.")] = 95.0,
) -> None:
    """Change pure modules in small ways, and list the changes that no test sees.

    Examples:
      ./run mutants pipelines/core/turn/machine.py
      ./run mutants pipelines/core/turn/*.py bot/phone/codec.py --least 90
    """
    console = Console()
    scores = {}
    for module in modules:
        with console.status(f"{module}: making changes and running {mirror_of(module)}"):
            score = scores[module] = _score(module)
        told = f"{score.seen} of {score.made} seen, {score.equivalent} make no difference"
        console.print(f"{module}: {told}: {score.percent:.1f} %")
        for change in score.unseen:
            console.print(change, highlight=False, markup=False)
    raise typer.Exit(int(any(score.percent < least for score in scores.values())))


def _score(module: Path) -> Score:
    """Raises typer.Exit where the tests do not pass unchanged."""
    shutil.rmtree(BENCH, ignore_errors=True)
    BENCH.mkdir(parents=True)
    for name in CODE:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, BENCH / name, ignore=LEFT_OUT)
        else:
            shutil.copy(ROOT / name, BENCH / name)
    told = {
        "sources": json.dumps([str(module)]),
        "code": json.dumps([name for name in CODE if not (ROOT / name).is_file()]),
        "tests": json.dumps([str(mirror_of(module))]),
    }
    (BENCH / "pyproject.toml").write_text(CONFIG.format(**told))
    run = _mutmut("run")
    if run.returncode:
        sys.stderr.write(run.stdout[-3000:])
        raise typer.Exit(2)
    _mutmut("export-cicd-stats")
    counts = json.loads((BENCH / "mutants" / "mutmut-cicd-stats.json").read_text())
    lines = _mutmut("results").stdout.splitlines()
    unseen = tuple(line.split(":")[0].strip() for line in lines if ": survived" in line)
    unseen += tuple(line.split(":")[0].strip() for line in lines if ": no tests" in line)
    changes = {name: _change(name) for name in unseen}
    known = equivalent_to(module)
    real = [name for name, lines in changes.items() if not known & {x[1:].strip() for x in lines}]
    shown = tuple("\n".join([f"  {name}", *changes[name]]) for name in real)
    seen = sum(counts.get(kind, 0) for kind in SEEN)
    return Score(seen, counts["total"], shown, len(unseen) - len(real))


def equivalent_to(module: Path) -> set[str]:
    """The changed lines that make no difference in a module."""
    return set(tomllib.loads(EQUIVALENT.read_text()).get(str(module), {}))


def _change(name: str) -> list[str]:
    """The lines of a diff: those that went, and those that came."""
    lines = _mutmut("show", name).stdout.splitlines()
    return [x for x in lines if x.startswith(("+", "-")) and not x.startswith(("+++", "---"))]


def _mutmut(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [str(Path(sys.executable).with_name("mutmut")), *words]
    return subprocess.run(command, cwd=BENCH, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    typer.run(mutants)
