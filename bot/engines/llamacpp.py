"""llama.cpp: `llama-server` with any GGUF, set for this machine's cores."""

import os
import shutil
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from bot.engines.recipe import EngineError, Recipe
from bot.terminal.program import program

HOW_TO_GET_IT = (
    "install llama.cpp (Debian 14 and Ubuntu 26.04: apt install llama.cpp-tools; brew install "
    "llama.cpp; or a release from github.com/ggml-org/llama.cpp), or name it with LLM_ENGINE_BIN"
)
BATCH = 512
"""Tokens of a prompt in one step: more keeps other conversations waiting for longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LlamaOptions:
    model: Path
    program: Path | None
    port: int
    context: int
    """Tokens, for each slot."""
    slots: int
    threads: int
    """0: as many as `cores_to_use` says."""
    memory_bytes: int | None
    start_limit_s: float
    more: tuple[str, ...]


def recipe_for(options: LlamaOptions) -> Recipe:
    """Raises EngineError where there is no program or no file."""
    file = options.model.expanduser().absolute()
    if not file.is_file():
        raise EngineError(
            f"there is no file {file}",
            f"give a GGUF (--model, LLM_ENGINE_MODEL), or fetch one ({program()} llm fetch)",
        )
    alias = file.stem
    return Recipe(
        name="llama.cpp",
        command=[*_program(options, file, alias), *options.more],
        port=options.port,
        model=alias,
        shown=str(file),
        health="/health" if _llama_server(options.program) else "/v1/models",
        memory_bytes=options.memory_bytes,
        start_limit_s=options.start_limit_s,
    )


def _program(options: LlamaOptions, file: Path, alias: str) -> list[str]:
    threads = str(options.threads or cores_to_use())
    if (program := _llama_server(options.program)) is not None:
        return [
            program, "--model", str(file), "--alias", alias,
            "--host", "127.0.0.1", "--port", str(options.port),
            "--ctx-size", str(options.context * options.slots), "--parallel", str(options.slots),
            "--threads", threads, "--threads-batch", threads, "--batch-size", str(BATCH),
        ]  # fmt: skip
    if find_spec("llama_cpp") is not None and find_spec("uvicorn") is not None:
        # The last resort: it answers one request at a time.
        return [
            sys.executable, "-m", "llama_cpp.server", "--model", str(file), "--model_alias", alias,
            "--host", "127.0.0.1", "--port", str(options.port), "--n_ctx", str(options.context),
            "--n_threads", threads, "--n_threads_batch", threads, "--n_batch", str(BATCH),
        ]  # fmt: skip
    raise EngineError("there is no llama-server on the path", HOW_TO_GET_IT)


def _llama_server(given: Path | None) -> str | None:
    """Raises EngineError if one was named and is not there."""
    if given is None:
        return shutil.which("llama-server")
    if (found := shutil.which(given.expanduser())) is None:
        raise EngineError(f"LLM_ENGINE_BIN={given} is not a program that can be started")
    return str(Path(found).absolute())


def cores_to_use() -> int:
    """Those that this process may run on, less one for the calls.

    llama.cpp's threads wait for one another in a loop: one that has to share its core with the
    ears holds up all of them, and makes a token cost many times as much.
    """
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return max(1, cores - 1)
