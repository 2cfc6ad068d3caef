"""How one engine is started, and how to read what it says when it fails."""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from bot.settings.engine import EngineName
from bot.terminal.program import program


class EngineError(Exception):
    """An engine cannot run. Its text is one line: the cause, and the mend where one is known."""

    def __init__(self, cause: str, mend: str = "") -> None:
        super().__init__(f"{cause}: {mend}" if mend else cause)
        self.cause = cause
        self.mend = mend


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that the supervisor needs to know; it crosses a pipe as JSON."""

    name: EngineName
    command: list[str]
    port: int
    model: str
    """The name to ask it for."""
    shown: str
    """The model as the operator knows it: a file, or a name on the hub."""
    health: str = "/health"
    """A path that answers 200 once the model is loaded."""
    variables: dict[str, str] = field(default_factory=dict)
    """For its environment, over what is there."""
    memory_bytes: int | None = None
    """Bytes that it may allocate; a model file that is mapped is not counted."""
    start_limit_s: float = 60.0
    """From its start to its first answer; downloading the model is in it."""

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        return f"{self.root}/v1"

    @property
    def in_words(self) -> str:
        """For the log: the command without its environment, which may hold a key."""
        return shlex.join(self.command)


_Symptoms: TypeAlias = Sequence[tuple[str, str]]
"""A pattern of the log, and the operator's sentence about it; `{...}` are fields of the recipe."""

_OF_ALL: _Symptoms = (
    (
        r"couldn't bind|address already in use",
        "port {port} is in use: stop what listens there, or take another (LLM_ENGINE_PORT)",
    ),
    (
        r"bad_alloc|failed to allocate|cannot allocate memory|unable to mmap|mmap: 12\b"
        r"|out of memory|OutOfMemory|MemoryError|no available memory for the cache"
        r"|less than desired GPU memory|larger than the (?:maximum|available) .*KV cache",
        "not enough memory for {shown}{limit}: take a smaller model, or less context or fewer "
        "slots (LLM_ENGINE_CONTEXT, LLM_ENGINE_SLOTS)",
    ),
)

_SYMPTOMS: Mapping[EngineName, _Symptoms] = {
    "demo": (),
    "llama.cpp": (
        (
            r"corrupted or incomplete|invalid magic|failed to read (?:key|tensor|header)"
            r"|failed to load model from",
            "{shown} is torn, or no GGUF file: fetch it again ({program} llm fetch goes on where "
            "it was stopped)",
        ),
    ),
    "vllm": (
        (
            r"gated repo|GatedRepoError|is restricted and you are not|awaiting a review"
            r"|401 Client Error",
            "{shown} is gated: accept its licence on its page at huggingface.co, then set HF_TOKEN "
            "to a token of that account",
        ),
        (
            r"failed to infer device type|no CUDA GPUs are available|no NVIDIA driver"
            r"|libcuda\.so|NVML Shared Library Not Found|CUDA driver version is insufficient",
            "vLLM finds no GPU that it can use: see to the driver (nvidia-smi), or take llama.cpp, "
            "which runs on a CPU ({program} llm up llama.cpp)",
        ),
        (
            r"repository not found|not a valid model identifier|invalid repository id",
            "there is no model {shown}: name one of the hub, or a folder (LLM_ENGINE_MODEL)",
        ),
        (
            r"requires a different Python|Python version .* not (?:supported|in)"
            r"|No matching distribution found for vllm",
            "this Python is not one that vLLM runs on: install Python 3.12 beside it, remove "
            "{venv} and start again",
        ),
        (
            r"couldn't connect to|offline mode|cannot find the requested files"
            r"|LocalEntryNotFound|Name or service not known|Failed to resolve",
            "{shown} cannot be downloaded: mend the network, or give a folder that has it "
            "(LLM_ENGINE_MODEL)",
        ),
    ),
}  # fmt: skip


def explain(recipe: Recipe, log: str, code: int | None) -> str:
    """One line on an engine that was not ready in time (`code` is None), or ended with `code`."""
    for pattern, line in (*_SYMPTOMS[recipe.name], *_OF_ALL):
        if re.search(pattern, log, re.IGNORECASE):
            return line.format(
                program=program(),
                port=recipe.port,
                shown=recipe.shown,
                limit=_limit(recipe),
                venv=recipe.command[0].removesuffix("/bin/vllm"),
            )
    if code == -9:
        return (
            f"the system killed {recipe.name}, most likely for want of memory: take a smaller model"
        )
    said = f": {last}" if (last := last_line(log)) else ""
    how = f"ended with {code}" if code is not None else f"not ready in {recipe.start_limit_s:.0f} s"
    return f"{recipe.name} {how}{said} ({program()} llm logs {recipe.name} has the rest)"


def _limit(recipe: Recipe) -> str:
    if recipe.memory_bytes is None:
        return ""
    return f" within the {recipe.memory_bytes / 1e9:g} GB of LLM_ENGINE_MEMORY_GB"


def last_line(log: str, width: int = 160) -> str:
    """Lines of a log or a progress bar, without colours and time stamps."""
    plain = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", log)
    lines = [line.strip() for line in re.split(r"[\r\n]+", plain) if line.strip()]
    return re.sub(r"^[\d.:\s-]+(?=[A-Z])", "", lines[-1])[:width] if lines else ""
