"""A folder of natural speech, made of noise: one dialogue in two channels, one in a single one."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

RATE_HZ = 8000


def made(folder: Path) -> Path:
    rows = {"index": INDEX, "pauses": PAUSES, "turns": TURNS}
    for name, told in rows.items():
        (folder / f"{name}.json").write_text(json.dumps(told))
    (folder / "two.json").write_text(json.dumps({"segments": SEGMENTS}))
    for file, channels in (("two.flac", 2), ("one.flac", 1)):
        samples = np.random.default_rng(1).normal(0, 0.001, (RATE_HZ * 8, channels))
        for turn in TURNS:
            if turn["file"] == file:
                first, last = (round(turn[key] * RATE_HZ) for key in ("start_s", "end_s"))
                samples[first:last, turn["channel"]] *= 200
        soundfile.write(folder / file, samples, RATE_HZ)
    return folder


def _file(name: str, speakers: list[str], channels: int, transcript: str | None) -> dict[str, Any]:
    return {
        "file": name,
        "source": name[:3],
        "channels": channels,
        "speakers": speakers,
        "transcript": transcript,
    }


def _pause(start_s: float, end_s: float, kind: str, **told: Any) -> dict[str, Any]:
    return {
        "silence_start_s": start_s,
        "silence_end_s": end_s,
        "duration_s": round(end_s - start_s, 3),
        "kind": kind,
        "event": "pause",
        "sure": 0.9,
        "loud_share": 0.0,
        **told,
    }


INDEX = [
    _file("two.flac", ["ann", "bob"], 2, "two.json"),
    _file("one.flac", ["cat", "dan"], 1, None),
]
PAUSES = [
    _pause(3.0, 3.5, "number"),
    _pause(3.6, 4.0, "clause", sure=0.5),
    _pause(5.0, 6.0, "end-of-turn", event="end-of-turn"),
    _pause(2.0, 2.3, "hanging", loud_share=0.4),
    _pause(4.0, 4.2, "end-of-turn", event="end-of-turn"),
    _pause(6.0, 6.2, "end-of-turn", event="end-of-recording"),
]


def _turn(file: str, speaker: str, start_s: float, end_s: float, **told: Any) -> dict[str, Any]:
    return {
        "file": file,
        "channel": 0,
        "speaker": speaker,
        "start_s": start_s,
        "end_s": end_s,
        "text": "five two",
        "pauses": [],
        "sure": 0.9,
        **told,
    }


TURNS = [
    _turn("two.flac", "ann", 2.0, 5.0, pauses=[0, 1], end=2),
    _turn("one.flac", "cat", 1.0, 4.0, pauses=[3], end=4, sure=0.75),
    _turn("one.flac", "dan", 4.2, 6.0, end=5, sure=0.6),
]
SEGMENTS = [
    {"speaker": "ann", "start_s": 0.1, "text": "hello"},
    {"speaker": "bob", "start_s": 0.5, "text": "hi there"},
    {"speaker": "bob", "start_s": 1.2, "text": "which street"},
    {"speaker": "ann", "start_s": 2.0, "text": "five"},
]
