"""Piper, Kokoro or hibari, run as a program: text comes in on stdin, audio goes out on stdout.

`python -m pipelines.services.tts.neural_process piper MODEL SPEED` (the voice's `.onnx`, its
`.onnx.json` beside it), `... kokoro MODEL VOICES VOICE SPEED` or `... hibari MODEL SPEED`. Piper
and Kokoro bring espeak-ng, under the GPL, to know how words sound, and Piper is under the GPL
itself: they are loaded here and nowhere else. It says `READY`, then serves jobs until stdin ends
(`voice_messages`).

Two threads speak: one takes what somebody waits for in silence and nothing else, so that this
never stands behind a long sentence of another call.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np

from pipelines.services.tts.voice_messages import (
    NUMBER,
    VoiceMessageKind,
    audio_message,
    message,
    take_messages,
)

SEED = 0
"""Seed of the noise in hibari's breath and hissing: the same text is the same sound."""


class VoiceEngine(Protocol):
    rate_hz: int

    def speak(self, text: str) -> Iterator[bytes]:
        """int16 PCM, a sentence or so at a time. Called from two threads."""
        ...


class Piper:
    def __init__(self, model: str, speed: str) -> None:
        from piper import PiperVoice, SynthesisConfig

        self._voice = PiperVoice.load(model)
        self._config = SynthesisConfig(length_scale=1 / float(speed))
        self.rate_hz = int(self._voice.config.sample_rate)

    def speak(self, text: str) -> Iterator[bytes]:
        for chunk in self._voice.synthesize(text, self._config):
            yield chunk.audio_int16_bytes


class Kokoro:
    rate_hz = 24_000

    def __init__(self, model: str, voices: str, voice: str, speed: str) -> None:
        import kokoro_onnx

        self._kokoro = kokoro_onnx.Kokoro(model, voices)
        if voice not in self._kokoro.get_voices():
            raise ValueError(f"Kokoro has no voice {voice!r}")
        self._voice, self._speed = voice, min(max(float(speed), 0.5), 2.0)
        self._language = "en-gb" if voice.startswith("b") else "en-us"
        self._phonemizing = threading.Lock()  # espeak-ng has one state for the process

    def speak(self, text: str) -> Iterator[bytes]:
        with self._phonemizing:
            phonemes = self._kokoro.tokenizer.phonemize(text, self._language)
        if phonemes.strip():
            samples, _ = self._kokoro.create(phonemes, self._voice, self._speed, is_phonemes=True)
            yield np.rint(np.clip(samples, -1, 1) * 32767).astype(np.int16).tobytes()


class Hibari:
    rate_hz = 24_000

    def __init__(self, model: str, speed: str) -> None:
        import hibari

        # Given by its path, a voice is never fetched. No second thread: others need the core.
        self._hibari = hibari.Hibari(model=model, threads=1)
        self._speed = min(max(float(speed), 0.5), 2.0)
        self._phonemizing = threading.Lock()  # it keeps what it loaded for unknown words
        self._hibari.phonemize("Zyx.")

    def speak(self, text: str) -> Iterator[bytes]:
        with self._phonemizing:
            sentences = self._hibari.phonemize(text)
        for phonemes in sentences:
            samples = self._hibari.from_phonemes(phonemes, self._speed, seed=SEED)
            yield np.rint(np.clip(samples, -1, 1) * 32767).astype(np.int16).tobytes()


ENGINES: dict[str, Callable[..., VoiceEngine]] = {
    "piper": Piper,
    "kokoro": Kokoro,
    "hibari": Hibari,
}


class Service:
    def __init__(self, engine: VoiceEngine, sink: int) -> None:
        self._engine, self._sink = engine, sink
        self._sending = threading.Lock()
        self._changed = threading.Condition()
        self._waiting: dict[VoiceMessageKind, dict[int, str]] = {
            VoiceMessageKind.FIRST: {},
            VoiceMessageKind.SPEAK: {},
        }
        self._speaking: set[int] = set()

    def serve(self, source: int) -> None:
        for kinds in ((VoiceMessageKind.FIRST,), (VoiceMessageKind.FIRST, VoiceMessageKind.SPEAK)):
            threading.Thread(target=self._work, args=(kinds,), daemon=True).start()
        self._send(message(0, VoiceMessageKind.READY, NUMBER.pack(self._engine.rate_hz)))
        buffer = bytearray()
        while data := os.read(source, 65536):
            buffer += data
            for job, kind, payload in take_messages(buffer):
                self._take(job, kind, payload)

    def _take(self, job: int, kind: VoiceMessageKind, payload: bytes) -> None:
        if kind is VoiceMessageKind.ASK:
            self._send(message(job, VoiceMessageKind.ALIVE))
            return
        with self._changed:
            if kind in self._waiting:
                self._waiting[kind][job] = payload.decode()
                self._changed.notify_all()
            elif kind is VoiceMessageKind.CANCEL:
                self._speaking.discard(job)
                for jobs in self._waiting.values():
                    jobs.pop(job, None)

    def _work(self, kinds: tuple[VoiceMessageKind, ...]) -> None:
        while True:
            job, text = self._next(kinds)
            failed = False
            try:
                for pcm in self._engine.speak(text):
                    if job not in self._speaking:
                        break
                    self._send(audio_message(job, pcm))
            except Exception as exc:  # noqa: BLE001 - one text must not end the process
                sys.stderr.write(f"could not speak: {exc!r}\n")
                failed = True
            with self._changed:
                if job in self._speaking:
                    self._speaking.discard(job)
                    self._send(
                        message(job, VoiceMessageKind.FAILED if failed else VoiceMessageKind.DONE)
                    )

    def _next(self, kinds: tuple[VoiceMessageKind, ...]) -> tuple[int, str]:
        with self._changed:
            while not any(self._waiting[kind] for kind in kinds):
                self._changed.wait()
            jobs = next(self._waiting[kind] for kind in kinds if self._waiting[kind])
            job = next(iter(jobs))
            self._speaking.add(job)
            return job, jobs.pop(job)

    def _send(self, data: bytes) -> None:
        with self._sending:
            while data:
                data = data[os.write(self._sink, data) :]


def main() -> None:
    _, name, *options = sys.argv
    # Whatever a library prints must not get between the messages.
    sink = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        engine = ENGINES[name](*options)
    except (ImportError, ValueError, OSError) as exc:
        sys.exit(f"cannot load {name}: {exc}")
    Service(engine, sink).serve(sys.stdin.fileno())
    os._exit(0)  # what the threads are at is for nobody


if __name__ == "__main__":
    main()
