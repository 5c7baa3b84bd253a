"""The example programs of the WebSocket chat: servers, clients, console, and the page in a browser."""
import http.client
import re
import ssl

import browser
import harness
from harness import InteropTest, certificate


class WsExamplesTest(InteropTest):
    def example(self, name, *arguments):
        if not harness.examples:
            self.skipTest("the examples are not built")
        return self.start(f"pollux {name}", [harness.examples / name, *arguments])

    def serve(self, name="ws_chat_server"):
        identity = [certificate("server.pem"), certificate("server.key")] if name.startswith("wss") else []
        server = self.example(name, "0", *identity)
        server.port = int(server.expect(r"^Listening on 127\.0\.0\.1:(\d+)\. ")[1])
        return server

    def member(self, server, name="ws_chat_client"):
        authority = [certificate("ca.pem")] if name.startswith("wss") else []
        client = self.example(name, str(server.port), *authority)
        client.expect("^Welcome")
        return client

    def ask(self, server, path, **headers):
        """Status, header fields and body."""
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=harness.PATIENCE)
        self.addCleanup(connection.close)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()

    def check_members(self, kind):
        server = self.serve(f"{kind}_chat_server")
        first = self.member(server, f"{kind}_chat_client")
        second = self.member(server, f"{kind}_chat_client")
        first.send("gr\u00fc\u00dfe\n")
        second.expect("^\\(1\\) gr\u00fc\u00dfe$")
        server.send("to all\n")
        for client in first, second:
            client.expect(r"^\(admin\) to all$")
        first.send("!\n")
        first.expect(r"^Disconnected: local close \(1000\)$")
        first.expect("^Welcome")  # it comes back
        server.send("!\n")
        server.expect("^Restarted on ")
        for client in first, second:
            client.expect(r"^Disconnected: peer closed \(1001\)$")
            client.expect("^Welcome")
        return server

    def test_members(self):
        self.check_members("ws")

    def test_members_over_tls(self):
        server = self.check_members("wss")
        server.send("!reload\n")
        server.expect("^Reloaded$")

    def test_client_is_refused(self):
        server = self.serve()
        client = self.example("ws_chat_client", f"ws://127.0.0.1:{server.port}/elsewhere")
        client.expect("^The server answers 404 Not Found$")
        client.expect("^Cannot connect: .*; trying again")

    def test_authority_is_not_trusted(self):
        server = self.serve("wss_chat_server")
        client = self.example("wss_chat_client", str(server.port), certificate("untrusted-ca.pem"))
        client.expect("^Cannot connect: .*certificate")

    def test_page(self):
        server = self.serve()
        status, headers, page = self.ask(server, "/chat/")
        self.assertEqual((status, headers["Content-Type"]), (200, "text/html; charset=utf-8"))
        self.assertTrue(headers["Content-Security-Policy"].startswith("default-src 'none'; "))
        for name in re.findall(r'(?:src|href)="(chat\.[a-z]+)"', page):
            self.assertEqual(self.ask(server, f"/chat/{name}")[0], 200)
        status, headers, _ = self.ask(server, "/")
        self.assertEqual((status, headers["Location"]), (302, "/chat/"))
        self.assertEqual(self.ask(server, "/chat/ws")[0], 426)

    def test_page_from_elsewhere(self):
        server = self.serve()
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                   "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        for origin, status in ("http://elsewhere.example", 403), (f"http://127.0.0.1:{server.port}", 101):
            self.assertEqual(self.ask(server, "/chat/ws", Origin=origin, **upgrade)[0], status)

    # The page in a browser.

    def say(self, page, text):
        page.wait_for("document.getElementById('state')?.textContent === 'connected'")
        page.fill_in("#line", text)
        page.click("#send")

    def wait_for_line(self, page, text):
        """Waits for a line that ends so; before that is who wrote it."""
        page.wait_for(f"[...document.querySelectorAll('#lines li')].some((line) => line.innerText.endsWith({text!r}))")

    def check_page(self, kind):
        """Two tabs talk to each other and to the console."""
        if not browser.find():
            self.skipTest("there is no Chromium")
        server = self.serve(f"{kind}_chat_server")
        url = f"{'https' if kind == 'wss' else 'http'}://127.0.0.1:{server.port}/"
        page = browser.Browser(self.folder)
        self.addCleanup(page.close)
        first = page.session
        page.open(url)
        server.expect(r"^\(1\) joined")
        second = page.open_tab()
        page.open(url)
        server.expect(r"^\(2\) joined")

        self.say(page, "from the second")
        page.switch_to(first)
        self.wait_for_line(page, "(2) from the second")
        self.say(page, "<b>gr\u00fc\u00dfe</b> \U0001f388")
        page.switch_to(second)
        self.wait_for_line(page, "(1) <b>gr\u00fc\u00dfe</b> \U0001f388")
        server.send("to all\n")
        for tab in first, second:
            page.switch_to(tab)
            self.wait_for_line(page, "(admin) to all")
        self.assertEqual(page.errors, [])  # nothing broke the page's policy

        server.send("!\n")
        server.expect("^Restarted on ")
        for _ in range(2):
            server.expect(r"^\([34]\) joined")  # they connect again, in any order
        for tab, text in (first, "again"), (second, "and again"):
            page.switch_to(tab)
            self.say(page, text)
            self.wait_for_line(page, ") " + text)

    def test_browser(self):
        self.check_page("ws")

    def test_browser_over_tls(self):
        self.check_page("wss")
