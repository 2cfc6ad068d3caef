"""A wire on loopback between the page and the server, which a test can cut, and time."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

SO_TIMESTAMPNS = 35
"""Linux: the kernel says when it came, however late we are to look."""
TIMESPEC = struct.Struct("qq")


class Wire:
    """Carries bytes both ways. A cut loses those under way without a word; later ones pass."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.carried: list[tuple[float, int]] = []
        """The server's sendings: by the wall's clock when, and how many bytes at once."""
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/"

    def cut(self) -> None:
        ends, self._open = self._open, []
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                self._open += [near, far]
                for source, sink in ((near, far), (far, near)):
                    note = self.carried.append if source is far else lambda _: None
                    thread = threading.Thread(target=_carry, args=(source, sink, note))
                    self._threads.append(thread)
                    thread.start()


def _carry(
    source: socket.socket, sink: socket.socket, note: Callable[[tuple[float, int]], None]
) -> None:
    with suppress(OSError):
        source.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        while (got := source.recvmsg(65_536, socket.CMSG_SPACE(TIMESPEC.size)))[0]:
            data, stamps, *_ = got
            for _, _, stamp in stamps:  # none on what came before it was asked for
                seconds, nanoseconds = TIMESPEC.unpack(stamp)
                note((seconds + nanoseconds / 1e9, len(data)))
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
    source.close()


@contextmanager
def wire(port: int) -> Iterator[Wire]:
    """To the server at that port."""
    laid = Wire(port)
    try:
        yield laid
    finally:
        laid.close()
