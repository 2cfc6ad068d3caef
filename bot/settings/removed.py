"""Settings of earlier versions, and what goes in their place."""

from collections.abc import Iterable, Iterator, Mapping

_BY_FIRST_TOKEN = "it follows from LLM_FIRST_TOKEN_S"
REMOVED: Mapping[str, str] = {
    "DTMF_PAUSE_S": "keys are complete after 2 s without another",
    "DTMF_TERMINATOR": "the key that completes others is #",
    "LLM_APOLOGY_S": f"{_BY_FIRST_TOKEN}, twice as long",
    "LLM_FIRST_CLAUSE_S": _BY_FIRST_TOKEN,
    "LLM_IDLE_S": f"{_BY_FIRST_TOKEN}, and is 2 s at least",
    "RECORD_MB": "recordings take 2048 MB at most; RECORD_DAYS makes them fewer",
    "STT_COMPUTE_TYPE": "faster-whisper computes in the fastest type that the device has",
    "TTS_PCM_RATE_HZ": "raw PCM is 24000 Hz, unless the server says another rate",
    "TWILIO_ACCEPT_EMULATORS": "a stream needs the token of its webhook: ./run call plays Twilio",
    "TWILIO_REQUIRE_SOCKET_SIGNATURE": "the token is always checked, and any signature",
}


def told_of(names: Iterable[str]) -> Iterator[str]:
    """A line for each of these names that was a setting once."""
    for name in dict.fromkeys(name.upper() for name in names):
        if name in REMOVED:
            yield f"{name} is no longer a setting, and is ignored: {REMOVED[name]}"
