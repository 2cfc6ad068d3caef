"""The Dockerfile: what can be held against the tree without building it, and its steps, run."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bot.settings import Settings
from tests.deploy.dockerfile import ROOT, Stage, stages

STAGES = stages()
OURS = ("bot", "pod")
IGNORED = (ROOT / ".dockerignore").read_text().splitlines()


def ran(stage: Stage) -> str:
    return "\n".join(stage.of("RUN"))


@pytest.mark.parametrize("name", STAGES)
def test_every_path_that_is_copied_is_there_and_reaches_the_build(name: str) -> None:
    for path in STAGES[name].copied:
        assert (ROOT / path).exists(), path
        assert f"!{path.rstrip('/')}" in IGNORED, path


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_stands_on_an_image_or_on_one_before_it(name: str) -> None:
    before = list(STAGES)[: list(STAGES).index(name)]
    base = STAGES[name].base
    assert base in before or re.search(r":\S+$", base), base
    for rest in STAGES[name].of("COPY"):
        if found := re.match(r"--from=(\S+)", rest):
            assert found[1] in before


def test_what_is_built_without_a_target_is_the_bot() -> None:
    assert list(STAGES)[-1] == "default"
    assert STAGES["default"].base == "bot"


def test_every_package_of_the_project_that_runs_is_in_it() -> None:
    found = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    packages = {name.rstrip("*") for name in found["packages"]["find"]["include"]}
    for name in OURS:
        copied = {path.rstrip("/") for path in STAGES[name].copied}
        assert packages - copied == {"bench"}, "measuring needs a checkout"


def test_the_bot_is_nobody_of_importance_and_hears_sigterm() -> None:
    bot = STAGES["bot"]
    assert bot.of("USER") == ["10001"]
    assert bot.of("STOPSIGNAL") == ["SIGTERM"]
    assert bot.words("CMD") == ["python", "-P", "-m", "bot", "serve"]  # no shell between
    assert "useradd --uid 10001" in ran(bot)
    assert STAGES["pod"].words("ENTRYPOINT") == ["/app/runpod/start.sh"]
    assert os.access(ROOT / "runpod" / "start.sh", os.X_OK)


def test_what_is_installed_comes_from_the_lock_or_is_pinned() -> None:
    for name, stage in STAGES.items():
        for command in stage.of("RUN"):
            if " pip install" in command:
                rest = command.partition(" pip install ")[2].replace("--no-cache-dir", "")
                wanted = rest.replace("--no-compile", "").split()
                locked = wanted == ["--require-hashes", "-r", "requirements.lock"]
                assert locked or all("==" in one for one in wanted), (name, command)


def test_every_variable_is_a_setting_or_pythons_own() -> None:
    settings = {name.upper() for name in Settings.model_fields}
    others = {
        *("PATH", "PYTHONPATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "BOT_PYTHON"),
        *("LD_LIBRARY_PATH", "NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES"),
    }
    for stage in STAGES.values():
        assert stage.environment.keys() <= settings | others
    given = {
        name.lower(): value
        for stage in STAGES.values()
        for name, value in stage.environment.items()
        if name in settings
    }
    assert Settings.model_validate(given).host == "0.0.0.0"


@pytest.mark.soak
def test_its_steps_make_an_environment_that_serves_and_is_well(tmp_path: Path) -> None:
    """All but the base image: the same steps in the same order, in folders of their own."""
    venv, app, home = tmp_path / "venv", tmp_path / "app", tmp_path / "home"
    for folder in (app, home):
        folder.mkdir()

    def here(words: str) -> str:
        return words.replace("/opt/venv", str(venv)).replace("/app", str(app))

    build, bot = STAGES["build"], STAGES["bot"]
    lay_out(build, tmp_path)
    for command in build.of("RUN"):
        words = here(re.sub(r"^python ", f"{sys.executable} ", command))
        subprocess.run(words, shell=True, cwd=tmp_path, check=True, timeout=1800)
    lay_out(bot, app)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
    given = {name: here(value) for name, value in bot.environment.items() if name != "PATH"}
    environment = given | {"PATH": f"{venv}/bin:/usr/bin:/bin", "HOME": str(home), "PORT": port}
    with subprocess.Popen(
        bot.words("CMD"), cwd=home, env=environment, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        try:
            assert "is ready" in server.stdout.readline()
            [check] = bot.of("HEALTHCHECK")
            check_words = json.loads(check.partition("CMD ")[2])
            subprocess.run(check_words, cwd=home, env=environment, check=True, timeout=10)
        finally:
            server.send_signal(signal.SIGTERM)
            server.stdout.read()
    assert server.returncode == 0


def lay_out(stage: Stage, folder: Path) -> None:
    for path in stage.copied:
        if (ROOT / path).is_dir():
            left_out = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / path, folder / path.rstrip("/"), ignore=left_out)
        else:
            shutil.copy(ROOT / path, folder)
