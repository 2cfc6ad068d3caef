"""How llama.cpp is started, and what is missing before it is."""

from pathlib import Path

import pytest

from bot.engines.llamacpp import LlamaOptions, cores_to_use, recipe_for
from bot.engines.recipe import EngineError


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "tiny.gguf").write_bytes(b"GGUF")
    return tmp_path / "tiny.gguf"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "bin" / "llama-server"
    path.parent.mkdir()
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def options(model: Path, program: Path | None, **given: int) -> LlamaOptions:
    return LlamaOptions(
        model=model,
        program=program,
        port=8001,
        context=given.get("context", 4096),
        slots=given.get("slots", 3),
        threads=given.get("threads", 0),
        memory_bytes=None,
        start_limit_s=60.0,
        more=("--flash-attn", "on"),
    )


def test_every_slot_gets_its_context_and_every_core_its_thread(model: Path, program: Path) -> None:
    recipe = recipe_for(options(model, program))
    words = " ".join(recipe.command)
    assert recipe.command[0] == str(program)
    assert "--ctx-size 12288 --parallel 3" in words
    assert f"--threads {cores_to_use()} " in words
    assert words.endswith("--flash-attn on")
    assert (recipe.model, recipe.base_url) == ("tiny", "http://127.0.0.1:8001/v1")
    assert "--threads 7 " in " ".join(recipe_for(options(model, program, threads=7)).command)


def test_the_program_is_found_on_the_path(
    model: Path, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(program.parent))
    assert recipe_for(options(model, None)).command[0] == str(program)


def test_a_file_that_is_missing_is_said_with_the_way_to_one(tmp_path: Path, program: Path) -> None:
    with pytest.raises(EngineError, match=r"there is no file .*nowhere\.gguf.*llm fetch"):
        recipe_for(options(tmp_path / "nowhere.gguf", program))


def test_without_a_program_it_says_how_to_get_one(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EngineError, match=r"no llama-server on the path.*apt install"):
        recipe_for(options(model, None))
    with pytest.raises(EngineError, match=r"LLM_ENGINE_BIN=/no/such is not a program"):
        recipe_for(options(model, Path("/no/such")))


def test_the_server_of_llama_cpp_python_is_the_last_resort(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    (tmp_path / "llama_cpp.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    recipe = recipe_for(options(model, None))
    assert recipe.command[1:3] == ["-m", "llama_cpp.server"]
    assert "--n_ctx 4096" in " ".join(recipe.command)
    assert recipe.health == "/v1/models"
