"""Messages on the two pipes between the server and the process of a voice.

A message, in either direction, is `HEADER` (job, kind, length of the payload) and its payload:

    SPEAK  to it    the text, UTF-8
    FIRST  to it    the same; somebody waits in silence: it goes before all that are not
    ASK    to it    nothing: is it there?
    CANCEL to it    nothing: the job stops as soon as it can, or never starts
    ALIVE  from it  nothing: it is there, also while it speaks
    READY  from it  the rate in Hz as `NUMBER`
    AUDIO  from it  `NUMBER` of marks, the marks (`MARK`: character, sample), int16 PCM
    DONE   from it  nothing: all of this job's audio has been sent; cancelled jobs have none
    FAILED from it  nothing: it would not be spoken

It imports nothing of the project, so that the processes start fast and stay small.
"""

import enum
import struct
from collections.abc import Iterator, Sequence

HEADER = struct.Struct("<IBI")
NUMBER = struct.Struct("<I")
MARK = struct.Struct("<II")


class VoiceMessageKind(enum.IntEnum):
    SPEAK = 1
    CANCEL = 2
    READY = 3
    AUDIO = 4
    DONE = 5
    FAILED = 6
    FIRST = 7
    ASK = 8
    ALIVE = 9


def message(job: int, kind: VoiceMessageKind, payload: bytes = b"") -> bytes:
    return HEADER.pack(job, kind, len(payload)) + payload


def audio_message(job: int, pcm: bytes, marks: Sequence[tuple[int, int]] = ()) -> bytes:
    """`pcm`: int16, native. `marks`: (character of the text, sample of the job)."""
    packed = b"".join(MARK.pack(*mark) for mark in marks)
    return message(job, VoiceMessageKind.AUDIO, NUMBER.pack(len(marks)) + packed + pcm)


def take_messages(buffer: bytearray) -> Iterator[tuple[int, VoiceMessageKind, bytes]]:
    """Take every whole message off the front of `buffer`. Raises ValueError on a strange kind."""
    while len(buffer) >= HEADER.size:
        job, kind, length = HEADER.unpack_from(buffer)
        end = HEADER.size + length
        if len(buffer) < end:
            return
        payload = bytes(buffer[HEADER.size : end])
        del buffer[:end]
        yield job, VoiceMessageKind(kind), payload
