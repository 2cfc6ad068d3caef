"""A socket to listen on, or one line that says why there is none; and who is let in by it."""

import errno
import os
import socket
from contextlib import suppress
from typing import Any

from bot.server.crowd import Crowd

BACKLOG = 512
"""Connections that the system keeps until they are accepted."""
REFUSED_AT_ONCE = 64
"""Connections that are refused before anything else has its turn."""
OUT_OF_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class CannotListenError(Exception):
    """The text is one line for the operator: the cause, and the mend where one is known."""

    def __init__(self, cause: str, mend: str) -> None:
        super().__init__(f"{cause}: {mend}")
        self.cause = cause
        self.mend = mend


def listen(host: str, port: int) -> socket.socket:
    """Bound and listening, so that nothing is loaded in vain. Port 0 takes any that is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CannotListenError(
                f"port {port} is in use on {host}",
                "stop what listens there, or take another --port",
            ) from None
        raise CannotListenError(
            f"cannot listen on {host} port {port}", str(error.strerror or error)
        ) from None


class CountingListener(socket.socket):
    """Takes the place of a listening socket. It accepts those for whom there is a place, and closes
    the others before anything is made for them, a TLS handshake included.
    """

    def __init__(self, listener: socket.socket, crowd: Crowd) -> None:
        """`listener` is used up."""
        super().__init__(fileno=listener.detach())
        self._crowd = crowd
        self._inside: dict[int, _Accepted] = {}
        self._spare = os.open(os.devnull, os.O_RDONLY)

    def listen(self, backlog: int = BACKLOG) -> None:
        """Asyncio takes its own backlog for how many it accepts at once."""
        super().listen(max(backlog, BACKLOG))

    def accept(self) -> tuple[socket.socket, Any]:
        """Raises BlockingIOError where nobody waits who may come in."""
        for _ in range(REFUSED_AT_ONCE):
            accepted = self._accept_one()
            if accepted is not None:
                return accepted
        raise BlockingIOError

    def _accept_one(self) -> tuple[socket.socket, Any] | None:
        try:
            taken, address = super().accept()
        except OSError as error:
            if error.errno not in OUT_OF_FILES:
                raise
            self._refuse_without_files()
            raise BlockingIOError from None
        connection = _Accepted(taken, self)
        admission = self._crowd.enter(connection.number, address[0] if address else "")
        if admission is None:
            connection.close()
            return None
        self._inside[connection.number] = connection
        if admission.evicted is not None:
            self._evict(admission.evicted)
        return connection, address

    def _evict(self, number: int) -> None:
        if (connection := self._inside.pop(number, None)) is not None:
            with suppress(OSError):  # it has gone by itself
                connection.shutdown(socket.SHUT_RDWR)

    def _refuse_without_files(self) -> None:
        """The system would go on reporting one who waits: the spare file takes it in, and out."""
        self._crowd.refused += 1
        os.close(self._spare)
        try:
            with suppress(OSError):
                super().accept()[0].close()
        finally:
            self._spare = os.open(os.devnull, os.O_RDONLY)

    def left(self, number: int) -> None:
        self._inside.pop(number, None)
        self._crowd.leave(number)

    def close(self) -> None:
        if self.fileno() >= 0:
            os.close(self._spare)
        super().close()


class _Accepted(socket.socket):
    def __init__(self, taken: socket.socket, listener: CountingListener) -> None:
        super().__init__(fileno=taken.detach())
        self.number = self.fileno()
        self._listener = listener

    def close(self) -> None:
        if self.fileno() >= 0:
            self._listener.left(self.number)
        super().close()


def address(sock: socket.socket, scheme: str = "http") -> str:
    """As a browser on this machine would write it: http://127.0.0.1:7860."""
    host, port = sock.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"{scheme}://[{shown}]:{port}" if ":" in shown else f"{scheme}://{shown}:{port}"
