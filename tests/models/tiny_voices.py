"""Makes the tiny voices beside it: true Piper and Kokoro models that say each phoneme as a tone.

`python tests/models/tiny_voices.py` with onnx, numpy and piper-tts; what it made is kept beside
it, so that tests need none of them. No question of licence: the weights are arithmetic.
"""

import json
import math
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper
from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP

HERE = Path(__file__).parent
PHONEME_SAMPLES = 1536
PIPER_HZ, KOKORO_HZ = 22_050, 24_000
LEVEL = 0.25


def tones(ids: str, length_scale: str, rate_hz: int) -> list[onnx.NodeProto]:
    """Nodes from the phonemes' `ids`, shape (1, n), to "samples", shape (n * length,).

    `length_scale`: a scalar that PHONEME_SAMPLES is multiplied by.
    """

    def constant(name: str, value: float | int | list[int], kind: int) -> onnx.NodeProto:
        shape = [len(value)] if isinstance(value, list) else []
        values = value if isinstance(value, list) else [value]
        tensor = helper.make_tensor(name, kind, shape, values)
        return helper.make_node("Constant", [], [name], value=tensor)

    float_, int_ = TensorProto.FLOAT, TensorProto.INT64
    return [
        constant("zero", 0.0, float_),
        constant("one", 1.0, float_),
        constant("unscaled", float(PHONEME_SAMPLES), float_),
        constant("step", 2 * math.pi * 12 / rate_hz, float_),
        constant("lowest", 2 * math.pi * 150 / rate_hz, float_),
        constant("level", LEVEL, float_),
        constant("column", [-1, 1], int_),
        constant("flat", [-1], int_),
        helper.make_node("Mul", ["unscaled", length_scale], ["length"]),
        helper.make_node("Range", ["zero", "length", "one"], ["at"]),
        helper.make_node("Cast", [ids], ["numbers"], to=float_),
        helper.make_node("Reshape", ["numbers", "column"], ["numbered"]),
        helper.make_node("Mul", ["numbered", "step"], ["above"]),
        helper.make_node("Add", ["above", "lowest"], ["pitch"]),
        helper.make_node("Mul", ["pitch", "at"], ["phase"]),
        helper.make_node("Sin", ["phase"], ["wave"]),
        helper.make_node("Mul", ["wave", "level"], ["voiced"]),
        helper.make_node("Reshape", ["voiced", "flat"], ["samples"]),
    ]


def save(name: str, nodes: list[onnx.NodeProto], inputs: dict[str, tuple[int, list[object]]],
         output: str, shape: list[object]) -> None:  # fmt: skip
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(key, *value) for key, value in inputs.items()],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    (HERE / name).parent.mkdir(exist_ok=True)
    onnx.save(model, HERE / name)


def piper() -> None:
    one = helper.make_tensor("which", TensorProto.INT64, [], [1])
    four = helper.make_tensor("four", TensorProto.INT64, [4], [1, 1, 1, -1])
    nodes = [
        helper.make_node("Constant", [], ["which"], value=one),
        helper.make_node("Constant", [], ["four"], value=four),
        helper.make_node("Gather", ["scales", "which"], ["length_scale"], axis=0),
        *tones("input", "length_scale", PIPER_HZ),
        helper.make_node("Reshape", ["samples", "four"], ["output"]),
    ]
    inputs: dict[str, tuple[int, list[object]]] = {
        "input": (TensorProto.INT64, [1, "phonemes"]),
        "input_lengths": (TensorProto.INT64, [1]),
        "scales": (TensorProto.FLOAT, [3]),
    }
    save("tiny-piper/en_US-tiny-low.onnx", nodes, inputs, "output", [1, 1, 1, "time"])
    config = {
        "audio": {"sample_rate": PIPER_HZ, "quality": "low"},
        "espeak": {"voice": "en-us"},
        "inference": {"noise_scale": 0.667, "length_scale": 1, "noise_w": 0.8},
        "phoneme_type": "espeak",
        "phoneme_id_map": DEFAULT_PHONEME_ID_MAP,
        "num_symbols": 256,
        "num_speakers": 1,
        "speaker_id_map": {},
    }
    path = HERE / "tiny-piper" / "en_US-tiny-low.onnx.json"
    path.write_text(json.dumps(config, ensure_ascii=False) + "\n")


def kokoro() -> None:
    first = helper.make_tensor("which", TensorProto.INT64, [], [0])
    one = helper.make_tensor("unit", TensorProto.FLOAT, [], [1.0])
    nodes = [
        helper.make_node("Constant", [], ["which"], value=first),
        helper.make_node("Constant", [], ["unit"], value=one),
        helper.make_node("Gather", ["speed", "which"], ["fast"], axis=0),
        helper.make_node("Div", ["unit", "fast"], ["length_scale"]),
        *tones("tokens", "length_scale", KOKORO_HZ),
        helper.make_node("Identity", ["samples"], ["audio"]),
    ]
    inputs: dict[str, tuple[int, list[object]]] = {
        "tokens": (TensorProto.INT64, [1, "tokens_length"]),
        "style": (TensorProto.FLOAT, [1, 256]),
        "speed": (TensorProto.FLOAT, [1]),
    }
    save("tiny-kokoro/kokoro-tiny.onnx", nodes, inputs, "audio", ["time"])
    styles = {name: np.zeros((4, 1, 256), np.float32) for name in ("af_heart", "bf_emma")}
    with (HERE / "tiny-kokoro" / "voices-tiny.bin").open("wb") as file:
        np.savez_compressed(file, **styles)  # type: ignore[arg-type]


if __name__ == "__main__":
    piper()
    kokoro()
