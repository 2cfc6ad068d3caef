"""Events that wait for a call: in order, and of much sound the newest."""

from pipelines.core.exchange import AudioIn, FromCaller, Muted, Played, SoundLost, Typed
from pipelines.core.hearing.inbox import EVENTS, SOUND_S, Inbox

RATE_HZ = 16_000
FRAMES_A_S = 50


def frame(number: int) -> AudioIn:
    """20 ms."""
    return AudioIn(bytes(640), media_s=number / FRAMES_A_S)


def filled(*events: FromCaller) -> Inbox:
    inbox = Inbox(RATE_HZ)
    for event in events:
        assert inbox.put(event)
    return inbox


def taken(inbox: Inbox) -> list[FromCaller | SoundLost]:
    return list(iter(inbox.take, None))


def test_what_waits_is_taken_in_order() -> None:
    events: list[FromCaller] = [
        frame(0),
        Muted(True),
        Muted(False),
        frame(1),
        frame(2),
        Typed("hello"),
    ]
    assert taken(filled(*events)) == events


def test_ten_seconds_of_sound_wait_and_none_is_lost() -> None:
    frames = [frame(n) for n in range(round(SOUND_S * FRAMES_A_S))]
    inbox = filled(*frames)
    assert inbox.waiting_s == SOUND_S
    assert taken(inbox) == frames


def test_of_half_a_minute_the_newest_ten_seconds_are_heard_and_the_gap_is_marked() -> None:
    frames = [frame(n) for n in range(30 * FRAMES_A_S)]
    assert taken(filled(*frames)) == [SoundLost(20.0), *frames[20 * FRAMES_A_S :]]


def test_the_gap_is_where_it_was_among_what_else_has_happened() -> None:
    frames = [frame(n) for n in range(11 * FRAMES_A_S)]
    events: list[FromCaller] = [frames[0], Typed("one"), *frames[1:], Typed("two")]
    assert taken(filled(*events)) == [
        Typed("one"),
        SoundLost(1.0),
        *frames[FRAMES_A_S:],
        Typed("two"),
    ]


def test_sound_that_was_taken_before_the_gap_was_heard() -> None:
    frames = [frame(n) for n in range(12 * FRAMES_A_S)]
    inbox = filled(*frames[: 2 * FRAMES_A_S])
    assert inbox.take() == frames[0]
    for one in frames[2 * FRAMES_A_S :]:
        inbox.put(one)
    assert taken(inbox) == [SoundLost(1.98), *frames[2 * FRAMES_A_S :]]
    assert taken(inbox) == []


def test_two_gaps_are_marked_each() -> None:
    frames = [frame(n) for n in range(11 * FRAMES_A_S)]
    inbox = filled(*frames)
    assert taken(inbox)[0] == SoundLost(1.0)
    for one in frames:
        inbox.put(one)
    assert taken(inbox)[0] == SoundLost(1.0)


def test_one_long_piece_is_kept_whatever_its_length() -> None:
    long = AudioIn(bytes(round(2 * RATE_HZ * SOUND_S * 2)))
    assert taken(filled(long)) == [long]


def test_all_else_is_rare_and_has_a_limit_of_its_own() -> None:
    inbox = filled(*(Played(0, at) for at in range(EVENTS)))
    assert not inbox.put(Played(0, EVENTS))
    assert inbox.put(frame(0))
    assert len(taken(inbox)) == EVENTS + 1
    assert inbox.put(Played(0, 0))
