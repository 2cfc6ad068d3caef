"""A Whisper of a published size with random weights: what it costs can be measured without it.

    python -m bench.whisper_shape /tmp/turbo --size large-v3-turbo
    ./run bench stt --engine faster-whisper --model /tmp/turbo

The encoder does the same work for every sound, so its time is that of the real model. The decoder
talks until it is stopped, so a job takes as long as the most words that its audio can hold: an
upper end. Its words are nonsense, and its gates throw it away: the word error rate is 100 %.
"""

import json
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray

WHISPERS_LANGUAGES = (
    "en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th "
    "ur hr bg lt la mi ml cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr "
    "pa si km sn yo so af oc ka be tg sd gu am yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt "
    "haw ln ha ba jw su yue"
)
STAMPS = 1501
TEXT_TOKENS = 50_257
SPREAD = 0.02
"""Standard deviation of the weights, as Whisper was initialised."""


class Shape(NamedTuple):
    """From the `config.json` of each model on its publisher's page."""

    width: int
    encoder_layers: int
    decoder_layers: int
    heads: int
    mels: int = 80


SHAPES = {
    "tiny.en": Shape(384, 4, 4, 6),
    "base.en": Shape(512, 6, 6, 8),
    "small.en": Shape(768, 12, 12, 12),
    "distil-small.en": Shape(768, 12, 4, 12),
    "distil-large-v3": Shape(1280, 32, 2, 20, 128),
    "large-v3-turbo": Shape(1280, 32, 4, 20, 128),
    "large-v3": Shape(1280, 32, 32, 20, 128),
}


class _Weights:
    """Fills a CTranslate2 specification, layer by layer."""

    def __init__(self, shape: Shape, seed: int) -> None:
        self._width = shape.width
        self._chance = np.random.default_rng(seed)

    def drawn(self, *size: int) -> NDArray[np.float32]:
        return self._chance.standard_normal(size, np.float32) * np.float32(SPREAD)

    def linear(self, spec: Any, out: int, into: int) -> None:
        spec.weight, spec.bias = self.drawn(out, into), np.zeros(out, np.float32)

    def norm(self, spec: Any) -> None:
        spec.gamma, spec.beta = np.ones(self._width, np.float32), np.zeros(self._width, np.float32)

    def attention(self, spec: Any, *, cross: bool = False) -> None:
        width = self._width
        self.norm(spec.layer_norm)
        sizes = [width, 2 * width, width] if cross else [3 * width, width]
        for linear, out in zip(spec.linear, sizes, strict=True):
            self.linear(linear, out, width)

    def feed_forward(self, spec: Any) -> None:
        self.norm(spec.layer_norm)
        self.linear(spec.linear_0, 4 * self._width, self._width)
        self.linear(spec.linear_1, self._width, 4 * self._width)


def make(folder: Path, size: str, quantization: str | None = None, seed: int = 0) -> None:
    """Writes a folder that faster-whisper loads. Raises KeyError, OSError."""
    from ctranslate2.specs import whisper_spec

    shape, weights = SHAPES[size], _Weights(SHAPES[size], seed)
    text, special = _vocabulary(multilingual=not size.endswith(".en"))
    stamps = [f"<|{0.02 * n:.2f}|>" for n in range(STAMPS)]
    tokens = [*text, *special, *stamps]
    spec = whisper_spec.WhisperSpec(
        shape.encoder_layers, shape.heads, shape.decoder_layers, shape.heads
    )
    _fill(spec, shape, weights, len(tokens))
    ids = {token: number for number, token in enumerate(tokens)}
    spec.config.suppress_ids, spec.config.suppress_ids_begin = [], [ids["<|endoftext|>"]]
    spec.config.lang_ids = [ids[f"<|{name}|>"] for name in WHISPERS_LANGUAGES.split()]
    spec.config.alignment_heads = [(shape.decoder_layers - 1, 0)]
    spec.register_vocabulary(tokens)
    spec.validate()
    spec.optimize(quantization=quantization)
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))
    (folder / "preprocessor_config.json").write_text(json.dumps(_features(shape)))
    (folder / "tokenizer.json").write_text(
        json.dumps(_tokenizer(text, special), ensure_ascii=False)
    )


def _fill(spec: Any, shape: Shape, weights: _Weights, tokens: int) -> None:
    width, encoder, decoder = shape.width, spec.encoder, spec.decoder
    encoder.conv1.weight, encoder.conv1.bias = weights.drawn(width, shape.mels, 3), _zeros(width)
    encoder.conv2.weight, encoder.conv2.bias = weights.drawn(width, width, 3), _zeros(width)
    encoder.position_encodings.encodings = weights.drawn(1500, width)
    decoder.position_encodings.encodings = weights.drawn(448, width)
    decoder.embeddings.weight = weights.drawn(tokens, width)
    decoder.projection.weight = decoder.embeddings.weight
    weights.norm(encoder.layer_norm)
    weights.norm(decoder.layer_norm)
    for layer in encoder.layer:
        weights.attention(layer.self_attention)
        weights.feed_forward(layer.ffn)
    for layer in decoder.layer:
        weights.attention(layer.self_attention)
        weights.attention(layer.attention, cross=True)
        weights.feed_forward(layer.ffn)


def _zeros(width: int) -> NDArray[np.float32]:
    return np.zeros(width, np.float32)


def _vocabulary(*, multilingual: bool) -> tuple[list[str], list[str]]:
    """A vocabulary of the right size; CTranslate2 calls a model multilingual that has an empty
    token.
    """
    text = [f"w{number}" for number in range(TEXT_TOKENS - multilingual)]
    languages = [f"<|{name}|>" for name in WHISPERS_LANGUAGES.split()]
    tasks = "translate transcribe startoflm startofprev nospeech notimestamps".split()
    special = ["<|endoftext|>", "<|startoftranscript|>", *languages, *(f"<|{t}|>" for t in tasks)]
    return text + [""] * multilingual, special


def _features(shape: Shape) -> dict[str, object]:
    return {
        "chunk_length": 30, "feature_size": shape.mels, "hop_length": 160, "n_fft": 400,
        "n_samples": 480_000, "nb_max_frames": 3000, "sampling_rate": 16_000,
        "feature_extractor_type": "WhisperFeatureExtractor",
    }  # fmt: skip


def _tokenizer(text: list[str], special: list[str]) -> dict[str, object]:
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
    added = [
        {"id": len(text) + n, "content": token, "single_word": False, "lstrip": False,
         "rstrip": False, "normalized": False, "special": True}
        for n, token in enumerate(special)
    ]  # fmt: skip
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": {**byte_level, "use_regex": True},
        "post_processor": None,
        "decoder": {**byte_level, "use_regex": True},
        "model": {
            "type": "BPE",
            "vocab": {token: number for number, token in enumerate(text)},
            "merges": [],
        },
    }


def main(
    folder: Annotated[Path, typer.Argument(help="Where to write it.")],
    size: Annotated[str, typer.Option(help=", ".join(SHAPES))] = "distil-small.en",
    quantization: Annotated[str | None, typer.Option(help="int8, float16, ...")] = None,
) -> None:
    """Write a Whisper with random weights, in the shape of a real one."""
    if size not in SHAPES:
        raise typer.BadParameter(f"{size} is none of {', '.join(SHAPES)}")
    make(folder, size, quantization)
    size_mb = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
    typer.echo(f"{size}, random weights, {size_mb:.0f} MB: {folder}")


if __name__ == "__main__":
    typer.run(main)
