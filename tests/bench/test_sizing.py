"""The cost of a call: counted at the relay and in /proc."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from bench.sizing import Reading, Relay, SizingLoad, read, row, silence, speech


def test_a_row_is_the_difference_of_two_readings_shared_among_the_calls() -> None:
    before, after = Reading(10.0, 250.0, 0, 1000), Reading(13.0, 300.0, 640_000, 1000)
    said = row(SizingLoad("8 pages", 8), before, after, 10.0)
    assert said == "| 8 pages | 30.0 % | 3.8 % | 300 MB | 64 | 0 |"
    assert row(SizingLoad("none", 0), before, before, 10.0).startswith("| none | 0.0 % | 0.0 % |")


def test_the_relay_counts_each_way() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(2 * await reader.readexactly(100))
        writer.close()

    async def scenario() -> Relay:
        relay = Relay()
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with relay.to(port) as url:
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", int(url.rpartition(":")[2])
                )
                writer.write(bytes(100))
                assert await reader.read() == bytes(200)
                writer.close()
        return relay

    relay = asyncio.run(scenario())
    assert (relay.up, relay.down) == (100, 200)


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
def test_a_process_has_used_time_and_memory() -> None:
    found = read(os.getpid(), Relay(up=1, down=2))
    assert found.cpu_s > 0
    assert found.pss_mb > 10
    assert (found.up, found.down) == (1, 2)


def test_a_silent_call_waits_for_no_answer_and_a_talking_one_does() -> None:
    assert not any(line.expects_answer for line in silence())
    assert all(line.expects_answer for line in speech())


def test_the_page_on_sizing_has_a_date_with_each_table_of_its_own() -> None:
    page = (Path(__file__).parents[2] / "docs" / "measurements" / "sizing.md").read_text()
    assert page.count(" November 2026") >= 6
    assert "python -m bench.sizing" in page
    assert "## What was not measured" in page
