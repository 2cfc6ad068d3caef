"""`./run` on machines that lack something: one line that says what, and how to mend it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

RUN = Path(__file__).parents[1] / "run"
TOOLS = ("bash", "cat", "cksum", "dirname", "flock", "grep", "mkdir", "rm", "tail")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A clone, and beside it a `bin` with ordinary tools and no Python."""
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found, tool
        (tmp_path / "bin" / tool).symlink_to(found)
    (tmp_path / "clone").mkdir()
    shutil.copy(RUN, tmp_path / "clone")
    (tmp_path / "clone" / "requirements.lock").write_text("one==1\n")
    return tmp_path


def program(machine: Path, path: str, script: str) -> None:
    file = machine / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def run(machine: Path, *words: str) -> tuple[int, str]:
    """Exit code, and what was said on standard error."""
    done = subprocess.run(
        [machine / "bin" / "bash", machine / "clone" / "run", *words],
        env={"PATH": str(machine / "bin")},
        cwd=machine,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


VENV_MADE = """case "$*" in
*"-m venv"*) mkdir -p "$4/bin"; cat "$0" > "$4/bin/python"; chmod +x "$4/bin/python" ;;
"""


def test_no_python_is_said_in_one_line(machine: Path) -> None:
    code, said = run(machine, "serve")
    assert code == 1
    assert said.startswith("run: there is no Python 3.11 or newer on the path")
    assert said.count("\n") == 1


def test_an_old_python_is_passed_over(machine: Path) -> None:
    program(machine, "bin/python3", "exit 1")
    program(machine, "bin/python3.12", "case $1 in --version) echo Python 3.12.0 ;; esac")
    assert "with Python 3.12.0" in run(machine, "serve")[1]


def test_a_python_without_venv_is_said_in_one_line(machine: Path) -> None:
    program(machine, "bin/python3", 'case "$*" in *venv*) echo "No ensurepip" >&2; exit 1 ;; esac')
    code, said = run(machine, "serve")
    assert code == 1
    assert said.splitlines()[-1].startswith("run: python3 cannot make a virtual environment")


def test_no_network_is_said_in_one_line_and_the_next_start_tries_again(machine: Path) -> None:
    shutil.copy(shutil.which("chmod") or "", machine / "bin")
    fails = '*"pip install"*) echo "ERROR: no route to host" >&2; exit 1 ;;\nesac'
    program(machine, "bin/python3", VENV_MADE + fails)
    for _ in range(2):
        code, said = run(machine, "serve")
        assert code == 1
        assert said.splitlines()[-1].startswith("run: could not install (ERROR: no route to host)")


def test_what_is_installed_once_is_not_installed_again(machine: Path) -> None:
    shutil.copy(shutil.which("chmod") or "", machine / "bin")
    log = machine / "pip.log"
    rest = f"""*"pip install"*) echo called >> {log} ;;
*sysconfig*) echo {machine}/clone ;;
*"-m bot"*) echo "$@" >> {machine}/bot.log ;;
esac"""
    program(machine, "bin/python3", VENV_MADE + rest)
    assert run(machine, "serve", "--port", "1")[0] == 0
    assert run(machine, "call", "a b.wav")[0] == 0
    assert log.read_text() == "called\n"
    assert (machine / "bot.log").read_text() == "-P -m bot serve --port 1\n-P -m bot call a b.wav\n"
    assert (machine / "clone" / "halfsecond.pth").read_text() == f"{machine}/clone\n"
    (machine / "clone" / "requirements.lock").write_text("one==2\n")
    assert run(machine, "serve")[0] == 0
    assert log.read_text() == "called\ncalled\n"


@pytest.mark.parametrize(
    ("browser", "others", "code"),
    [(0, 0, 0), (1, 0, 1), (0, 1, 1), (5, 0, 0)],
    ids=["all pass", "the browser's fail", "the others fail", "none in the browser was asked for"],
)
def test_the_tests_exit_as_they_went(machine: Path, browser: int, others: int, code: int) -> None:
    for tool in ("chmod", "mktemp"):
        (machine / "bin" / tool).symlink_to(shutil.which(tool) or "")
    (machine / "clone" / "requirements-test.lock").write_text("one==1\n")
    program(
        machine,
        "bin/python3",
        f"""{VENV_MADE}*sysconfig*) echo "$PWD" ;;
*"pytest tests/client/web"*) exit {browser} ;;
*pytest*) exit {others} ;;
esac""",
    )
    assert run(machine, "test")[0] == code


@pytest.mark.parametrize("word", ["test", "lint", "lock"])
@pytest.mark.parametrize("asked", [["--help"], ["-h"], ["-x", "--help"]])
def test_help_is_said_at_once_without_an_environment(
    machine: Path, word: str, asked: list[str]
) -> None:
    done = subprocess.run(
        [machine / "bin" / "bash", machine / "clone" / "run", word, *asked],
        env={"PATH": str(machine / "bin")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(f"./run {word} ")
    assert done.stdout.count("\n  ") >= 1, "an example"
    assert done.stderr == ""
    assert not (machine / "clone" / ".venv").exists()


def test_help_of_another_command_is_the_command_lines_own(machine: Path) -> None:
    shutil.copy(shutil.which("chmod") or "", machine / "bin")
    rest = f"""*sysconfig*) echo {machine}/clone ;;
*"-m bot"*) echo "$@" >> {machine}/bot.log ;;
esac"""
    program(machine, "bin/python3", VENV_MADE + rest)
    assert run(machine, "serve", "--help")[0] == 0
    assert (machine / "bot.log").read_text() == "-P -m bot serve --help\n"


def test_only_what_is_missing_is_counted_and_what_is_there_stays(machine: Path) -> None:
    shutil.copy(shutil.which("chmod") or "", machine / "bin")
    pip = """*"pip install"*) echo "Requirement already satisfied: one==1"
  echo "Collecting three==3"; echo "Collecting my-four==4"
  echo "Installing collected packages: three, my_four" ;;
*"pip freeze"*) echo One==1; echo two_b==2 ;;
*sysconfig*) echo "$PWD" ;;
esac"""
    program(machine, "bin/python3", VENV_MADE + pip)
    wanted = "one==1 \\\n    --hash=sha256:0\ntwo-b==2\nthree==3\nmy-four==4\n"
    (machine / "clone" / "requirements-test.lock").write_text(wanted)
    assert run(machine, "serve")[0] == 0
    code, said = run(machine, "lint")
    assert code != 0, "there is no linter in it"
    assert "unpacking 2 packages" in said
    assert "bringing" in said
    assert "making" not in said


def test_a_list_that_may_be_empty_is_not_read_as_unset_by_the_bash_of_macos() -> None:
    """bash 3.2 takes "${list[@]}" of an empty list for an unset name, which `set -u` refuses."""
    script = RUN.read_text()
    emptied = set(re.findall(r"(\w+)=\(\)", script))
    assert emptied
    for name in emptied:
        uses = re.findall(rf'(.{{0,9}})"\$\{{{name}\[@\]\}}"', script)
        assert uses
        assert all(before.endswith("[@]+") for before in uses)
