"""Our HTTP server under the load of wrk and h2load: every answer arrives, and each is a good one."""
import re
import shutil

from harness import HttpServerTest


class LoadTest(HttpServerTest):
    def load(self, *command):
        if not shutil.which(command[0]):
            self.skipTest(f"there is no command {command[0]}")
        program = self.start(command[0], command)
        self.assertEqual(program.wait(), 0, program.transcript())
        return program

    def wrk(self, *options):
        server = self.http_server(*options)
        wrk = self.load("wrk", "--threads", "1", "--connections", "50", "--duration", "1s", server.url + "/hello")
        self.assert_never(wrk, "Socket errors|Non-2xx")
        self.assertGreater(int(re.search(r"(\d+) requests in", wrk.output)[1]), 0)

    def test_wrk(self):
        self.wrk("--plain")

    def test_wrk_over_tls(self):
        self.wrk()

    def h2load(self, path, *options):
        server = self.http_server(*options)
        h2load = self.load("h2load", "--h1", "--requests", "5000", "--clients", "20", server.url + path)
        self.assert_says(h2load, "5000 succeeded, 0 failed, 0 errored, 0 timeout", "^status codes: 5000 2xx, 0 3xx")

    def test_h2load(self):
        self.h2load("/hello", "--plain")

    def test_h2load_of_chunks(self):
        self.h2load("/chunks/3000", "--plain")

    def test_h2load_over_tls(self):
        self.h2load("/hello")
