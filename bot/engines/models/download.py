"""Downloads a model: resumes where it was stopped, and checks each file against what the hub says.

The hub's package asks and fetches. A hub says what a file has to hash to: by SHA-256 where it is
large, by git's own digest else. Its `hf_hub_download` begins anew each time: hence `http_get`.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import httpx2
from huggingface_hub import HfApi, RepoFile, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, RepositoryNotFoundError
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import build_hf_headers, logging  # type: ignore[attr-defined]

from bot.engines.models.model import CatalogueModel, Hub
from bot.engines.models.store import File, Manifest, Store, git_sha1, sha256
from pipelines.addresses import printable, printable_in

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
    """Models into a store."""

    def __init__(self, store: Store, hub: str) -> None:
        """`hub`: an address, as https://huggingface.co."""
        self._store = store
        self._hub = hub.rstrip("/")
        self._shown = printable(self._hub)
        of_the_hub_itself = urlsplit(self._hub).hostname == "huggingface.co"
        self._token = None if of_the_hub_itself else False  # a mirror is not told HF_TOKEN
        self._api = HfApi(endpoint=self._hub, token=self._token)
        # a line that breaks is gone on with: nobody need know
        logging.set_verbosity_error()  # type: ignore[no-untyped-call]

    def fetch(self, model: CatalogueModel, tell: Tell = lambda progress: None) -> Manifest:
        """Raises DownloadError; what has come by then is kept, and gone on with the next time."""
        folder = self._store.folder(model)
        try:
            revision, offered = self._offered(model)
            folder.mkdir(parents=True, exist_ok=True)
            _check_space(folder, offered)
            headers = build_hf_headers(token=self._token) if revision else None
            files = _Fetching(folder, offered, headers, tell).all()
        except (RepositoryNotFoundError, HFValidationError) as error:
            raise DownloadError(f"{self._shown} has no {model.origin}") from error
        except (HfHubHTTPError, httpx2.HTTPStatusError) as error:
            where = printable(str(error.response.request.url))
            raise DownloadError(f"{where} answers {error.response.status_code}") from error
        except (httpx2.HTTPError, ConnectionError) as error:
            why = printable_in(str(error)) or type(error).__name__
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
        return self._shown if isinstance(model.source, Hub) else printable(model.origin)

    def _offered(self, model: CatalogueModel) -> tuple[str, list[Offered]]:
        if not isinstance(model.source, Hub):
            base = model.source.base
            return "", [_head(path, f"{base}/{path}") for path in model.source.files]
        repo = model.source.repo
        commit = str(self._api.model_info(repo, revision=model.source.revision).sha)
        wanted = [*model.source.files, *model.source.extras]
        told = self._api.get_paths_info(repo, wanted, revision=commit)
        found = {file.path: file for file in told if isinstance(file, RepoFile)}
        if missing := [path for path in model.source.files if path not in found]:
            raise DownloadError(
                f"{repo} on {self._shown} has no {missing[0]}: is it a {model.kind}?"
            )
        return commit, [self._described(repo, commit, found[p]) for p in wanted if p in found]

    def _described(self, repo: str, commit: str, file: RepoFile) -> Offered:
        url = hf_hub_url(repo, file.path, revision=commit, endpoint=self._hub)
        if file.lfs is None:
            return Offered(file.path, url, file.size, git_sha1=file.blob_id)
        return Offered(file.path, url, file.size, sha256=file.lfs.sha256)


class _Fetching:
    """The files of one model, one after another."""

    def __init__(
        self, folder: Path, offered: list[Offered], headers: dict[str, str] | None, tell: Tell
    ) -> None:
        self._folder = folder
        self._headers = headers
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
        with part.open("ab" if there else "wb") as file:
            http_get(
                offered.url,
                file,
                resume_size=there,
                headers=self._headers,
                expected_size=offered.size,
                tqdm_class=partial(_Bar, lambda size: self._say(offered, size)),  # type: ignore[arg-type]
            )

    def _say(self, offered: Offered, there: int) -> None:
        self._tell(DownloadProgress(offered.path, self._before + there, self._total))


class _Bar:
    """The hub's package tells it what came; it tells how much is there, in bytes."""

    def __init__(self, tell: Callable[[int], None], *, initial: int = 0, **_shown: object) -> None:
        self._tell = tell
        self._there = initial

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None: ...

    def update(self, came: int) -> None:
        self._there += came
        self._tell(self._there)


def _is(path: Path, offered: Offered) -> bool:
    if offered.size is not None and path.stat().st_size != offered.size:
        return False
    if offered.sha256 is not None:
        return sha256(path) == offered.sha256
    return offered.git_sha1 is None or git_sha1(path) == offered.git_sha1


def _head(path: str, url: str) -> Offered:
    answer = httpx2.head(url, follow_redirects=True, timeout=SILENT_S).raise_for_status()
    length = answer.headers.get("content-length", "")
    return Offered(path, url, int(length) if length.isdecimal() else None)


def _check_space(folder: Path, offered: list[Offered]) -> None:
    wanted, free = sum(one.size or 0 for one in offered), shutil.disk_usage(folder).free
    if wanted > free:
        gb, left = wanted / 1e9, free / 1e9
        raise DownloadError(f"it takes {gb:.1f} GB, and {folder} has {left:.1f} GB left")
