"""Tools: what the language model may do for a caller. docs/guide/language-model.md has the rules.

LLM_TOOLS=hang_up,examples/shop.py:opening_hours,examples/shop.py:book_table ./run serve
"""

from typing import Literal

from pipelines.core.memory.tools import RunId, once

OPEN = {"weekday": "from nine to five", "saturday": "from ten to two", "sunday": "not at all"}


async def opening_hours(day: Literal["weekday", "saturday", "sunday"]) -> str:
    """Say when the shop is open."""
    return OPEN[day]


@once
def book_table(people: int, run_id: RunId) -> str:
    """Book a table for this evening."""
    if people > 8:
        return "not booked: a table has eight seats at most"
    return f"booked for {people} under number {run_id[:8]}"
