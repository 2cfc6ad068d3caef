"""The files of the wheel, as pyproject.toml names them; `deploy/check_wheel.sh` builds it."""

import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.deploy.dockerfile import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FOUND = PROJECT["tool"]["setuptools"]["packages"]["find"]
PACKAGES = [name.rstrip("*") for name in FOUND["include"] if (ROOT / name.rstrip("*")).is_dir()]
DATA = PROJECT["tool"]["setuptools"]["package-data"]
LEFT_OUT = {
    "bot/browser/browser.proto": "what browser_pb2.py is made from",
    "replay/suites/turns/suite.toml": "its sound is under bench, which is not in the wheel",
}


def _data() -> set[Path]:
    return {
        path.relative_to(ROOT)
        for package, patterns in DATA.items()
        for pattern in patterns
        for path in (ROOT / package.replace(".", "/")).glob(pattern)
        if path.is_file()
    }


def _others() -> list[str]:
    """Files of the packages that are no code."""
    kept = subprocess.run(
        ["git", "ls-files", *PACKAGES], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split("\n")
    return [name for name in kept if name and not name.endswith((".py", ".pyi"))]


def test_every_file_beside_the_code_is_in_the_wheel_or_left_out_for_a_reason() -> None:
    assert {Path(name) for name in _others()} - _data() <= {Path(name) for name in LEFT_OUT}


def test_nothing_that_is_left_out_gets_in() -> None:
    assert not {Path(name) for name in LEFT_OUT} & _data()


@pytest.mark.parametrize("package", sorted(DATA))
def test_data_lies_in_a_package(package: str) -> None:
    assert (ROOT / package.replace(".", "/") / "__init__.py").is_file()
    for pattern in DATA[package]:
        assert any((ROOT / package.replace(".", "/")).glob(pattern)), pattern


@pytest.mark.parametrize("package", PACKAGES)
def test_each_folder_with_code_is_a_package(package: str) -> None:
    for file in (ROOT / package).rglob("*.py"):
        assert (file.parent / "__init__.py").is_file(), file


def test_measuring_and_tests_stay_in_the_checkout() -> None:
    assert not {"bench", "tests", "examples"} & set(PACKAGES)
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            text = file.read_text()
            assert "import bench" not in text, file
            assert "from bench" not in text, file


def test_the_licences_are_in_it() -> None:
    assert PROJECT["project"]["license-files"] == ["LICENSE", "NOTICE"]


def test_the_list_of_settings_is_that_of_the_checkout() -> None:
    assert (ROOT / "bot/settings/env.example").samefile(ROOT / ".env.example")


def test_the_recording_is_the_one_that_tests_play() -> None:
    tested = ROOT / "tests" / "recordings" / "phone_outgoing_call.wav"
    assert tested.samefile(ROOT / "client" / "caller" / "outgoing_call.wav")
