"""The playlist, from the suite as it is committed."""

from functools import cache

import numpy as np
import pytest

from bench.playlist import TAIL_S, Half, PlaylistItem, playlist
from client.caller.measure import MISSED_S


@cache
def items(half: Half) -> list[PlaylistItem]:
    return playlist(half)


def turns(half: Half) -> list[PlaylistItem]:
    return [item for item in items(half) if item.role == "turn"]


@pytest.mark.parametrize("half", ["held-out", "fit"])
def test_each_turn_is_followed_by_its_own_room_until_nobody_waits_for_an_answer(half: Half) -> None:
    for item in turns(half):
        end = round(item.recording.turns[-1].end_s * 16_000)
        room = item.recording.pcm[end:]
        assert room.size >= MISSED_S * 16_000
        assert np.any(room[-16_000:] != 0) or not np.any(room[4_000:]), item.name


def test_the_held_out_half_has_sixty_distinct_hanging_pauses_or_more() -> None:
    places = {
        pause.place
        for item in turns("held-out")
        for pause in item.pauses
        if pause.kind == "hanging" and 0.2 <= pause.duration_s <= 1.0
    }
    assert len(places) >= 60


def test_the_halves_share_no_source() -> None:
    sources = [{item.source for item in turns(half)} for half in ("held-out", "fit")]
    assert not sources[0] & sources[1]
    assert len(turns("held-out")) + len(turns("fit")) == len(turns("all"))


def test_pauses_lie_within_the_turn_in_order() -> None:
    for item in turns("all"):
        turn = item.recording.turns[-1]
        edges = [edge for pause in item.pauses for edge in (pause.start_s, pause.end_s)]
        assert [turn.start_s, *edges, turn.end_s] == sorted([turn.start_s, *edges, turn.end_s])


@pytest.mark.parametrize("half", ["held-out", "fit"])
def test_what_is_said_over_the_bot_has_an_answer_to_be_said_over(half: Half) -> None:
    spoken_over = [item for item in items(half) if item.role != "turn"]

    assert {item.role for item in spoken_over} == {"interruption", "back-channel"}
    for item in spoken_over:
        opening, over = item.lines
        assert opening.recording.turns[-1].end_s < TAIL_S
        assert over.barge_in_after_s is not None
        assert over.expects_answer == (item.role == "interruption")
