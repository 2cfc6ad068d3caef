"""How a call can end, and what its client is told: close codes and words are chosen here alone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from bot.calls.errors import PeerError


class CallOutcome(StrEnum):
    """How a call ended, for the log and the metric."""

    LEFT = "left"
    """The client said goodbye."""
    FINISHED = "finished"
    """The bot ended the call."""
    VANISHED = "vanished"
    """The client was gone without a word, and did not come back."""
    BROKE_PROTOCOL = "broke protocol"
    NEVER_READY = "never ready"
    IDLE = "idle"
    TOO_LONG = "too long"
    READ_TOO_SLOWLY = "read too slowly"
    DRAINED = "drained"
    """The server had to go."""
    FAILED = "failed"
    """A bug of ours."""


@dataclass(frozen=True, slots=True)
class Farewell:
    """The end of a call, and what the client is told of it."""

    outcome: CallOutcome
    code: int
    reason: str = ""


class Over(Exception):  # noqa: N818
    """Ends the connection's tasks."""

    def __init__(self, outcome: CallOutcome) -> None:
        super().__init__(outcome.value)
        self.outcome = outcome


MOVED = (1008, "the call goes on over another connection")
"""For a socket whose client has come back on a newer one."""

REFUSED = 1013
"""For a call that cannot be taken now."""

HUNG_UP = 1000
"""The call came to its end, whoever ended it."""

_FAREWELLS = {
    CallOutcome.LEFT: Farewell(CallOutcome.LEFT, 1000),
    CallOutcome.FINISHED: Farewell(CallOutcome.FINISHED, 1000),
    CallOutcome.VANISHED: Farewell(CallOutcome.VANISHED, 1001),
    CallOutcome.NEVER_READY: Farewell(CallOutcome.NEVER_READY, 1008, "the client was never ready"),
    CallOutcome.IDLE: Farewell(
        CallOutcome.IDLE, 1008, "nothing was heard of the client for too long"
    ),
    CallOutcome.TOO_LONG: Farewell(
        CallOutcome.TOO_LONG, 1008, "the call has lasted as long as it may"
    ),
    CallOutcome.READ_TOO_SLOWLY: Farewell(
        CallOutcome.READ_TOO_SLOWLY, 1013, "the client reads too slowly"
    ),
    CallOutcome.DRAINED: Farewell(CallOutcome.DRAINED, 1012, "the server is shutting down"),
    CallOutcome.FAILED: Farewell(CallOutcome.FAILED, 1011, "internal error"),
}


def farewell(errors: Iterable[Exception]) -> Farewell:
    """The farewell for the errors that ended the call."""
    errors = list(errors)
    for error in errors:
        if isinstance(error, PeerError):
            return Farewell(CallOutcome.BROKE_PROTOCOL, error.close_code, str(error))
    for error in errors:
        if isinstance(error, Over):
            return _FAREWELLS[error.outcome]
    return _FAREWELLS[CallOutcome.FAILED]


def causes(error: Exception) -> Iterator[Exception]:
    """The errors of which a group is made, however deep."""
    if isinstance(error, ExceptionGroup):
        for inner in error.exceptions:
            yield from causes(inner)
    else:
        yield error
