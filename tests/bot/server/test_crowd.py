"""Connections, counted: a crowd of strangers holds no place that somebody else needs."""

import pytest

from bot.server.crowd import Admission, Crowd

PROXIES = ("127.0.0.1", "::1", "10.0.0.0/8")


def crowded(most: int = 10, per_address: int = 4) -> Crowd:
    return Crowd(most, per_address, PROXIES)


def entered(crowd: Crowd, first: int, addresses: list[str]) -> list[Admission | None]:
    return [crowd.enter(first + n, address) for n, address in enumerate(addresses)]


def test_one_address_has_a_share_and_is_refused_beyond_it() -> None:
    crowd = crowded()
    assert entered(crowd, 1, ["192.0.2.1"] * 6) == [Admission()] * 4 + [None] * 2
    assert crowd.enter(7, "192.0.2.2") == Admission()
    assert (len(crowd), crowd.refused) == (5, 2)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8::1", "2001:db8::ffff:2"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::2%eth1"),
    ],
)
def test_addresses_of_one_household_share(one: str, other: str) -> None:
    crowd = crowded(per_address=1)
    assert crowd.enter(1, one) == Admission()
    assert crowd.enter(2, other) is None


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.2.3.4", "::ffff:10.2.3.4", ""])
def test_a_proxy_speaks_for_many_and_has_no_share(address: str) -> None:
    crowd = crowded()
    assert entered(crowd, 1, [address] * 9) == [Admission()] * 9


def test_in_a_full_house_the_one_that_has_waited_longest_goes() -> None:
    crowd = crowded(most=3)
    entered(crowd, 1, [""] * 3)
    crowd.occupy(1)
    assert crowd.enter(4, "192.0.2.9") == Admission(evicted=2)
    assert crowd.enter(5, "192.0.2.9") == Admission(evicted=3)
    assert len(crowd) == 3


def test_a_house_full_of_calls_refuses() -> None:
    crowd = crowded(most=3)
    entered(crowd, 1, [""] * 3)
    for connection in (1, 2, 3):
        crowd.occupy(connection)
    assert crowd.enter(4, "") is None
    crowd.leave(2)
    assert crowd.enter(5, "") == Admission()


def test_a_connection_that_was_served_waits_anew() -> None:
    crowd = crowded(most=3)
    entered(crowd, 1, [""] * 3)
    crowd.occupy(1)
    crowd.wait(1)
    crowd.wait(2)  # it has waited all the time
    assert crowd.enter(4, "") == Admission(evicted=2)
    assert crowd.enter(5, "") == Admission(evicted=3)
    assert crowd.enter(6, "") == Admission(evicted=1)


def test_a_thousand_idle_strangers_end_no_call_and_keep_out_no_caller() -> None:
    crowd = crowded(most=50, per_address=1000)
    entered(crowd, 1, ["192.0.2.1"] * 8)
    for call in range(1, 9):
        crowd.occupy(call)
    evicted = [admission.evicted for admission in entered(crowd, 100, [""] * 1000) if admission]
    assert len(evicted) == 1000
    assert not set(evicted) & set(range(1, 9))
    assert crowd.enter(2000, "198.51.100.1") is not None


def test_what_is_closed_frees_its_share_once() -> None:
    crowd = crowded(per_address=1)
    crowd.enter(1, "192.0.2.1")
    for _ in range(3):
        crowd.leave(1)
    crowd.occupy(1)
    crowd.wait(1)
    assert len(crowd) == 0
    assert crowd.enter(2, "192.0.2.1") == Admission()
    assert crowd.enter(3, "192.0.2.1") is None
