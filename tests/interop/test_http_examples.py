"""The example servers http_server and https_server: the cache, its limits, the folder, and the console."""
import http.client
import json
import ssl

import harness
from harness import InteropTest, certificate


class HttpExamplesTest(InteropTest):
    def serve(self, name, *arguments):
        if not harness.examples:
            self.skipTest("the examples are not built")
        server = self.start(f"pollux {name}", [harness.examples / name, "0", *arguments])
        server.port = int(server.expect(r"^Listening on 127\.0\.0\.1:(\d+)\. ")[1])
        return server

    def serve_tls(self, name="server"):
        return self.serve("https_server", "", certificate(f"{name}.pem"), certificate(f"{name}.key"))

    def connect(self, server, tls=False):
        """A connection that is kept alive over several requests."""
        if tls:
            context = ssl.create_default_context(cafile=certificate("ca.pem"))
            client = http.client.HTTPSConnection("localhost", server.port, timeout=harness.PATIENCE, context=context)
        else:
            client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=harness.PATIENCE)
        self.addCleanup(client.close)
        return client

    def ask(self, client, method, target, body=None):
        """Status and body."""
        client.request(method, target, body)
        answer = client.getresponse()
        return answer.status, answer.read()

    def check_cache(self, client):
        key = "/api/cache?key=a%20%22key%22"
        self.assertEqual(self.ask(client, "GET", key)[0], 404)
        self.assertEqual(self.ask(client, "GET", "/api/cache"), (200, b"{}"))
        self.assertEqual(self.ask(client, "POST", key, "one\n"), (201, b""))
        self.assertEqual(self.ask(client, "GET", key), (200, b"one\n"))
        self.assertEqual(self.ask(client, "HEAD", key), (200, b""))
        self.assertEqual(self.ask(client, "PUT", key, "two \u00e9\x01".encode()), (204, b""))
        self.assertEqual(self.ask(client, "PUT", "/api/cache?key=other", ""), (201, b""))
        status, document = self.ask(client, "GET", "/api/cache")
        self.assertEqual((status, json.loads(document)), (200, {'a "key"': "two \u00e9\x01", "other": ""}))
        self.assertEqual(self.ask(client, "DELETE", key), (200, "two \u00e9\x01".encode()))
        self.assertEqual(self.ask(client, "DELETE", key)[0], 404)
        self.assertEqual(self.ask(client, "GET", "/api/cache"), (200, b'{"other":""}'))

    def test_cache(self):
        self.check_cache(self.connect(self.serve("http_server")))

    def test_cache_over_tls(self):
        self.check_cache(self.connect(self.serve_tls(), tls=True))

    def test_refuses(self):
        client = self.connect(self.serve("http_server"))
        self.assertEqual(self.ask(client, "PUT", "/api/cache", "x")[0], 400)
        self.assertEqual(self.ask(client, "PUT", "/api/cache?key=", "x")[0], 400)
        self.assertEqual(self.ask(client, "PATCH", "/api/cache?key=x", "x")[0], 405)
        self.assertEqual(self.ask(client, "GET", "/elsewhere")[0], 404)

    def test_cache_has_an_end(self):
        client = self.connect(self.serve("http_server"))
        value = bytes(1024 * 1024)
        stored = 0
        while stored < 100 and self.ask(client, "PUT", f"/api/cache?key={stored}", value)[0] == 201:
            stored += 1
        self.assertEqual(stored, 63)  # of 64 MiB; keys take a little too
        self.assertEqual(self.ask(client, "PUT", "/api/cache?key=more", value)[0], 507)
        self.assertEqual(self.ask(client, "PUT", "/api/cache?key=0", value)[0], 204)
        self.assertEqual(self.ask(client, "DELETE", "/api/cache?key=0"), (200, value))
        self.assertEqual(self.ask(client, "PUT", "/api/cache?key=more", value)[0], 201)

    def test_folder(self):
        (self.folder / "index.html").write_text("<h1>home</h1>")
        (self.folder / "api").mkdir()
        (self.folder / "api" / "page.txt").write_text("beside the cache")
        client = self.connect(self.serve("http_server", self.folder))
        self.assertEqual(self.ask(client, "GET", "/"), (200, b"<h1>home</h1>"))
        self.assertEqual(self.ask(client, "GET", "/api/page.txt"), (200, b"beside the cache"))
        self.assertEqual(self.ask(client, "GET", "/api/cache"), (200, b"{}"))

    def test_folder_that_is_not_there(self):
        if not harness.examples:
            self.skipTest("the examples are not built")
        server = self.start("http_server", [harness.examples / "http_server", "0", self.folder / "none"])
        self.assertEqual(server.wait(), 1)
        self.assert_says(server, "none")

    def test_restarts(self):
        server = self.serve("http_server")
        self.assertEqual(self.ask(self.connect(server), "PUT", "/api/cache?key=x", "kept")[0], 201)
        server.send("!\n")
        server.expect("^Restarted on ")
        self.assertEqual(self.ask(self.connect(server), "GET", "/api/cache?key=x"), (200, b"kept"))

    def test_reloads_its_certificate(self):
        for suffix in "pem", "key":
            (self.folder / f"server.{suffix}").write_bytes(certificate(f"server.{suffix}").read_bytes())
        server = self.serve("https_server", "", self.folder / "server.pem", self.folder / "server.key")
        before = self.connect(server, tls=True)
        self.assertEqual(self.ask(before, "GET", "/api/cache")[0], 200)
        for suffix in "pem", "key":
            (self.folder / f"server.{suffix}").write_bytes(certificate(f"server-ecdsa.{suffix}").read_bytes())
        server.send("!reload\n")
        server.expect("^Reloaded$")
        after = self.connect(server, tls=True)
        self.assertEqual(self.ask(after, "GET", "/api/cache")[0], 200)
        self.assertEqual(self.ask(before, "GET", "/api/cache")[0], 200)
        self.assertNotEqual(before.sock.getpeercert(True), after.sock.getpeercert(True))
