"""Chooses the engine that the server starts and supervises itself, by its settings."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from bot.engines import llamacpp, vllm
from bot.engines.demo import MODEL
from bot.engines.models.gguf import find_gguf
from bot.engines.models.store import Store
from bot.engines.recipe import EngineError, Recipe
from bot.engines.supervised import SupervisedEngine
from bot.engines.supervisor import StartProgress
from bot.server.listening import CannotListenError, listen
from bot.settings import Settings
from bot.settings.engine import EngineName
from pipelines.child_environment import child_environment

Tell = Callable[[str], None]


def recipe_for(settings: Settings, name: EngineName) -> Recipe:
    """Raises EngineError where something is missing, or its port is in use."""
    port = _port(settings.llm_engine_port)
    memory_gb = settings.llm_engine_memory_gb
    memory_bytes = None if memory_gb is None else round(memory_gb * 1e9)
    match name:
        case "llama.cpp":
            return llamacpp.recipe_for(
                llamacpp.LlamaOptions(
                    model=find_gguf(Store(settings.models_dir), settings.llm_engine_model),
                    program=settings.llm_engine_bin,
                    port=port,
                    context=settings.llm_engine_context,
                    slots=settings.llm_engine_slots,
                    threads=settings.llm_engine_threads,
                    memory_bytes=memory_bytes,
                    start_limit_s=settings.llm_engine_start_s,
                    more=settings.llm_engine_options,
                )
            )
        case "vllm":
            token = settings.hf_token
            return vllm.recipe_for(
                vllm.VllmOptions(
                    model=settings.llm_engine_model or settings.llm_model,
                    program=settings.llm_engine_bin,
                    home=settings.llm_engine_home,
                    port=port,
                    context=settings.llm_engine_context,
                    slots=settings.llm_engine_slots,
                    gpu_memory=settings.llm_engine_gpu_memory,
                    memory_bytes=memory_bytes,
                    start_limit_s=settings.llm_engine_start_s,
                    token=token.get_secret_value() if token else None,
                    more=settings.llm_engine_options,
                )
            )
        case "demo":
            module = [sys.executable, "-P", "-m", "bot.engines.demo", "--port", str(port)]
            file = Path(settings.profile)
            profile = str(file.absolute()) if file.is_file() else settings.profile
            pace = ["--profile", profile]
            zone = [] if settings.time_zone is None else ["--time-zone", settings.time_zone]
            return Recipe(
                name="demo",
                command=[*module, *pace, *zone, *settings.llm_engine_options],
                port=port,
                model=MODEL,
                shown="the demo",
                health="/v1/models",
                start_limit_s=settings.llm_engine_start_s,
            )


def install(settings: Settings, recipe: Recipe, tell: Tell) -> None:
    """vLLM, where it is to be had and is not there yet. Raises EngineError."""
    home = settings.llm_engine_home
    if recipe.name == "vllm" and settings.llm_engine_bin is None and not vllm.is_installed(home):
        vllm.install(recipe, home, tell)


@asynccontextmanager
async def own_engine(
    settings: Settings, tell: Tell
) -> AsyncIterator[tuple[Settings, SupervisedEngine | None]]:
    """The settings with the engine of `LLM_ENGINE` as their endpoint, and it, while it runs.

    Without one, the settings as they are, and None. Raises EngineError.
    """
    if settings.llm_engine is None:
        yield settings, None
        return
    recipe = recipe_for(settings, settings.llm_engine)
    await asyncio.to_thread(install, settings, recipe, tell)
    engine = SupervisedEngine(
        recipe, settings.llm_engine_home, child_environment(recipe.variables, reaches_out=True)
    )

    def show(progress: StartProgress) -> None:
        tell(f"{progress.waited_s:.0f} s: {progress.text}")

    try:
        ready = await engine.open(show)
        tell(f"{recipe.name} is ready after {ready.took_s:.1f} s")
        found = {"llm_base_url": recipe.base_url, "llm_model": recipe.model}
        yield settings.model_copy(update=found), engine
    finally:
        await engine.close()


def _port(wanted: int) -> int:
    try:
        with listen("127.0.0.1", wanted) as found:
            port: int = found.getsockname()[1]
            return port
    except CannotListenError as error:
        mend = "stop what listens there, or take another (--port, LLM_ENGINE_PORT)"
        raise EngineError(error.cause, mend) from None
