from pipelines.core.keypad import Keypad, KeypadPolicy, in_words


def pressed(keypad: Keypad, keys: str, now: float = 0.0) -> list[str]:
    return [complete for key in keys if (complete := keypad.press(key, now))]


def test_the_terminator_completes_what_was_pressed_and_is_not_part_of_it() -> None:
    assert pressed(Keypad(KeypadPolicy()), "12*4#5#") == ["12*4", "5"]


def test_the_terminator_alone_is_a_key() -> None:
    assert pressed(Keypad(KeypadPolicy()), "#") == ["#"]


def test_a_pause_completes_it() -> None:
    keypad = Keypad(KeypadPolicy(pause_s=2.0))
    assert pressed(keypad, "1", 0.0) == []
    assert pressed(keypad, "2", 1.5) == []
    assert (keypad.deadline(), keypad.due(3.4)) == (3.5, "")
    assert keypad.due(3.5) == "12"
    assert (keypad.deadline(), keypad.due(99.0)) == (None, "")


def test_without_a_terminator_every_key_counts() -> None:
    keypad = Keypad(KeypadPolicy(terminator="", most=4))
    assert pressed(keypad, "#12#3") == ["#12#"]


def test_the_model_is_told_key_by_key() -> None:
    assert in_words("1*2") == "(pressed on the telephone's keypad: 1 * 2)"
