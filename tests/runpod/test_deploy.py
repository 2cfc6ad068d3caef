"""deploy.py against a RunPod on loopback: what it makes, that it makes it once, what it leaves."""

import importlib.util
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.runpod.cloud import ENDPOINT, KEY, TEMPLATE, Cloud, cloud

FOLDER = Path(__file__).parents[2] / "runpod"
FILES = ("a100.json", "h100-fp8.json", "pod.json")
SECRETS = {"HF_TOKEN": "hf_canary", "ACCESS_TOKEN": "door_canary", "IMAGE": "you/halfsecond:pod"}


@pytest.fixture(scope="module")
def deploy() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("deploy", FOLDER / "deploy.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before = sys.path[:]
    spec.loader.exec_module(module)
    yield module
    sys.path[:] = before


@pytest.fixture
def there() -> Iterator[Cloud]:
    with cloud() as made:
        yield made


class Operator:
    """Types commands."""

    def __init__(self, deploy: ModuleType, there: Cloud) -> None:
        self._app = deploy.app
        urls = {"RUNPOD_REST_URL": there.url, "RUNPOD_GRAPHQL_URL": f"{there.url}/graphql"}
        self.environment = {"RUNPOD_API_KEY": KEY, **SECRETS, **urls}

    def types(self, *words: str, variant: str = "a100.json", answer: str = "") -> Result:
        options = [] if words[0] == "list" else ["--variant", str(FOLDER / variant)]
        given = [words[0], *options, *words[1:]]
        result = CliRunner().invoke(self._app, given, env=self.environment, input=answer)
        for secret in (KEY, "hf_canary", "door_canary"):
            assert secret not in result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result


@pytest.fixture
def operator(deploy: ModuleType, there: Cloud) -> Operator:
    return Operator(deploy, there)


def only(things: dict[str, dict[str, Any]]) -> dict[str, Any]:
    [thing] = things.values()
    return thing


# ---- the files ----


def test_the_endpoint_is_what_was_planned() -> None:
    asked = json.loads((FOLDER / "a100.json").read_text())
    assert asked["template"]["imageName"].startswith("runpod/worker-v1-vllm:")
    assert asked["template"]["env"] == {
        "MODEL_NAME": "google/gemma-3-27b-it",
        "HF_TOKEN": "$HF_TOKEN",
        "MAX_MODEL_LEN": "8192",
        "GPU_MEMORY_UTILIZATION": "0.90",
        "DTYPE": "bfloat16",
        "TENSOR_PARALLEL_SIZE": "1",
        "MAX_CONCURRENCY": "30",
    }
    assert all("A100" in gpu and "80" in gpu for gpu in asked["endpoint"]["gpuTypeIds"])
    assert asked["endpoint"]["workersMin"] == 0, "at rest it costs nothing"
    fast = json.loads((FOLDER / "h100-fp8.json").read_text())
    assert fast["template"]["env"]["QUANTIZATION"] == "fp8"
    assert all("H100" in gpu for gpu in fast["endpoint"]["gpuTypeIds"])


@pytest.mark.parametrize("name", FILES)
def test_a_file_asks_only_for_what_the_api_knows(name: str) -> None:
    asked = json.loads((FOLDER / name).read_text())
    assert asked["template"].keys() <= TEMPLATE.keys()
    if "endpoint" in asked:
        assert asked["endpoint"].keys() <= ENDPOINT.keys()
    assert "hf_" not in (FOLDER / name).read_text()


# ---- up ----


def test_the_price_comes_first_and_nothing_is_done_without_a_yes(
    operator: Operator, there: Cloud
) -> None:
    dry = operator.types("up", "--dry-run")
    assert dry.exit_code == 0
    assert "price: $2.74 per hour and running worker" in dry.output
    assert "at rest $0.00, at most $2.74 per hour" in dry.output
    assert dry.output.index("price:") < dry.output.index("make template")
    refused = operator.types("up", answer="n\n")
    assert refused.exit_code == 1
    assert there.asked == []
    done = operator.types("up", answer="y\n")
    assert done.exit_code == 0
    assert there.asked == [("POST", "templates"), ("POST", "endpoints")]


def test_up_makes_it_and_says_what_to_set(operator: Operator, there: Cloud) -> None:
    done = operator.types("up", "--yes")
    endpoint, template = only(there.things["endpoints"]), only(there.things["templates"])
    assert endpoint["templateId"] == template["id"]
    assert template["env"]["HF_TOKEN"] == "hf_canary"
    assert f"LLM_BASE_URL=https://api.runpod.ai/v2/{endpoint['id']}/openai/v1" in done.output
    assert "LLM_MODEL=google/gemma-3-27b-it" in done.output
    assert "LLM_MAX_CONCURRENCY=30" in done.output


@pytest.mark.parametrize("variant", FILES)
def test_twice_in_a_row_changes_nothing_the_second_time(
    operator: Operator, there: Cloud, variant: str
) -> None:
    first = operator.types("up", "--yes", variant=variant)
    assert first.exit_code == 0, first.output
    before, asked = json.dumps(there.things), len(there.asked)
    second = operator.types("up", variant=variant)  # and asks nothing
    assert second.exit_code == 0
    assert "nothing to do: it is as it should be" in second.output
    assert (json.dumps(there.things), len(there.asked)) == (before, asked)


def test_what_has_drifted_is_named_and_set_right(operator: Operator, there: Cloud) -> None:
    operator.types("up", "--yes")
    template, endpoint = only(there.things["templates"]), only(there.things["endpoints"])
    template["env"] |= {"MAX_MODEL_LEN": "4096", "HF_TOKEN": "hf_old", "STRAY": "1"}
    endpoint["workersMax"] = 5
    told = operator.types("up", "--yes").output
    assert "env.MAX_MODEL_LEN '4096' -> '8192'" in told
    assert "env.HF_TOKEN *** -> ***" in told
    assert "env.STRAY '1' -> None" in told
    assert "workersMax 5 -> 1" in told
    assert template["env"]["MAX_MODEL_LEN"] == "8192"
    assert "STRAY" not in template["env"]
    assert endpoint["workersMax"] == 1
    assert there.asked[2:] == [("PATCH", "templates"), ("PATCH", "endpoints")]


def test_workers_that_are_kept_warm_are_in_the_price(operator: Operator, there: Cloud) -> None:
    told = operator.types("up", "--yes", "--keep-warm", "2", variant="h100-fp8.json").output
    assert "at rest $8.35, at most $8.35 per hour" in told
    assert only(there.things["endpoints"])["workersMin"] == 2


def test_a_pod_says_what_it_costs_and_that_it_does(operator: Operator, there: Cloud) -> None:
    told = operator.types("up", "--yes", variant="pod.json").output
    assert "price: up to $1.89 per hour (NVIDIA A100-SXM4-80GB)" in told
    pod = only(there.things["pods"])
    assert f"https://{pod['id']}-7860.proxy.runpod.net" in told
    assert "It costs money until you run" in told
    assert only(there.things["templates"])["imageName"] == "you/halfsecond:pod"


# ---- what goes wrong ----


@pytest.mark.parametrize("missing", ["HF_TOKEN", "IMAGE"])
def test_what_must_be_set_is_named(operator: Operator, there: Cloud, missing: str) -> None:
    del operator.environment[missing]
    result = operator.types("up", "--yes", variant="pod.json")
    assert (result.exit_code, result.stderr) == (1, f"deploy: {missing} must be set\n")
    assert there.asked == []


def test_a_wrong_key_gives_one_line(operator: Operator) -> None:
    operator.environment["RUNPOD_API_KEY"] = "wrong"
    result = operator.types("up", "--dry-run")
    assert result.exit_code == 1
    assert result.stderr == (
        "deploy: RunPod does not know this key: RUNPOD_API_KEY must be set and right\n"
    )


@pytest.mark.parametrize("trouble", ["refuse", "break", "lose"])
@pytest.mark.parametrize("variant", ["a100.json", "pod.json"])
def test_a_failure_half_way_says_what_there_is_and_what_of_it_costs_money(
    operator: Operator, there: Cloud, trouble: str, variant: str
) -> None:
    """Also where the machine was made and nobody said so."""
    kind = "pods" if variant == "pod.json" else "endpoints"
    there.trouble["POST", kind] = trouble
    result = operator.types("up", "--yes", "--keep-warm", "1", variant=variant)
    assert result.exit_code == 1
    assert "It failed half-way." in result.stderr
    assert re.search(r"template halfsecond-\S+ \(tem\d+\): costs nothing", result.stderr)
    for costing in there.costing():
        [line] = [line for line in result.stderr.splitlines() if costing in line]
        assert "NOW" in line
    assert len(there.things[kind]) == (trouble == "lose")
    there.trouble.clear()
    again = operator.types("up", "--yes", "--keep-warm", "1", variant=variant)
    assert again.exit_code == 0
    assert len(there.things[kind]) == 1, "what was lost sight of is found, not made twice"


def test_when_nobody_answers_any_more_it_says_that_something_may_cost_money(
    operator: Operator, there: Cloud
) -> None:
    there.trouble["POST", "endpoints"] = "lose"
    there.trouble["GET", "pods"] = "break"
    result = operator.types("up", "--yes")
    assert result.exit_code == 1
    assert "UNKNOWN: RunPod does not answer. Something may cost money" in result.stderr


# ---- list and down ----


def test_list_puts_first_what_costs_money(operator: Operator, there: Cloud) -> None:
    assert operator.types("list").output == "there is nothing of ours on RunPod\n"
    operator.types("up", "--yes")
    operator.types("up", "--yes", variant="pod.json")
    there.make("templates", {"name": "somebody else's", "imageName": "x"})
    lines = operator.types("list").output.splitlines()
    assert [line.split()[0] for line in lines] == ["pod", "endpoint", "template", "template"]
    assert "costs $1.64 per hour NOW" in lines[0]
    assert "costs money while it is asked (at most 1 workers)" in lines[1]


@pytest.mark.parametrize("variant", FILES)
def test_down_removes_all_of_it_and_a_second_time_finds_nothing(
    operator: Operator, there: Cloud, variant: str
) -> None:
    operator.types("up", "--yes", variant=variant)
    dry = operator.types("down", "--dry-run", variant=variant)
    assert dry.output.count("remove ") == 2
    assert sum(map(len, there.things.values())) == 2
    assert operator.types("down", variant=variant).exit_code == 0
    assert sum(map(len, there.things.values())) == 0
    assert operator.types("down", variant=variant).output == "there is nothing to remove\n"


def test_what_cannot_be_removed_is_said_to_be_there(operator: Operator, there: Cloud) -> None:
    operator.types("up", "--yes", "--keep-warm", "1")
    there.trouble["PATCH", "endpoints"] = "break"
    result = operator.types("down")
    assert result.exit_code == 1
    assert "costs money NOW: 1 of its workers never stop" in result.stderr
    assert there.asked.count(("PATCH", "endpoints")) == 3  # it may be asked again
