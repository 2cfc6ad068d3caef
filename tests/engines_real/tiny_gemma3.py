"""Makes a model with the architecture of Gemma 3 from nothing, as GGUF: all it does is count.

Its weights are set by hand: embeddings are one-hot, attention is switched off, and the MLP of its
first layer is a table of successors, so it says `Sure, counting: 1 2 3 ... 300.` at any temperature
up to about 1. Idle layers, zeros all of them, change nothing but its pace.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

SPECIAL = ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<start_of_turn>", "<end_of_turn>")
PAD, EOS, BOS, UNK, _, _, END_OF_TURN = range(len(SPECIAL))
BLANK = "\u2581"
BYTES = 256
CONTEXT = 8192
HEAD_WIDTH = 64

TEMPLATE = """{{ bos_token }}
{%- set first = messages[0]['content'] + '\\n\\n' if messages[0]['role'] == 'system' else '' -%}
{%- for message in messages[1:] if first else messages -%}
{%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}
{%- endif -%}
{{ '<start_of_turn>' + ('model' if message['role'] == 'assistant' else message['role']) + '\\n' }}
{{- (first if loop.first else '') + message['content'] | trim + '<end_of_turn>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<start_of_turn>model\\n' }}{%- endif -%}
"""
"""Gemma 3's turns, in a wording of our own: no system role, and roles that must alternate."""


def counting(file: Path, last: int = 300, *, idle_layers: int = 0) -> Path:
    """Write the model that counts to `last`. Each idle layer costs it about 0.4 ms a token."""
    said = ["Sure", ",", f"{BLANK}counting", ":", *(f"{BLANK}{n}" for n in range(1, last + 1)), "."]
    pieces = _vocabulary(said)
    number = {piece: index for index, piece in enumerate(pieces)}
    tokens = [number["\n"], *(number[piece] for piece in said), END_OF_TURN]
    width, units = _rounded(len(pieces)), _rounded(len(tokens))
    first = _layer(width, units)
    for unit, (here, following) in enumerate(zip(tokens, tokens[1:], strict=False)):
        first["ffn_gate"][unit, here] = 1.0
        first["ffn_up"][unit, here] = 1.0
        first["ffn_down"][following, unit] = 1.0
    first["post_ffw_norm"][:] = 4.0  # the successor outweighs the token itself
    tensors = {
        "token_embd.weight": Tensor.of(np.eye(len(pieces), width)),
        "output_norm.weight": Tensor.of(np.ones(width)),
        **{f"blk.0.{name}.weight": Tensor.of(values) for name, values in first.items()},
    }
    for layer in range(1, 1 + idle_layers):
        idle = _layer(width, units)
        tensors |= {f"blk.{layer}.{name}.weight": Tensor.idle(one) for name, one in idle.items()}
    values = {
        "general.architecture": "gemma3",
        "general.type": "model",
        "general.name": "tiny-gemma3-count",
        **{f"gemma3.{key}": one for key, one in _shape(width, units, 1 + idle_layers).items()},
        **{f"tokenizer.{key}": one for key, one in _tokenizer(pieces).items()},
    }
    file.write_bytes(_gguf(values, tensors))
    return file


def _vocabulary(words: Iterable[str]) -> list[str]:
    """Special tokens, bytes, printable characters, and every beginning of every word."""
    pieces = [*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(BYTES))]
    pieces += ["\n", BLANK, *map(chr, range(0x21, 0x7F))]
    return list(dict.fromkeys([*pieces, *(w[:i] for w in words for i in range(2, len(w) + 1))]))


def _rounded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _layer(width: int, units: int) -> dict[str, NDArray[np.float64]]:
    """Zeros, and norms of one, as (rows, columns)."""
    norms = dict.fromkeys(("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"), width)
    norms |= dict.fromkeys(("attn_q_norm", "attn_k_norm"), HEAD_WIDTH)
    attention = dict.fromkeys(("attn_q", "attn_k", "attn_v"), (HEAD_WIDTH, width))
    feed_forward = dict.fromkeys(("ffn_gate", "ffn_up"), (units, width))
    rest = {"attn_output": (width, HEAD_WIDTH), "ffn_down": (width, units)}
    return {name: np.ones(size) for name, size in norms.items()} | {
        name: np.zeros(size) for name, size in (attention | feed_forward | rest).items()
    }


