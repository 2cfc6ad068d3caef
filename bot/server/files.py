"""How many files a server of so many calls needs open, and the system's limit on them."""

import resource

from bot.server.crowd import CONNECTIONS_BESIDE_CALLS

FILES_A_CALL = 4
"""A call's socket, its requests to the LLM, the ears' and the voice's."""
FILES_BESIDE = 192
"""The models', the child processes', the page's that are being read, connections about to close."""


def files_needed(calls: int) -> int:
    return FILES_A_CALL * calls + CONNECTIONS_BESIDE_CALLS + FILES_BESIDE


def most_connections(calls: int, files: int) -> int:
    """Connections that may be open with so many `files`: what `calls` need comes first."""
    room = files - (FILES_A_CALL - 1) * calls - FILES_BESIDE
    return max(1, min(calls + CONNECTIONS_BESIDE_CALLS, room))


def file_limit() -> tuple[int, int]:
    """The limit of this process, and how far it may raise it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _finite(soft), _finite(hard)


def raise_file_limit(calls: int) -> int:
    """Raises it to what is needed, as far as that is allowed; returns the limit."""
    soft, hard = file_limit()
    wanted = min(files_needed(calls), hard)
    if wanted <= soft:
        return soft
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (wanted, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    )
    return wanted


def _finite(limit: int) -> int:
    return 2**31 if limit == resource.RLIM_INFINITY else limit
