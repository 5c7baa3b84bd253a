"""What the interop tests share: programs that are talked to by lines, certificates, and the programs under test."""
import ctypes
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

PATIENCE = 30  # seconds until a wait is a failure; catches hangs, and nothing is ever measured with it

# run_case.py sets these from its command line.
programs = pathlib.Path()
certificates = pathlib.Path()
examples = None  # the folder of the example programs, if they are built
node_ws = None  # the folder of Node's package ws; it is not there if it could not be fetched
openssl_command = "openssl"


def end_with_parent():
    """In a child: Linux ends it when its parent dies, however that happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Program:
    """A running program whose output is collected as it comes, and waited for by patterns."""

    def __init__(self, name, command, env=None):
        self.name = name
        self.command = [str(word) for word in command]
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, env=env, preexec_fn=end_with_parent)
        self.output = ""
        self.position = 0  # behind what was expected last
        self.ended = False
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        while True:
            piece = os.read(self.process.stdout.fileno(), 65536)
            with self.changed:
                self.output += piece.decode("utf-8", "replace")
                self.ended = not piece
                self.changed.notify_all()
            if not piece:
                return

    def expect(self, pattern):
        """Waits until the output has `pattern`, a regular expression, behind the last one that was waited for."""
        with self.changed:
            found = self.changed.wait_for(
                lambda: re.compile(pattern, re.MULTILINE).search(self.output, self.position) or self.ended, PATIENCE)
            match = re.compile(pattern, re.MULTILINE).search(self.output, self.position)
            if not match:
                why = "ended" if found else f"said nothing like it in {PATIENCE} s"
                raise AssertionError(f"{self.name} {why}; expected: {pattern}\n{self.transcript()}")
            self.position = match.end()
            return match

    def send(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def end_input(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass

    def wait(self):
        """The exit status, when all the output is there."""
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} does not end\n{self.transcript()}") from None
        self.reader.join(PATIENCE)
        return status

    def finish(self):
        """Ends its input and waits for it."""
        self.end_input()
        return self.wait()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join(PATIENCE)
        self.end_input()
        self.process.stdout.close()

    def transcript(self):
        return f"--- {self.name}: {' '.join(self.command)}\n{self.output}---"


def certificate(name):
    return certificates / name


def pair(name):
    """The options of the programs under test for a certificate and its key."""
    return ["--certificate", certificate(name + ".pem"), "--key", certificate(name + ".key")]


def openssl_pair(name):
    """The same for `openssl s_client` and `openssl s_server`."""
    return ["-cert", certificate(name + ".pem"), "-key", certificate(name + ".key")]


class InteropTest(unittest.TestCase):
    """A test that starts programs. They are ended and, if the test failed, their transcripts are shown."""

    def setUp(self):
        self.running = []
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pollux-interop-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.addCleanup(self.end_all)

    def end_all(self):
        """Our own programs must always end by themselves, and without a complaint of a sanitizer."""
        for program in self.running:
            if program.name.startswith("pollux"):
                status = program.finish()
                self.assertEqual(status, 0, program.transcript())
            program.kill()

    def run(self, result=None):
        before = len(result.failures) + len(result.errors) if result is not None else 0
        result = super().run(result)
        if result is not None and len(result.failures) + len(result.errors) > before:
            for program in self.running:
                print(program.transcript(), file=sys.stderr)
        return result

    def start(self, name, command, env=None):
        program = Program(name, command, env)
        self.running.append(program)
        return program

    # The programs under test.

    def server(self, *options):
        """The echo server; it has the RSA certificate unless the options name another. Its port is `server.port`."""
        if not {"--certificate", "--pfx", "--plain"} & set(options):
            options = [*pair("server"), *options]
        server = self.start("pollux server", [programs / "pollux_interop_server", *options])
        server.port = server.expect(r"^listening (.*)$")[1]
        return server

    def client(self, port, *options, host="localhost"):
        """The client; it trusts the development CA unless the options say otherwise."""
        if "--ca" not in options:
            options = ["--ca", certificate("ca.pem"), *options]
        if "--endpoint" not in options:
            options = ["--endpoint", f"tcp://{host}:{port}", *options]
        return self.start("pollux client", [programs / "pollux_interop_client", *options])

    # The peers.

    def openssl(self, tool, *options):
        """`openssl s_client` or `s_server`, with none of the system's own settings."""
        if not shutil.which(openssl_command):
            self.skipTest(f"there is no command {openssl_command}")
        version = subprocess.run([openssl_command, "version"], capture_output=True, text=True, check=True).stdout
        if not version.startswith("OpenSSL "):
            self.skipTest(f"{openssl_command} is {version.strip()}, and not OpenSSL")
        environment = dict(os.environ, OPENSSL_CONF=os.devnull)
        # Behind a pipe it would keep much of what it tells in a buffer.
        by_lines = ["stdbuf", "-oL"] if shutil.which("stdbuf") else []
        return self.start(f"openssl {tool}", [*by_lines, openssl_command, tool, *options], environment)

    def s_client(self, port, *options):
        """Connects to localhost and trusts the development CA, unless the options say otherwise."""
        if "-CAfile" not in options:
            options = ["-CAfile", certificate("ca.pem"), "-verify_return_error", *options]
        where = [] if "-unix" in options else ["-connect", f"127.0.0.1:{port}"]
        if not {"-servername", "-noservername"} & set(options):
            options = ["-servername", "localhost", *options]
        return self.openssl("s_client", *where, *options)

    def s_server(self, *options):
        """Has the RSA certificate unless the options name another. Its port is `port`."""
        if "-cert" not in options:
            options = [*openssl_pair("server"), *options]
        server = self.openssl("s_server", "-accept", "127.0.0.1:0", *options)
        server.port = server.expect(r"^ACCEPT 127\.0\.0\.1:(\d+)")[1]
        return server

    # What both sides must have seen.

    def echo(self, client, word="hello"):
        """A line goes to the server and comes back, with `openssl s_client` or anything else that has lines. What it
        tells by itself may still be in its buffer, so the line may be found in the middle of another."""
        client.send(word + "\n")
        client.expect(rf"{word}\n")

    def assert_says(self, program, *patterns):
        for pattern in patterns:
            self.assertRegex(program.output, re.compile(pattern, re.MULTILINE), program.transcript())

    def assert_never(self, program, pattern):
        self.assertNotRegex(program.output, re.compile(pattern, re.MULTILINE), program.transcript())

    def assert_refused(self, server, count=1):
        """Ends our server and checks that `count` handshakes failed and nothing was opened."""
        self.assertEqual(server.finish(), 0)
        self.assert_never(server, "^open ")
        self.assert_says(server, rf"^accepted={count} handshakes_failed={count}$")


class HttpServerTest(InteropTest):
    """A test of our HTTP server."""

    def http_server(self, *options):
        """Starts it, with the RSA certificate unless the options say `--plain`. `url` is where it is."""
        if "--plain" not in options:
            options = [*pair("server"), *options]
        server = self.start("pollux http server", [programs / "pollux_interop_http_server", *options])
        server.port = server.expect(r"^listening (.*)$")[1]
        server.url = f"http://127.0.0.1:{server.port}" if "--plain" in options else f"https://localhost:{server.port}"
        return server


def has_ipv6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def connect(port):
    """A plain connection to a server on 127.0.0.1."""
    return socket.create_connection(("127.0.0.1", int(port)), PATIENCE)
