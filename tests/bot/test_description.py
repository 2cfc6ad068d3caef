"""The API's description, held against the API by schemathesis: junk of every kind, on a socket."""

import asyncio
import json
import re
import sys
from pathlib import Path

import pytest

from bot.texts.request import ChatRequest
from tests.bot.texts.texting import Texting, texting

STREAM = "/api/v1/chat/stream/{client_id}"
"""Never ends: only what is wrong is asked of it."""


async def judge(on: Texting, folder: Path, *options: str) -> tuple[int, str]:
    """schemathesis' exit status and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{on.base_url[:-3]}/openapi.json"),
        *("--request-timeout", "5", "--continue-on-failure", "--seed", "1", *options),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    return process.returncode or 0, re.sub(r"(.{300}).*", r"\1", printed.decode())


def find_nothing(folder: Path, *options: str) -> str:
    async def scenario() -> str:
        async with texting(model=MODEL) as on:
            status, printed = await judge(on, folder, *options)
            assert status == 0, printed
            return printed

    return asyncio.run(scenario())


MODEL = "halfsecond-demo"
"""The model in the description's example."""


def test_schemathesis_finds_nothing_at_a_glance(tmp_path: Path) -> None:
    asked = ("--phases", "examples,fuzzing", "--max-examples", "2", "--exclude-path", STREAM)
    printed = find_nothing(tmp_path, *asked)
    assert "Tested: " in printed


@pytest.mark.soak
def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    asked = ("--phases", "examples,coverage,fuzzing", "--max-examples", "300")
    find_nothing(tmp_path, *asked, "--exclude-path", STREAM)
    find_nothing(tmp_path, "--mode", "negative", "--max-examples", "100", "--include-path", STREAM)


def test_the_description_names_each_door_and_its_example_is_one() -> None:
    async def scenario() -> None:
        async with texting(model=MODEL) as on:
            described = (await on.served.http.get("/openapi.json")).json()
            paths = described["paths"]
            assert {"/start", "/v1/models", "/v1/chat/completions", STREAM} <= paths.keys()
            body = paths["/v1/chat/completions"]["post"]["requestBody"]["content"]
            schema = body["application/json"]["schema"]
            assert "$ref" not in json.dumps(schema)
            assert ChatRequest.model_validate(schema["example"]).model == MODEL
            answer = await on.served.http.post("/v1/chat/completions", json=schema["example"])
            assert answer.status_code == 200

    asyncio.run(scenario())
