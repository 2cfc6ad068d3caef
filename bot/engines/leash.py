"""Becomes another program that goes when its parent goes, however it goes, and stays in its limits.

`python leash.py PARENT_PID MEMORY_BYTES PROGRAM ...`; 0 bytes is no limit. It imports nothing of
the project: it is run by its path, and is gone in the instant that the program starts.
"""

import ctypes
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1
"""From linux/prctl.h; it outlives exec. Elsewhere than on Linux there is no such thing."""


def main() -> None:
    parent, memory_bytes = int(sys.argv[1]), int(sys.argv[2])
    command = sys.argv[3:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # gone before it could be asked for
        sys.exit(1)
    if memory_bytes:
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit(f"cannot start {command[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
