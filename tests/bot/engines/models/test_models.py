"""Models from a hub on loopback: whole, resumed, damaged, missing; as the command line has them."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from faster_whisper.utils import _MODELS
from moonshine_voice.moonshine_api import moonshine_get_stt_dependencies_string
from typer.testing import CliRunner, Result

from bot.__main__ import command_line
from bot.engines.models.catalogue import CATALOGUE, EARS, UnknownModelError, find
from bot.engines.models.download import DownloadError, DownloadProgress, Downloads
from bot.engines.models.model import Addresses, CatalogueModel
from bot.engines.models.model import Hub as HubSource
from bot.engines.models.store import MANIFEST, Store
from bot.settings import Settings
from tests.model_hub import COMMIT, Hub, serving

REPO = "someone/faster-whisper-toy"
WEIGHTS = bytes(range(256)) * 4000
MODEL = find(REPO)


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving(Hub()) as hub:
        hub.add(REPO, config__json=b"{}", tokenizer__json=b"{} ", model__bin=WEIGHTS)
        hub.files[REPO]["vocabulary.json"] = b"[]"
        hub.files[REPO]["README.md"] = b"not wanted"
        yield hub


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "models")


def test_a_model_comes_whole_with_what_the_hub_says_of_it(hub: Hub, store: Store) -> None:
    told: list[DownloadProgress] = []
    manifest = Downloads(store, hub.url).fetch(MODEL, told.append)

    assert (manifest.name, manifest.origin, manifest.revision) == (REPO, REPO, COMMIT)
    checked = {file.path: file.hub_says for file in manifest.files}
    assert checked == {
        "config.json": "git-sha1",
        "model.bin": "sha256",
        "tokenizer.json": "git-sha1",
        "vocabulary.json": "git-sha1",
    }
    folder = store.installed(MODEL)
    assert folder is not None
    assert (folder / "model.bin").read_bytes() == WEIGHTS
    assert {file.name for file in folder.iterdir()} == {*checked, MANIFEST}
    total = sum(len(hub.files[REPO][path]) for path in checked)
    assert (told[-1].done, told[-1].total) == (total, total)
    assert [each.done for each in told] == sorted(each.done for each in told)


def test_a_download_whose_line_breaks_goes_on_where_it_was(
    hub: Hub, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.file_download.time", SimpleNamespace(sleep=lambda _: None))
    hub.files[REPO]["model.bin"] = weights = WEIGHTS * 30
    hub.cut_after = 15_000_000
    Downloads(store, hub.url).fetch(MODEL)
    first, second = hub.ranges
    assert first == ""
    assert 0 < int(second.removeprefix("bytes=").rstrip("-")) <= 15_000_000
    assert (store.folder(MODEL) / "model.bin").read_bytes() == weights


def test_a_download_that_was_stopped_goes_on_where_it_was(hub: Hub, store: Store) -> None:
    hub.files[REPO]["model.bin"] = weights = WEIGHTS * 30

    def stop(progress: DownloadProgress) -> None:
        if progress.done > 15_000_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Downloads(store, hub.url).fetch(MODEL, stop)
    assert store.installed(MODEL) is None
    part = (store.folder(MODEL) / "model.bin.part").stat().st_size
    assert 0 < part < len(weights)

    told: list[DownloadProgress] = []
    Downloads(store, hub.url).fetch(MODEL, told.append)
    assert hub.ranges == ["", f"bytes={part}-"]
    assert (store.folder(MODEL) / "model.bin").read_bytes() == weights
    assert all(each.done >= part for each in told if each.path == "model.bin")


def test_what_is_here_is_not_downloaded_again(hub: Hub, store: Store) -> None:
    for _ in range(2):
        Downloads(store, hub.url).fetch(MODEL)
    assert hub.ranges == [""]


def test_damaged_bytes_are_not_kept(hub: Hub, store: Store) -> None:
    hub.damages = True
    with pytest.raises(DownloadError, match="model.bin came damaged"):
        Downloads(store, hub.url).fetch(MODEL)
    assert store.installed(MODEL) is None
    assert not list(store.folder(MODEL).glob("*.part"))
    hub.damages = False
    Downloads(store, hub.url).fetch(MODEL)
    assert store.installed(MODEL) is not None


def test_what_is_no_whisper_and_what_is_not_there_are_told_apart(hub: Hub, store: Store) -> None:
    hub.add("someone/else", config__json=b"{}")
    with pytest.raises(DownloadError, match="has no model.bin: is it a whisper"):
        Downloads(store, hub.url).fetch(find("someone/else"))
    with pytest.raises(DownloadError, match="has no nobody/nothing"):
        Downloads(store, hub.url).fetch(find("nobody/nothing"))


def test_plain_addresses_are_checked_by_length_and_what_came_is_written_down(
    hub: Hub, store: Store
) -> None:
    source = Addresses(f"{hub.url}/cdn/{REPO}", ("model.bin", "config.json"))
    model = CatalogueModel("plain", "moonshine", "", source)
    manifest = Downloads(store, hub.url).fetch(model)
    assert [(file.path, file.hub_says) for file in manifest.files] == [
        ("model.bin", "nothing"),
        ("config.json", "nothing"),
    ]
    assert all(not wrong for _, wrong in store.problems(model))


def test_every_name_is_one_that_the_engine_knows_by_the_same_repository() -> None:
    whispers = [model for model in EARS if model.kind == "whisper"]
    assert whispers
    for model in whispers:
        assert isinstance(model.source, HubSource)
        assert _MODELS[model.name] == model.source.repo


@pytest.mark.parametrize(
    ("name", "arch"),
    [("tiny-streaming", 2), ("small-streaming", 4), ("medium-streaming", 5), ("base", 1)],
)
def test_moonshines_files_are_those_of_its_own_list(name: str, arch: int) -> None:
    model = CATALOGUE[f"moonshine-{name}-en"]
    listed = moonshine_get_stt_dependencies_string("en", {"model_arch": arch})
    files = json.loads(listed)["groups"][0]["files"]
    assert isinstance(model.source, Addresses)
    ours = {f"{model.source.base}/{path}" for path in model.source.files}
    assert ours == {file["url"] for file in files}
    assert model.mb == round(sum(file["size"] for file in files) / 1e6)


def test_a_name_that_is_nearly_right_is_put_right() -> None:
    with pytest.raises(UnknownModelError, match="did you mean large-v3-turbo?"):
        find("large-v3-turb")
    assert find("Systran/faster-whisper-medium").origin == "Systran/faster-whisper-medium"


# ---- the command line ----


@pytest.fixture
def command(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Command":
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("MODELS_HUB", hub.url)
    return Command()


class Command:
    def __call__(self, *words: str) -> Result:
        return CliRunner().invoke(command_line(["models", *words]), ["models", *words])


def test_a_model_is_downloaded_found_verified_and_mended(command: Command, tmp_path: Path) -> None:
    folder = tmp_path / "models" / "someone--faster-whisper-toy"
    missing = command("where", REPO)
    assert (missing.exit_code, missing.stderr) == (
        1,
        f"halfsecond: {REPO} is not here: ./run models download {REPO}\n",
    )
    came = command("download", REPO)
    assert came.exit_code == 0, came.stderr
    assert came.stdout == f"{REPO}: 1 MB in {folder}\n"
    assert command("where", REPO).stdout == f"{folder}\n"
    assert command("verify", REPO).exit_code == 0

    (folder / "model.bin").write_bytes(WEIGHTS[:-1] + b"x")
    found = command("verify", REPO)
    assert found.exit_code == 1
    assert f"{REPO}/model.bin: has changed" in found.stdout
    assert command("download", REPO).exit_code == 0
    assert command("verify", REPO).exit_code == 0


def test_without_a_network_one_line_says_what_to_do(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELS_HUB", "http://127.0.0.1:9")
    came = command("download", "distil-small.en")
    assert came.exit_code == 1
    (line,) = came.stderr.splitlines()
    assert line.startswith("halfsecond: cannot reach http://127.0.0.1:9 (")
    assert line.endswith("distil-small.en from a machine that has it")


def test_the_list_says_what_is_here(command: Command) -> None:
    rows = json.loads(command("list", "--json").stdout)
    assert [row["name"] for row in rows] == list(CATALOGUE)
    assert not any(row["here"] for row in rows)
    assert "large-v3-turbo" in command("list").stdout
    assert command("where").stdout.strip().endswith("models")
    assert command("verify").exit_code == 0


def test_a_name_that_there_is_not_is_refused_in_a_line(command: Command) -> None:
    refused = command("download", "distil-smal.en")
    assert refused.exit_code == 2
    assert refused.stderr == (
        "halfsecond: there is no model distil-smal.en: did you mean distil-small.en?\n"
    )
