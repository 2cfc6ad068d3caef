"""vLLM in an environment of its own: what it needs, and how it is started."""

import hashlib
import re
import zipfile
from functools import partial
from pathlib import Path

import pytest

from bot.engines import vllm
from bot.engines.recipe import EngineError, Recipe
from bot.engines.vllm import VllmOptions, find_python, recipe_for


def options(home: Path, model: str, token: str | None = None) -> VllmOptions:
    return VllmOptions(
        model=model,
        program=None,
        home=home,
        port=8001,
        context=8192,
        slots=30,
        gpu_memory=0.9,
        memory_bytes=None,
        start_limit_s=1800.0,
        token=token,
        more=("--dtype", "bfloat16"),
    )


def program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_a_model_of_the_hub_is_served_under_its_name(tmp_path: Path) -> None:
    recipe = recipe_for(options(tmp_path, "google/gemma-3-27b-it", "hf_secret"))
    words = " ".join(recipe.command)
    assert recipe.command[:3] == [f"{tmp_path}/vllm/bin/vllm", "serve", "google/gemma-3-27b-it"]
    assert "--max-model-len 8192 --max-num-seqs 30 --gpu-memory-utilization 0.9" in words
    assert recipe.variables == {"HF_TOKEN": "hf_secret"}
    assert "hf_secret" not in words


def test_a_folder_is_served_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    recipe = recipe_for(options(tmp_path, "./mine"))
    assert (recipe.command[2], recipe.model) == (str(tmp_path / "mine"), "mine")


def test_a_python_that_vllm_does_not_run_on_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    program(tmp_path / "bin", "python3.12", "exit 127")  # a name without a program behind it
    with pytest.raises(EngineError, match=r"vLLM runs on Python 3.11 to 3.13, and here is 3.14: "):
        find_python(here="3.14.2")
    program(tmp_path / "bin", "python3.11", "echo 3.11")
    assert find_python(here="3.14.2") == str(tmp_path / "bin" / "python3.11")


def tiny(tmp_path: Path) -> Recipe:
    return recipe_for(options(tmp_path, "google/gemma-3-27b-it"))


def test_without_a_gpu_nothing_is_installed(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"no GPU that it can use.*llm up llama\.cpp"):
        vllm.install(tiny(tmp_path), tmp_path, lambda line: None, gpu=lambda: False)
    assert not (tmp_path / "vllm").exists()


def test_without_room_nothing_is_installed(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="make room, or take another place"):
        vllm.install(
            tiny(tmp_path), tmp_path, lambda line: None, gpu=lambda: True, takes_bytes=10**18
        )
    assert not (tmp_path / "vllm").exists()


WHEEL = "vllm-0.0.1-py3-none-any.whl"


def test_its_lock_has_a_hash_for_every_package_and_no_address() -> None:
    text = vllm.LOCK.read_text()
    pinned = [line for line in text.splitlines() if "==" in line and not line.startswith(" ")]
    hashed = re.findall(r"^\S+==[^\n]*\\\n    --hash=sha256:", text, re.MULTILINE)
    assert len(pinned) == len(hashed) > 100
    assert any(line.startswith("vllm==") for line in pinned)
    assert "://" not in text


@pytest.mark.soak
def test_it_is_installed_beside_us_from_whatever_index_pip_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wheel of the same name, with nothing in it but a program."""
    wheels, home = tmp_path / "wheels", tmp_path / "home"
    wheels.mkdir()
    with zipfile.ZipFile(wheels / WHEEL, "w") as wheel:
        about = "vllm-0.0.1.dist-info"
        wheel.writestr("vllm_program.py", "def main(): print('served')\n")
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: vllm\nVersion: 0.0.1\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/entry_points.txt", "[console_scripts]\nvllm=vllm_program:main\n")
        wheel.writestr(f"{about}/RECORD", "")
    lock, digest = tmp_path / "vllm.lock", hashlib.sha256((wheels / WHEEL).read_bytes()).hexdigest()
    lock.write_text(f"vllm==0.0.1 --hash=sha256:{'0' * 64}\n")
    install = partial(vllm.install, gpu=lambda: True, takes_bytes=0, lock=lock)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    told: list[str] = []
    with pytest.raises(EngineError, match=r"remove .*/home/vllm and start again"):
        install(tiny(home), home, told.append)
    assert not vllm.is_installed(home)
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    with pytest.raises(EngineError, match="vllm"):  # another file of that name
        install(tiny(home), home, told.append)
    assert not vllm.is_installed(home)
    lock.write_text(f"vllm==0.0.1 --hash=sha256:{digest}\n")
    install(tiny(home), home, told.append)
    assert vllm.is_installed(home)
    assert "installing collected packages:" in told
