"""Language models for llama.cpp: named, fetched from a hub on loopback, and found again."""

import hashlib
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from bot.__main__ import command_line
from bot.commands.models import in_lines
from bot.engines.models.download import DownloadProgress
from bot.engines.models.gguf import GGUF, find_gguf, model_named, place_of
from bot.engines.models.model import Addresses, CatalogueModel, Hub
from bot.engines.models.store import Store
from bot.engines.recipe import EngineError
from tests.model_hub import Hub as FakeHub
from tests.model_hub import serving

REPO = "ggml-org/gemma-3-1b-it-GGUF"
FILE = "gemma-3-1b-it-Q4_K_M.gguf"
WEIGHTS = bytes(range(256)) * 4096


@pytest.fixture(autouse=True)
def models_folder(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELS_DIR", str(empty_folder / "models"))


def typed(hub: FakeHub, *words: str) -> tuple[int, str, str]:
    words = ("llm", "fetch", *words)
    result = CliRunner().invoke(command_line(words), words, env={"MODELS_HUB": hub.url})
    return result.exit_code, result.stdout, result.stderr


def test_a_model_is_fetched_by_its_name_and_found_by_it(tmp_path: Path) -> None:
    store = Store(tmp_path / "models")
    with pytest.raises(EngineError, match=r"no model is chosen.*llm fetch gemma-3-1b"):
        find_gguf(store, None)
    with pytest.raises(EngineError, match="gemma-3-1b is not here yet: ./run llm fetch"):
        find_gguf(store, "gemma-3-1b")
    with serving(FakeHub()) as hub:
        hub.files[REPO] = {FILE: WEIGHTS}
        code, said, complaint = typed(hub, "gemma-3-1b")
        assert code == 0, complaint
        listed = typed(hub)[1].splitlines()
    file = store.root / "gemma-3-1b" / FILE
    assert file.read_bytes() == WEIGHTS
    assert said.splitlines()[-1] == f"  start it  ./run llm up llama.cpp --model {file}"
    assert find_gguf(store, "gemma-3-1b") == file
    assert find_gguf(store, None) == file, "the only one there is"
    assert [line.split()[0] for line in listed] == list(GGUF)
    assert ["here" in line.split()[3:4] for line in listed] == [True, False, False, False]


def test_a_connection_that_is_cut_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.file_download.time", SimpleNamespace(sleep=lambda _: None))
    with serving(FakeHub()) as hub:
        hub.files[REPO] = {FILE: WEIGHTS * 30}
        hub.cut_after = 15_000_000
        code, _, said = typed(hub, "gemma-3-1b")
        assert (code, said.strip().count("\n")) == (0, 0)
        first, second = hub.ranges
    assert first == ""
    begins_at = int(second.removeprefix("bytes=").rstrip("-"))
    assert 0 < begins_at <= 15_000_000
    assert (tmp_path / "models" / "gemma-3-1b" / FILE).read_bytes() == WEIGHTS * 30


def test_a_model_is_fetched_by_where_it_is_to_lie(tmp_path: Path) -> None:
    place = f"gemma-3-1b/{FILE}"
    with serving(FakeHub()) as hub:
        hub.files[REPO] = {FILE: WEIGHTS}
        code, said, told = typed(hub, place)
        asked = len(hub.ranges)
        assert code == 0, told
        assert typed(hub, place)[0] == 0
        assert len(hub.ranges) == asked, "it lies there"
    file = tmp_path / "models" / place
    assert file.read_bytes() == WEIGHTS
    assert said.startswith(f"{file}\n")
    digest = hashlib.sha256(WEIGHTS).hexdigest()
    assert f"SHA-256 {digest}: as the hub has it" in told
    assert find_gguf(Store(tmp_path / "models"), place) == file


def test_a_file_of_ones_own_in_the_folder_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / "models" / "mine.gguf"
    mine.parent.mkdir()
    mine.write_bytes(b"GGUF")
    nowhere = FakeHub()
    nowhere.url = "http://127.0.0.1:1"
    code, said, _ = typed(nowhere, "mine.gguf")
    assert (code, said.splitlines()[0]) == (0, str(mine))
    assert typed(nowhere, "other.gguf")[0] == 2
    assert typed(nowhere, "../models/mine.gguf")[0] == 2


def test_without_a_network_what_is_here_is_kept_and_what_is_not_fails() -> None:
    with serving(FakeHub()) as hub:
        hub.files[REPO] = {FILE: WEIGHTS}
        assert typed(hub, "gemma-3-1b")[0] == 0
    hub.url = "http://127.0.0.1:1"
    code, said, told = typed(hub, "gemma-3-1b")
    assert code == 0
    assert FILE in said
    assert "was not compared with the hub's" in told
    assert typed(hub, "gemma-3-4b")[0] == 1


def test_a_log_has_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    clock = [0.0]
    tell = in_lines("gemma", lambda: clock[0])
    for second in range(12):
        clock[0] = second
        tell(DownloadProgress("x.gguf", second * 10_000_000, 200_000_000))
    tell = in_lines("gemma", lambda: clock[0])
    clock[0] += 60
    tell(DownloadProgress("x.gguf", 7_000_000, None))
    assert capsys.readouterr().err.splitlines() == [
        "gemma: 50 of 200 MB, 25 %",
        "gemma: 100 of 200 MB, 50 %",
        "gemma: 7 MB",
    ]


@pytest.mark.parametrize("model", GGUF.values(), ids=GGUF)
def test_each_model_has_a_place_that_names_it(model: CatalogueModel) -> None:
    assert model_named(place_of(model)) == model
    assert place_of(model).startswith(f"{model.name}/")


def test_any_file_can_be_named_by_its_repository_or_its_address() -> None:
    model = model_named("someone/things-GGUF/things-Q8_0.gguf")
    assert (model.name, model.source) == (
        "things-Q8_0",
        Hub("someone/things-GGUF", ("things-Q8_0.gguf",)),
    )
    model = model_named("https://files.example/a/b.gguf")
    assert (model.name, model.source) == ("b", Addresses("https://files.example/a", ("b.gguf",)))


@pytest.mark.parametrize("name", ["gema-3-1b", "things", "../x.gguf", "a/b"])
def test_a_name_that_is_none_is_told_in_one_line(name: str) -> None:
    with pytest.raises(EngineError, match=rf"^there is no model {name}: [^\n]+$"):
        model_named(name)


def test_a_file_is_taken_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "mine.gguf").write_bytes(b"GGUF")
    store = Store(tmp_path / "models")
    assert find_gguf(store, "mine.gguf") == Path("mine.gguf")
    assert find_gguf(store, "/no/such.gguf") == Path("/no/such.gguf"), "the engine's to refuse"
