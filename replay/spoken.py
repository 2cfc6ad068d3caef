"""All that was said in a recorded call, in its order: also where no wait was measured."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from replay.turns import Line, ReplayTurn


@dataclass(slots=True)
class Exchange:
    """One turn: the person's words and the bot's, where they were kept; either may be missing."""

    number: int
    asked: str = ""
    said: str = ""
    heard: str | None = None
    """The heard part of an answer that was cut off."""
    asks: bool = False
    """The person began it: else the bot spoke by itself, as in a greeting."""
    typed: bool = False
    turn: ReplayTurn | None = None
    """Its wait, where one was measured."""


def exchanges_of(events: Iterable[Line], turns: Sequence[ReplayTurn]) -> list[Exchange]:
    """`turns` are those of the same events. Answers that were withdrawn are not in it."""
    found: dict[int, Exchange] = {}
    typed: set[str] = set()
    for line in events:
        match line["k"], line["type"]:
            case "in", "Typed":
                typed.add(line.get("text", ""))
            case "command", "CommitReply":
                number = line["turn_id"]
                one = found.setdefault(number, Exchange(number))
                one.asked = line.get("text", "") or one.asked
                one.asks = one.asks or bool(one.asked or line.get("text_characters"))
                one.typed = one.asked != "" and one.asked in typed
            case "out", "Caption" if line["speaker"] == "bot" and line["turn"] in found:
                _say(found[line["turn"]], line)
            case _:
                pass
    for turn in turns:
        one = found.setdefault(turn.number, Exchange(turn.number, turn.transcript, asks=True))
        one.turn = turn
    return sorted(found.values(), key=lambda one: one.number)


def _say(one: Exchange, line: Line) -> None:
    """Clauses as they begin, then the whole; of one that is cut off the last word is what was
    heard.
    """
    text = line.get("text", "")
    if line.get("heard") is not None:
        one.heard = line["heard"]
    elif line["final"]:
        one.said = text
    elif text:
        one.said = f"{one.said} {text}".strip()
