"""Our WebSocket server and client against Python's package websockets."""
import pathlib
import subprocess
import sys

import ws_harness
from ws_harness import WsTest

PEER = pathlib.Path(__file__).with_name("ws_python.py")


def interpreter():
    """A Python that has the package: the one of the tests, or the system's. None if there is none."""
    for python in sys.executable, "/usr/bin/python3":
        try:
            if subprocess.run([python, "-c", "import websockets"], capture_output=True).returncode == 0:
                return python
        except FileNotFoundError:
            pass
    return None


class PythonTest(WsTest):
    def setUp(self):
        super().setUp()
        self.python = interpreter()
        if not self.python:
            self.skipTest("there is no Python with the package websockets")

    def peer(self, role, *where, **options):
        return self.start(f"python {role}", [self.python, "-B", PEER, *ws_harness.arguments(role, where, options)])

    def test_server(self):
        self.check_server()

    def test_server_over_tls(self):
        self.check_server_over_tls()

    def test_server_deflates(self):
        self.check_server_deflates()

    def test_server_orders(self):
        self.check_server_orders()

    def test_server_closes(self):
        self.check_server_closes()

    def test_server_protocols(self):
        self.check_server_protocols()

    def test_server_refuses(self):
        self.check_server_refuses()

    def test_client(self):
        self.check_client()

    def test_client_over_tls(self):
        self.check_client_over_tls()

    def test_client_deflates(self):
        self.check_client_deflates()

    def test_client_protocols(self):
        self.check_client_protocols()

    def test_client_refused(self):
        server = self.start("http.server", [self.python, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1",
                                            "--directory", self.folder])
        port = server.expect(r"port (\d+) ")[1]
        client = self.ws_client(f"ws://127.0.0.1:{port}/nothing")
        client.expect("^refused 404$")
        client.expect("^connect_error error=")
