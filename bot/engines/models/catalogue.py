"""The models that can be downloaded by name: one entry a model, and no digests.

A hub says at the time of the download what a file has to hash to; that is checked, and written
down beside the files. Sizes are for the list alone: of Whisper its parameters times two bytes
(the weights are float16), of Moonshine the sum of its publisher's list.
"""

import difflib

from bot.engines.models.model import Addresses, CatalogueModel, Hub
from bot.engines.models.voices import VOICES
from bot.terminal.program import program

WHISPER_FILES = ("config.json", "model.bin", "tokenizer.json")
WHISPER_EXTRAS = ("preprocessor_config.json", "vocabulary.json", "vocabulary.txt")
MOONSHINE_AT = "https://download.moonshine.ai/model"
MOONSHINE_FILES = ("encoder_model.ort", "decoder_model_merged.ort", "tokenizer.bin")
MOONSHINE_STREAMING_FILES = (
    "adapter.ort", "cross_kv.ort", "decoder_kv.ort", "encoder.ort", "frontend.ort",
    "streaming_config.json", "tokenizer.bin",
)  # fmt: skip


class UnknownModelError(Exception):
    """There is no model of that name. The message is one line for the operator."""


def _whisper(name: str, repo: str, about: str, mb: int | None = None) -> CatalogueModel:
    return CatalogueModel(name, "whisper", about, Hub(repo, WHISPER_FILES, WHISPER_EXTRAS), mb)


def _moonshine(size: str, about: str, mb: int) -> CatalogueModel:
    streams = "streaming" in size
    folder = f"{size}-en/quantized" if streams else f"{size}-en/quantized/{size}-en"
    files = MOONSHINE_STREAMING_FILES if streams else MOONSHINE_FILES
    source = Addresses(f"{MOONSHINE_AT}/{folder}", files)
    return CatalogueModel(f"moonshine-{size}-en", "moonshine", about, source, mb)


EARS = (
    _whisper(
        "large-v3-turbo",
        "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
        "99 languages; the default on CUDA",
        1620,
    ),
    _whisper(
        "distil-small.en",
        "Systran/faster-distil-whisper-small.en",
        "English; the default on a CPU",
        330,
    ),
    _whisper("distil-large-v3", "Systran/faster-distil-whisper-large-v3", "English", 1510),
    _whisper("large-v3", "Systran/faster-whisper-large-v3", "99 languages, the most exact", 3090),
    _whisper("small.en", "Systran/faster-whisper-small.en", "English", 480),
    _whisper("base.en", "Systran/faster-whisper-base.en", "English", 150),
    _whisper("tiny.en", "Systran/faster-whisper-tiny.en", "English, the smallest", 80),
    _whisper("small", "Systran/faster-whisper-small", "99 languages", 480),
    _whisper("base", "Systran/faster-whisper-base", "99 languages", 150),
    _whisper("tiny", "Systran/faster-whisper-tiny", "99 languages, the smallest", 80),
    _moonshine("medium-streaming", "English, Moonshine's most exact", 303),
    _moonshine("small-streaming", "English", 165),
    _moonshine("tiny-streaming", "English, the smallest of its kind", 51),
    _moonshine("base", "English, twice the size of the embedded one", 141),
)
CATALOGUE = {model.name: model for model in (*EARS, *VOICES)}


def find(name: str) -> CatalogueModel:
    """By its name; one with a slash is a repository with a Whisper in it.

    Raises UnknownModelError.
    """
    if name in CATALOGUE:
        return CATALOGUE[name]
    if name.count("/") == 1 and not name.startswith((".", "/", "~")):
        return _whisper(name, name, "from the hub")
    close = difflib.get_close_matches(name, CATALOGUE, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]}?" if close else f"{program()} models list shows all"
    raise UnknownModelError(f"there is no model {name}: {hint}")
