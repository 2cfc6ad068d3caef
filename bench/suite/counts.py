"""How much of what the suite holds, by half: the page COUNTS.md."""

from collections import Counter
from typing import Any


def counts(told: dict[str, Any]) -> str:
    """Tables of turns, and of distinct pauses by kind and origin, for the content of suite.json."""
    turns = told["turns"]
    described = [(text, turn["half"]) for turn in turns for text in _described(turn)]
    places = {
        (f"{pause['kind']}, {pause['origin']}", turn["half"], pause["place"])
        for turn in turns
        for pause in turn["pauses"]
    }
    pauses = [(text, half) for text, half, _ in places]
    said = [(each["what"] + _how(each), "all") for each in told["overlaps"]]
    return "\n".join(
        [
            "# What is in the suite",
            "",
            *_table("turns", ("fit", "held"), described),
            "",
            *_table("distinct pauses", ("fit", "held"), pauses),
            "",
            *_table("over the bot's speech", ("all",), said),
            "",
        ]
    )


def _described(turn: dict[str, Any]) -> list[str]:
    found = [f"{key}: {turn[key]}" for key in ("what", "band", "speaker")] + ["in all"]
    if turn["noise"]:
        found.append(f"noise: {turn['noise']['file'][:-5]} at {turn['noise']['snr_db']} dB")
    return found


def _how(each: dict[str, Any]) -> str:
    return ", synthetic" if each["synthetic"] else ", recorded"


def _table(title: str, columns: tuple[str, ...], found: list[tuple[str, str]]) -> list[str]:
    number = Counter(found)
    return [
        f"| {title} | " + " | ".join(columns) + " |",
        "| --- |" + " --- |" * len(columns),
        *(
            f"| {text} | " + " | ".join(str(number[text, column]) for column in columns) + " |"
            for text in sorted({text for text, _ in found})
        ),
    ]
