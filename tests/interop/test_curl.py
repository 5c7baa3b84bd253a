"""Our server against curl: its own idea of verification, ALPN and HTTP over TLS."""
import shutil

from harness import InteropTest, certificate, has_ipv6, pair

FAILED_TO_SHAKE_HANDS = 35
REFUSED_CERTIFICATE = 60


class CurlTest(InteropTest):
    def setUp(self):
        super().setUp()
        if not shutil.which("curl"):
            self.skipTest("there is no command curl")

    def curl(self, url, *options):
        """Runs curl to its end. Returns its exit status, and what it told (with --verbose) and received."""
        # -q and --noproxy: nothing of the machine's settings plays a part.
        program = self.start("curl", ["curl", "-q", "--noproxy", "*", "--verbose", "--silent", "--show-error",
                                      "--max-time", "25", "--cacert", certificate("ca.pem"), *options, url])
        return program.wait(), program

    def check_answer(self, server, *options, host="localhost", version="TLSv1.3"):
        status, curl = self.curl(f"https://{host}:{server.port}/", *options)
        self.assertEqual(status, 0, curl.transcript())
        self.assert_says(curl, "^from pollux$")
        server.expect(f"^open {version} ")
        # curl knows the length and may leave before it has read our close_notify: then the system sends a reset.
        server.expect("^close (local_close|peer_closed|peer_reset) ")
        return curl

    def test_verifies_the_server(self):
        for name in "server", "server-ecdsa":
            curl = self.check_answer(self.server(*pair(name), "--http"))
            if "OpenSSL" in curl.output:
                self.assert_says(curl, "SSL certificate verify ok")

    def test_verifies_the_address(self):
        self.check_answer(self.server("--http"), host="127.0.0.1")

    def test_verifies_an_ipv6_address(self):
        if not has_ipv6():
            self.skipTest("there is no IPv6 here")
        self.check_answer(self.server("--http", "--endpoint", "tcp://[::1]:0"), host="[::1]")

    def test_tls_1_2(self):
        self.check_answer(self.server("--http"), "--tls-max", "1.2", version="TLSv1.2")

    def test_tls_1_1_is_refused(self):
        server = self.server("--http")
        status, _ = self.curl(f"https://localhost:{server.port}/", "--tls-max", "1.1", "--ciphers", "ALL:@SECLEVEL=0")
        self.assertEqual(status, FAILED_TO_SHAKE_HANDS)
        self.assertEqual(server.finish(), 0)
        self.assert_never(server, "^open ")

    def test_unix_socket(self):
        path = self.folder / "server.sock"
        server = self.server("--http", "--endpoint", f"unix://{path}")
        server.port = 443  # only a part of the URL
        self.check_answer(server, "--unix-socket", path)

    def test_application_protocol(self):
        server = self.server("--http", "--alpn", "http/1.1")
        self.check_answer(server)  # offers h2 and http/1.1
        self.assert_says(server, "^open .* alpn=http/1.1 ")

    def test_client_certificate(self):
        server = self.server("--http", "--client-certificate", "required", "--client-ca", certificate("ca.pem"))
        self.check_answer(server, "--cert", certificate("client.pem"), "--key", certificate("client.key"))
        self.assert_says(server, "^open .* peer=CN=client verify=ok$")

    def test_client_certificate_missing(self):
        server = self.server("--http", "--client-certificate", "required", "--client-ca", certificate("ca.pem"))
        status, curl = self.curl(f"https://localhost:{server.port}/")
        self.assertNotEqual(status, 0, curl.transcript())
        server.expect("^handshake_error tls_error error=peer did not return a certificate")
        self.assert_refused(server)

    def check_not_trusted(self, server, *options, host="localhost"):
        status, curl = self.curl(f"https://{host}:{server.port}/", *options)
        self.assertEqual(status, REFUSED_CERTIFICATE, curl.transcript())
        return curl

    def test_does_not_trust_an_unknown_ca(self):
        server = self.server(*pair("untrusted"), "--http")
        self.check_not_trusted(server)
        server.expect("^handshake_error tls_error error=.*unknown ca")
        self.assert_refused(server)

    def test_does_not_trust_an_expired_certificate(self):
        server = self.server(*pair("expired"), "--http")
        self.check_not_trusted(server)
        server.expect("^handshake_error tls_error error=.*certificate expired")
        self.assert_refused(server)

    def test_does_not_trust_another_name(self):
        server = self.server(*pair("wrong-name"), "--http")
        self.check_not_trusted(server)  # curl looks at the name when the handshake is over
        server.expect("^(open|handshake_error) ")

    def test_the_name_chooses_the_certificate(self):
        more = f"{certificate('exact.pem')}:{certificate('exact.key')}"
        server = self.server("--http", "--more", more)
        self.check_answer(server, "--connect-to", f"www.example.test:{server.port}:127.0.0.1:{server.port}",
                          host="www.example.test")
        self.assert_says(server, "^open .* sni=www.example.test ")

    def test_plain_http_to_the_tls_port(self):
        server = self.server("--http")
        status, curl = self.curl(f"http://localhost:{server.port}/")
        self.assertNotEqual(status, 0, curl.transcript())
        self.assert_never(curl, "from pollux")
        server.expect("^handshake_error tls_error error=http request$")
        self.check_answer(server)  # and others are not disturbed

    def test_tls_to_a_plain_port(self):
        server = self.server("--plain")  # echoes the ClientHello
        status, _ = self.curl(f"https://localhost:{server.port}/")
        self.assertEqual(status, FAILED_TO_SHAKE_HANDS)
        server.expect("^open plain$")
        server.expect("^close ")
