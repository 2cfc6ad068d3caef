"""The last resort of a shutdown: a process that does not come to its end is ended by the kernel.

A signal's Python code runs in the main thread even while the event loop is held; what it asks of
the loop waits. A timer of the kernel's does not wait for anything in the process.
"""

import signal

LAST_S = 5.0
"""Seconds beyond the drain that a server may take to end."""


def end_within(seconds: float) -> None:
    """Ends the process with SIGALRM, unless it has ended by then. The first call counts."""
    if signal.getitimer(signal.ITIMER_REAL)[0] == 0.0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds)
