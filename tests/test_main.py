"""The command line's answers before any model is loaded."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import bot
from bot.__main__ import COMMANDS, command_line
from bot.commands.checks.finding import CheckVerdict, Finding
from bot.commands.doctor import as_json, as_text
from bot.commands.serve import in_use, terms
from bot.phone.line import TelephoneConfig
from bot.settings import Settings
from bot.wiring.telephone import phone_for

pytestmark = pytest.mark.usefixtures("empty_folder")


def typed(*words: str, **env: str) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    result = CliRunner().invoke(command_line(words), words, env=env)
    return result.exit_code, result.stdout, result.stderr


def test_it_says_its_version() -> None:
    assert typed("--version") == (0, f"halfsecond {bot.__version__}\n", "")


def test_help_names_every_command_that_is_installed() -> None:
    code, said, _ = typed("--help")
    assert code == 0
    for command in ("serve", "call", "llm"):
        assert f"\n  {command} " in said


@pytest.mark.parametrize(
    "command",
    [
        "serve",
        "doctor",
        "call",
        *(
            f"llm {name}"
            for name in ("run", "bench", "up", "status", "logs", "down", "fetch", "demo")
        ),
    ],
)
def test_each_command_explains_itself(command: str) -> None:
    code, said, _ = typed(*command.split(), "--help")
    assert code == 0
    assert said.startswith("Usage: ")


def test_the_help_of_serve_has_examples() -> None:
    assert "\n    ./run serve --port 8080 --profile fixed-150\n" in typed("serve", "--help")[1]


def test_a_command_whose_module_is_not_installed_leaves_the_rest() -> None:
    lacking = {
        **COMMANDS,
        "call": ("client.nowhere:call", "Not here."),
        "llm run": ("no.way:up", ""),
    }

    def code(*words: str) -> int:
        return CliRunner().invoke(command_line(words, lacking), words).exit_code

    assert (code("--help"), code("serve", "--help"), code("llm", "up", "--help")) == (0, 0, 0)
    assert (code("call"), code("llm", "run")) == (2, 2)
    assert "call" not in CliRunner().invoke(command_line([], lacking), ["--help"]).stdout.split()


def test_each_line_of_a_list_of_commands_is_whole() -> None:
    groups = {name.split()[0] for name in COMMANDS if " " in name and "replay" not in name}
    for words in ([], *([group] for group in sorted(groups))):
        code, said, _ = typed(*words, "--help")
        assert (code, "..." in said.partition("Commands:")[2]) == (0, False)


def test_without_a_command_the_help_is_shown() -> None:
    assert typed() == (2, "", typed("--help")[1])


@pytest.mark.parametrize("command", ["serve", "llm demo"])
def test_a_port_in_use_gives_one_line(command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, said, complaint = typed(*command.split(), "--port", port)
    assert (code, said) == (1, "")
    assert complaint == (
        f"halfsecond: port {port} is in use on 127.0.0.1: "
        "stop what listens there, or take another --port\n"
    )


def test_the_demo_takes_a_port_that_there_is() -> None:
    code, said, complaint = typed("llm", "demo", "--port", "99999")
    assert (code, said) == (2, "")
    assert "'--port': Input should be less than or equal to 65535" in complaint


@pytest.mark.parametrize(
    ("words", "env", "complaint"),
    [
        (["--port", "99999"], {}, "PORT should be less than or equal to 65535"),
        (
            ["--profile", "b200"],
            {},
            "PROFILE should be none, a100, h100-fp8, fixed-150 or a file with a profile",
        ),
        ([], {"LLM_BASEURL": "x"}, "LLM_BASEURL is not a setting: did you mean LLM_BASE_URL?"),
    ],
)
def test_a_setting_that_cannot_be_meant_gives_one_line(
    words: list[str], env: dict[str, str], complaint: str
) -> None:
    assert typed("serve", *words, **env) == (2, "", f"halfsecond: {complaint}\n")


@pytest.mark.parametrize(
    ("words", "also"),
    [([], ("bot.settings", "numpy")), (["llm"], ("bot.settings", "numpy")), (["serve"], ())],
)
def test_help_loads_no_model_and_no_framework(words: list[str], also: tuple[str, ...]) -> None:
    heavy = ("pipecat", "onnxruntime", "openai", "fastapi", "moonshine_voice", *also)
    program = (
        f"import sys; from bot.__main__ import command_line; command_line({words});"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    root = Path(bot.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


REACHED = Settings.model_validate(
    {"public_base_url": "https://Voice.example/", "twilio_auth_token": "x"}
)


@dataclass
class Chosen:
    is_demo: bool
    records: str | None = None
    ears: str = "big ones"
    llm: str = "a demo"
    voice: str = "a robot's"
    telephone: str = "off"
    clock: str = "Asia/Tokyo"


def test_what_is_in_use_is_said_and_the_way_to_a_real_model() -> None:
    said = in_use("http://127.0.0.1:7860", Chosen(is_demo=True))
    assert said.startswith(
        "Halfsecond is ready: http://127.0.0.1:7860\n  ears   big ones\n  LLM    a demo\n"
    )
    assert "\n  clock  Asia/Tokyo\n" in said
    assert "No language model" in said
    assert "LLM_BASE_URL=" in said
    assert "LLM_BASE_URL" not in in_use("http://127.0.0.1:7860", Chosen(is_demo=False))


def test_a_token_that_was_made_for_this_start_is_said() -> None:
    chosen = Chosen(is_demo=False)
    said = in_use("http://127.0.0.1:7860", chosen, "a-token")
    assert "\n  token  a-token  (asked of those who come from beyond this machine)" in said
    assert "to all that come by a plain TCP forward to it" in " ".join(said.split())
    said = in_use("http://127.0.0.1:7860", chosen, "a-token", everybody=True)
    assert "\n  token  a-token  (asked of everybody)" in said
    assert "TCP forward" not in " ".join(said.split())
    assert "token" not in in_use("http://127.0.0.1:7860", chosen)


def test_a_server_with_a_public_address_says_where_it_is_on_this_machine_too() -> None:
    chosen = Chosen(is_demo=False, telephone=phone_for(REACHED).in_words)
    said = in_use("http://127.0.0.1:7860", chosen, public=REACHED.public_base_url)
    assert said.splitlines() == [
        "Halfsecond is ready: http://127.0.0.1:7860",
        "  public https://voice.example",
        "  ears   big ones",
        "  LLM    a demo",
        "  voice  a robot's",
        "  phone  Twilio, by its webhook https://voice.example/twilio/voice",
        "  clock  Asia/Tokyo",
        "  texts  https://voice.example/v1, for any OpenAI client",
    ]


def test_that_calls_are_recorded_is_said() -> None:
    chosen = Chosen(is_demo=False, records="RECORDED in here")
    assert "\n  calls  RECORDED in here" in in_use("http://127.0.0.1:7860", chosen)
    assert "calls" not in in_use("http://127.0.0.1:7860", Chosen(is_demo=False))


@pytest.mark.parametrize(("host", "beyond"), [("127.0.0.1", False), ("0.0.0.0", True)])
def test_the_house_rules_follow_from_the_settings_and_the_socket(host: str, beyond: bool) -> None:
    given = {
        "public_base_url": "https://Voice.Example/",
        "allowed_origins": "https://a.example, https://b.example",
        "calls_per_address": 7,
    }
    with socket.create_server((host, 0)) as listener:
        made = [
            terms(Settings.model_validate(given), listener, TelephoneConfig()) for _ in range(2)
        ]
        kept = terms(Settings.model_validate({"access_token": "mine"}), listener, TelephoneConfig())
    access = made[0].access
    assert access.listens_beyond_loopback is beyond
    assert access.public == "https://voice.example"
    assert access.origins == {"https://a.example", "https://b.example"}
    assert made[0].limits.calls_per_address == 7
    assert len(access.token) == 32
    assert access.token != made[1].access.token
    assert kept.access.token == "mine"


CTRL_C_WHILE_IT_LOADS = """
import signal, sys
from bot.__main__ import main

