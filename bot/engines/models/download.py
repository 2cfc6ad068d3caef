"""Downloads a model: resumes where it was stopped, and checks each file against what the hub says.

The hub's contract: `/api/models/REPO/revision/REV` names the commit, `.../paths-info/COMMIT` the
files with size and digest (SHA-256 where they are large, git's own for the others), and
`/REPO/resolve/COMMIT/PATH` sends one, or redirects to where it lies; all take a Range.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx2

from bot.engines.models.model import CatalogueModel, Hub
from bot.engines.models.store import File, Manifest, Store, git_sha1, sha256
from pipelines.addresses import printable

SILENT_S = 30.0
"""A server that says nothing for so long has gone."""
_PART = ".part"


class DownloadError(Exception):
    """It did not come. The message is one line for the operator: what happened, what to do."""


@dataclass(frozen=True, slots=True)
class Offered:
    """A file as the other side describes it."""

    path: str
    url: str
    size: int | None = None
    sha256: str | None = None
    git_sha1: str | None = None


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """The progress of the whole model, in bytes."""

    path: str
    done: int
    total: int | None


Tell = Callable[[DownloadProgress], None]


class Downloads:
    """Models into a store, by one HTTP client."""

    def __init__(self, store: Store, hub: str) -> None:
        """`hub`: an address, as https://huggingface.co."""
        self._store = store
        self._hub = hub.rstrip("/")

    def fetch(self, model: CatalogueModel, tell: Tell = lambda progress: None) -> Manifest:
        """Raises DownloadError; what has come by then is kept, and gone on with the next time."""
        folder = self._store.folder(model)
        try:
            with httpx2.Client(follow_redirects=True, timeout=SILENT_S) as client:
                revision, offered = self._offered(client, model)
                folder.mkdir(parents=True, exist_ok=True)
                _check_space(folder, offered)
                files = _Fetching(client, folder, offered, tell).all()
        except httpx2.HTTPStatusError as error:
            status = error.response.status_code
            raise DownloadError(f"{printable(str(error.request.url))} answers {status}") from error
        except httpx2.HTTPError as error:
            why = str(error) or type(error).__name__
            raise DownloadError(
                f"cannot reach {self._where(model)} ({why}); without a network, copy {folder} "
                "from a machine that has it"
            ) from error
        except OSError as error:
            raise DownloadError(f"cannot write to {folder}: {error.strerror}") from error
        manifest = Manifest(model.name, model.origin, revision, tuple(files))
        self._store.keep(model, manifest)
        return manifest

    def _where(self, model: CatalogueModel) -> str:
        return self._hub if isinstance(model.source, Hub) else model.origin

    def _offered(self, client: httpx2.Client, model: CatalogueModel) -> tuple[str, list[Offered]]:
        if not isinstance(model.source, Hub):
            base = model.source.base
            return "", [_head(client, path, f"{base}/{path}") for path in model.source.files]
        repo = model.source.repo
        api = f"{self._hub}/api/models/{repo}"
        answer = client.get(f"{api}/revision/{quote(model.source.revision, safe='')}")
        if answer.status_code in (401, 404):
            raise DownloadError(f"{self._hub} has no {repo}")
        commit = str(answer.raise_for_status().json()["sha"])
        wanted = [*model.source.files, *model.source.extras]
        answer = client.post(f"{api}/paths-info/{commit}", data={"paths": wanted, "expand": False})
        found = {str(file["path"]): file for file in answer.raise_for_status().json()}
        if missing := [path for path in model.source.files if path not in found]:
            raise DownloadError(f"{repo} on {self._hub} has no {missing[0]}: is it a {model.kind}?")
        at = f"{self._hub}/{repo}/resolve/{commit}"
        return commit, [
            Offered(
                path,
                f"{at}/{quote(path)}",
                int(found[path]["size"]),
                found[path]["lfs"]["oid"] if found[path].get("lfs") else None,
                None if found[path].get("lfs") else found[path]["oid"],
            )
            for path in wanted
            if path in found
        ]


class _Fetching:
    """The files of one model, one after another."""

    def __init__(
        self, client: httpx2.Client, folder: Path, offered: list[Offered], tell: Tell
    ) -> None:
        self._client = client
        self._folder = folder
        self._offered = offered
        self._tell = tell
        sizes = [one.size for one in offered]
        self._total = None if None in sizes else sum(size for size in sizes if size)
        self._before = 0

    def all(self) -> list[File]:
        return [self._one(one) for one in self._offered]

    def _one(self, offered: Offered) -> File:
        path = self._folder / offered.path
        if not (path.is_file() and _is(path, offered)):
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(path.name + _PART)
            self._receive(offered, part)
            if not _is(part, offered):
                part.unlink()
                raise DownloadError(f"{offered.path} came damaged: start the download again")
            part.replace(path)
        size = path.stat().st_size
        self._before += size
        self._say(offered, 0)
        checked = "sha256" if offered.sha256 else "git-sha1" if offered.git_sha1 else "nothing"
        return File(offered.path, size, sha256(path), checked)

    def _receive(self, offered: Offered, part: Path) -> None:
        there = part.stat().st_size if part.is_file() else 0
        if offered.size is not None and there >= offered.size:
            if there == offered.size:
                return
            there = 0
        headers = {"Range": f"bytes={there}-"} if there else {}
        with self._client.stream("GET", offered.url, headers=headers) as answer:
            if answer.status_code == 416:  # all of it is there, or it has changed since
                return
            answer.raise_for_status()
            goes_on = answer.status_code == 206
            there = there if goes_on else 0
            with part.open("ab" if goes_on else "wb") as file:
                for piece in answer.iter_bytes(1 << 18):
                    file.write(piece)
                    there += len(piece)
                    self._say(offered, there)

    def _say(self, offered: Offered, there: int) -> None:
        self._tell(DownloadProgress(offered.path, self._before + there, self._total))


def _is(path: Path, offered: Offered) -> bool:
    if offered.size is not None and path.stat().st_size != offered.size:
        return False
    if offered.sha256 is not None:
        return sha256(path) == offered.sha256
    return offered.git_sha1 is None or git_sha1(path) == offered.git_sha1


def _head(client: httpx2.Client, path: str, url: str) -> Offered:
    length = client.head(url).raise_for_status().headers.get("content-length", "")
    return Offered(path, url, int(length) if length.isdecimal() else None)


def _check_space(folder: Path, offered: list[Offered]) -> None:
    wanted, free = sum(one.size or 0 for one in offered), shutil.disk_usage(folder).free
    if wanted > free:
        gb, left = wanted / 1e9, free / 1e9
        raise DownloadError(f"it takes {gb:.1f} GB, and {folder} has {left:.1f} GB left")
