"""The engine that the server starts and supervises itself, if it is to."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field, SecretStr

from bot.settings.group import EmptyIsUnset, Group, List

EngineName: TypeAlias = Literal["vllm", "llama.cpp", "demo"]
ALIASES: Mapping[str, EngineName] = {"llamacpp": "llama.cpp", "llama-cpp": "llama.cpp"}
"""As compose.yaml's profile has it, and as others write it."""

_Named = BeforeValidator(lambda name: ALIASES.get(name, name))


class EngineSettings(Group):
    llm_engine: Annotated[EngineName | None, EmptyIsUnset, _Named] = None
    """Start this engine with the server, and mind it: vllm, llama.cpp or demo."""

    llm_engine_model: Annotated[str | None, EmptyIsUnset] = None
    """The model to load: a GGUF file or a name of `llm fetch`; for vLLM a folder or a hub name."""

    llm_engine_bin: Annotated[Path | None, EmptyIsUnset] = None
    """Its program, where it is not to be looked for: a llama-server, or a vllm."""

    llm_engine_port: int = Field(8000, ge=0, le=65535)
    """Where it listens, on this machine only; 0 takes any port that is free."""

    llm_engine_context: int = Field(8192, ge=256, le=1_048_576)
    """Tokens that one conversation may have."""

    llm_engine_slots: int = Field(4, ge=1, le=1024)
    """Conversations that it works on at once. llama.cpp sets the memory for all of them aside."""

    llm_engine_threads: int = Field(0, ge=0, le=1024)
    """Threads of llama.cpp; 0 is a core each, less one for the calls."""

    llm_engine_memory_gb: Annotated[float | None, EmptyIsUnset] = Field(None, gt=0)
    """The limit of its memory; a model file that llama.cpp maps is not counted. Unset: no limit."""

    llm_engine_gpu_memory: float = Field(0.9, gt=0, le=1)
    """The share of the GPU's memory that vLLM takes."""

    llm_engine_start_s: float = Field(1800.0, gt=0, le=86_400)
    """Seconds from its start to its first answer; downloading the model is in it."""

    llm_engine_options: List = ()
    """More options for its command line, as --flash-attn,on."""

    llm_engine_home: Path = Path("~/.cache/halfsecond")
    """Where its log lies, and vLLM with a Python environment of its own."""

    hf_token: Annotated[SecretStr | None, EmptyIsUnset] = None
    """A token of the Hugging Face hub, for models that ask for one, as Gemma does."""
