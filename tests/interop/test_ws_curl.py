"""Our WebSocket server against curl's upgrade: a client that knows the handshake's fields, and nothing of frames."""
import shutil
import subprocess

from harness import PATIENCE, certificate
from ws_harness import WsTest

FIELDS = {"Connection": "keep-alive, Upgrade", "Upgrade": "WebSocket", "Sec-WebSocket-Version": "13",
          "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}


class CurlTest(WsTest):
    def setUp(self):
        super().setUp()
        if not shutil.which("curl"):
            self.skipTest("there is no command curl")

    def command(self, url, *options, **fields):
        """curl with the handshake's fields; a name with None has none."""
        given = {**FIELDS, **{name.replace("_", "-"): value for name, value in fields.items()}}
        headers = [word for name, value in given.items() if value is not None for word in ("-H", f"{name}: {value}")]
        return ["curl", "-q", "-s", "-i", "-N", "--http1.1", "--noproxy", "*", "--cacert", certificate("ca.pem"),
                *headers, *options, url.replace("ws", "http", 1)]

    def status(self, url, *options, **fields):
        """Of an answer that is none to an upgrade."""
        command = [str(word) for word in self.command(url, *options, **fields)]
        answer = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=True).stdout.decode()
        return answer.split(" ")[1], answer

    def upgraded(self, server, **fields):
        """curl shows what it has received when something has come behind the head of the answer."""
        peer = self.start("curl", self.command(server.url, **fields))
        server.expect("^open ")
        server.send("text hello\n")
        peer.expect("^HTTP/1.1 101 Switching Protocols\r$")
        peer.expect("\r\n\r\n.*\x05hello")
        return peer

    def check_upgrade(self, server):
        peer = self.upgraded(server)
        # From the example of RFC 6455, 1.3.
        self.assert_says(peer, "^Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\\+xOo=\r$", "^Upgrade: websocket\r$",
                         "^Connection: Upgrade\r$", "^X-Judged: yes\r$")
        self.assert_never(peer, "^Sec-WebSocket-(Protocol|Extensions):")
        peer.kill()
        server.expect("^close (peer_closed|peer_reset|tls_truncated) code=1006 ")

    def test_upgrade(self):
        self.check_upgrade(self.ws_server("--plain"))

    def test_upgrade_over_tls(self):
        self.check_upgrade(self.ws_server())

    def test_extensions(self):
        server = self.ws_server("--plain", "--deflate", "--min-deflate", "100", "--protocols", "b")
        offer = "x-unknown, permessage-deflate; client_max_window_bits"
        peer = self.upgraded(server, Sec_WebSocket_Protocol="a, b", Sec_WebSocket_Extensions=offer)
        self.assert_says(peer, "^Sec-WebSocket-Protocol: b\r$", "^Sec-WebSocket-Extensions: permessage-deflate")

    def test_refused(self):
        server = self.ws_server("--plain", "--origin", "http://good.example")
        url = server.url
        status, answer = self.status(url, Sec_WebSocket_Version="8")
        self.assertEqual(status, "426")
        self.assertIn("\r\nSec-WebSocket-Version: 13\r\n", answer)
        self.assertEqual(self.status(url, Upgrade="h2c")[0], "426")
        self.assertEqual(self.status(url, Upgrade=None, Connection="close")[0], "426")
        self.assertEqual(self.status(url, Sec_WebSocket_Key=None)[0], "400")
        self.assertEqual(self.status(url, Sec_WebSocket_Key="short")[0], "400")
        self.assertEqual(self.status(url, Origin="http://bad.example")[0], "403")
        self.assertEqual(self.status(url.replace("echo", "refuse/401"))[0], "401")
        self.assertEqual(self.status(url, "-X", "POST")[0], "405")
        self.assertEqual(server.finish(), 0)
        self.assert_never(server, "^open ")
