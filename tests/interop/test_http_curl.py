"""Our HTTP server against curl: methods, uploads both ways, ranges, Expect, keep-alive, HTTP/1.0, TLS, Unix sockets."""
import gzip
import shutil

from harness import HttpServerTest, certificate

LARGE = 20 * 1024 * 1024


class CurlTest(HttpServerTest):
    def setUp(self):
        super().setUp()
        if not shutil.which("curl"):
            self.skipTest("there is no command curl")
        self.files = self.folder / "files"
        self.files.mkdir()

    def curl(self, *options):
        """Runs curl to its end, which must be a success. Returns what it received, and what it told."""
        # -q and --noproxy: nothing of the machine's settings plays a part.
        received = self.folder / "received"
        program = self.start("curl", ["curl", "-q", "--noproxy", "*", "--verbose", "--silent", "--show-error",
                                      "--max-time", "25", "--http1.1", "--cacert", certificate("ca.pem"),
                                      "--output", received, *options])
        self.assertEqual(program.wait(), 0, program.transcript())
        return received.read_bytes() if received.exists() else b"", program

    def known_file(self, size=LARGE):
        """A file whose bytes repeat with a period that no buffer has."""
        path = self.folder / "known"
        block = bytes(number % 251 for number in range(251))
        path.write_bytes((block * (size // 251 + 1))[:size])
        return path

    def test_methods(self):
        for options in ["--plain"], []:
            server = self.http_server(*options)
            for method in "GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS":
                body, _ = self.curl("--request", method, "--header", "X-Mark: here",
                                    server.url + "/request/a%20b?word=x%26y")
                for line in f"method={method}", "path=/request/a b", "word=x&y", "mark=here", "version=1.1", "body=0":
                    self.assertIn(line, body.decode().splitlines())
                self.assertIn("secure=no" if options else "secure=yes", body.decode().splitlines())
            body, _ = self.curl("--request", "TRACE", "--header", "Cookie: secret=1", server.url + "/request/")
            self.assertIn(b"TRACE /request/ HTTP/1.1\r\n", body)
            self.assertNotIn(b"secret", body)
            _, told = self.curl("--head", server.url + "/bytes/1000000")
            self.assert_says(told, "^< Content-Length: 1000000")

    def test_what_is_not_there(self):
        server = self.http_server("--plain")
        for method, path, status in ("GET", "/none", 404), ("DELETE", "/hello", 405), ("BREW", "/hello", 501):
            _, told = self.curl("--request", method, server.url + path)
            self.assert_says(told, rf"^< HTTP/1\.1 {status} ")

    def test_uploads(self):
        known = self.known_file()
        for options in ["--plain"], []:
            server = self.http_server(*options)
            body, _ = self.curl("--upload-file", known, server.url + "/request/put")
            self.assertIn(f"body={LARGE}", body.decode().splitlines())
            for framing in [], ["--header", "Transfer-Encoding: chunked"]:
                body, _ = self.curl("--request", "POST", "--data-binary", f"@{known}", *framing, server.url + "/echo")
                self.assertEqual(body, known.read_bytes())

    def test_expect_100_continue(self):
        server = self.http_server("--plain")
        known = self.known_file(2_000_000)
        upload = ["--header", "Expect: 100-continue", "--data-binary", f"@{known}"]
        body, told = self.curl(*upload, server.url + "/request/")
        self.assert_says(told, r"^< HTTP/1\.1 100 Continue", r"^< HTTP/1\.1 200 OK")
        self.assertIn("body=2000000", body.decode().splitlines())
        _, told = self.curl(*upload, server.url + "/small")
        self.assert_says(told, r"^< HTTP/1\.1 413 ")
        self.assert_never(told, r"^< HTTP/1\.1 100 ")

    def test_keep_alive(self):
        server = self.http_server("--plain")
        _, told = self.curl(server.url + "/hello", "--next", "--noproxy", "*", server.url + "/bytes/100000", "--next",
                            "--noproxy", "*", server.url + "/chunks/5000")
        self.assertEqual(told.output.count("Re-using existing connection"), 2, told.transcript())

    def test_http_1_0(self):
        server = self.http_server("--plain")
        for path, size in ("/hello", 6), ("/chunks/5000", 5000):
            body, told = self.curl("--http1.0", server.url + path)
            self.assertEqual(len(body), size)
            self.assert_says(told, "^< Connection: close")
            self.assert_never(told, "^< Transfer-Encoding")

    def test_unix_socket(self):
        path = self.folder / "server.sock"
        for options in ["--plain"], []:
            self.http_server(*options, "--endpoint", f"unix://{path}")
            scheme = "http" if options else "https"
            body, _ = self.curl("--unix-socket", path, f"{scheme}://localhost/hello")
            self.assertEqual(body, b"hello\n")
            self.end_all()

    def test_chunks_and_trailers(self):
        server = self.http_server()
        body, told = self.curl(server.url + "/chunks/100000")
        self.assertEqual(body, b"x" * 100_000)
        self.assert_says(told, "^< Transfer-Encoding: chunked")

    def test_ranges_of_a_file(self):
        known = self.known_file().read_bytes()
        (self.files / "large.bin").write_bytes(known)
        for options in ["--plain"], []:
            server = self.http_server(*options, "--files", self.files)
            url = server.url + "/files/large.bin"
            self.assertEqual(self.curl(url)[0], known)
            for range_, part in ("0-0", known[:1]), ("1000-1999", known[1000:2000]), ("-100", known[-100:]):
                body, told = self.curl("--range", range_, url)
                self.assertEqual(body, part)
                self.assert_says(told, r"^< HTTP/1\.1 206 ", f"^< Content-Range: bytes .*/{LARGE}")
            _, told = self.curl("--range", f"{LARGE}-", url)
            self.assert_says(told, r"^< HTTP/1\.1 416 ")

    def test_a_file_that_has_not_changed(self):
        (self.files / "page.html").write_text("<html>")
        server = self.http_server("--plain", "--files", self.files)
        tag = self.folder / "tag"
        url = server.url + "/files/page.html"
        self.curl("--etag-save", tag, url)
        _, told = self.curl("--etag-compare", tag, url)
        self.assert_says(told, r"^< HTTP/1\.1 304 ")

    def test_a_compressed_sibling(self):
        text = "all the same " * 1000
        (self.files / "page.txt").write_text(text)
        (self.files / "page.txt.gz").write_bytes(gzip.compress(text.encode()))
        server = self.http_server("--plain", "--files", self.files)
        body, told = self.curl("--compressed", server.url + "/files/page.txt")
        self.assertEqual(body.decode(), text)
        self.assert_says(told, "^< Content-Encoding: gzip")
        body, told = self.curl(server.url + "/files/page.txt")
        self.assertEqual(body.decode(), text)
        self.assert_never(told, "^< Content-Encoding")

    def test_no_path_leads_out(self):
        (self.folder / "secret").write_text("secret")
        server = self.http_server("--plain", "--files", self.files)
        for path in "/files/../secret", "/files/%2e%2e/secret", "/files/..%2fsecret", "/files//etc/passwd":
            body, told = self.curl("--path-as-is", server.url + path)
            self.assertNotIn(b"secret", body)
            self.assert_says(told, r"^< HTTP/1\.1 40[04] ")
