"""The pages that people read, and what stands in them: links, code in backticks, fenced blocks."""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parents[2]

_FENCED = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+(?:\n[^`\n]+)?)`")
_LINK = re.compile(r"\]\(\s*([^)\s]+)\s*\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block."""

    page: str
    line: int
    language: str
    """The word after the fence: empty for output, and for whatever is to be read alone."""
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """One Markdown file of the repository."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def prose(self) -> str:
        """The page without its blocks; each line stays on its line."""
        return _FENCED.sub(lambda block: "\n" * block[0].count("\n"), self.text)

    def blocks(self, *languages: str) -> list[Block]:
        text = self.text
        return [
            Block(self.name, text.count("\n", 0, found.start()) + 2, found[2], dedent(found[3]))
            for found in _FENCED.finditer(text)
            if found[2] in languages
        ]

    def links(self) -> list[str]:
        return _LINK.findall(self.prose)

    def code(self) -> list[str]:
        """The texts in backticks, on one line each."""
        return [" ".join(found.split()) for found in _CODE.findall(self.prose)]

    def anchors(self) -> set[str]:
        """The names that GitHub gives the headings: a heading's second copy ends in -1."""
        names: Counter[str] = Counter()
        for heading in _HEADING.findall(self.prose):
            names[re.sub(r"[`*]|[^\w\s-]", "", heading.lower()).strip().replace(" ", "-")] += 1
        copies = {f"{name}-{n}" for name, count in names.items() for n in range(1, count)}
        return set(names) | copies


@cache
def pages() -> tuple[Page, ...]:
    """README, docs and their like; without the changelog, which tells of what was."""
    files = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
    return tuple(Page(path) for path in sorted(files) if path.name != "CHANGELOG.md")
