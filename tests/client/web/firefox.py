"""Firefox, driven by WebDriver BiDi over its own socket.

Playwright's Firefox is a build of its own: the one here is the system's.
"""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

WAIT_S = 30.0
PREFERENCES: Mapping[str, object] = {
    "media.navigator.permission.disabled": True,  # the person says yes when asked
    "media.navigator.streams.fake": True,  # a microphone that hums
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
}


class FirefoxPage:
    """One tab. Whatever it is asked to do counts as the person's own click."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = count(1)
        self.ask("session.new", capabilities={})
        [tab] = self.ask("browsingContext.getTree")["contexts"]
        self._tab = tab["context"]

    def ask(self, method: str, **params: object) -> dict[str, Any]:
        """Raises AssertionError with the browser's complaint."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv(WAIT_S))
            if answer.get("id") == number:
                assert answer["type"] == "success", answer
                return dict(answer["result"])

    def goto(self, url: str) -> None:
        self.ask("browsingContext.navigate", context=self._tab, url=url, wait="complete")

    def run(self, script: str) -> Any:
        """The value of an expression, as JSON has it."""
        found = self.ask(
            "script.evaluate",
            expression=f"JSON.stringify({script}) ?? 'null'",
            target={"context": self._tab},
            awaitPromise=False,
            userActivation=True,
        )
        assert found["type"] == "success", found
        return json.loads(found["result"]["value"])

    def text(self, element: str) -> str:
        return str(self.run(f"document.querySelector({element!r}).innerText"))

    def click(self, element: str) -> None:
        self.run(f"document.querySelector({element!r}).click()")

    def type(self, text: str) -> None:
        self.run(f"document.querySelector('#text').value = {json.dumps(text)}")
        self.click("#type button")

    def until(self, script: str) -> None:
        end_s = time.monotonic() + WAIT_S
        while not self.run(script):
            assert time.monotonic() < end_s, f"it never came true: {script}"
            time.sleep(0.05)


@contextmanager
def firefox(
    folder: Path, loudspeaker: Path | None = None, **preferences: object
) -> Iterator[FirefoxPage]:
    """`folder` is where it keeps its profile, `loudspeaker` a sound server's socket, if any."""
    chosen = {**PREFERENCES, **preferences}
    lines = (f"user_pref({json.dumps(name)}, {json.dumps(v)});" for name, v in chosen.items())
    (folder / "user.js").write_text("\n".join(lines))
    command = [shutil.which("firefox-esr") or "firefox", "--headless", "--no-remote"]
    # Where there is no such socket, there is no sound.
    sound = loudspeaker or folder / "none"
    environment = {**os.environ, "PULSE_SERVER": f"unix:{sound}", "HOME": str(folder)}  # noqa: TID251
    # A file, not a pipe: Firefox would stand still once nobody has read 64 KiB of its complaints.
    told = folder / "complaints"
    with (
        told.open("w") as complaints,
        subprocess.Popen(
            [*command, "--profile", str(folder), "--remote-debugging-port", "0", "about:blank"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
        ) as process,
    ):
        try:
            with connect(f"{_address(told)}/session", max_size=None) as socket:
                page = FirefoxPage(socket)
                yield page
                with suppress(ConnectionClosed, AssertionError):
                    page.ask("browser.close")
        finally:
            process.terminate()


def _address(told: Path) -> str:
    end_s = time.monotonic() + WAIT_S
    while (found := re.search(r"BiDi listening on (\S+)", told.read_text())) is None:
        assert time.monotonic() < end_s, f"Firefox does not listen: {told.read_text()}"
        time.sleep(0.05)
    return found[1]