def _shape(width: int, units: int, layers: int) -> "dict[str, Value]":
    return {
        "context_length": CONTEXT,
        "embedding_length": width,
        "block_count": layers,
        "feed_forward_length": units,
        "attention.head_count": 1,
        "attention.head_count_kv": 1,
        "attention.key_length": HEAD_WIDTH,
        "attention.value_length": HEAD_WIDTH,
        "attention.layer_norm_rms_epsilon": 1e-6,
        "attention.sliding_window": 512,
        "rope.freq_base": 1e6,
    }


def _tokenizer(pieces: Sequence[str]) -> "dict[str, Value]":
    """SentencePiece: it joins the two neighbours whose union scores highest, the earliest piece."""
    special, letters = len(SPECIAL) + BYTES, len(_vocabulary(()))
    never = [-1e6] * (letters - special)
    words = [-float(index) for index in range(len(pieces) - letters)]
    kinds = [CONTROL] * len(SPECIAL) + [BYTE] * BYTES + [NORMAL] * (len(pieces) - special)
    kinds[UNK] = UNKNOWN
    return {
        "ggml.model": "llama",
        "ggml.pre": "default",
        "ggml.tokens": list(pieces),
        "ggml.scores": [0.0] * special + never + words,
        "ggml.token_type": kinds,
        "ggml.bos_token_id": BOS,
        "ggml.eos_token_id": EOS,
        "ggml.unknown_token_id": UNK,
        "ggml.padding_token_id": PAD,
        "ggml.eot_token_id": END_OF_TURN,
        "ggml.add_bos_token": True,
        "ggml.add_eos_token": False,
        "ggml.add_space_prefix": False,
        "chat_template": TEMPLATE,
    }


# ---- GGUF, version 3: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md ----

Value: TypeAlias = bool | int | float | str | list[int] | list[float] | list[str]
UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6
ALIGNMENT = 32
F32, IQ1_S = 0, 19
BLOCK, IQ1_S_BLOCK_BYTES = 256, 50
"""The block of IQ1_S, the smallest of ggml's types and one of the slowest; all zeros stands for
zeros.
"""


@dataclass(frozen=True, slots=True)
class Tensor:
    sizes: tuple[int, ...]
    """The innermost first."""
    type: int
    data: bytes

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> "Tensor":
        return cls(values.shape[::-1], F32, values.astype("<f4").tobytes())

    @classmethod
    def idle(cls, values: NDArray[np.float64]) -> "Tensor":
        """Zeros, small and slow, where a row is whole blocks."""
        if values.ndim == 1 or values.shape[1] % BLOCK:
            return cls.of(values)
        return cls(values.shape[::-1], IQ1_S, bytes(values.size // BLOCK * IQ1_S_BLOCK_BYTES))


def _gguf(values: Mapping[str, Value], tensors: Mapping[str, Tensor]) -> bytes:
    head = [b"GGUF", struct.pack("<IQQ", 3, len(tensors), len(values))]
    head += [_text(key) + _typed(value) for key, value in values.items()]
    offset, data = 0, []
    for key, one in tensors.items():
        sizes = struct.pack(f"<I{len(one.sizes)}Q", len(one.sizes), *one.sizes)
        head.append(_text(key) + sizes + struct.pack("<IQ", one.type, offset))
        data.append(_padded(one.data))
        offset += len(data[-1])
    return _padded(b"".join(head)) + b"".join(data)


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _typed(value: Value) -> bytes:
    if isinstance(value, bool):
        return struct.pack("<I?", BOOL, value)
    if not isinstance(value, list):
        kind, data = _bare(value, UINT32)
        return struct.pack("<I", kind) + data
    items = [_bare(item, INT32) for item in value]
    head = struct.pack("<IIQ", ARRAY, items[0][0], len(items))
    return head + b"".join(data for _, data in items)


def _bare(item: str | float, whole: int) -> tuple[int, bytes]:
    """Its type and its bytes; `whole` is the type of a whole number."""
    if isinstance(item, str):
        return STRING, _text(item)
    if isinstance(item, int):
        return whole, struct.pack("<i", item)
    return FLOAT32, struct.pack("<f", item)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % ALIGNMENT)
