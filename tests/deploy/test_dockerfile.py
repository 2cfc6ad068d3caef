"""The Dockerfile: what can be held against the tree without building it, and its steps, run."""

import asyncio
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

from bot.calls.sessions import Doors
from bot.settings import Settings
from tests.certificates import make_certificate
from tests.deploy.dockerfile import ROOT, Stage, stages
from tests.echo import EchoEngine
from tests.serving import serving

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
        assert packages <= copied


def test_the_bot_is_nobody_of_importance_and_hears_sigterm() -> None:
    bot = STAGES["bot"]
    assert bot.of("USER") == ["10001"]
    assert bot.of("STOPSIGNAL") == ["SIGTERM"]
    assert bot.words("CMD") == ["python", "-P", "-m", "bot", "serve"]  # no shell between
    assert "useradd --uid 10001" in ran(bot)
    assert STAGES["pod"].words("ENTRYPOINT") == ["/app/runpod/start.sh"]
    assert os.access(ROOT / "runpod" / "start.sh", os.X_OK)


def test_what_is_installed_comes_from_a_lock_with_hashes() -> None:
    for name, stage in STAGES.items():
        for command in stage.of("RUN"):
            if " pip install" in command:
                rest = command.partition(" pip install ")[2].replace("--no-cache-dir", "")
                wanted = rest.replace("--no-compile", "").split()
                lock = "requirements-cuda.lock" if name == "build-cuda" else "requirements.lock"
                assert wanted == ["--require-hashes", "-r", lock], (name, command)


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


def health_of(port: int, **variables: str) -> int:
    """The exit code of the image's own health check."""
    [check] = STAGES["bot"].of("HEALTHCHECK")
    _, *words = json.loads(check.partition("CMD ")[2])
    given = {"PATH": os.defpath, "PORT": str(port), **variables}
    done = subprocess.run([sys.executable, *words], env=given, capture_output=True, check=False)
    return done.returncode


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("is_tls", [False, True])
def test_its_health_is_that_of_the_server_with_tls_and_without(
    tmp_path: Path, is_tls: bool
) -> None:
    made = make_certificate(tmp_path) if is_tls else None
    variables = {"TLS_CERT": str(made.chain)} if made else {}

    async def scenario() -> tuple[int, int]:
        engine = EchoEngine()
        engine.may_open.clear()
        async with serving(engine, certificate=made, settle=False) as served:
            early = await asyncio.to_thread(health_of, served.port, **variables)
            engine.may_open.set()
            await served.sessions.until(Doors.OPEN)
            return early, await asyncio.to_thread(health_of, served.port, **variables)

    loading, ready = asyncio.run(scenario())
    assert loading != 0
    assert ready == 0


LEFT_OUT = ("numba", "llvmlite", "resampy", "setuptools", "pip", "pkg_resources")


def test_what_is_taken_out_of_the_image_is_asked_for_by_nothing_that_runs() -> None:
    [taken] = re.findall(r"pip uninstall -y ([\w ]+)", ran(STAGES["lean"]))
    assert set(taken.split()) <= set(LEFT_OUT)
    assert STAGES["bot"].of("COPY")[0] == "--from=lean /opt/venv /opt/venv"
    program = f"""
import importlib, pkgutil, sys
for name in {LEFT_OUT}:
    sys.modules[name] = None
import bot, pipelines, client
for root in (bot, pipelines, client):
    for one in pkgutil.walk_packages(root.__path__, root.__name__ + "."):
        if not one.name.endswith("__main__"):
            importlib.import_module(one.name)
import faster_whisper, moonshine_voice, pipecat.services.openai.tts, pipecat.services.openai.stt
"""
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=120)


def test_what_the_build_looks_for_is_what_the_project_asks_for() -> None:
    [check] = [one for one in STAGES["lean"].of("RUN") if "import " in one]
    imported = set(re.findall(r"[\w.]+", check.partition("import ")[2]))
    assert imported <= {name.replace("-", "_") for name in asked_for()} | {
        *("ctranslate2", "pipecat.audio.utils", "pipecat.pipeline.pipeline"),
        "twilio.rest.api.v2010",
    }


def asked_for() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [re.split(r"[<>=!~;\[ ]", line)[0] for line in project["dependencies"]]


def test_the_check_before_a_release_looks_at_this_dockerfile() -> None:
    script = ROOT / "deploy" / "check_image.sh"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)
    text = script.read_text()
    [recording] = re.findall(r"^recording=(\S+)$", text, re.MULTILINE)
    assert (ROOT / recording).is_file()
    assert "most_mb=900\n" in text
    assert STAGES["bot"].of("USER")[0] in text


@pytest.mark.soak
def test_its_steps_make_an_environment_that_serves_and_is_well(tmp_path: Path) -> None:
    """All but the base image: the same steps in the same order, in folders of their own."""
    venv, app, home = tmp_path / "venv", tmp_path / "app", tmp_path / "home"
    for folder in (app, home):
        folder.mkdir()

    def here(words: str) -> str:
        return words.replace("/opt/venv", str(venv)).replace("/app", str(app))

    build, lean, bot = STAGES["build"], STAGES["lean"], STAGES["bot"]
    lay_out(build, tmp_path)
    for command in (*build.of("RUN"), *lean.of("RUN")):
        if command.startswith(("apt-get", "strip")):
            continue  # this machine's
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
