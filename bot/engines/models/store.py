"""The downloaded models: a folder each, with a manifest of the files and their digests."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from bot.engines.models.model import CatalogueModel

MANIFEST = "halfsecond.json"
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class File:
    path: str
    size: int
    sha256: str
    """SHA-256 of the downloaded file."""
    hub_says: str
    """The check that it passed: "sha256", "git-sha1", or "nothing" where nobody said."""


@dataclass(frozen=True, slots=True)
class Manifest:
    name: str
    origin: str
    revision: str
    """The commit on the hub; empty where there is none."""
    files: tuple[File, ...]


class Store:
    def __init__(self, root: Path) -> None:
        self.root = root.expanduser()

    def folder(self, model: CatalogueModel) -> Path:
        return self.root / model.name.replace("/", "--")

    def manifest(self, model: CatalogueModel) -> Manifest | None:
        """None if it has not been downloaded, or not to its end."""
        try:
            data = json.loads((self.folder(model) / MANIFEST).read_text())
            files = tuple(File(**file) for file in data.pop("files"))
            return Manifest(**data, files=files)
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def keep(self, model: CatalogueModel, manifest: Manifest) -> None:
        text = json.dumps(asdict(manifest), indent=1) + "\n"
        (self.folder(model) / MANIFEST).write_text(text)

    def installed(self, model: CatalogueModel) -> Path | None:
        """Its folder, if every file of its manifest is there; their contents are not read."""
        manifest, folder = self.manifest(model), self.folder(model)
        if manifest is None:
            return None
        there = all(_size(folder / file.path) == file.size for file in manifest.files)
        return folder if there else None

    def problems(self, model: CatalogueModel) -> Iterator[tuple[str, str]]:
        """Each file of the manifest, and what is wrong with it: "" if nothing is."""
        manifest = self.manifest(model)
        for file in manifest.files if manifest else ():
            path = self.folder(model) / file.path
            if (size := _size(path)) is None:
                yield file.path, "is missing"
            elif size != file.size:
                yield file.path, f"has {size} bytes instead of {file.size}"
            else:
                yield file.path, "" if sha256(path) == file.sha256 else "has changed"


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def git_sha1(path: Path) -> str:
    """The file's name in git: small files on a hub have no other name."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None
