import asyncio
from collections.abc import Awaitable

import pytest

from pipelines.services.priority_semaphore import PrioritySemaphore
from pipelines.services.protocols import ServiceError
from replay.virtual_time import run


async def take(semaphore: PrioritySemaphore, done: list[str], name: str) -> None:
    async with semaphore.passed(urgent=name.startswith("final")):
        done.append(name)
        await asyncio.sleep(1.0)


async def outcome(taking: Awaitable[None]) -> str:
    try:
        await taking
    except ServiceError as error:
        return str(error)
    return ""


def taken(*names: str, width: int = 1, limit: int = 64) -> tuple[list[str], list[str]]:
    done: list[str] = []

    async def scenario() -> list[str]:
        semaphore = PrioritySemaphore("stt", width=width, limit=limit)
        return list(await asyncio.gather(*(outcome(take(semaphore, done, n)) for n in names)))

    return done, run(scenario())


def test_urgent_jobs_pass_first_and_each_kind_in_order() -> None:
    done, _ = taken("partial 1", "partial 2", "final 1", "partial 3", "final 2")
    assert done == ["partial 1", "final 1", "final 2", "partial 2", "partial 3"]


def test_when_too_many_wait_the_oldest_that_is_not_urgent_gives_way() -> None:
    done, outcomes = taken("partial 1", "partial 2", "final 1", "partial 3", limit=2)
    assert done == ["partial 1", "final 1", "partial 3"]
    assert outcomes == ["", "stt: too busy", "", ""]


def test_too_many_urgent_ones_turn_the_newest_away() -> None:
    done, outcomes = taken("final 1", "final 2", "final 3", limit=1)
    assert done == ["final 1", "final 2"]
    assert outcomes[2] == "stt: too busy"


@pytest.mark.parametrize("waits_s", [0.5, 1.0, 1.5])
def test_who_is_cancelled_keeps_nobody_from_passing(waits_s: float) -> None:
    done: list[str] = []

    async def scenario() -> None:
        semaphore = PrioritySemaphore("stt", width=1)
        async with asyncio.TaskGroup() as tasks:
            taking = [
                tasks.create_task(take(semaphore, done, name)) for name in ("one", "two", "three")
            ]
            await asyncio.sleep(waits_s)
            taking[1].cancel()
        async with semaphore.passed(urgent=False):
            done.append("four")

    run(scenario())
    assert [name for name in done if name != "two"] == ["one", "three", "four"]
