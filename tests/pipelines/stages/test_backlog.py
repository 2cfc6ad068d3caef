"""One thing after another, also where doing one brings about the next."""

import asyncio

import pytest

from pipelines.stages.backlog import Backlog


def test_what_comes_up_while_one_is_done_is_done_afterwards() -> None:
    done: list[str] = []

    async def do(thing: int) -> None:
        done.append(f"{thing} begins")
        if thing < 3:
            await things.work_off([thing + 2, thing + 3])
        done.append(f"{thing} is over")

    things = Backlog(do)
    asyncio.run(things.work_off([1, 2]))
    assert done == [
        f"{thing} {word}" for thing in (1, 2, 3, 4, 4, 5) for word in ("begins", "is over")
    ]


def test_what_waits_can_be_dropped() -> None:
    done: list[int] = []

    async def do(thing: int) -> None:
        done.append(thing)
        things.drop(lambda waiting: waiting == 2)

    things = Backlog(do)
    asyncio.run(things.work_off([1, 2, 3]))
    assert done == [1, 3]


def test_one_that_fails_leaves_the_rest_to_whoever_comes_next() -> None:
    done: list[int] = []

    async def do(thing: int) -> None:
        done.append(thing)
        if thing == 1:
            raise RuntimeError

    things = Backlog(do)
    with pytest.raises(RuntimeError):
        asyncio.run(things.work_off([1, 2]))
    asyncio.run(things.work_off([3]))
    assert done == [1, 2, 3]
