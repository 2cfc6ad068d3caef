"""vLLM, in a Python environment of its own: its dependencies never touch ours."""

import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.engines.recipe import EngineError, Recipe, explain
from bot.terminal.program import program
from pipelines.child_environment import child_environment

VERSIONS = ("3.12", "3.11", "3.13")
"""Pythons that vLLM runs on and its lock is made for, the best tried first."""
DISK_BYTES = 15 * 10**9
"""Disk space of its environment, with CUDA's libraries and what pip needs meanwhile."""
LOCK = Path(__file__).with_name("vllm.lock")
"""vLLM and all that it needs, each with the hashes of its files; `./run lock` makes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VllmOptions:
    model: str
    """A folder, or a name on the hub."""
    program: Path | None
    home: Path
    port: int
    context: int
    slots: int
    gpu_memory: float
    memory_bytes: int | None
    start_limit_s: float
    token: str | None
    more: tuple[str, ...]


def recipe_for(options: VllmOptions) -> Recipe:
    """Raises EngineError if a program was named and is not there."""
    folder = Path(options.model).expanduser()
    shown, name = options.model, options.model
    if folder.is_dir():
        shown, name = str(folder.absolute()), folder.absolute().name
    if options.program is None:
        program = environment(options.home) / "bin" / "vllm"
    elif (found := shutil.which(options.program.expanduser())) is not None:
        program = Path(found).absolute()
    else:
        raise EngineError(f"LLM_ENGINE_BIN={options.program} is not a program that can be started")
    return Recipe(
        name="vllm",
        command=[
            str(program), "serve", shown, "--served-model-name", name,
            "--host", "127.0.0.1", "--port", str(options.port),
            "--max-model-len", str(options.context), "--max-num-seqs", str(options.slots),
            "--gpu-memory-utilization", str(options.gpu_memory), "--enable-prefix-caching",
            *options.more,
        ],
        variables={"HF_TOKEN": options.token} if options.token else {},
        port=options.port,
        model=name,
        shown=shown,
        memory_bytes=options.memory_bytes,
        start_limit_s=options.start_limit_s,
    )  # fmt: skip


def environment(home: Path) -> Path:
    """Its Python environment, there or not."""
    return home.expanduser().absolute() / "vllm"


def is_installed(home: Path) -> bool:
    return (environment(home) / "bin" / "vllm").is_file()


def has_gpu() -> bool:
    """NVIDIA's driver, or AMD's."""
    return any(Path(device).exists() for device in ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd"))


def install(
    recipe: Recipe,
    home: Path,
    tell: Callable[[str], None],
    *,
    gpu: Callable[[], bool] = has_gpu,
    takes_bytes: int = DISK_BYTES,
    lock: Path = LOCK,
) -> None:
    """Make the environment, of what `lock` has and nothing else.

    Raises EngineError before anything is downloaded, if it cannot work.
    """
    where = environment(home)
    if not gpu():
        raise EngineError(
            "vLLM finds no GPU that it can use",
            "see to the driver (nvidia-smi), or take llama.cpp, which runs on a CPU "
            f"({program()} llm up llama.cpp)",
        )
    where.parent.mkdir(parents=True, exist_ok=True)
    if (free := shutil.disk_usage(where.parent).free) < takes_bytes:
        raise EngineError(
            f"vLLM takes {takes_bytes / 1e9:.0f} GB, and {where.parent} has {free / 1e9:.0f} left",
            "make room, or take another place (LLM_ENGINE_HOME)",
        )
    python = find_python()
    tell(f"making {where} with {python}")
    steps = ([python, "-m", "venv", "--clear", str(where)],
             [str(where / "bin" / "python"), "-m", "pip", "install", "--require-hashes", "-r",
              str(lock)])  # fmt: skip
    for step in steps:
        said: list[str] = []
        code = _run(step, said, tell)
        if code != 0:
            shutil.rmtree(where, ignore_errors=True)
            raise EngineError(explain(recipe, "\n".join(said[-50:]), code))


def find_python(here: str = platform.python_version()) -> str:
    """The path of one that vLLM runs on; `here` is our own version. Raises EngineError."""
    here = ".".join(here.split(".")[:2])
    for version in VERSIONS:
        found = shutil.which(f"python{version}")
        if found and _version(found) == version:
            return found
    if here in VERSIONS:
        return sys.executable
    raise EngineError(
        f"vLLM runs on Python 3.11 to 3.13, and here is {here}",
        f"install Python {VERSIONS[0]} beside it (Debian, Ubuntu: apt install "
        f"python{VERSIONS[0]}-venv; or uv python install {VERSIONS[0]})",
    )


def _version(python: str) -> str:
    """ "3.12"; "" where it does not start (a version manager may put names on the path)."""
    asked = [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def _run(step: list[str], said: list[str], tell: Callable[[str], None]) -> int:
    with subprocess.Popen(
        step,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=child_environment(reaches_out=True),
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line.strip())
            for progress in _progress(line):
                tell(progress)
        return process.wait()


def _progress(line: str) -> Iterator[str]:
    """The lines of pip that are worth showing."""
    if found := re.match(r"(Collecting|Downloading|Installing collected)\s+(\S+)", line):
        yield f"{found[1].lower()} {found[2]}"
