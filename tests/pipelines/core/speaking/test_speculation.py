from pipelines.core.speaking.speculation import Speculation, Status


def test_what_is_held_goes_out_in_order_and_once() -> None:
    held: Speculation[str] = Speculation()
    held.start(1)
    assert held.offer(1, "a") == []
    assert held.offer(1, "b") == []

    assert held.commit(1) == ["a", "b"]
    assert held.commit(1) == []
    assert held.offer(1, "c") == ["c"]


def test_what_is_withdrawn_never_goes_out() -> None:
    held: Speculation[str] = Speculation()
    held.start(1)
    held.offer(1, "a")

    held.drop(1)

    assert held.commit(1) == []
    assert held.offer(1, "late") == []
    assert held.status(1) is Status.GONE


def test_a_stopped_reply_says_nothing_more() -> None:
    held: Speculation[str] = Speculation()
    held.start(1)
    held.commit(1)

    held.drop(1)

    assert held.offer(1, "late") == []


def test_a_reply_that_begins_anew_keeps_nothing_of_what_was_held() -> None:
    held: Speculation[str] = Speculation()
    held.start(1)
    held.offer(1, "a thought")

    held.take_back(1)
    held.take_back(2)

    assert held.offer(1, "an answer") == []
    assert held.commit(1) == ["an answer"]
