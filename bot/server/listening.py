"""A socket to listen on, or one line that says why there is none."""

import errno
import socket


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
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CannotListenError(
                f"port {port} is in use on {host}",
                "stop what listens there, or take another --port",
            ) from None
        raise CannotListenError(
            f"cannot listen on {host} port {port}", str(error.strerror or error)
        ) from None


def address(sock: socket.socket, scheme: str = "http") -> str:
    """As a browser on this machine would write it: http://127.0.0.1:7860."""
    host, port = sock.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"{scheme}://[{shown}]:{port}" if ":" in shown else f"{scheme}://{shown}:{port}"
