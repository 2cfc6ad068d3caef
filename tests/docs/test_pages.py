"""The pages lead somewhere, and name what is there."""

import re
from collections.abc import Iterator
from pathlib import Path

from bot.settings.removed import REMOVED
from tests.docs.pages import ROOT, pages

ROOMS = ("bot", "pipelines", "client", "replay", "bench", "tests", "runpod", "deploy")
PATH = re.compile(rf"^(?:{'|'.join((*ROOMS, 'docs', 'examples'))})/(?:[\w./-]*/|[\w./-]*\.\w+)$")
PLACEHOLDER = re.compile(r"[A-Z]{4,}")
MENTION = re.compile(r"(?<![\w/])docs/[\w/-]+\.\w+")
SETTING = re.compile(r"^([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:=.*)?$")
CLAUSE_FIRST = re.compile(
    r"(?:(?<=[.:;] )|(?<=\n\n)|(?<=\| )|(?<=- ))(?:Who|Whoever|Whom|What|Whatever)\b[^.?!|]*[.!|:]"
)
DATE = re.compile(r"\b\d{1,2} (?:to \d{1,2} )?[A-Z][a-z]+ 20\d\d\b")
UNREAD = {".png", ".svg", ".wav", ".flac", ".npz", ".onnx", ".lock", ".bin", ".ort"}
SKIPPED = {"recordings", "__pycache__", "node_modules"}


def sources() -> Iterator[tuple[str, str]]:
    """The text files of the repository but its pages, with their names."""
    for room in ROOMS:
        for path in (ROOT / room).rglob("*"):
            is_text = path.is_file() and path.suffix not in UNREAD
            if is_text and not SKIPPED & set(path.parts):
                yield str(path.relative_to(ROOT)), path.read_text("utf-8", errors="replace")
    for name in (".env.example", "compose.yaml", "Dockerfile", "run", "CHANGELOG.md"):
        yield name, (ROOT / name).read_text()


def test_every_link_leads_somewhere() -> None:
    anchors = {page.path: page.anchors() for page in pages()}

    def leads(page: Path, link: str) -> bool:
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        return target.exists() and (not anchor or anchor in anchors[target])

    dead = [
        f"{page.name}: {link}"
        for page in pages()
        for link in page.links()
        if "://" not in link and not leads(page.path, link)
    ]
    assert dead == []


def test_every_path_that_a_page_names_is_there() -> None:
    gone = [
        f"{page.name}: {word}"
        for page in pages()
        for code in page.code()
        for word in code.split()
        if PATH.match(word) and not any(ROOT.glob(PLACEHOLDER.sub("*", word)))
    ]
    assert gone == []


def test_every_page_that_the_code_names_is_there() -> None:
    gone = [
        f"{name}: {mention}"
        for name, text in sources()
        for mention in MENTION.findall(text)
        if not (ROOT / mention).exists()
    ]
    assert gone == []


def test_every_setting_that_a_page_names_is_known_to_the_code() -> None:
    known = {word.lower() for _, text in sources() for word in re.findall(r"\w+", text)}
    unknown = [
        f"{page.name}: {found[1]}"
        for page in pages()
        for code in page.code()
        if (found := SETTING.match(code)) and found[1].lower() not in known
    ]
    assert unknown == []


def test_the_page_on_upgrading_names_every_setting_that_was_removed() -> None:
    page = (ROOT / "docs" / "guide" / "upgrading.md").read_text()
    assert [name for name in REMOVED if f"`{name}`" not in page] == []


def test_sentences_begin_with_their_subject() -> None:
    """No "Who mutes the microphone has finished": a question may begin so."""
    assert [
        f"{page.name}: {found}"
        for page in pages()
        for found in CLAUSE_FIRST.findall(re.sub(r"(?<!\n)\n(?![\n|#-])", " ", page.prose))
    ] == []


def test_every_page_is_in_the_index() -> None:
    index = next(page for page in pages() if page.name == "docs/README.md")
    listed = {(index.path.parent / link).resolve() for link in index.links()}
    assert [
        page.name
        for page in pages()
        if page.name.startswith("docs/") and page != index and page.path not in listed
    ] == []


def test_every_measurement_says_when_it_was_made() -> None:
    undated = [
        page.name
        for page in pages()
        if page.name.startswith("docs/measurements/") and not DATE.search(page.text)
    ]
    assert undated == []
