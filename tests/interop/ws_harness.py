"""What the tests of WebSockets share: our server and client, and what each of them must do with any peer."""
import json

import harness
from harness import InteropTest, certificate, pair

OWN_MEMORY = ["--deflate", "--own-memory"]  # messages may refer to those before

# Our options, and the parameters of the peer (RFC 7692, 7.1).
DEFLATE = [
    (["--deflate"], {}),
    (OWN_MEMORY, {}),
    ([*OWN_MEMORY, "--server-no-context", "--client-no-context"], {}),
    ([*OWN_MEMORY, "--server-bits", "10", "--client-bits", "9"], {}),
    (OWN_MEMORY, {"server_no_context_takeover": True, "client_no_context_takeover": True}),
    (OWN_MEMORY, {"server_max_window_bits": 10}),
]


class WsTest(InteropTest):
    """`peer` starts one; a test class of each peer has its own."""

    def peer(self, role, *where, **options):
        raise NotImplementedError

    def ws_server(self, *options):
        """Our server, with the RSA certificate unless the options say `--plain`. `url` is its /echo."""
        plain = "--plain" in options
        server = self.start("pollux ws server", [harness.programs / "pollux_interop_ws_server", *options,
                                                 *([] if plain else pair("server"))])
        server.port = server.expect(r"^listening (.*)$")[1]
        server.url = f"ws://127.0.0.1:{server.port}/echo" if plain else f"wss://localhost:{server.port}/echo"
        return server

    def ws_client(self, url, *options):
        """Our client; it trusts the development CA."""
        return self.start("pollux ws client", [harness.programs / "pollux_interop_ws_client", "--url", url,
                                               "--ca", certificate("ca.pem"), *options])

    def peer_server(self, **options):
        server = self.peer("server", **options)
        server.port = server.expect(r"^listening (\d+)\n")[1]
        scheme, host = ("wss", "localhost") if "certificate" in options else ("ws", "127.0.0.1")
        server.url = f"{scheme}://{host}:{server.port}/"
        return server

    # Our server.

    def check_exercise(self, server, deflates=0, **options):
        """A peer tries all kinds of messages, and closes with 4321."""
        client = self.peer("client", server.url, **options)
        self.assertEqual(client.wait(), 0, client.transcript())
        self.assert_says(client, f"^open protocol= deflates={deflates}$", "^close 4321 $", "^all done$")
        server.expect("^close peer_closed code=4321 reason=bye sent=4321 clean$")

    def check_server(self):
        self.check_exercise(self.ws_server("--plain"))

    def check_server_over_tls(self):
        self.check_exercise(self.ws_server(), ca=str(certificate("ca.pem")))

    def check_server_deflates(self):
        for ours, theirs in DEFLATE:
            server = self.ws_server("--plain", *ours)
            self.check_exercise(server, deflates=1, deflate=theirs)
            self.assertEqual(server.finish(), 0)
        self.check_exercise(self.ws_server("--plain", "--deflate"), deflates=0)

    def check_server_orders(self):
        """Pings, fragments and the Close of our server, with a peer that echoes."""
        for options, deflate in (["--plain"], None), (["--plain", "--deflate", "--own-memory"], {}):
            server = self.ws_server(*options)
            client = self.peer("echo", server.url.replace("/echo", "/quiet"), deflate=deflate)
            self.check_orders(server)
            server.send("close 4002 enough of it\n")
            server.expect("^close local_close code=4002 reason=enough of it sent=4002 clean$")
            client.expect("^close 4002 enough of it$")
            self.assertEqual(client.wait(), 0)

    def check_server_closes(self):
        """A message beyond the limit, and a server that stops."""
        server = self.ws_server("--plain", "--max-message", "1000")
        client = self.peer("echo", server.url, first=1001)
        client.expect("^close 1009 ")
        server.expect("^close limit ")
        other = self.peer("echo", server.url)
        other.expect("^open ")
        server.end_input()
        other.expect("^close 1001")
        self.assertEqual(server.wait(), 0)
        self.assert_says(server, "^close shutdown code=1001 reason= sent=1001 clean$")

    def check_server_protocols(self):
        server = self.ws_server("--plain", "--protocols", "chat.v2,chat.v1")
        for offered, agreed in (["chat.v1", "chat.v2"], "chat.v2"), (["chat.v1"], "chat.v1"):
            client = self.peer("echo", server.url, protocols=offered)
            client.expect(f"^open protocol={agreed} ")
            server.expect(f"^open protocol={agreed} ")
            server.send("close 1000\n")
            self.assertEqual(client.wait(), 0)

    def check_server_refuses(self):
        server = self.ws_server("--plain", "--origin", "http://good.example")
        for path, origin, answer in ("/refuse/401", None, "refused 401"), ("/nothing", None, "refused 404"), \
                ("/echo", "http://bad.example", "refused 403"), ("/echo", "http://good.example", "open "):
            client = self.peer("echo", server.url.replace("/echo", path), origin=origin)
            client.expect(f"^{answer}")
        server.send("close 1000\n")
        self.assertEqual(client.wait(), 0)

    # Our client.

    def check_orders(self, program):
        """What a program of ours sends comes back from a peer that echoes."""
        program.expect("^open ")
        for kind in "text", "binary":
            for size, parts in (0, 1), (1, 1), (125, 1), (126, 1), (65535, 1), (65536, 3), (1 << 20, 1), (300_000, 7):
                program.send(f"known {kind} {size} {parts}\n")
                program.expect(f"^echoed {size} intact$")
        program.send("ping hello\n")
        program.expect("^pong hello$")
        program.send("text !ping answer\n")
        program.expect("^ping answer$")
        program.send("text !parts a bb ccc\n")
        program.expect("^text abbccc$")

    def check_client_of(self, server, *options, deflates=0):
        client = self.ws_client(server.url, *options)
        self.check_orders(client)
        client.send("text !close 4001 so long\n")
        client.expect("^close peer_closed code=4001 reason=so long sent=4001 clean$")
        self.assert_says(client, f"^open protocol= deflates={deflates} ")
        server.expect("^close 4001 ")
        self.assertEqual(client.finish(), 0)

        client = self.ws_client(server.url, *options)
        client.expect("^open ")
        client.send("close 4002 enough\n")
        client.expect("^close local_close code=4002 reason=enough sent=4002 clean$")
        server.expect("^close 4002 enough$")

    def check_client(self):
        self.check_client_of(self.peer_server())

    def check_client_over_tls(self):
        server = self.peer_server(certificate=str(certificate("server.pem")), key=str(certificate("server.key")))
        self.check_client_of(server)

    def check_client_deflates(self):
        for ours, theirs in DEFLATE:
            self.check_client_of(self.peer_server(deflate=theirs), *ours, deflates=1)
        self.check_client_of(self.peer_server(), "--deflate")

    def check_client_protocols(self):
        server = self.peer_server(protocols=["chat.v2"])
        client = self.ws_client(server.url, "--protocols", "chat.v1,chat.v2")
        client.expect("^open protocol=chat.v2 ")
        server.expect("^open protocol=chat.v2 ")


def arguments(role, where, options):
    """The arguments of a peer's program."""
    return [role, *where, json.dumps(options)]
