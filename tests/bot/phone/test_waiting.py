"""The media sockets that have not started: those without a signature hold nothing of the others."""

import pytest

from bot.phone.waiting import (
    SIGNED_START_S,
    SIGNED_WAITING,
    UNSIGNED_PER_ADDRESS,
    UNSIGNED_START_S,
    UNSIGNED_WAITING,
    Place,
    WaitingRoom,
)


def entered(room: WaitingRoom, address: str, times: int, *, is_signed: bool = False) -> list[Place]:
    places = [room.enter(address, is_signed=is_signed) for _ in range(times)]
    return [place for place in places if place is not None]


def test_one_address_has_its_share_and_no_more() -> None:
    room = WaitingRoom()
    assert len(entered(room, "192.0.2.1", 70)) == UNSIGNED_PER_ADDRESS
    assert len(entered(room, "192.0.2.2", 70)) == UNSIGNED_PER_ADDRESS


def test_many_addresses_together_have_a_limit() -> None:
    room = WaitingRoom()
    crowd = [place for n in range(1000) for place in entered(room, f"192.0.2.{n}", 1)]
    assert len(crowd) == UNSIGNED_WAITING


@pytest.mark.parametrize("address", ["192.0.2.1", "127.0.0.1", ""])
def test_signed_sockets_have_places_of_their_own(address: str) -> None:
    room = WaitingRoom()
    for n in range(1000):
        entered(room, f"192.0.2.{n}", 10)
    assert len(entered(room, address, 100, is_signed=True)) == SIGNED_WAITING


def test_signed_sockets_take_no_place_of_the_others() -> None:
    room = WaitingRoom()
    entered(room, "192.0.2.1", 100, is_signed=True)
    assert len(entered(room, "192.0.2.1", 100)) == UNSIGNED_PER_ADDRESS


@pytest.mark.parametrize("is_signed", [True, False])
def test_a_place_that_is_left_is_free_again(is_signed: bool) -> None:
    room = WaitingRoom()
    for _ in range(3):
        places = entered(room, "192.0.2.1", 100, is_signed=is_signed)
        assert room.enter("192.0.2.1", is_signed=is_signed) is None
        for place in places:
            room.leave(place)
    assert len(entered(room, "192.0.2.1", 100, is_signed=is_signed)) == len(places)


def test_an_unsigned_socket_waits_shorter() -> None:
    room = WaitingRoom()
    [signed], [unsigned] = entered(room, "", 1, is_signed=True), entered(room, "", 1)
    assert (signed.start_s, unsigned.start_s) == (SIGNED_START_S, UNSIGNED_START_S)
    assert UNSIGNED_START_S < SIGNED_START_S
