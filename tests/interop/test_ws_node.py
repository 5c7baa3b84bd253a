"""Our WebSocket server and client against Node's package ws."""
import os
import pathlib
import shutil

import harness
import ws_harness
from ws_harness import WsTest

PEER = pathlib.Path(__file__).with_name("ws_node.js")


class NodeTest(WsTest):
    def setUp(self):
        super().setUp()
        if not shutil.which("node"):
            self.skipTest("there is no command node")
        if not harness.node_ws or not harness.node_ws.exists():
            self.skipTest("Node's package ws was not fetched")

    def peer(self, role, *where, **options):
        environment = dict(os.environ, NODE_PATH=str(harness.node_ws.parent))
        return self.start(f"node {role}", ["node", PEER, *ws_harness.arguments(role, where, options)], environment)

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
        client = self.ws_client(self.peer_server().url + "refuse")
        client.expect("^refused 403$")
        client.expect("^connect_error error=")
