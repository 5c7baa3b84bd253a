"""The documentation page of the example servers in a browser: it opens, and what it offers to try works."""
import json
import ssl
import urllib.error
import urllib.request

import browser
import harness
from harness import InteropTest, certificate


class BrowserTest(InteropTest):
    def setUp(self):
        super().setUp()
        if not browser.find():
            self.skipTest("there is no Chromium")

    def serve(self, name, *arguments):
        """Starts an example and opens its page. Returns where it is."""
        if not harness.examples:
            self.skipTest("the examples are not built")
        server = self.start(f"pollux {name}", [harness.examples / name, *arguments])
        port = server.expect(r"^Listening on 127\.0\.0\.1:(\d+)\. ")[1]
        scheme = name.split("_")[0]
        base = f"{scheme}://127.0.0.1:{port}"
        with self.fetch(f"{base}/openapi.json") as answer:
            self.assertEqual(json.load(answer)["info"]["title"], "Cache")
        try:
            self.fetch(f"{base}/docs").close()
        except urllib.error.HTTPError:
            self.skipTest("Swagger UI was not fetched when the examples were built")
        self.browser = browser.Browser(self.folder)
        self.addCleanup(self.browser.close)
        self.browser.open(f"{base}/docs")
        return base

    def fetch(self, url):
        context = ssl.create_default_context(cafile=certificate("ca.pem"))
        handler = urllib.request.HTTPSHandler(context=context)
        return urllib.request.build_opener(urllib.request.ProxyHandler({}), handler).open(url, timeout=harness.PATIENCE)

    def execute(self, method, key, body=None):
        """Tries an operation on the page. Returns the status and the text that the page shows as the answer."""
        block = f".opblock-{method}"
        page = self.browser
        page.click(f"{block} .opblock-summary-control")
        page.click(f"{block} .try-out__btn")
        page.fill_in(f"{block} .parameters input", key)
        if body is not None:
            page.fill_in(f"{block} textarea.body-param__text", body)
        page.click(f"{block} .execute")
        live = f"document.querySelector('{block} .live-responses-table .response')"
        status = page.wait_for(f"{live}?.querySelector('.response-col_status')?.innerText")
        shown = page.evaluate(f"{live}.querySelector('.response-col_description .highlight-code code')?.innerText")
        return status.split()[0], (shown or "").strip()

    def check_page(self, base):
        self.assertEqual(self.execute("post", "a key", "a value"), ("201", ""))
        with self.fetch(f"{base}/api/cache?key=a%20key") as answer:
            self.assertEqual(answer.read(), b"a value")
        self.assertEqual(self.execute("get", "a key"), ("200", "a value"))
        self.assertEqual(self.execute("delete", "no such key"), ("404", "There is no such key."))
        # Nothing else: all of the page's own files are there, and nothing broke its policy.
        self.assertRegex(self.browser.errors.pop()["text"], "404")
        self.assertEqual(self.browser.errors, [])

    def test_tries_operations(self):
        self.check_page(self.serve("http_server", "0"))

    def test_tries_operations_over_tls(self):
        self.check_page(self.serve("https_server", "0", "", certificate("server.pem"), certificate("server.key")))
