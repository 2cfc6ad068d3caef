"""Language models for llama.cpp: which can be fetched by name, and where they lie."""

import difflib
import re
from pathlib import Path

from bot.engines.models.model import Addresses, CatalogueModel, Hub
from bot.engines.models.store import Store
from bot.engines.recipe import EngineError
from bot.terminal.program import program


def _gguf(name: str, repo: str, file: str, mb: int, about: str) -> CatalogueModel:
    return CatalogueModel(name, "gguf", about, Hub(repo, (file,)), mb)


_GGML = "ggml-org/gemma-3-{}-it-GGUF"
_FILE = "gemma-3-{}-it-Q4_K_M.gguf"
_LLAMA = "Meta-Llama-3.1-8B-Instruct"
GGUF = {
    model.name: model
    for model in (
        _gguf("gemma-3-1b", _GGML.format("1b"), _FILE.format("1b"), 806, "for a CPU"),
        _gguf("gemma-3-4b", _GGML.format("4b"), _FILE.format("4b"), 2490, "for a fast CPU"),
        _gguf("gemma-3-12b", _GGML.format("12b"), _FILE.format("12b"), 7300, "for a GPU of 12 GB"),
        _gguf(
            "llama-3.1-8b",
            f"bartowski/{_LLAMA}-GGUF",
            f"{_LLAMA}-Q4_K_M.gguf",
            4920,
            "for a GPU of 8 GB",
        ),
    )
}
"""All quantised to four bits (Q4_K_M), from repositories that ask for no token. Sizes are rough."""


def place_of(model: CatalogueModel) -> str:
    """The place of its file below the folder of models: NAME/FILE.gguf."""
    return f"{model.name}/{model.source.files[0]}"


_BY_PLACE = {place_of(model): model for model in GGUF.values()}


def model_named(name: str) -> CatalogueModel:
    """By its name here, by where it lies below the folder of models (NAME/FILE.gguf), as
    OWNER/REPO/FILE.gguf on the hub, or by an address.

    Raises EngineError.
    """
    if (known := GGUF.get(name) or _BY_PLACE.get(name)) is not None:
        return known
    if found := re.fullmatch(r"(https?://.+)/([^/?]+\.gguf)", name):
        return CatalogueModel(
            found[2].removesuffix(".gguf"), "gguf", "", Addresses(found[1], (found[2],))
        )
    if found := re.fullmatch(r"([^/.~][^/]*/[^/]+)/([^/]+\.gguf)", name):
        return CatalogueModel(
            found[2].removesuffix(".gguf"), "gguf", "", Hub(found[1], (found[2],))
        )
    close = difflib.get_close_matches(name, GGUF, n=1, cutoff=0.4)
    meant = f"did you mean {close[0]}?" if close else f"there are {', '.join(GGUF)}"
    raise EngineError(
        f"there is no model {name}",
        f"{meant} Or name one as OWNER/REPO/FILE.gguf or https://...",
    )


def file_of(store: Store, model: CatalogueModel) -> Path | None:
    """The path of its file; None if it has not been fetched to its end."""
    folder = store.installed(model)
    return None if folder is None else folder / model.source.files[0]


def lies_at(store: Store, place: str) -> Path | None:
    """A file that is named by where it lies below the folder of models, if it is there whole."""
    is_below = place.endswith(".gguf") and not place.startswith(("/", "http:", "https:"))
    file = store.root / place
    return file if is_below and ".." not in file.parts and file.is_file() else None


def find_gguf(store: Store, wanted: str | None) -> Path:
    """A file, or one that was fetched: by its name, or the only one there. Raises EngineError."""
    if wanted is None:
        here = sorted(store.root.glob("*/*.gguf"))
        if len(here) == 1:
            return here[0]
        one_of = f"one of {', '.join(path.parent.name for path in here)}"
        fetch_one = f"fetch one first ({program()} llm fetch gemma-3-1b)"
        raise EngineError(
            "no model is chosen",
            f"--model FILE.gguf (LLM_ENGINE_MODEL), or {one_of if here else fetch_one}",
        )
    if wanted.endswith(".gguf") and not wanted.startswith("http") and Path(wanted).is_file():
        return Path(wanted)
    if (file := lies_at(store, wanted)) is not None:
        return file
    if wanted in GGUF or not wanted.endswith(".gguf"):
        if (fetched := file_of(store, model_named(wanted))) is None:
            raise EngineError(f"{wanted} is not here yet", f"{program()} llm fetch {wanted}")
        return fetched
    return Path(wanted)
