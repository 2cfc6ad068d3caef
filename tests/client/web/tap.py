"""Ears on the page's own: what its microphone and loudspeaker carry, and when."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.sync_api import Page


@dataclass(frozen=True)
class Sound:
    """Audible without a gap; seconds of the page's clock."""

    start_s: float
    end_s: float


class Tap:
    """Lay it before the page is loaded, in a page that is allowed more than ours: `bypass_csp`."""

    def __init__(self, page: Page) -> None:
        self._page = page
        page.add_init_script(path=Path(__file__).with_name("tap.js"))

    def sounds(self, of: str, gap_s: float) -> list[Sound]:
        """The sounds of the "speaker" or the "microphone"; two that are apart by less than `gap_s`
        are one.
        """
        blocks = self._page.evaluate("(of) => tapped[of]", of)
        pieces = [Sound(one["from"] / 1000, one["to"] / 1000) for one in blocks]
        begins = [0, *later_by(gap_s, [piece.start_s for piece in pieces])]
        runs = [pieces[a:b] for a, b in pairwise([*begins, len(pieces)])]
        return [Sound(run[0].start_s, run[-1].end_s) for run in runs if run]

    def on_the_wall(self, page_s: float) -> float:
        return float(self._page.evaluate("() => performance.timeOrigin")) / 1000 + page_s

    def server_messages(self, kind: str) -> list[tuple[float, dict[str, Any]]]:
        told = self.messages("server-message")
        return [(at, data) for at, data in told if data["type"] == kind]

    def messages(self, kind: str) -> list[tuple[float, dict[str, Any]]]:
        told = self._page.evaluate("() => tapped.messages")
        return [(one["at"] / 1000, one["data"]) for one in told if one["type"] == kind]


def later_by(gap_s: float, times: Sequence[float]) -> list[int]:
    """The places of those that are so much later than the one before."""
    return [i for i, (a, b) in enumerate(pairwise(times), 1) if b - a > gap_s]