class Impatient:
    def find_spec(self, name, path, target=None):
        if name == "bot.wiring":
            signal.raise_signal(signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)  # none in what a shell put behind
sys.meta_path.insert(0, Impatient())
main()
"""


def test_ctrl_c_while_it_loads_ends_it_without_a_word(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CTRL_C_WHILE_IT_LOADS, "serve", "--port", "0"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(bot.__file__).parents[1])},  # noqa: TID251
        capture_output=True,
        text=True,
    )
    assert done.stderr == "halfsecond: loading the ears, the voice and the LLM ...\n"
    assert done.returncode == 130


FINDINGS = [
    Finding("python", CheckVerdict.PASS, "3.11.7"),
    Finding("voice", CheckVerdict.FAIL, "silent", "choose another"),
]


def test_the_doctor_says_what_it_found_and_how_to_mend_it() -> None:
    assert as_text(FINDINGS).splitlines() == [
        "pass  python  3.11.7",
        "fail  voice   silent",
        "              -> choose another",
        "1 pass, 0 to be looked at, 1 fail",
    ]
    assert json.loads(as_json(FINDINGS)) == {
        "ok": False,
        "checks": [
            {"name": "python", "verdict": "pass", "found": "3.11.7", "mend": ""},
            {"name": "voice", "verdict": "fail", "found": "silent", "mend": "choose another"},
        ],
    }
    assert json.loads(as_json(FINDINGS[:1]))["ok"] is True


def test_the_doctor_finds_a_setting_that_cannot_be_meant() -> None:
    code, said, _ = typed("doctor", "--json", MAX_CALL="3")
    assert code == 1
    [check] = json.loads(said)["checks"]
    assert (check["name"], check["verdict"]) == ("settings", "fail")
    assert "did you mean MAX_CALLS?" in check["found"]


def diagnosed(folder: Path, **env: str) -> tuple[int, dict[str, Any]]:
    """In a process of its own: it decides where all logs go."""
    program = (
        "from bot.__main__ import command_line; command_line(['doctor'])(['doctor', '--json'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(bot.__file__).parents[1]), **env},  # noqa: TID251
        capture_output=True,
        text=True,
    )
    return done.returncode, json.loads(done.stdout)


def test_the_doctor_looks_at_everything_and_its_exit_code_says_how_it_went(tmp_path: Path) -> None:
    code, report = diagnosed(tmp_path, PORT="0")
    assert (code, report["ok"]) == (0, True)
    assert [check["name"] for check in report["checks"]] == [
        *("python", "packages", "voice activity", "turn end"),
        *("ears, encoder", "ears, decoder", "ears, tokenizer", "voice, model"),
        *("ears", "voice", "port", "tls"),
        *("access token", "public address", "llm", "disk", "file limit"),
    ]
    code, report = diagnosed(tmp_path, PORT="0", LLM_BASE_URL="http://127.0.0.1:1/v1")
    assert (code, report["ok"]) == (1, False)
    assert [c["name"] for c in report["checks"] if c["verdict"] == "fail"] == ["llm"]
