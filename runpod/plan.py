"""A plan read from a file, held against what there is: what is to be made or changed."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rest import Thing

_PLACE = re.compile(r"\$([A-Z][A-Z0-9_]*)")

SECRETS = ("TOKEN", "KEY", "SECRET")
"""A variable whose name has one of these is never shown."""


class PlanError(Exception):
    """The file cannot be meant; one line for the operator."""


@dataclass(frozen=True, slots=True)
class Plan:
    about: str
    template: Thing
    kind: str
    """endpoints or pods."""
    machine: Thing
    """The endpoint or the pod."""
    per_second: float | None
    """Dollars for one worker, None where RunPod is asked."""
    source: str

    @property
    def model(self) -> str:
        return str(self.template["env"]["MODEL_NAME"])

    @property
    def gpus(self) -> list[str]:
        return list(self.machine["gpuTypeIds"])


def read(path: Path, given: Mapping[str, str], workers_min: int | None = None) -> Plan:
    """`$NAME` in the file stands for what is `given`. Raises PlanError."""
    try:
        asked = json.loads(path.read_text())
        kind = "endpoints" if "endpoint" in asked else "pods"
        machine = asked["endpoint" if kind == "endpoints" else "pod"]
        price = asked["price"]
        template = _filled(asked["template"], given)
        plan = Plan(asked["about"], template, kind, machine, price["per_second"], price["source"])
    except OSError as error:
        raise PlanError(f"{path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise PlanError(f"{path} cannot be read: {type(error).__name__}: {error}") from None
    if workers_min is not None and kind == "endpoints":
        machine["workersMin"] = workers_min
        machine["workersMax"] = max(workers_min, machine["workersMax"])
    return plan


def _filled(value: Any, given: Mapping[str, str]) -> Any:
    match value:
        case dict():
            return {name: _filled(inner, given) for name, inner in value.items()}
        case str() if found := _PLACE.fullmatch(value):
            if not given.get(found[1]):
                raise PlanError(f"{found[1]} must be set")
            return given[found[1]]
        case _:
            return value


def changes(wanted: Thing, there: Thing) -> dict[str, tuple[Any, Any]]:
    """By field, what is there and what is wanted; only of what is wanted at all.

    Fields that cannot be changed afterwards are left out, and lists of GPUs are sets.
    """
    found: dict[str, tuple[Any, Any]] = {}
    for name, value in wanted.items():
        if name in ("isServerless", "name") or (name in UNTOLD and name not in there):
            continue
        now = there.get(name)
        if isinstance(value, dict):
            inner = now if isinstance(now, dict) else {}
            for key in {*value, *inner}:
                if value.get(key) != inner.get(key):
                    found[f"{name}.{key}"] = inner.get(key), value.get(key)
        elif _plain(now) != _plain(value):
            found[name] = now, value
    return found


UNTOLD = ("flashboot", "cloudType", "minVCPUPerGPU", "minRAMPerGPU", "gpuTypeIds", "gpuCount")
"""Fields that the API takes and may not tell again."""


def _plain(value: Any) -> Any:
    return sorted(map(str, value)) if isinstance(value, list) else value


def shown(name: str, value: Any) -> str:
    return "***" if value and any(word in name.upper() for word in SECRETS) else repr(value)
