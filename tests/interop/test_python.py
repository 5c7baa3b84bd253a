"""Both our programs against Python's ssl: half close, large transfers, and every way to end."""
import socket
import ssl
import struct
import threading

from harness import PATIENCE, InteropTest, certificate, connect

LARGE = 8 * 1024 * 1024
VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


def known_bytes(size):
    """A sequence whose period no buffer size divides, so that a lost, doubled or swapped piece shows."""
    block = bytes((number * number + 7 * number) % 256 for number in range(65521))
    return (block * (size // len(block) + 1))[:size]


def client_context(version=None):
    context = ssl.create_default_context(cafile=str(certificate("ca.pem")))
    if version:
        context.minimum_version = context.maximum_version = VERSIONS[version]
    return context


def reset(plain):
    """Closes a socket so that the peer sees a reset."""
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    plain.close()


class BareTls:
    """A TLS client whose records pass through our hands: Python's sockets can neither half-close nor hold records."""

    def __init__(self, port, version):
        self.plain = connect(port)
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.tls = client_context(version).wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.until_done(self.tls.do_handshake)

    def flush(self):
        self.plain.sendall(self.outgoing.read())

    def until_done(self, operation, *arguments):
        while True:
            try:
                result = operation(*arguments)
                self.flush()
                return result
            except ssl.SSLWantReadError:
                self.flush()
                piece = self.plain.recv(65536)
                if piece:
                    self.incoming.write(piece)
                else:
                    self.incoming.write_eof()

    def sealed_to_the_end(self, data):
        """The records of `data` and of the close_notify behind it, for the caller to send."""
        self.tls.write(data)
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:  # the server has not closed yet
            pass
        return self.outgoing.read()

    def read_to_the_end(self):
        """Everything up to the close_notify; an end without one raises."""
        received = bytearray()
        while True:
            try:
                piece = self.until_done(self.tls.read, 65536)
            except ssl.SSLZeroReturnError:
                return bytes(received)
            if not piece:
                return bytes(received)
            received += piece


class ServerTest(InteropTest):
    """Python is the client. An end without close_notify raises in it: suppress_ragged_eofs is off."""

    def connected(self, server, version=None):
        plain = connect(server.port)
        peer = client_context(version).wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False)
        self.addCleanup(peer.close)
        server.expect(f"^open {peer.version()} ")
        return peer

    def receive(self, peer, size):
        received = bytearray()
        while len(received) < size:
            piece = peer.recv(65536)
            self.assertTrue(piece, f"the end after {len(received)} bytes")
            received += piece
        return bytes(received)

    def test_server_echoes_and_unwraps(self):
        for version in VERSIONS:
            server = self.server()
            peer = self.connected(server, version)
            peer.sendall(b"hello")
            self.assertEqual(self.receive(peer, 5), b"hello")
            plain = peer.unwrap()  # waits for the server's close_notify
            server.expect("^end$")
            self.assertEqual(plain.recv(1), b"")
            plain.close()
            server.expect("^close peer_closed received=5 sent=5$")

    def test_server_answers_after_a_half_close(self):
        data = known_bytes(1_000_000)
        for version in VERSIONS:
            server = self.server()
            peer = BareTls(server.port, version)
            sender = threading.Thread(target=peer.plain.sendall, args=(peer.sealed_to_the_end(data),))
            sender.start()
            self.assertTrue(peer.read_to_the_end() == data, "damaged on the way")
            sender.join(PATIENCE)
            peer.plain.close()
            server.expect("^end$")
            server.expect(f"^close peer_closed received={len(data)} sent={len(data)}$")

    def test_server_half_closes(self):
        server = self.server()
        peer = self.connected(server)
        peer.sendall(b"!half\n")
        self.assertEqual(peer.recv(1), b"")  # its close_notify; the other direction is still there
        peer.unwrap().close()
        server.expect("^close peer_closed received=6 sent=0$")

    def transfer(self, version):
        server = self.server()
        peer = self.connected(server, version)
        data = known_bytes(LARGE)
        piece = 128 * 1024  # in turn: until 3.13 an SSLSocket must not be read and written by two threads at once
        received = b""
        for begin in range(0, LARGE, piece):
            peer.sendall(data[begin:begin + piece])
            received += self.receive(peer, len(data[begin:begin + piece]))
        self.assertTrue(received == data, "damaged on the way")
        peer.unwrap().close()
        server.expect(f"^close peer_closed received={LARGE} sent={LARGE}$")

    def test_server_carries_a_large_transfer_in_tls_1_3(self):
        self.transfer("TLSv1.3")

    def test_server_carries_a_large_transfer_in_tls_1_2(self):
        self.transfer("TLSv1.2")

    def test_server_carries_single_bytes(self):
        server = self.server()
        peer = self.connected(server)
        for number in range(300):
            peer.sendall(bytes([number % 256]))
        self.assertEqual(self.receive(peer, 300), bytes(number % 256 for number in range(300)))
        peer.unwrap().close()
        server.expect("^close peer_closed received=300 sent=300$")

    def test_server_sees_a_truncation(self):
        for version in VERSIONS:
            server = self.server()
            peer = self.connected(server, version)
            peer.sendall(b"hello")
            self.receive(peer, 5)
            peer.close()  # closes the socket and no more
            server.expect("^close tls_truncated received=5 sent=5")
            self.assert_never(server, "^end$")

    def test_server_sees_a_truncated_half_close(self):
        server = self.server()
        peer = self.connected(server)
        peer.sendall(b"hello")
        self.receive(peer, 5)
        peer.shutdown(socket.SHUT_WR)
        server.expect("^close tls_truncated received=5 sent=5")
        self.assert_never(server, "^end$")

    def test_server_sees_a_reset(self):
        server = self.server()
        peer = self.connected(server)
        peer.sendall(b"hello")
        self.receive(peer, 5)
        reset(peer)
        server.expect("^close peer_reset received=5 sent=5")

    def test_server_closes_in_order(self):
        for version in VERSIONS:
            server = self.server()
            peer = self.connected(server, version)
            peer.sendall(b"!close\n")
            self.assertEqual(peer.recv(1), b"")  # a truncation would raise
            peer.unwrap().close()
            server.expect("^close local_close received=7 sent=0$")

    def test_server_aborts(self):
        server = self.server()
        peer = self.connected(server)
        peer.sendall(b"!abort\n")
        with self.assertRaises(OSError):  # a reset or an end without close_notify, never an end in order
            peer.recv(1)
        server.expect("^close aborted received=7 sent=0$")

    def test_server_that_is_stopped_closes_in_order(self):
        server = self.server()
        peer = self.connected(server)
        server.end_input()
        self.assertEqual(peer.recv(1), b"")
        peer.unwrap().close()
        server.expect("^close shutdown received=0 sent=0$")

    def test_server_resumes(self):
        server = self.server()
        context = client_context("TLSv1.2")
        session = None
        for resumed in False, True, True:
            peer = context.wrap_socket(connect(server.port), server_hostname="localhost", session=session)
            self.assertEqual(peer.session_reused, resumed)
            session = peer.session
            peer.unwrap().close()
            server.expect(f"^open TLSv1.2 .* resumed={int(resumed)} ")

    def test_server_is_told_garbage(self):
        server = self.server()
        for garbage in b"\x00" * 64, b"\xff" * 64, b"\x16\x03\x01\xff\xff" + b"\x00" * 64, b"\x80\x2e\x01\x00\x02":
            plain = connect(server.port)
            plain.sendall(garbage)
            plain.shutdown(socket.SHUT_WR)
            while plain.recv(4096):  # an alert at most, and the end
                pass
            plain.close()
            server.expect("^handshake_error (tls_error|peer_closed) error=")
        self.assert_refused(server, 4)

    def test_server_is_told_garbage_after_the_handshake(self):
        for version in VERSIONS:
            server = self.server()
            peer = BareTls(server.port, version)
            peer.plain.sendall(b"\x17\x03\x03\x00\x20" + b"\x00" * 32)  # a record that nobody has sealed
            server.expect("^close tls_error received=0 sent=0 error=.*bad record mac")
            with self.assertRaisesRegex(ssl.SSLError, "(?i)bad.record.mac"):
                peer.read_to_the_end()
            peer.plain.close()


class PythonServer(threading.Thread):
    """Serves one connection after the other by `serve(peer)`, on a thread. What that raised comes out of `result`."""

    def __init__(self, serve, family=socket.AF_INET, address=("127.0.0.1", 0), version=None):
        super().__init__(daemon=True)
        self.listener = socket.socket(family, socket.SOCK_STREAM)
        self.listener.bind(address)
        self.listener.listen()
        self.listener.settimeout(PATIENCE)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate("server.pem"), certificate("server.key"))
        if version:
            self.context.minimum_version = self.context.maximum_version = VERSIONS[version]
        self.serve = serve
        self.error = None
        self.start()

    @property
    def port(self):
        return self.listener.getsockname()[1]

    def run(self):
        try:
            plain, _ = self.listener.accept()
            plain.settimeout(PATIENCE)
            with self.context.wrap_socket(plain, server_side=True, suppress_ragged_eofs=False) as peer:
                self.serve(peer)
        except Exception as error:  # for `result`
            self.error = error
        finally:
            self.listener.close()

    def result(self):
        """What `serve` raised, or None."""
        self.join(PATIENCE)
        if self.is_alive():
            raise AssertionError("the Python server does not end")
        return self.error


