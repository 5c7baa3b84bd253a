"""Our HTTP server against Python's http.client, and against requests written by hand."""
import http.client
import ssl

from harness import PATIENCE, HttpServerTest, certificate, connect


class PythonTest(HttpServerTest):
    def connection(self, *options):
        """A connection to a new server."""
        server = self.http_server(*options)
        if options:
            connection = http.client.HTTPConnection("127.0.0.1", int(server.port), timeout=PATIENCE)
        else:
            context = ssl.create_default_context(cafile=str(certificate("ca.pem")))
            connection = http.client.HTTPSConnection("localhost", int(server.port), timeout=PATIENCE, context=context)
        self.addCleanup(connection.close)
        return connection

    def ask(self, connection, method, path, **request):
        connection.request(method, path, **request)
        response = connection.getresponse()
        return response, response.read()

    def test_keep_alive(self):
        for options in ["--plain"], []:
            connection = self.connection(*options)
            connection.connect()
            socket = connection.sock
            for number in range(100):
                response, body = self.ask(connection, "GET", f"/bytes/{number}")
                self.assertEqual((response.status, len(body)), (200, number))
            response, body = self.ask(connection, "HEAD", "/bytes/1000")
            self.assertEqual((response.getheader("Content-Length"), body), ("1000", b""))
            self.assertIs(connection.sock, socket)

    def test_chunks_both_ways(self):
        for options in ["--plain"], []:
            connection = self.connection(*options)
            parts = [bytes([number % 256]) * (number * 100) for number in range(1, 200)]
            response, body = self.ask(connection, "POST", "/echo", body=iter(parts), encode_chunked=True,
                                      headers={"Transfer-Encoding": "chunked"})
            self.assertEqual(response.getheader("Transfer-Encoding"), "chunked")
            self.assertEqual(body, b"".join(parts))
            response, body = self.ask(connection, "GET", "/chunks/12345")
            self.assertEqual(body, b"x" * 12345)

    def test_many_headers(self):
        connection = self.connection("--plain")
        headers = {f"X-{number}": "v" * 100 for number in range(90)}
        response, body = self.ask(connection, "GET", "/request/", headers={**headers, "X-Mark": "last"})
        self.assertIn(b"mark=last\n", body)
        response, _ = self.ask(connection, "GET", "/request/", headers={**headers, "X-Large": "v" * 50_000})
        self.assertEqual(response.status, 431)

    def test_pipelined(self):
        server = self.http_server("--plain")
        with connect(server.port) as peer:
            count = 500
            requests = [f"GET /bytes/{number} HTTP/1.1\r\nHost: a\r\n\r\n" for number in range(count)]
            requests[-1] = requests[-1].replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
            peer.sendall("".join(requests).encode())
            stream = peer.makefile("rb")
            for number in range(count):
                self.assertEqual(stream.readline(), b"HTTP/1.1 200 OK\r\n")
                headers = http.client.parse_headers(stream)
                self.assertEqual(int(headers["Content-Length"]), number)
                self.assertEqual(stream.read(number), b"x" * number)
            self.assertEqual(stream.read(), b"")

    def test_trailers(self):
        server = self.http_server("--plain")
        with connect(server.port) as peer:
            head = b"POST /request/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
            peer.sendall(head + b"5;name=value\r\nhello\r\n0\r\nX-Trailer: behind\r\n\r\n")
            answer = peer.makefile("rb").read()
            self.assertIn(b"trailer=behind\n", answer)
            self.assertIn(b"body=5\n", answer)
