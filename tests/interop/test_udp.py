"""Our UDP sockets against Python's: echo both ways, over IPv4 and IPv6, multicast and broadcast, and closed ports."""
import contextlib
import shutil
import socket
import time
import struct
import subprocess

import harness
from harness import PATIENCE, InteropTest, has_ipv6

BATCHING = "automatic", "calls", "none"
GROUP = "239.255.17.9"
SIZES = 0, 1, 100, 1472, 9000, 65507


def content(number, size):
    """Bytes that differ from those of any other number."""
    return bytes((number * 31 + index * 7 + index // 256) % 256 for index in range(size))


def peer(host="127.0.0.1"):
    plain = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
    plain.bind((host, 0))
    plain.settimeout(PATIENCE)
    return plain


def endpoint(plain):
    host, port = plain.getsockname()[:2]
    return f"udp://[{host}]:{port}" if ":" in host else f"udp://{host}:{port}"


def membership(group=GROUP):
    return struct.pack("4s4si", socket.inet_aton(group), socket.inet_aton("0.0.0.0"), socket.if_nametoindex("lo"))


class UdpTest(InteropTest):
    def udp(self, *options):
        program = self.start("pollux udp", [harness.programs / "pollux_interop_udp", *options])
        program.port = int(program.expect(r"^bound (\d+)$")[1])
        return program

    def check_echo(self, bind, host, batching="automatic"):
        server = self.udp("--echo", "--bind", bind, "--batching", batching)
        with contextlib.closing(peer(host)) as plain:
            for number, size in enumerate(SIZES):
                plain.sendto(content(number, size), (host, server.port))
                data, address = plain.recvfrom(70000)
                self.assertEqual(data, content(number, size))
                self.assertEqual(address[:2], (host, server.port))
            for begin in range(0, 1000, 50):
                for number in range(begin, begin + 50):
                    plain.sendto(content(number, number % 300), (host, server.port))
                for number in range(begin, begin + 50):
                    self.assertEqual(plain.recv(70000), content(number, number % 300))
        self.assertEqual(server.finish(), 0)
        self.assert_says(server, f"^close shutdown received={1000 + len(SIZES)} sent={1000 + len(SIZES)}$")

    def test_echo_ipv4(self):
        for batching in BATCHING:
            self.check_echo("udp://127.0.0.1:0", "127.0.0.1", batching)

    def test_echo_ipv6(self):
        if not has_ipv6():
            self.skipTest("there is no IPv6 here")
        self.check_echo("udp://[::1]:0", "::1")

    def test_echo_dual_stack(self):
        if not has_ipv6():
            self.skipTest("there is no IPv6 here")
        for host in "127.0.0.1", "::1":
            self.check_echo("udp://*:0", host)

    def check_client(self, host, batching="automatic"):
        with contextlib.closing(peer(host)) as plain:
            client = self.udp("--connect", endpoint(plain), "--batching", batching)
            client.send("text hello there\n")
            data, address = plain.recvfrom(70000)
            self.assertEqual(data, b"hello there")
            self.assertEqual(address[1], client.port)
            plain.sendto(b"and back", address)
            client.expect(r"^datagram from=.* bytes=8 text=and back$")
            plain.sendto(b"", address)
            client.expect(r"^datagram from=.* bytes=0 text=$")
            plain.sendto(bytes(65507), address)
            client.expect(r"^datagram from=.* bytes=65507 ")
            client.send("count 500 1000\n")  # in one turn, so as runs where the system takes them
            for number in range(500):
                self.assertEqual(plain.recv(70000), b"%08d" % number + b"." * 992)
            self.assertEqual(client.finish(), 0)
            self.assert_says(client, "^close shutdown received=3 sent=501$")

    def test_client_ipv4(self):
        for batching in BATCHING:
            self.check_client("127.0.0.1", batching)

    def test_client_ipv6(self):
        if not has_ipv6():
            self.skipTest("there is no IPv6 here")
        self.check_client("::1")

    def test_a_connected_socket_hears_its_peer_alone(self):
        with contextlib.closing(peer()) as plain, contextlib.closing(peer()) as stranger:
            client = self.udp("--connect", endpoint(plain))
            stranger.sendto(b"stranger", ("127.0.0.1", client.port))
            plain.sendto(b"peer", ("127.0.0.1", client.port))
            client.expect(r"^datagram .*text=peer$")
            self.assert_never(client, "stranger")

    def skip_unless_closed_ports_are_told(self):
        """The system limits how often it tells, and a machine may be so set up that it never does."""
        with contextlib.closing(peer()) as plain:
            plain.connect(("127.0.0.1", 1))
            for _ in range(20):
                try:
                    plain.send(b"?")
                except ConnectionRefusedError:
                    return
                time.sleep(0.01)
        self.skipTest("the system tells nobody of closed ports now")

    def test_a_python_peer_that_is_not_there(self):
        self.skip_unless_closed_ports_are_told()
        with contextlib.closing(peer()) as plain:
            where = endpoint(plain)
        client = self.udp("--connect", where)
        client.send("text anybody\n")
        client.expect(rf"^error peer={where.removeprefix('udp://')} error=Connection refused$")

    def test_python_is_told_that_we_are_gone(self):
        self.skip_unless_closed_ports_are_told()
        server = self.udp("--echo", "--bind", "udp://127.0.0.1:0")
        with contextlib.closing(peer()) as plain:
            plain.connect(("127.0.0.1", server.port))
            plain.send(b"x")
            self.assertEqual(plain.recv(10), b"x")
            self.assertEqual(server.finish(), 0)
            with self.assertRaises(ConnectionRefusedError):
                plain.send(b"y")
                plain.recv(10)

    def test_python_in_our_group(self):
        receiver = self.udp("--bind", "udp://0.0.0.0:0", "--group", GROUP, "--interface", "lo")
        with contextlib.closing(peer()) as plain:
            plain.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
            plain.sendto(b"to the group", (GROUP, receiver.port))
            receiver.expect(r"^datagram .*text=to the group$")
            receiver.send(f"leave {GROUP}\n")
            receiver.expect("^leave ok$")
            plain.sendto(b"too late", (GROUP, receiver.port))
            receiver.send(f"join {GROUP}\n")
            receiver.expect("^join ok$")
            plain.sendto(b"again", (GROUP, receiver.port))
            receiver.expect(r"^datagram .*text=again$")
        self.assert_never(receiver, "too late")

    def test_we_in_pythons_group(self):
        sender = self.udp("--bind", "udp://127.0.0.1:0", "--interface", "lo")
        with contextlib.closing(peer("0.0.0.0")) as plain:
            plain.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership())
            sender.send(f"to {GROUP}:{plain.getsockname()[1]} hello\n")
            data, address = plain.recvfrom(100)
            self.assertEqual((data, address), (b"hello", ("127.0.0.1", sender.port)))

    def test_members_on_one_port(self):
        receiver = self.udp("--bind", "udp://0.0.0.0:0", "--group", GROUP, "--interface", "lo", "--reuse-address")
        with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as plain:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            plain.bind(("0.0.0.0", receiver.port))
            plain.settimeout(PATIENCE)
            plain.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership())
            sender = self.udp("--bind", "udp://127.0.0.1:0", "--interface", "lo")
            sender.send(f"to {GROUP}:{receiver.port} both\n")
            self.assertEqual(plain.recv(100), b"both")
            receiver.expect(r"^datagram .*text=both$")

    def test_broadcast(self):
        with contextlib.closing(peer("0.0.0.0")) as plain:
            port = plain.getsockname()[1]
            refused = self.udp("--bind", "udp://127.0.0.1:0")
            refused.send(f"to 127.255.255.255:{port} no\n")
            refused.expect(r"^error peer=127\.255\.255\.255:\d+ error=Permission denied$")
            allowed = self.udp("--bind", "udp://127.0.0.1:0", "--broadcast")
            allowed.send(f"to 127.255.255.255:{port} yes\n")
            self.assertEqual(plain.recv(100), b"yes")

    def test_socat(self):
        if not shutil.which("socat"):
            self.skipTest("there is no command socat")
        server = self.udp("--echo", "--bind", "udp://127.0.0.1:0")
        answer = subprocess.run(["socat", "-t", "1", "-", f"UDP4:127.0.0.1:{server.port}"], input=b"hello",
                                capture_output=True, timeout=PATIENCE, check=True)
        self.assertEqual(answer.stdout, b"hello")

    def test_nc(self):
        if not shutil.which("nc"):
            self.skipTest("there is no command nc")
        server = self.udp("--echo", "--bind", "udp://127.0.0.1:0")
        client = self.start("nc", ["nc", "-u", "127.0.0.1", str(server.port)])
        client.send("hello\n")
        client.expect("^hello$")
