"""A headless Chromium, driven over the pipe of its DevTools protocol: no driver program in between."""
import fcntl
import json
import os
import select
import shutil
import time

from harness import PATIENCE

NAMES = "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"


def find():
    """The command of a browser; None if there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One browser, driven in one tab at a time. Call `close`."""

    def __init__(self, folder):
        """Everything it writes is below `folder`."""
        self.errors = []  # what the page complained about: exceptions, violations of its policy, what did not load
        self.received = b""
        self.number = 0
        self.session = None  # with the tab that is driven; until there is one, the calls are the browser's own
        self.log = folder / "browser.log"
        self.process = self._spawn(folder)
        self.open_tab()

    def _spawn(self, folder):
        """It reads commands from descriptor 3, answers on 4, and ends with the pipes."""
        command_end, self.commands = os.pipe()
        self.answers, answer_end = os.pipe()
        # Out of the way of 3 and 4.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (command_end, answer_end)]
        command = [find(), "--headless=new", "--remote-debugging-pipe", "--disable-gpu",
                   "--disable-dev-shm-usage", "--no-first-run", "--no-proxy-server",
                   # The development CA is not among those that it trusts.
                   "--ignore-certificate-errors",
                   # It may run as root, and opens nothing but pages of ours.
                   "--no-sandbox",
                   f"--user-data-dir={folder / 'profile'}", "about:blank"]
        process = os.posix_spawn(command[0], command, dict(os.environ, HOME=str(folder)), file_actions=[
            (os.POSIX_SPAWN_OPEN, 1, self.log, os.O_WRONLY | os.O_CREAT, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
            (os.POSIX_SPAWN_DUP2, ends[0], 3),
            (os.POSIX_SPAWN_DUP2, ends[1], 4)])
        for end in [*ends, command_end, answer_end]:
            os.close(end)
        return process

    def open_tab(self):
        """Opens another tab, which is driven from now on, and returns it."""
        self.session = None
        page = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in "Runtime", "Log", "Page":
            self.call(f"{domain}.enable")
        return self.session

    def switch_to(self, tab):
        self.session = tab

    def close(self):
        os.close(self.commands)
        os.close(self.answers)
        os.waitpid(self.process, 0)

    def call(self, method, **parameters):
        """What a function of the protocol returns."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = self._receive(deadline, method)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self._notice(answer)

    def _receive(self, deadline, what):
        while b"\0" not in self.received:
            if not select.select([self.answers], [], [], max(0, deadline - time.monotonic()))[0]:
                raise AssertionError(f"{what} took more than {PATIENCE} s; the page complained: {self.errors}")
            piece = os.read(self.answers, 1 << 16)
            if not piece:
                raise AssertionError(f"the browser ended in {what}\n{self.log.read_text(errors='replace')}")
            self.received += piece
        message, self.received = self.received.split(b"\0", 1)
        return json.loads(message)

    def _notice(self, event):
        if event.get("method") == "Runtime.exceptionThrown":
            self.errors.append(event["params"]["exceptionDetails"])
        if event.get("method") == "Log.entryAdded" and event["params"]["entry"]["level"] == "error":
            self.errors.append(event["params"]["entry"])

    def open(self, url):
        failure = self.call("Page.navigate", url=url).get("errorText")
        if failure:
            raise AssertionError(f"{url}: {failure}")

    def evaluate(self, script):
        """The value of an expression; of a promise what it turns out to be."""
        result = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise AssertionError(f"{script}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def wait_for(self, script):
        """Waits until an expression is something that is true, and returns that."""
        return self.evaluate("""new Promise((done) => {
            const look = () => {
                const found = %s;
                found ? done(found) : setTimeout(look, 20);
            };
            look();
        })""" % script)

    def click(self, selector):
        self.wait_for(f"document.querySelector({json.dumps(selector)}) !== null")
        self.evaluate(f"document.querySelector({json.dumps(selector)}).click()")

    def fill_in(self, selector, text):
        """Types into an input or a textarea in the place of what is there, and leaves it."""
        self.wait_for(f"document.querySelector({json.dumps(selector)}) !== null")
        self.evaluate(f"document.querySelector({json.dumps(selector)}).select()")
        self.call("Input.insertText", text=text)
        self.evaluate("document.activeElement.blur()")
