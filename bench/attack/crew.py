"""`python -m bench.attack.crew URL SEED NAME...`: the attackers, in a process of their own.

It goes on until its standard input ends, and then prints what came of it, as JSON. It gives way to
the server and to good callers on the CPU, so that it is the server that is measured.
"""

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from bench.attack.attackers import ATTACKERS, REFUSALS, Attacker
from bench.attack.target import SurpriseError, Target
from client.caller.door import CallError

NICE = 10
ROUND_S = 40.0
"""A round that takes longer is cut off."""
STARTS_S = 2.0
"""Attackers come in within this time, one after another."""
TOLD = 20
"""SurpriseErrors that are told word for word, for each attacker."""


@dataclass(slots=True)
class Record:
    """One attacker's rounds."""

    rounds: int = 0
    refused: int = 0
    surprises: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        told = dict(self.surprises.most_common(TOLD))
        return {"rounds": self.rounds, "refused": self.refused, "surprises": told}


async def repeat(attacker: Attacker, target: Target, chance: Random, record: Record) -> None:
    """Round after round, until it is cancelled."""
    await asyncio.sleep(chance.uniform(0.0, STARTS_S))
    while True:
        try:
            async with asyncio.timeout(ROUND_S):
                await attacker.once(target, chance)
        except SurpriseError as surprise:
            record.surprises[str(surprise)] += 1
        except (*REFUSALS, CallError):
            record.refused += 1
        record.rounds += 1
        await asyncio.sleep(attacker.pause_s * chance.uniform(0.5, 1.5))


async def attack(url: str, seed: str, names: Sequence[str]) -> dict[str, Record]:
    target, records = Target(url), {name: Record() for name in names}
    async with asyncio.TaskGroup() as tasks:
        at_it = [
            tasks.create_task(
                repeat(ATTACKERS[name], target, Random(f"{seed}/{name}/{number}"), records[name])
            )
            for name in names
            for number in range(ATTACKERS[name].at_once)
        ]
        await asyncio.to_thread(sys.stdin.read)
        for task in at_it:
            task.cancel()
    return records


def main() -> None:
    os.nice(NICE)
    url, seed, *names = sys.argv[1:]
    records = asyncio.run(attack(url, seed, names))
    sys.stdout.write(json.dumps({name: record.as_json() for name, record in records.items()}))


if __name__ == "__main__":
    main()
