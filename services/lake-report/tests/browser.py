"""A headless Chromium, driven by its own DevTools protocol.

Takes addresses and widths; gives what a page has on it, what it asked the network for and what it complained about.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from websockets.sync.client import ClientConnection, connect

_SECONDS = 30
#: Nothing of the browser's own that would ask the network.
_QUIET = (
    "--headless=new",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-sync",
    "--hide-scrollbars",
    "--no-first-run",
    "--remote-debugging-port=0",
)
_COMPLAINTS = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded", "Network.loadingFailed")


def program() -> str | None:
    """Where Chromium is on this machine."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@dataclass
class Page:
    """An open page."""

    browser: Browser
    session: str
    complaints: list[Any] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def evaluate(self, script: str) -> Any:
        """What JavaScript gives, as JSON."""
        answer = self.browser.call("Runtime.evaluate", self, expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def picture(self, path: Path) -> None:
        """Writes the whole page as PNG."""
        shot = self.browser.call("Page.captureScreenshot", self, captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def saw(self, event: dict[str, Any]) -> None:
        """Notes what the browser tells about the page."""
        if event["method"] in _COMPLAINTS:
            self.complaints.append(event["params"])
        if event["method"] == "Network.requestWillBeSent":
            self.requests.append(event["params"]["request"]["url"])


class Browser:
    """A Chromium of our own, with an empty profile."""

    def __init__(self, chromium: str, profile: Path) -> None:
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        command = [chromium, *_QUIET, *sandbox, f"--user-data-dir={profile}", "about:blank"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._socket = _connected(profile / "DevToolsActivePort")
        self._numbers = itertools.count(1)
        self._pages: dict[str, Page] = {}

    def open(self, address: str, width: int, *, dark: bool = False) -> Page:
        """A page that has been loaded, in a window of that width, in the light or the dark look."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self._pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable", page)
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", page, **size)
        look = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", page, features=[look])
        self.call("Page.navigate", page, url=address)
        page.evaluate(
            "new Promise(done => document.readyState === 'complete' ? done() : addEventListener('load', done))"
        )
        page.evaluate("document.fonts.ready.then(() => true)")
        return page

    def call(self, method: str, page: Page | None = None, **parameters: Any) -> dict[str, Any]:
        """Calls a method of the protocol and gives its result; events that come before it go to their pages."""
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        self._socket.send(json.dumps(message | ({"sessionId": page.session} if page else {})))
        while True:
            answer = json.loads(self._socket.recv(timeout=_SECONDS))
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return dict(answer["result"])
            if (about := self._pages.get(answer.get("sessionId", ""))) and "method" in answer:
                about.saw(answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
        self._process.terminate()
        self._process.wait(timeout=_SECONDS)


def _connected(announced: Path) -> ClientConnection:
    """A connection to the browser, once it has written down where it listens."""
    end = time.monotonic() + _SECONDS
    while not announced.exists() or "\n" not in announced.read_text():
        assert time.monotonic() < end, "Chromium did not start"
        time.sleep(0.05)
    port, path = announced.read_text().split("\n")[:2]
    return connect(f"ws://127.0.0.1:{port}{path}", max_size=None)
