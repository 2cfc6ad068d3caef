"""espeak-ng, run as a program: text comes in on stdin, audio and word marks go out on stdout.

espeak-ng is under the GPL: it is loaded here and nowhere else, by a process that shares nothing
with the server but two pipes.
`python -m pipelines.services.tts.espeak_process VOICE WORDS_A_MINUTE` says `READY`, then
serves jobs one after another until stdin ends.

It imports nothing of the project but `voice_messages`, so that it starts fast and stays small.
"""

import ctypes
import os
import select
import sys

from pipelines.services.tts.voice_messages import (
    NUMBER,
    VoiceMessageKind,
    audio_message,
    message,
    take_messages,
)

# ---- espeak's C interface, from speak_lib.h of espeak-ng 1.52 ----

AUDIO_OUTPUT_SYNCHRONOUS = 2
INITIALIZE_DONT_EXIT = 0x8000
RATE_PARAMETER = 1
POSITION_CHARACTER = 1
CHARS_UTF8 = 1
EVENT_LIST_TERMINATED, EVENT_WORD = 0, 1
BUFFER_MS = 40
"""espeak takes no less than 60 ms at 22,050 Hz (1,324 samples), and rounds up to it."""


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class Speaker:
    def __init__(self, voice: str, words_a_minute: int, source: int, sink: int) -> None:
        """`source` and `sink` are file descriptors. Raises ValueError for an unknown voice."""
        import espeakng_loader

        self._source, self._sink = source, sink
        self._buffer = bytearray()
        self._waiting: dict[VoiceMessageKind, dict[int, bytes]] = {
            VoiceMessageKind.FIRST: {},
            VoiceMessageKind.SPEAK: {},
        }
        """In the order in which they are served."""
        self._job: int | None = None
        self._ended = False
        self._espeak = ctypes.CDLL(espeakng_loader.get_library_path())
        self._rate_hz = self._espeak.espeak_Initialize(
            AUDIO_OUTPUT_SYNCHRONOUS,
            BUFFER_MS,
            espeakng_loader.get_data_path().encode(),
            INITIALIZE_DONT_EXIT,
        )
        if self._rate_hz <= 0 or self._espeak.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"espeak-ng has no voice {voice!r}")
        self._espeak.espeak_SetParameter(RATE_PARAMETER, words_a_minute, 0)
        self._callback = _Callback(self._on_audio)
        self._espeak.espeak_SetSynthCallback(self._callback)

    def serve(self) -> None:
        self._send(message(0, VoiceMessageKind.READY, NUMBER.pack(self._rate_hz)))
        while not self._ended:
            jobs = next(filter(None, self._waiting.values()), None)
            if jobs is None:
                self._receive()
                continue
            job = next(iter(jobs))
            self._speak(job, jobs.pop(job))

    def _speak(self, job: int, text: bytes) -> None:
        self._job = job
        failed = self._espeak.espeak_Synth(
            text, len(text) + 1, 0, POSITION_CHARACTER, 0, CHARS_UTF8, None, None
        )
        if self._job is not None:
            self._send(message(job, VoiceMessageKind.FAILED if failed else VoiceMessageKind.DONE))
        self._job = None

    def _on_audio(
        self,
        pcm: "ctypes._Pointer[ctypes.c_short]",
        samples: int,
        events: "ctypes._Pointer[_Event]",
    ) -> int:
        """Called with each buffer; 1 stops the job. `pcm` is null in the last call."""
        while select.select([self._source], [], [], 0)[0] and not self._ended:
            self._receive()
        if self._job is None or self._ended:
            return 1
        marks = []
        at = 0
        while events[at].type != EVENT_LIST_TERMINATED:
            if events[at].type == EVENT_WORD:
                marks.append((events[at].text_position - 1, events[at].sample))
            at += 1
        audio = ctypes.string_at(pcm, 2 * samples) if samples else b""
        if audio or marks:
            self._send(audio_message(self._job, audio, marks))
        return int(self._ended)

    def _receive(self) -> None:
        data = os.read(self._source, 65536)
        self._ended = not data
        self._buffer += data
        for job, kind, payload in take_messages(self._buffer):
            if kind in self._waiting:
                self._waiting[kind][job] = payload
            elif kind is VoiceMessageKind.ASK:
                self._send(message(job, VoiceMessageKind.ALIVE))
            elif kind is VoiceMessageKind.CANCEL:
                for jobs in self._waiting.values():
                    jobs.pop(job, None)
                if job == self._job:
                    self._job = None

    def _send(self, data: bytes) -> None:
        try:
            while data:
                data = data[os.write(self._sink, data) :]
        except BrokenPipeError:
            self._ended = True


def main() -> None:
    _, voice, words_a_minute = sys.argv
    # Whatever the library prints must not get between the messages.
    sink = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        speaker = Speaker(voice, int(words_a_minute), sys.stdin.fileno(), sink)
    except ValueError as exc:
        sys.exit(str(exc))
    speaker.serve()


if __name__ == "__main__":
    main()
