"""Both suites as the product's models hear them: natural speech, and read prompts."""

from pathlib import Path

import numpy as np
from rich.progress import track

from bench.fit.pauses import HeardTurn, LabelledSilence, PauseListener
from bench.natural import speech
from bench.suite import load
from pipelines.services.protocols import EAR_RATE_HZ


def natural_turns(folder: Path) -> list[HeardTurn]:
    listener = PauseListener()
    return [
        HeardTurn(
            turn.id,
            turn.speaker if "unknown" not in turn.speaker else turn.id,
            turn.source,
            turn.asked,
            listener.hear(
                (speech.sound(turn, EAR_RATE_HZ) / np.float32(32768)).astype(np.float32),
                [
                    *(
                        LabelledSilence(p.start_s, p.duration_s, p.kind, p.counts)
                        for p in turn.pauses
                    ),
                    LabelledSilence(turn.end_s, 5.0, "end"),
                ],
            ),
        )
        for turn in track(speech.load(folder), "listening to natural speech")
    ]


def read_turns() -> list[HeardTurn]:
    listener = PauseListener()
    return [
        HeardTurn(
            turn.id,
            turn.half,
            "read",
            "",
            listener.hear(
                (load.sound(turn, EAR_RATE_HZ, 0.5) / np.float32(32768)).astype(np.float32),
                [
                    *(LabelledSilence(p.start_s, p.duration_s, p.kind) for p in turn.pauses),
                    LabelledSilence(turn.end_s, 5.0, "end"),
                ],
            ),
        )
        for turn in track(load.turns(), "listening to read prompts")
    ]
