from pipelines.core.exchange import AudioOut, Sent


def test_a_frame_that_has_gone_says_which_it_was_and_when() -> None:
    assert AudioOut(b"", generation=3, start=160).sent(1.5) == Sent(3, 160, 1.5)
