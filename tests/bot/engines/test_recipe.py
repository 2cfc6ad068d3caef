"""One line, with the mend, about each engine that failed."""

import pytest

from bot.engines.recipe import Recipe, explain, last_line
from bot.settings.engine import EngineName


def recipe(name: EngineName = "vllm", **fields: object) -> Recipe:
    command = [f"/home/me/.cache/halfsecond/vllm/bin/{name}", "serve"]
    given: dict[str, object] = {"port": 8000, "model": "m", "shown": "google/gemma-3-27b-it"}
    return Recipe(name=name, command=command, **(given | fields))  # type: ignore[arg-type]


SAID: list[tuple[EngineName, str, str]] = [
    (
        "llama.cpp",
        "E srv start: couldn't bind HTTP server socket, hostname: 127.0.0.1, port: 8000",
        "port 8000 is in use",
    ),
    ("vllm", "OSError: [Errno 98] Address already in use", "port 8000 is in use"),
    (
        "llama.cpp",
        "error loading model: tensor 'blk.1.ffn_up.weight' data is not within the file bounds, "
        "model is corrupted or incomplete",
        "is torn, or no GGUF file: fetch it again",
    ),
    ("llama.cpp", "gguf_init_from_reader: invalid magic characters: '<htm'", "no GGUF file"),
    (
        "llama.cpp",
        "E llama_init_from_model: failed to initialize the context: std::bad_alloc\n"
        "E srv load_model: failed to load model, 'm.gguf'",
        "not enough memory",
    ),
    ("vllm", "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate", "not enough memory"),
    (
        "vllm",
        "ValueError: To serve at least one request with the models's max seq len (131072), (16 GiB "
        "KV cache is needed, which is larger than the available KV cache memory (9 GiB)",
        "not enough memory",
    ),
    ("vllm", "RuntimeError: Failed to infer device type", "finds no GPU"),
    ("vllm", "RuntimeError: No CUDA GPUs are available", "finds no GPU"),
    (
        "vllm",
        "OSError: You are trying to access a gated repo.\nMake sure to have access to it at "
        "https://huggingface.co/google/gemma-3-27b-it.\n401 Client Error.",
        "google/gemma-3-27b-it is gated: accept its licence",
    ),
    (
        "vllm",
        "OSError: gema is not a local folder and is not a valid model identifier listed on "
        "'https://huggingface.co/models'",
        "there is no model",
    ),
    (
        "vllm",
        "ERROR: Could not find a version that satisfies the requirement vllm\n"
        "ERROR: No matching distribution found for vllm",
        "remove /home/me/.cache/halfsecond/vllm and start again",
    ),
    ("demo", "Traceback (most recent call last):\nKeyError: 'x'", "demo ended with 1: KeyError"),
]


@pytest.mark.parametrize(("name", "log", "told"), SAID, ids=[told for _, _, told in SAID])
def test_each_failure_is_one_line_with_its_mend(name: EngineName, log: str, told: str) -> None:
    line = explain(recipe(name), f"INFO starting\n{log}\nINFO bye" if name != "demo" else log, 1)
    assert told in line
    assert "\n" not in line


def test_a_limit_of_memory_is_named() -> None:
    line = explain(recipe("llama.cpp", memory_bytes=2_500_000_000), "std::bad_alloc", 1)
    assert "within the 2.5 GB of LLM_ENGINE_MEMORY_GB" in line


def test_an_engine_that_the_system_killed_wanted_too_much_memory() -> None:
    assert "most likely for want of memory" in explain(recipe(), "loading", -9)


def test_one_that_is_not_ready_in_time_says_where_it_was() -> None:
    line = explain(recipe(start_limit_s=60.0), "Loading shards: 10%\rLoading shards: 50%\r", None)
    assert line.startswith("vllm not ready in 60 s: Loading shards: 50% (")


def test_the_last_line_is_without_colour_and_time() -> None:
    assert last_line("one\n\x1b[32m0.00.012.5 I srv  listening\x1b[0m\n\n") == "I srv  listening"
    assert last_line("") == ""


def test_what_the_log_names_has_no_key_in_it() -> None:
    secret = recipe(variables={"HF_TOKEN": "hf_secret"})
    assert "hf_secret" not in secret.in_words