def echo_to_the_end(peer):
    """Echoes until the close_notify, and answers it."""
    while piece := peer.recv(65536):
        peer.sendall(piece)
    peer.unwrap()


class ClientTest(InteropTest):
    """Python is the server."""

    def test_client_says_goodbye(self):
        for version in VERSIONS:
            python = PythonServer(echo_to_the_end, version=version)
            client = self.client(python.port)
            client.expect(f"^open {version} ")
            client.send("text hello\n")
            client.expect(r"^data hello\\n$")
            client.send("close\n")
            client.expect("^close local_close received=6 sent=6$")
            self.assertIsNone(python.result())

    def test_client_over_a_unix_socket(self):
        path = str(self.folder / "python.sock")
        python = PythonServer(echo_to_the_end, family=socket.AF_UNIX, address=path)
        client = self.client(None, "--endpoint", f"unix://{path}", "--server-name", "localhost")
        client.expect("^open TLSv1.3 ")
        client.send("text hello\n")
        client.expect(r"^data hello\\n$")
        client.send("close\n")
        client.expect("^close local_close ")
        self.assertIsNone(python.result())

    def transfer(self, version):
        python = PythonServer(echo_to_the_end, version=version)
        client = self.client(python.port)
        client.expect(f"^open {version} ")
        client.send(f"bytes {LARGE}\n")
        client.expect(f"^echoed {LARGE} intact$")
        client.send("close\n")
        client.expect(f"^close local_close received={LARGE} sent={LARGE}$")
        self.assertIsNone(python.result())

    def test_client_carries_a_large_transfer_in_tls_1_3(self):
        self.transfer("TLSv1.3")

    def test_client_carries_a_large_transfer_in_tls_1_2(self):
        self.transfer("TLSv1.2")

    def test_client_half_closes(self):
        received = []

        def answer_at_the_end(peer):
            # Python ends a connection that reads a close_notify only in its own mind: it can still write.
            while piece := peer.recv(65536):
                received.append(piece)
            peer.sendall(b"all of it\n")
            peer.unwrap()

        python = PythonServer(answer_at_the_end)
        client = self.client(python.port)
        client.expect("^open ")
        client.send("text one\n")
        client.send("half\n")
        client.expect(r"^data all of it\\n$")
        client.expect("^close (peer_closed|local_close) received=10 sent=4$")
        self.assertIsNone(python.result())
        self.assertEqual(b"".join(received), b"one\n")

    def test_client_sees_a_goodbye(self):
        python = PythonServer(lambda peer: peer.unwrap())
        client = self.client(python.port)
        client.expect("^open ")
        client.expect("^end$")
        client.expect("^close peer_closed received=0 sent=0$")
        self.assertIsNone(python.result())

    def test_client_sees_a_truncation(self):
        for version in VERSIONS:
            python = PythonServer(lambda peer: peer.sendall(b"hello\n"), version=version)  # and closes the socket
            client = self.client(python.port)
            client.expect(r"^data hello\\n$")
            client.expect("^close tls_truncated received=6 sent=0")
            self.assert_never(client, "^end$")
            self.assertIsNone(python.result())

    def test_client_sees_a_reset(self):
        gate = threading.Event()

        def serve(peer):
            gate.wait(PATIENCE)
            reset(peer)

        python = PythonServer(serve)
        client = self.client(python.port)
        client.expect("^open ")
        gate.set()
        client.expect("^close peer_reset received=0 sent=0")
        python.result()

    def test_client_aborts(self):
        python = PythonServer(echo_to_the_end)
        client = self.client(python.port)
        client.expect("^open ")
        client.send("abort\n")
        client.expect("^close aborted received=0 sent=0$")
        self.assertIsInstance(python.result(), OSError)  # a reset or a truncation, never an end in order

    def test_client_that_is_stopped_closes_in_order(self):
        python = PythonServer(echo_to_the_end)
        client = self.client(python.port)
        client.expect("^open ")
        client.end_input()
        client.expect("^close (shutdown|local_close) received=0 sent=0$")
        self.assertIsNone(python.result())

    def test_client_is_closed_on_before_the_handshake(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        client = self.client(listener.getsockname()[1])
        plain, _ = listener.accept()
        plain.recv(1)
        plain.close()
        client.expect("^connect_error error=")
        self.assert_never(client, "^open ")
