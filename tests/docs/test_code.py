"""Code in the pages works as it stands there: Python is run, commands and data are parsed.

A block's language says what it is: `python`, `sh`, `json`, `toml`, `yaml`. A block without one is
to be read.
"""

import ast
import asyncio
import inspect
import json
import re
import shlex
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from importlib.util import find_spec
from io import StringIO

import pytest
import typer
import yaml

from bot.__main__ import COMMANDS, command_line
from tests.bot.texts.texting import texting
from tests.docs.pages import ROOT, Block, pages
from tests.pipelines.services.scripted_endpoint import DONE, Reply, ScriptedEndpoint, delta, finish

SERVER, ENGINE = "127.0.0.1:7860", "localhost:8000"
"""Where the pages have a running server, and a language model's."""

ANSWER = Reply([delta(content="The Rhine, the Elbe."), finish(), DONE])
IN_RUN = {"test", "lint", "lock", "nightly", "mutants", "coverage"}
"""Commands of the script `run` itself."""

PROGRAMS = ("./run ", "halfsecond ")
FOLDERS = ("bench/", "deploy/", "examples/", "pipelines/", "runpod/", "tests/")
PLACEHOLDER = re.compile(r"[A-Z]{4,}")


def blocks(*languages: str) -> list[Block]:
    return [block for page in pages() for block in page.blocks(*languages)]


def place(block: Block) -> str:
    return f"{block.page}:{block.line}"


def run(block: Block, source: str) -> None:
    """As a module is run, and with `await` at its top level, as in a notebook."""
    code = compile(source, place(block), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    made = eval(code, {"__name__": place(block)})
    if inspect.iscoroutine(made):
        asyncio.run(made)


@pytest.mark.parametrize("block", blocks("python"), ids=place)
def test_python_in_a_page_runs(block: Block) -> None:
    async def scenario() -> None:
        engine = ScriptedEndpoint([ANSWER] * 4)
        async with texting(model="halfsecond-demo") as on, engine:
            here = block.text.replace(SERVER, f"127.0.0.1:{on.served.port}")
            here = here.replace(ENGINE, engine.url.split("/")[2])
            await asyncio.to_thread(run, block, here)

    asyncio.run(scenario())


READERS: dict[str, Callable[[str], object]] = {
    "json": json.loads,
    "toml": tomllib.loads,
    "yaml": yaml.safe_load,
}


@pytest.mark.parametrize("block", blocks(*READERS), ids=place)
def test_data_in_a_page_is_what_it_says(block: Block) -> None:
    READERS[block.language](block.text)


@pytest.mark.parametrize("block", blocks("sh"), ids=place)
def test_the_shell_reads_what_a_page_has_for_it(block: Block) -> None:
    read = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True)
    assert read.stderr == ""


def commands(text: str) -> Iterator[list[str]]:
    """The single commands of shell code, without variables before them and what is redirected."""
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|<>()")
        lexer.whitespace_split = True
        command: list[str] = []
        for word in [*lexer, ";"]:
            if set(word) <= set(";&|<>()"):
                if command:
                    yield command
                command = []
            elif command or not re.match(r"^[A-Z_]+=|^export$", word):
                command.append(word)


def complaint(words: list[str]) -> str:
    """The command line's complaint; files may be missing, and arguments in prose."""
    app = typer.main.get_command(command_line(words))
    command = app
    for word in words:
        command = getattr(command, "commands", {}).get(word, command)
    command.callback = lambda **_: None
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()) as said, suppress(SystemExit):
        app.main(args=words, prog_name="./run")
    lacking = "does not exist|is no file in a folder|Missing"
    complaints = re.findall(r"^Error: (.*)", said.getvalue(), re.MULTILINE)
    return "".join(line for line in complaints if not re.search(lacking, line))


def wrong(command: list[str]) -> str:
    """Why this cannot be typed, for commands and files of ours."""
    for word in command:
        path = word.partition("::")[0].partition(".py:")[0]
        if path.startswith(FOLDERS) and not any(ROOT.glob(PLACEHOLDER.sub("*", path) + "*")):
            return f"{path} is not there"
    match command:
        case ["./run" | "halfsecond", first, *_] if first in IN_RUN:
            return ""
        case ["./run" | "halfsecond", *words]:
            return complaint([word for word in words if word != "..."])
        case [python, "-m", module, *_] if "python" in python and find_spec(module) is None:
            return f"{module} is not there"
    return ""


def test_every_command_in_a_block_can_be_typed() -> None:
    found = [
        f"{place(block)}: {shlex.join(command)}: {why}"
        for block in blocks("sh")
        for command in commands(block.text)
        if (why := wrong(command))
    ]
    assert "\n".join(found) == ""


def test_every_command_in_prose_can_be_typed() -> None:
    names = {name for name in COMMANDS if " " in name}
    found = []
    for page in pages():
        for code in page.code():
            whole = f"./run {code}" if " ".join(code.split()[:2]) in names else code
            if whole.startswith(PROGRAMS):
                found += [
                    f"{page.name}: {code}: {why}"
                    for command in commands(whole)
                    if (why := wrong(command))
                ]
    assert "\n".join(found) == ""
