"""Text to speech by espeak-ng: a robot, whose first sound takes less than a millisecond.

It makes a second of speech in about 2 ms, so one process speaks for all calls in turn.
"""

import sys

from pipelines.services.tts.tts_process import ProcessTextToSpeech

VOICE = "en-us"


def espeak_voice(*, voice: str = VOICE, words_a_minute: int = 165) -> ProcessTextToSpeech:
    """Not open yet. `voice`: as `espeak-ng --voices` names them."""
    program = (sys.executable, "-P", "-m", "pipelines.services.tts.espeak_process")
    return ProcessTextToSpeech("espeak-ng", (*program, voice, str(words_a_minute)))
