"""Which tools a setting names, and what is said of one that is none."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.settings import Settings, SettingsError
from bot.wiring.tools import hangs_up, tools_for
from pipelines.core.memory.tool_runs import Repeats

SHOP = '''
async def opening_hours(day: str) -> str:
    """Say when the shop is open."""
    return "nine to five"

def untold(): ...
'''


def clock() -> datetime:
    return datetime(2026, 11, 27, 12, tzinfo=UTC)


def settings(*names: str) -> Settings:
    return Settings.model_validate({"llm_tools": names})


def test_without_a_setting_there_are_none() -> None:
    assert tools_for(settings(), clock) == ()
    assert not hangs_up(settings())


def test_the_box_and_a_file_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SHOP)
    chosen = settings("hang_up", "current_time", "find_date", f"{tmp_path}/shop.py:opening_hours")
    names = [tool.name for tool in tools_for(chosen, clock)]
    assert names == [
        "current_time",
        "find_date",
        "opening_hours",
    ]
    assert hangs_up(chosen)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("clock", "is no tool"),
        ("nowhere.py:f", "is in a file that is not there"),
        ("{}/shop.py:f", "cannot be imported"),
        ("{}/shop.py:untold", "docstring"),
        ("{}/broken.py:f", "cannot be imported"),
        ("json:nothing", "cannot be imported"),
    ],
)
def test_what_is_no_tool_gives_one_line(tmp_path: Path, name: str, complaint: str) -> None:
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "broken.py").write_text("1 / 0")
    with pytest.raises(SettingsError, match=complaint) as error:
        tools_for(settings(name.format(tmp_path)), clock)
    assert "\n" not in str(error.value)


def test_two_of_one_name_are_one_too_many() -> None:
    with pytest.raises(SettingsError, match="two tools of one name"):
        tools_for(settings("current_time", "current_time"), clock)


def test_the_example_in_the_docs_works_as_it_is_pasted(tmp_path: Path) -> None:
    docs = Path(__file__).parents[3] / "docs" / "guide" / "tools.md"
    example = docs.read_text().partition("```python\n")[2].partition("```")[0]
    (tmp_path / "shop.py").write_text(example)
    hours, booking = tools_for(
        settings(f"{tmp_path}/shop.py:opening_hours", f"{tmp_path}/shop.py:book_table"), clock
    )
    assert hours.arguments('{"day": "today"}') == {"day": "today"}
    assert (booking.repeats, booking.run_id) == (Repeats.NEVER, "run_id")
    assert "run_id" not in str(booking.schema)
