"""Messages in a bad network, counted: no socket, and the time is given."""

import pytest

from client.caller.trouble import STALL_EVERY_S, NetworkFaults, SimulatedNetwork, parse

FRAMES = 500


def carried(trouble: NetworkFaults) -> list[tuple[float, int]]:
    """When each of FRAMES audio messages arrived: 20 ms apart, looked at every millisecond."""
    network = SimulatedNetwork(trouble, lambda message: True)
    arrived: list[tuple[float, int]] = []
    for ms in range(20 * FRAMES + 10_000):
        if ms % 20 == 0 and ms < 20 * FRAMES:
            network.put([str(ms // 20)], ms / 1000)
        arrived += [(ms / 1000, int(message)) for message in network.take(ms / 1000)]
    assert list(network.take(1e9)) == []
    return arrived


def numbers(arrived: list[tuple[float, int]]) -> list[int]:
    return [number for _, number in arrived]


def lateness(arrived: list[tuple[float, int]]) -> list[float]:
    return [at - number / 50 for at, number in arrived]


def test_without_trouble_everything_arrives_at_once() -> None:
    arrived = carried(NetworkFaults())
    assert numbers(arrived) == list(range(FRAMES))
    assert max(lateness(arrived)) == 0.0


def test_jitter_is_bounded_and_keeps_the_order() -> None:
    arrived = carried(NetworkFaults(jitter=0.06))
    assert numbers(arrived) == list(range(FRAMES))
    assert 0.055 < max(lateness(arrived)) <= 0.061
    assert min(lateness(arrived)) < 0.02


def test_a_stall_holds_everything_and_lets_it_go_at_once() -> None:
    arrived = carried(NetworkFaults(stall=1.0))
    assert numbers(arrived) == list(range(FRAMES))
    assert {round(at, 3) for at, number in arrived if 150 <= number <= 200} == {4.0}
    assert not [at for at, _ in arrived if (at % (STALL_EVERY_S + 1.0)) > STALL_EVERY_S + 1e-6]


def test_a_share_is_lost() -> None:
    arrived = numbers(carried(NetworkFaults(loss=0.1)))
    assert arrived == sorted(set(arrived))
    assert FRAMES - len(arrived) == pytest.approx(50, abs=25)


def test_a_share_comes_twice() -> None:
    arrived = numbers(carried(NetworkFaults(duplicate=0.1)))
    assert sorted(set(arrived)) == list(range(FRAMES))
    assert len(arrived) - FRAMES == pytest.approx(50, abs=25)


def test_a_share_comes_one_too_late() -> None:
    arrived = numbers(carried(NetworkFaults(reorder=0.1)))
    assert sorted(arrived) == list(range(FRAMES))
    moved = [place - number for place, number in enumerate(arrived) if place != number]
    assert set(moved) == {1, -1}
    assert moved.count(1) == moved.count(-1) == pytest.approx(45, abs=25)


def test_what_is_no_audio_is_neither_lost_nor_moved() -> None:
    network = SimulatedNetwork(
        NetworkFaults(loss=1.0, reorder=1.0), lambda message: message == "audio"
    )
    network.put(["start", "audio", "mark", "audio", "stop"], 0.0)
    assert list(network.take(0.0)) == ["start", "mark", "stop"]
    network = SimulatedNetwork(NetworkFaults(reorder=1.0), lambda message: message == "audio")
    network.put(["start", "audio", "stop"], 0.0)
    assert list(network.take(0.0)) == ["start", "audio", "stop"]


def test_the_same_seed_gives_the_same_trouble() -> None:
    one, same, other = (carried(NetworkFaults(loss=0.1, seed=seed)) for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_it_is_written_with_commas() -> None:
    assert parse("jitter=0.06, loss=0.05,vanish=4,seed=7") == NetworkFaults(
        jitter=0.06, loss=0.05, vanish=4.0, seed=7
    )
    assert parse("") == NetworkFaults()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("rain=1", "'rain' is no trouble; there are duplicate, jitter"),
        ("loss", "should be like loss=0.1"),
        ("loss=2", "out of range"),
        ("stall=-1", "out of range"),
        ("jitter=nan", "out of range"),
    ],
)
def test_what_cannot_be_meant_is_said(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse(text)
