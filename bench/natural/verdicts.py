"""A language model's verdicts on the natural turns: does the mark come after these words, or not?

They were collected once, for a model takes seconds to each on two cores, and are played back at a
fixed pace. The table holds no words: a prefix of a turn is known by the turn's id and a checksum.

`python -m bench.natural.verdicts URL` collects what is missing from an OpenAI-compatible server.
"""

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

import httpx2
import typer
from rich.progress import track

from bench.fit.simulate import SimulatedTurn, Verdict, play
from bench.natural import speech
from bench.natural.fast import observed
from bench.natural.speech import NaturalTurn
from pipelines.core.thinking.prompt import SYSTEM_PROMPT
from pipelines.core.thinking.turn_marks import INSTRUCTION, TurnMarks
from pipelines.core.turn.endpointing import PATIENCES_S, EndpointingPolicy
from pipelines.core.turn.policy import TurnPolicy
from pipelines.core.turn.wording import words

TABLE = Path(__file__).with_name("verdicts.json")
JudgeName: TypeAlias = Literal["none", "collected", "perfect"]
MOST_TOKENS = 6
"""An answer is read so far: the mark is its beginning."""
PATIENT_S = 600.0


def checksum(text: str) -> str:
    """The same for words that differ in their marks and capitals alone."""
    return f"{zlib.crc32(' '.join(words(text)).encode()):08x}"


def perfect(turn: NaturalTurn) -> Verdict:
    """Always right, which no model is: shows what the mark can do at best."""
    return lambda text, now: now < turn.end_s


@dataclass(slots=True)
class Verdicts:
    """One model's collected verdicts."""

    model: str
    instruction: str
    """The checksum of the one that they were collected with."""
    marks: dict[str, dict[str, bool]]
    """By turn and by the checksum of its words: whether the answer was the mark."""
    unknown: int = field(default=0)
    """Words that were asked about, and are not in the table."""

    @classmethod
    def load(cls, path: Path = TABLE) -> Self:
        """Raises OSError and ValueError."""
        told = json.loads(path.read_text())
        return cls(told["model"], told["instruction"], told["marks"])

    def save(self, path: Path = TABLE) -> None:
        told = {"model": self.model, "instruction": self.instruction}
        rows = ",\n".join(
            f"  {json.dumps(turn)}: {json.dumps(found)}" for turn, found in self.marks.items()
        )
        head = json.dumps(told)[1:-1]
        path.write_text(f'{{{head}, "marks": {{\n{rows}\n}}}}\n')

    def of(self, turn: NaturalTurn) -> Verdict:
        def incomplete(text: str, now: float) -> bool:
            found = self.marks.get(turn.id, {}).get(checksum(text))
            self.unknown += found is None
            return bool(found)

        return incomplete


def prefixes(heard: Sequence[SimulatedTurn]) -> Iterator[tuple[str, str]]:
    """Each turn's id with the words that a reply may be begun for, at any patience, whether the
    model has given the mark before or not.
    """
    for turn in heard:
        texts: list[str] = []
        for patience_s in PATIENCES_S.values():
            policy = EndpointingPolicy(patience_s=patience_s)
            for mark in (False, True):
                asked = partial(_noted, texts, mark)
                play(turn, TurnPolicy(endpointing=policy, asks_model=True), asked)
        yield from ((turn.name, text) for text in {checksum(t): t for t in texts}.values())


def _noted(texts: list[str], mark: bool, text: str, now: float) -> bool:
    texts.append(text)
    return mark


def prompt(asked: str, text: str) -> list[dict[str, str]]:
    """As a call would put it, `asked` being all that the bot has said before."""
    before = [{"role": "assistant", "content": asked}] if asked else []
    return [
        {"role": "system", "content": SYSTEM_PROMPT},
        *before,
        {"role": "user", "content": INSTRUCTION + text},
    ]


def is_mark(answer: str) -> bool:
    marks = TurnMarks()
    marks.feed(answer)
    return marks.is_incomplete


def collect(url: str, verdicts: Verdicts, turns: Mapping[str, NaturalTurn]) -> None:
    """Adds what is missing, and saves it as it comes. Raises httpx2.HTTPError."""
    heard = observed(list(turns.values()))
    with httpx2.Client(timeout=PATIENT_S) as client:
        for turn, text in track(list(prefixes(heard)), "asking"):
            known = verdicts.marks.setdefault(turn, {})
            if checksum(text) in known:
                continue
            body: dict[str, Any] = {
                "messages": prompt(turns[turn].asked, text),
                "temperature": 0.0,
                "max_tokens": MOST_TOKENS,
                "model": verdicts.model,
            }
            said = client.post(f"{url}/chat/completions", json=body).raise_for_status().json()
            known[checksum(text)] = is_mark(said["choices"][0]["message"]["content"])
            verdicts.save()


def main(
    url: Annotated[str, typer.Argument(help="Up to and including /v1.")],
    model: Annotated[str, typer.Option(help="Its name, for the table.")],
    folder: Annotated[Path, typer.Option("--speech", help="Of natural speech.")] = speech.FOLDER,
) -> None:
    """Ask the model at URL about every prefix of the natural turns that the table lacks."""
    found = Verdicts(model, checksum(INSTRUCTION), {})
    if TABLE.exists():
        before = Verdicts.load()
        found = before if before.instruction == found.instruction else found
    collect(url, found, {turn.id: turn for turn in speech.load(folder)})


if __name__ == "__main__":
    typer.run(main)
