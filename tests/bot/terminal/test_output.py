"""Where a measurement is to be written is looked at before it is begun."""

from itertools import product
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.__main__ import command_line

BENCHES = ["bench turns", "bench stt", "bench tts", "llm bench"]
REPORTS = ["replay smoke --fast", "replay compare before after"]


@pytest.mark.parametrize(
    ("command", "option"),
    [
        *product(BENCHES, ["--json", "--picture"]),
        *product(REPORTS, ["--json", "--markdown", "--html"]),
        ("replay whatif call", "--picture"),
    ],
)
def test_a_file_that_could_not_be_written_is_refused(
    command: str, option: str, tmp_path: Path
) -> None:
    for file in (tmp_path / "nowhere" / "it", tmp_path):
        words = [*command.split(), option, str(file)]
        done = CliRunner().invoke(command_line(words), words, terminal_width=1000)
        assert (done.exit_code, done.stdout) == (2, "")
        assert f"'{option}': {file} is no file in a folder that there is" in done.stderr
