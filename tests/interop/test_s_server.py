"""Our client against `openssl s_server`."""
import shutil

from harness import InteropTest, certificate, openssl_pair, pair


class ClientTest(InteropTest):
    def check_talk(self, server, client, version="TLSv1.3"):
        """Both sides have a line from the other. Returns what the client said of the connection."""
        opened = client.expect(rf"^open {version} .*$")[0]
        client.send("text from the client\n")
        server.expect("from the client\n")
        server.send("from the server\n")
        client.expect(r"^data from the server\\n$")
        return opened

    def check_life(self, server, *options, version="TLSv1.3", host="localhost"):
        """Handshake, a line in both directions, close_notify from our side. Returns the client."""
        client = self.client(server.port, *options, host=host)
        self.check_talk(server, client, version)
        client.send("close\n")
        client.expect("^close local_close received=16 sent=16$")
        server.expect("^(DONE|shutting down SSL|CONNECTION CLOSED)")
        return client

    def check_refused(self, server, *options, error, alert=None, host="localhost"):
        """The client does not connect and says why; the server hears the alert."""
        client = self.client(server.port, *options, host=host)
        client.expect(rf"^connect_error error=.*{error}")
        self.assert_never(client, "^open ")
        server.expect(alert or "ERROR")
        return client

    # Versions, certificates and keys.

    def test_tls_1_3(self):
        self.assert_says(self.check_life(self.s_server("-tls1_3")), "^open TLSv1.3 .* verify=ok$")

    def test_tls_1_2(self):
        client = self.check_life(self.s_server("-tls1_2"), version="TLSv1.2")
        self.assert_says(client, "^open TLSv1.2 .* peer=CN=localhost verify=ok$")

    def test_ecdsa_in_tls_1_3(self):
        self.check_life(self.s_server("-tls1_3", *openssl_pair("server-ecdsa")))

    def test_ecdsa_in_tls_1_2(self):
        client = self.check_life(self.s_server("-tls1_2", *openssl_pair("server-ecdsa")), version="TLSv1.2")
        self.assert_says(client, "^open .* cipher=ECDHE-ECDSA-")

    def test_chain(self):
        server = self.s_server(*openssl_pair("chained"), "-cert_chain", certificate("intermediate.pem"))
        self.check_life(server)

    def test_chain_with_a_missing_link(self):
        self.check_refused(self.s_server(*openssl_pair("chained")), error="unable to get local issuer certificate",
                           alert="alert unknown ca")

    # Versions and algorithms that do not fit.

    def test_tls_1_1_is_refused(self):
        self.check_refused(self.s_server("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"), error="protocol version",
                           alert="unsupported protocol|protocol version")

    def test_min_version(self):
        self.check_refused(self.s_server("-tls1_2"), "--min", "1.3", error="protocol version",
                           alert="unsupported protocol|protocol version")

    def test_max_version(self):
        self.check_refused(self.s_server("-tls1_3"), "--max", "1.2", error="protocol version",
                           alert="unsupported protocol|protocol version")

    def test_ciphers_without_forward_secrecy_are_not_offered(self):
        self.check_refused(self.s_server("-tls1_2", "-cipher", "AES128-GCM-SHA256"), error="handshake failure",
                           alert="no shared cipher")

    def test_cipher_and_group(self):
        server = self.s_server("-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256", "-groups", "P-384")
        client = self.check_life(server, "--groups", "X25519:P-384")  # the first guess is wrong
        self.assert_says(client, "^open TLSv1.3 cipher=TLS_AES_128_GCM_SHA256 ")

    def test_no_shared_group(self):
        self.check_refused(self.s_server("-tls1_3", "-groups", "P-384"), "--groups", "X25519",
                           error="handshake failure", alert="no suitable key share")

    # Whom the client trusts.

    def test_an_address_is_verified_and_not_asked_for(self):
        server = self.s_server()
        self.assert_says(self.check_life(server, host="127.0.0.1"), "^open .* sni= .* verify=ok$")
        self.assert_never(server, "Hostname in TLS extension")

    def test_a_name_is_verified_and_asked_for(self):
        server = self.s_server(*self.two_names())
        self.assert_says(self.check_life(server), "^open .* sni=localhost .* verify=ok$")
        self.assert_says(server, 'Hostname in TLS extension: "localhost"')

    def two_names(self):
        return ["-servername", "www.example.test", "-cert2", certificate("exact.pem"), "-key2",
                certificate("exact.key")]

    def test_the_name_chooses_the_certificate(self):
        server = self.s_server(*self.two_names())
        client = self.check_life(server, "--server-name", "www.example.test", host="127.0.0.1")
        self.assert_says(client, "^open .* sni=www.example.test .* peer=CN=www.example.test verify=ok$")
        self.assert_says(server, 'Hostname in TLS extension: "www.example.test"')

    def test_a_wildcard(self):
        server = self.s_server(*openssl_pair("wildcard"))
        self.check_life(server, "--server-name", "mail.example.test", host="127.0.0.1")

    def test_a_wildcard_is_one_label(self):
        self.check_refused(self.s_server(*openssl_pair("wildcard")), "--server-name", "a.mail.example.test",
                           error="hostname mismatch", alert="alert")

    def test_wrong_name(self):
        self.check_refused(self.s_server(*openssl_pair("wrong-name")), error="hostname mismatch", alert="alert")

    def test_wrong_address(self):
        self.check_refused(self.s_server(*openssl_pair("wrong-name")), error="IP address mismatch", alert="alert",
                           host="127.0.0.1")

    def test_the_name_of_the_certificate_can_be_given(self):
        self.check_life(self.s_server(*openssl_pair("wrong-name")), "--server-name", "other.test")

    def test_wrong_name_ignored(self):
        self.check_life(self.s_server(*openssl_pair("wrong-name")), "--verify", "ignore-name")

    def test_expired(self):
        self.check_refused(self.s_server(*openssl_pair("expired")), error="certificate has expired",
                           alert="alert certificate expired")

    def test_expired_with_the_name_ignored(self):
        self.check_refused(self.s_server(*openssl_pair("expired")), "--verify", "ignore-name",
                           error="certificate has expired", alert="alert certificate expired")

    def test_self_signed(self):
        self.check_refused(self.s_server(*openssl_pair("self-signed")), error="self-signed certificate",
                           alert="alert unknown ca")

    def test_unknown_ca(self):
        self.check_refused(self.s_server(*openssl_pair("untrusted")), error="unable to get local issuer certificate",
                           alert="alert unknown ca")

    def test_another_ca(self):
        self.check_life(self.s_server(*openssl_pair("untrusted")), "--ca", certificate("untrusted-ca.pem"))

    def test_the_systems_authorities_do_not_know_ours(self):
        self.check_refused(self.s_server(), "--ca", error="unable to get local issuer certificate",
                           alert="alert unknown ca")

    def test_a_clients_certificate_is_none_for_a_server(self):
        self.check_refused(self.s_server(*openssl_pair("client")), error="unsuit.* certificate purpose", alert="alert")

    def test_tls_1_2_verifies_likewise(self):
        self.check_refused(self.s_server("-tls1_2", *openssl_pair("untrusted")),
                           error="unable to get local issuer certificate", alert="alert unknown ca")

    def test_nothing_is_verified_where_that_is_asked_for(self):
        for name in "expired", "self-signed", "untrusted", "wrong-name":
            self.check_life(self.s_server(*openssl_pair(name)), "--verify", "none")

    # Client certificates.

    def asking_server(self, *options):
        return self.s_server("-Verify", "2", "-verify_return_error", "-CAfile", certificate("ca.pem"), *options)

    def test_client_certificate(self):
        for option, version in (("-tls1_3", "TLSv1.3"), ("-tls1_2", "TLSv1.2")):
            for name in "client", "client-ecdsa":
                server = self.asking_server(option)
                self.check_life(server, *pair(name), version=version)
                self.assert_says(server, rf"subject=CN = {name}\n")

    def test_client_certificate_from_a_pfx(self):
        server = self.asking_server()
        self.check_life(server, "--pfx", certificate("client.pfx"), "--password", "pollux")
        self.assert_says(server, r"subject=CN = client\n")

    def test_client_certificate_missing_in_tls_1_2(self):
        self.check_refused(self.asking_server("-tls1_2"), error="alert handshake failure",
                           alert="peer did not return a certificate")

    def test_client_certificate_missing_in_tls_1_3(self):
        # In TLS 1.3 the client is done before the server has looked: it was open, and ends with the alert.
        server = self.asking_server("-tls1_3")
        client = self.client(server.port)
        client.expect("^close tls_error .*certificate required|^connect_error .*certificate required")
        server.expect("peer did not return a certificate")

    def test_client_certificate_untrusted_in_tls_1_2(self):
        self.check_refused(self.asking_server("-tls1_2"), *pair("client-untrusted"), error="alert unknown ca",
                           alert="certificate verify failed")

    def test_client_certificate_untrusted_in_tls_1_3(self):
        server = self.asking_server("-tls1_3")
        client = self.client(server.port, *pair("client-untrusted"))
        client.expect("^close tls_error .*unknown ca|^connect_error .*unknown ca")
        server.expect("certificate verify failed")

    # Application protocols.

    def test_alpn(self):
        server = self.s_server("-alpn", "http/1.1,h2")
        self.assert_says(self.check_life(server, "--alpn", "h2,http/1.1"), "^open .* alpn=http/1.1 ")
        self.assert_says(server, "^ALPN protocols selected: http/1.1")

    def test_alpn_that_the_server_does_not_know(self):
        self.assert_says(self.check_life(self.s_server(), "--alpn", "h2"), "^open .* alpn= ")

    # Resumption.

    def check_resumption(self, *options, version, resumed=True):
        server = self.s_server(*options)
        client = self.client(server.port)
        for connection in range(3):
            opened = self.check_talk(server, client, version)
            expected = 1 if connection > 0 and resumed else 0
            self.assertRegex(opened, f" resumed={expected} peer=CN=localhost verify=ok$")
            client.send("close\n")
            client.expect("^close local_close ")
            server.expect("^(DONE|shutting down SSL|CONNECTION CLOSED)")
            client.send("connect\n")
        client.expect(f"^open {version}")
        self.assertEqual("Reused session-id" in server.output, resumed, server.transcript())

    def test_resumption_in_tls_1_3(self):
        self.check_resumption("-tls1_3", version="TLSv1.3")

    def test_resumption_from_the_servers_cache_in_tls_1_3(self):
        self.check_resumption("-tls1_3", "-no_ticket", version="TLSv1.3")

    def test_resumption_in_tls_1_2_with_a_ticket(self):
        self.check_resumption("-tls1_2", version="TLSv1.2")

    def test_resumption_in_tls_1_2_by_a_session_id(self):
        self.check_resumption("-tls1_2", "-no_ticket", version="TLSv1.2")

    def test_no_resumption_where_the_server_gives_none(self):
        self.check_resumption("-tls1_3", "-num_tickets", "0", version="TLSv1.3", resumed=False)

    # In the middle of a connection.

    def check_key_update(self, letter):
        if not shutil.which("stdbuf"):
            self.skipTest("there is no command stdbuf, without which s_server does not tell when it has obeyed")
        server = self.s_server("-tls1_3")
        client = self.client(server.port)
        self.check_talk(server, client)
        for _ in range(3):
            server.send(letter + "\n")
            server.expect("^SSL_do_handshake -> 1")
            server.send("still here\n")
            client.expect(r"^data still here\\n$")
            client.send("text so am I\n")
            server.expect("so am I\n")

    def test_key_update(self):
        self.check_key_update("k")

    def test_key_update_of_both_directions(self):
        self.check_key_update("K")

    def test_renegotiation_is_refused(self):
        server = self.s_server("-tls1_2")
        client = self.client(server.port)
        self.check_talk(server, client, "TLSv1.2")
        server.send("r\n")
        server.expect("no renegotiation")  # OpenSSL's server takes the refusal for the end
        client.expect("^close ")

    # Ends.

    def test_the_server_says_goodbye(self):
        server = self.s_server("-rev")  # sends lines back, reversed, and closes in order at this word
        client = self.client(server.port)
        client.expect("^open ")
        client.send("text drawer\n")
        client.expect(r"^data reward\\n$")
        client.send("text CLOSE\n")
        client.expect("^end$")
        client.expect("^close peer_closed received=7 sent=13$")
        server.expect("^CONNECTION CLOSED$")

    def test_the_server_leaves_without_a_goodbye(self):
        server = self.s_server()
        client = self.client(server.port)
        self.check_talk(server, client)
        server.send("Q\n")
        client.expect("^close tls_truncated received=16 sent=16 ")
        self.assert_never(client, "^end$")

    def test_the_server_is_killed(self):
        server = self.s_server()
        client = self.client(server.port)
        self.check_talk(server, client)
        server.kill()
        client.expect("^close tls_truncated received=16 sent=16")

    def test_the_client_aborts(self):
        server = self.s_server()
        client = self.client(server.port)
        self.check_talk(server, client)
        client.send("abort\n")
        client.expect("^close aborted ")
        server.expect("ERROR|shutting down SSL|CONNECTION CLOSED")

    def test_the_server_does_not_speak_tls(self):
        server = self.server("--plain")  # it echoes the ClientHello
        client = self.client(server.port)
        client.expect("^connect_error error=")
        server.expect("^open plain$")
        server.expect("^close ")
