"""The example client over HTTP and HTTPS against the servers of Python and of Node."""
import http.server
import shutil
import socket
import ssl
import threading

import harness
from harness import InteropTest, certificate

NODE_SERVER = """
const http = require('http');
const server = http.createServer({ keepAliveTimeout: 500 }, (request, response) => {
    const url = new URL(request.url, 'http://localhost');
    if (url.pathname === '/redirect') {
        response.writeHead(302, { Location: '/echo?redirected' });
        response.end('elsewhere');
    } else if (url.pathname === '/early') {
        response.writeEarlyHints({ link: '</style.css>; rel=preload' }, () => response.end('after hints'));
    } else if (url.pathname === '/trailers') {
        response.writeHead(200, { Trailer: 'X-Sum' });
        response.write('in ');
        setTimeout(() => {
            response.addTrailers({ 'X-Sum': '7' });
            response.end('two parts');
        }, 20);
    } else if (url.pathname === '/cut') {
        response.writeHead(200, { 'Content-Length': '10' });
        response.write('half');
        setTimeout(() => request.socket.destroy(), 20);
    } else {
        response.write(`${request.method} ${request.url} `);  // chunked, since no length is told
        request.pipe(response);
    }
});
server.on('connection', (socket) => console.log('connection'));
server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
"""


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers with what it was asked."""
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = f"{self.command} {self.path} {body.decode()}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_TRACE = do_PATCH = do_PROPFIND = answer

    def log_message(self, *arguments):
        pass


class OldEcho(Echo):
    """The same as HTTP/1.0, whose connections end with each answer."""
    protocol_version = "HTTP/1.0"


class HttpClientTest(InteropTest):
    def setUp(self):
        super().setUp()
        if harness.examples is None:
            self.skipTest("the examples are not built")

    def client(self, name, *arguments):
        client = self.start(name, [harness.examples / name, *arguments])
        client.expect("^METHOD URL")
        return client

    def python_server(self, handler, context=None):
        """Its port. `connections` counts."""
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        self.connections = 0
        accept = server.get_request

        def counted():
            self.connections += 1
            return accept()

        server.get_request = counted
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.server_port

    def node_server(self):
        node = shutil.which("node")
        if not node:
            self.skipTest("there is no command node")
        server = self.start("node", [node, "-e", NODE_SERVER])
        return server, int(server.expect(r"^port (\d+)")[1])

    def ask_all_methods(self, client):
        for method in "GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH":
            client.send(f"{method} /path?q a body\n")
            client.expect(r"^HTTP/1\.\d 200 ")
            client.expect(rf"^{method} /path\?q a body$")
        client.send("HEAD /path\n")
        client.expect(r"^HTTP/1\.\d 200 ")
        client.expect(r"^\(0 bytes")

    def test_python_keeps_the_connection(self):
        port = self.python_server(Echo)
        client = self.client("http_client", str(port))
        self.ask_all_methods(client)
        self.assertEqual(client.finish(), 0)
        self.assertEqual(self.connections, 1)

    def test_python_over_http_1_0(self):
        port = self.python_server(OldEcho)
        client = self.client("http_client", f"127.0.0.1:{port}")
        self.ask_all_methods(client)
        self.assertEqual(client.finish(), 0)
        self.assertEqual(self.connections, 7)

    def test_python_over_tls(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate("server.pem"), certificate("server.key"))
        port = self.python_server(Echo, context)
        client = self.client("https_client", f"https://localhost:{port}/")
        self.ask_all_methods(client)
        self.assertEqual(client.finish(), 0)
        self.assertEqual(self.connections, 1)

    def test_a_stranger_is_not_trusted(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate("server.pem"), certificate("server.key"))
        port = self.python_server(Echo, context)
        client = self.client("https_client", str(port), "system")
        client.send("GET /\n")
        client.expect("^No answer: ")
        self.assertEqual(client.finish(), 0)

    def test_node(self):
        server, port = self.node_server()
        client = self.client("http_client", f"http://127.0.0.1:{port}")
        self.ask_all_methods(client)
        client.send("GET /redirect\n")
        client.expect(rf"^GET /echo\?redirected $")
        client.expect(rf"bytes from http://127\.0\.0\.1:{port}/echo\?redirected ")
        client.send("GET /early\n")
        client.expect("^after hints$")
        client.send("GET /trailers\n")
        client.expect("^in two parts$")
        self.assertEqual(client.finish(), 0)
        self.assertEqual(server.output.count("connection"), 1, server.transcript())

    def test_node_that_cuts_answers_off(self):
        _, port = self.node_server()
        client = self.client("http_client", str(port))
        client.send("GET /cut\n")
        client.expect("^No answer: closed by the peer$")
        client.send("GET /again\n")
        client.expect("^GET /again $")
        self.assertEqual(client.finish(), 0)

    def test_nobody_there(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            client = self.client("http_client", str(unused.getsockname()[1]))
            client.send("GET /\n")
            client.expect("^No answer: Connection refused$")
            self.assertEqual(client.finish(), 0)
