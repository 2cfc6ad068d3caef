"""Pictures for the benches, by matplotlib (the extra `bench`), as SVG."""

import io

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS = ("#12715b", "#c2571a", "#3b5b92", "#8a3f8f", "#7a6a12", "#444444")


def as_svg(figure: Figure) -> str:
    """The same figure gives the same text, which stays text: it can be searched and read aloud."""
    written = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "halfsecond"}):
        figure.savefig(written, format="svg", metadata={"Date": None})
    return written.getvalue()


def tidy(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left", fontsize="medium", color="#555")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e4e4e4")
    axes.set_axisbelow(True)
