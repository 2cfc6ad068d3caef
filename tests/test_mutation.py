import tomllib
from pathlib import Path

from tests.mutation import EQUIVALENT, ROOT, Score, equivalent_to, mirror_of


def test_a_module_of_the_core_is_tested_by_the_folder_that_mirrors_its_own() -> None:
    module = Path("pipelines/core/turn/machine.py")
    assert mirror_of(module) == Path("tests/pipelines/core/turn")


def test_any_other_module_is_tested_by_the_file_of_its_name() -> None:
    assert mirror_of(Path("bot/phone/codec.py")) == Path("tests/bot/phone/test_codec.py")


def test_a_module_without_a_change_has_nothing_unseen() -> None:
    assert Score(0, 0, ()).percent == 100.0
    assert Score(3, 4, ("one",)).percent == 75.0


def test_a_change_that_makes_no_difference_is_not_held_against_the_tests() -> None:
    assert Score(3, 4, (), equivalent=1).percent == 100.0


def test_every_module_with_such_changes_is_there() -> None:
    modules = tomllib.loads(EQUIVALENT.read_text())
    assert modules
    for module in modules:
        assert (ROOT / module).is_file()
        assert equivalent_to(Path(module))
