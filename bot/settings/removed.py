"""Settings of earlier versions, and what goes in their place."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_BY_FIRST_TOKEN = "it follows from LLM_FIRST_TOKEN_S"
REMOVED: Mapping[str, str] = {
    "DTMF_PAUSE_S": "keys are complete after 2 s without another",
    "DTMF_TERMINATOR": "the key that completes others is #",
    "LLM_APOLOGY_S": f"{_BY_FIRST_TOKEN}, twice as long",
    "LLM_FIRST_CLAUSE_S": _BY_FIRST_TOKEN,
    "LLM_QUEUE_SIZE": "64 texts may wait for the language model",
    "LLM_IDLE_S": f"{_BY_FIRST_TOKEN}, and is 2 s at least",
    "RECORD_MB": "recordings take 2048 MB at most; RECORD_DAYS makes them fewer",
    "SEED": "the demo engine draws the same each time; ./run llm demo has --seed",
    "STT_COMPUTE_TYPE": "faster-whisper computes in the fastest type that the device has",
    "TTS_PCM_RATE_HZ": "raw PCM is 24000 Hz, unless the server says another rate",
    "TWILIO_ACCEPT_EMULATORS": "a stream needs the token of its webhook: ./run call plays Twilio",
    "TWILIO_REQUIRE_SOCKET_SIGNATURE": "the token is always checked, and any signature",
}

REPLACED: Mapping[str, str] = {
    "LLM_SYSTEM_PROMPT_FILE": "LLM_SYSTEM_PROMPT=@prompt.txt",
    "STT_SERVICE": "STT_MODEL=module:function",
    "TTS_SERVICE": "TTS_MODEL=module:function",
}
"""A server that ignored one of these would not be the one that was asked for: it does not start."""


def told_of(names: Iterable[str]) -> Iterator[str]:
    """A line for each of these names that was a setting once."""
    for name in dict.fromkeys(name.upper() for name in names):
        if name in REMOVED:
            yield f"{name} is no longer a setting, and is ignored: {REMOVED[name]}"


def renamed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Values of an earlier version's settings under the names of today; those gone stay there."""
    today = dict(settings)
    if file := today.pop("llm_system_prompt_file", None):
        today["llm_system_prompt"] = f"@{file}"
    for kind in ("stt", "tts"):
        if service := today.pop(f"{kind}_service", None):
            today[f"{kind}_model"] = service
    return today
