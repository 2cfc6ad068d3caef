"""`./run attack`: its list, its help, and names that it does not know. Starts no server."""

import pytest
from typer.testing import CliRunner

from bench.attack.attackers import ATTACKERS
from bench.attack.callers import DOORS, LINES, calls_in, recordings
from bench.attack.course import turns_in
from bot.__main__ import command_line


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(command_line(["attack", *words]), ["attack", *words])
    return done.exit_code, done.output


def test_the_list_names_each_attacker() -> None:
    status, printed = run("--list")
    assert status == 0
    assert [line.split()[0] for line in printed.splitlines()] == list(ATTACKERS)


def test_help_has_examples() -> None:
    status, printed = run("--help")
    assert status == 0
    assert "attack --seconds 60" in printed


def test_an_unknown_attacker_is_refused_by_its_name() -> None:
    status, printed = run("pongs")
    assert status == 2
    assert "pongs" in printed


@pytest.mark.parametrize(("seconds", "calls"), [(20, 1), (60, 2), (300, 12)])
def test_calls_fill_the_time(seconds: float, calls: int) -> None:
    assert calls_in(seconds) == calls
    assert turns_in(calls, LINES) == 2 * calls * LINES * len(DOORS)


def test_recordings_are_short_and_of_one_turn_each() -> None:
    found = recordings()
    assert len(found) >= 8
    assert all(len(one.turns) == 1 for one in found)
