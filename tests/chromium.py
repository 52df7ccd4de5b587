"""A page in headless Chromium, driven over the pipes of its DevTools protocol: https://chromedevtools.github.io/devtools-protocol."""

import json
import os
import shutil
import subprocess
from base64 import b64decode
from contextlib import contextmanager
from itertools import count

BINARY = shutil.which("chromium") or shutil.which("google-chrome")
ARGUMENTS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run")


class Page:
    """A page; `requests`, `errors` and `violations` collect what it has done since it was opened."""

    def __init__(self, reader, writer):
        self.reader, self.writer, self.numbers = reader, writer, count(1)
        self.session, self.requests, self.errors = None, [], []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method, **params):
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        self.writer.write(json.dumps(message).encode() + b"\0")
        self.writer.flush()
        while (answer := self._read()).get("id") != number:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def _read(self):
        data = bytearray()
        while (byte := self.reader.read(1)) != b"\0":
            if not byte:
                raise RuntimeError("Chromium has closed its pipe")
            data += byte
        message = json.loads(data)
        self._note(message.get("method"), message.get("params", {}))
        return message

    def _note(self, method, params):
        if method == "Network.requestWillBeSent" and not params["request"]["url"].startswith("data:"):
            self.requests.append(params["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.errors.append(params["exceptionDetails"])
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.errors.append(params)
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.errors.append(params["entry"])
        elif method == "Page.loadEventFired":
            self.is_loaded = True

    def open(self, file, width=1280, height=900, dark=False):
        self.requests.clear(), self.errors.clear()
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.is_loaded = False
        self.call("Page.navigate", url=file.absolute().as_uri())
        while not self.is_loaded:
            self._read()
        self.settle()

    def settle(self):
        """Wait until what a resize or a click has changed is drawn."""
        self.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"])
        return result["result"].get("value")

    def press(self, key, text=None):
        codes = {"Enter": 13, "Tab": 9, " ": 32}
        event = {"key": key, "windowsVirtualKeyCode": codes.get(key, 0)} | ({"text": text} if text else {})
        self.call("Input.dispatchKeyEvent", type="keyDown", **event)
        self.call("Input.dispatchKeyEvent", type="keyUp", **event)
        self.settle()

    def mouse(self, kind, x, y):
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def screenshot(self, path, full=True):
        height = self.evaluate("document.documentElement.scrollHeight")
        width = self.evaluate("innerWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        options = {"captureBeyondViewport": True, "clip": clip} if full else {}
        path.write_bytes(b64decode(self.call("Page.captureScreenshot", format="png", **options)["data"]))

    def pdf(self, path):
        path.write_bytes(b64decode(self.call("Page.printToPDF", printBackground=True)["data"]))


@contextmanager
def chromium(profile):
    """Start a browser with a profile of its own, and end it."""
    to_browser, writer = os.pipe()
    reader, from_browser = os.pipe()

    def pipes():
        # The browser reads descriptor 3 and writes 4; copies first, since these numbers may be in use.
        first, second = os.dup(to_browser), os.dup(from_browser)
        os.dup2(first, 3), os.dup2(second, 4)

    command = [BINARY, *ARGUMENTS, f"--user-data-dir={profile}", "about:blank"]
    with open(reader, "rb") as answers, open(writer, "wb") as commands:  # noqa: PTH123
        process = subprocess.Popen(
            command,
            preexec_fn=pipes,
            pass_fds=(3, 4, to_browser, from_browser),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser), os.close(from_browser)
        try:
            page = Page(answers, commands)
            yield page
        finally:
            commands.write(json.dumps({"id": 0, "method": "Browser.close"}).encode() + b"\0")
            commands.flush()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
