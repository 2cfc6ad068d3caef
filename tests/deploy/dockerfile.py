"""A Dockerfile, read: its stages, and the instructions of each, whole."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass
class Stage:
    base: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def of(self, instruction: str) -> list[str]:
        return [rest for name, rest in self.steps if name == instruction]

    @property
    def environment(self) -> dict[str, str]:
        pairs = (re.findall(r"(\w+)=(\S+)", rest) for rest in self.of("ENV"))
        return dict(pair for found in pairs for pair in found)

    @property
    def copied(self) -> list[str]:
        """From the build's context."""
        return [
            path
            for rest in self.of("COPY")
            if not rest.startswith("--from")
            for path in rest.split()[:-1]
        ]

    def words(self, instruction: str) -> list[str]:
        """The words of the last such instruction, in the form that needs no shell."""
        words: list[str] = json.loads(self.of(instruction)[-1])
        return words


def stages() -> dict[str, Stage]:
    """By name, in order; the last may have none."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    found: dict[str, Stage] = {}
    current: Stage | None = None
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        name, _, rest = line.strip().partition(" ")
        if name == "FROM":
            base, _, stage = rest.partition(" AS ")
            current = found[stage or "default"] = Stage(base)
        elif name and current is not None:
            current.steps.append((name, rest))
    return found
