"""The doctor's findings about a machine that has it all, and about one that does not."""

import importlib.metadata
import resource
from pathlib import Path

import pytest

from bot.commands.checks import machine
from bot.commands.checks.finding import CheckVerdict


def test_python_must_be_new_enough() -> None:
    assert machine.check_python().verdict is CheckVerdict.PASS
    assert machine.check_python((3, 10, 4)).verdict is CheckVerdict.FAIL
    assert "3.11" in machine.check_python((3, 10, 4)).mend


def project(folder: Path, wants: str, lock: str) -> Path:
    (folder / "pyproject.toml").write_text(f"[project]\ndependencies = [{wants}]\n")
    (folder / "requirements.lock").write_text(lock)
    return folder


def test_packages_are_held_against_the_lock(tmp_path: Path) -> None:
    assert machine.check_packages().verdict is not CheckVerdict.FAIL

    missing = machine.check_packages(project(tmp_path, '"no-such-package>=1"', ""))
    assert (missing.verdict, missing.found) == (CheckVerdict.FAIL, "missing: no-such-package")

    other = machine.check_packages(project(tmp_path, '"numpy[x]>=2"', "numpy==0.1 \\\n"))
    assert other.verdict is CheckVerdict.WARN
    assert other.found.endswith("not 0.1")
    assert other.mend

    lock = f"numpy==0.1 ; x\nnumpy=={importlib.metadata.version('numpy')} ; y\n"
    one_of_two = machine.check_packages(project(tmp_path, '"numpy>=2"', lock))
    assert one_of_two.verdict is CheckVerdict.PASS


def test_the_models_are_those_that_were_tested() -> None:
    findings = machine.check_models()
    assert [one.verdict for one in findings] == [CheckVerdict.PASS] * 6


def test_a_model_that_is_another_or_not_there_is_found() -> None:
    [(parts, digest)] = [machine.MODELS["voice activity"]]
    other, gone = machine.check_models(
        {"other": (parts, "0" * 64), "gone": ((*parts[:-1], "gone.onnx"), digest)}
    )
    assert other.verdict is CheckVerdict.WARN
    assert "sha256 1a153a22, not 00000000" in other.found
    assert (gone.verdict, gone.found) == (CheckVerdict.FAIL, "gone.onnx is not there")


@pytest.mark.parametrize(
    ("free", "verdict"),
    [(10**10, CheckVerdict.PASS), (5 * 10**8, CheckVerdict.WARN), (10**7, CheckVerdict.FAIL)],
)
def test_room_on_the_disk(free: int, verdict: CheckVerdict, tmp_path: Path) -> None:
    assert machine.check_disk(tmp_path).found.endswith(" GB free")
    finding = machine.check_disk(tmp_path, free)
    assert finding.verdict is verdict
    assert finding.found == f"{free / 1e9:.1f} GB free"


def test_a_call_needs_files() -> None:
    assert machine.check_files(8, 1024).verdict is CheckVerdict.PASS
    assert machine.check_files(8, resource.RLIM_INFINITY).verdict is CheckVerdict.PASS
    few = machine.check_files(1000, 1024)
    assert few.verdict is CheckVerdict.FAIL
    assert few.mend.startswith("ulimit -Hn 4960")


def test_with_fewer_files_there_is_less_room_beside_the_calls() -> None:
    tight = machine.check_files(8, 512)
    assert tight.verdict is CheckVerdict.WARN
    assert (
        tight.found == "512 open files, and 8 calls with all that stands beside them can need 992"
    )
