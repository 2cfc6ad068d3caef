from pathlib import Path

from tests.mutation import Score, folder_of_tests


def test_a_module_is_tested_by_the_folder_that_mirrors_its_own() -> None:
    assert folder_of_tests(Path("pipelines/core/turn/machine.py")) == Path(
        "tests/pipelines/core/turn"
    )
    assert folder_of_tests(Path("bot/phone/codec.py")) == Path("tests/bot/phone")


def test_a_module_without_a_change_has_nothing_unseen() -> None:
    assert Score(0, 0, ()).percent == 100.0
    assert Score(3, 4, ("one",)).percent == 75.0
