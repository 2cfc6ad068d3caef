"""The shape of the code base, enforced. Contracts on imports live in pyproject.toml."""

import ast
import re
import tomllib
from collections import defaultdict
from pathlib import Path

import pytest

import bot

ROOT = Path(__file__).parents[1]
MODULES = sorted(
    path
    for top in ("bot", "pipelines", "client", "replay", "halfsecond", "bench", "examples")
    for path in (ROOT / top).rglob("*.py")
    if not path.name.endswith("_pb2.py")
)
MAX_LINES = 500
VAGUE = {"utils", "util", "helpers", "common", "manager", "handler", "base", "misc"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCKS = {"requirements.lock": (), "requirements-test.lock": ("test",)}


def test_each_module_fits_in_one_sitting() -> None:
    assert [path for path in MODULES if len(path.read_text().splitlines()) > MAX_LINES] == []


def test_each_module_says_what_it_is_for() -> None:
    texts = {path: path.read_text() for path in MODULES}
    assert [path for path, text in texts.items() if text and not text.startswith('"""')] == []
    assert [path for path in MODULES if VAGUE & set(path.stem.split("_"))] == []


def test_no_two_public_classes_share_a_name() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path in MODULES:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(path.relative_to(ROOT)))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_docstrings_begin_with_their_subject() -> None:
    begun = re.compile(r'"""\s*(?:Of|What|That|For how|Whoever|Who|Whether)\b.*')
    assert [
        f"{path.relative_to(ROOT)}: {found}"
        for path in (*MODULES, *(ROOT / "runpod").glob("*.py"), *(ROOT / "tests").rglob("*.py"))
        if path.name != Path(__file__).name
        for found in begun.findall(path.read_text())
    ] == []


def test_runpod_is_not_a_package() -> None:
    """`runpod/__init__.py` would shadow the runpod SDK."""
    assert not (ROOT / "runpod" / "__init__.py").exists()


def test_there_is_one_version() -> None:
    assert PROJECT["version"] == bot.__version__


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_pins_all_that_the_project_asks_for(lock: str) -> None:
    wanted = [*PROJECT["dependencies"]]
    for extra in LOCKS[lock]:
        wanted += PROJECT["optional-dependencies"][extra]
    text = (ROOT / lock).read_text()
    pinned = set(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE))
    names = {re.split(r"[<>=!~;\[ ]", line)[0].lower().replace("_", "-") for line in wanted}
    assert names - pinned == set()


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_has_a_hash_for_each_pin_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    pins = re.findall(r"^[a-z0-9].*==.*\\\n    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)
    assert len(pins) == len(re.findall(r"^[a-z0-9]", text, re.MULTILINE))
    assert "://" not in text
    assert "--index" not in text


def test_the_two_locks_agree() -> None:
    run, test = ((ROOT / lock).read_text() for lock in LOCKS)
    pins = re.findall(r"^[a-z0-9]\S+==\S+", run, re.MULTILINE)
    assert [pin for pin in pins if pin not in test] == []
