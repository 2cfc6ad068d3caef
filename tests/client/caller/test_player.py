import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.caller.player import Loudspeaker, PlaybackReport
from pipelines.audio.pcm import Pcm

RATE_HZ = 24_000


def loud(duration_s: float) -> Pcm:
    return np.full(round(duration_s * RATE_HZ), 8_000, dtype=np.int16)


def silent(duration_s: float) -> Pcm:
    return np.zeros(round(duration_s * RATE_HZ), dtype=np.int16)


def test_audio_plays_from_its_arrival() -> None:
    speaker = Loudspeaker()
    speaker.add(silent(0.05), now=10.0)
    speaker.add(loud(0.02), now=10.001)

    assert np.array(speaker.sounds) == pytest.approx(np.array([(10.05, 10.06), (10.06, 10.07)]))
    assert speaker.end_s == pytest.approx(10.07)


def test_audio_that_arrives_late_leaves_a_gap() -> None:
    speaker = Loudspeaker()
    speaker.add(loud(0.01), now=1.0)
    speaker.add(loud(0.01), now=1.5)

    assert np.array(speaker.sounds) == pytest.approx(np.array([(1.0, 1.01), (1.5, 1.51)]))
    assert speaker.played(now=2.0) == PlaybackReport(0, 480)


def test_a_jitter_buffer_delays_only_what_finds_the_player_empty() -> None:
    speaker = Loudspeaker(jitter_s=0.04)
    speaker.add(loud(0.01), now=1.0)
    speaker.add(loud(0.01), now=1.03)

    assert [start for start, _ in speaker.sounds] == pytest.approx([1.04, 1.05])


def test_what_is_played_follows_the_clock() -> None:
    speaker = Loudspeaker()
    speaker.add(loud(1.0), now=0.0)

    assert [speaker.played(now).samples for now in (0.0, 0.25, 1.0, 9.0)] == [0, 6000, 24000, 24000]


def test_a_flush_silences_what_is_not_played_yet() -> None:
    speaker = Loudspeaker()
    speaker.add(loud(0.1), now=1.0)
    speaker.add(loud(0.1), now=1.0)

    assert speaker.flush(1, now=1.055) == PlaybackReport(0, 1320)
    assert speaker.quiet_since() == pytest.approx(1.055)
    assert np.count_nonzero(speaker.timeline(1.0, 2.0)) == 1320
    assert speaker.played(now=2.0) == PlaybackReport(1, 0)


def test_audio_after_a_flush_plays_at_once_and_counts_from_zero() -> None:
    speaker = Loudspeaker()
    speaker.add(loud(5.0), now=1.0)
    speaker.flush(7, now=1.5)
    speaker.add(loud(0.1), now=1.6)

    assert speaker.played(now=1.65) == PlaybackReport(7, 1200)
    assert speaker.end_s == pytest.approx(1.7)


def test_a_flush_of_an_idle_player_drops_nothing() -> None:
    speaker = Loudspeaker()
    speaker.add(loud(0.1), now=1.0)

    assert speaker.flush(1, now=3.0) == PlaybackReport(0, 2400)
    assert np.count_nonzero(speaker.timeline(1.0, 2.0)) == 2400


def test_the_timeline_is_aligned_with_the_clock() -> None:
    speaker = Loudspeaker()
    speaker.add(loud(0.01), now=5.0)

    line = speaker.timeline(4.5, 5.5)

    assert line.size == RATE_HZ
    assert np.flatnonzero(line).tolist() == list(range(12_000, 12_240))


def test_a_timeline_may_begin_and_end_within_a_sound() -> None:
    speaker = Loudspeaker()
    speaker.add(loud(1.0), now=5.0)

    assert speaker.timeline(5.25, 5.75).tolist() == [8_000] * 12_000


def test_sounds_after_a_moment_come_with_the_one_before_it() -> None:
    speaker = Loudspeaker()
    for now in (1.0, 2.0, 3.0):
        speaker.add(loud(0.01), now=now)

    assert [start for start, _ in speaker.sounds_after(2.5)] == [2.0, 3.0]
    assert [start for start, _ in speaker.sounds_after(0.0)] == [1.0, 2.0, 3.0]


steps = st.lists(
    st.tuples(st.sampled_from(["add", "flush"]), st.integers(1, 60), st.integers(0, 60)),
    max_size=30,
)


@given(steps)
def test_no_sample_is_heard_twice_and_none_after_its_flush(
    script: list[tuple[str, int, int]],
) -> None:
    speaker = Loudspeaker()
    now, generation, reported = 1.0, 0, 0
    for action, size_ms, wait_ms in script:
        if action == "add":
            speaker.add(loud(size_ms / 1000), now)
        else:
            generation += 1
            reported += speaker.flush(generation, now).samples
            assert speaker.quiet_since() <= now + 1e-9
        now += wait_ms / 1000
    now += 60.0
    reported += speaker.played(now).samples

    heard_s = sum(end - start for start, end in speaker.sounds)
    assert speaker.sounds == sorted(speaker.sounds)
    assert heard_s * RATE_HZ == pytest.approx(reported)
