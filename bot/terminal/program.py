"""The program's name as a person types it, for lines that say what to type next."""

import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
"""The folder of the packages: a checkout, or site-packages where a wheel was installed."""


def program() -> str:
    """`./run` in a checkout, `halfsecond` where that was typed or is all that there is."""
    return name_of(
        Path(sys.argv[0]).name,
        in_checkout=(CHECKOUT / "run").is_file(),
        installed=_is_installed(),
    )


def name_of(started: str, *, in_checkout: bool, installed: bool) -> str:
    """`started`: the name of the file; a child process of ours has another than its parent."""
    if in_checkout:
        return "halfsecond" if started.partition(".")[0] == "halfsecond" else "./run"
    return "halfsecond" if installed else "python -m bot"


def typed_here(text: str) -> str:
    """`text`, written for a checkout, with the program's name as it is here."""
    return text.replace("./run", program())


def _is_installed() -> bool:
    try:
        distribution("halfsecond")
    except PackageNotFoundError:
        return False
    return True
