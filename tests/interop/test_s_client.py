"""Our server against `openssl s_client`."""
import shutil

from harness import InteropTest, certificate, connect, openssl_pair, pair

# What a certificate must be signed with: this chooses between RSA and ECDSA in TLS 1.3 and 1.2.
ONLY_RSA = ["-sigalgs", "RSA-PSS+SHA256:RSA+SHA256"]
ONLY_ECDSA = ["-sigalgs", "ECDSA+SHA256"]


class ServerTest(InteropTest):
    def check_echo(self, server, *options, version="TLSv1.3", verified=True):
        """A whole life: handshake, a line back and forth, close_notify both ways. Returns s_client, ended."""
        client = self.s_client(server.port, *options)
        server.expect(rf"^open {version} ")
        if verified:
            client.expect(r"Verif.*(?:OK|0 \(ok\))")
        self.echo(client)
        client.send("Q\n")
        self.assertEqual(client.wait(), 0, client.transcript())
        server.expect(r"^close peer_closed received=6 sent=6$")
        return client

    # Versions, certificates and keys.

    def test_tls_1_3(self):
        client = self.check_echo(self.server(), "-tls1_3")
        self.assert_says(client, r"^New, TLSv1\.3", r"^ *Verify return code: 0 \(ok\)", "^Compression: NONE")

    def test_tls_1_2(self):
        client = self.check_echo(self.server(), "-tls1_2", version="TLSv1.2")
        self.assert_says(client, r"^New, TLSv1\.2", r"^ *Verify return code: 0 \(ok\)", "^Secure Renegotiation IS supp")

    def test_ecdsa_in_tls_1_3(self):
        client = self.check_echo(self.server(*pair("server-ecdsa")), "-tls1_3")
        self.assert_says(client, "^Peer signature type: ECDSA")

    def test_ecdsa_in_tls_1_2(self):
        client = self.check_echo(self.server(*pair("server-ecdsa")), "-tls1_2", version="TLSv1.2")
        self.assert_says(client, "^Peer signature type: ECDSA", "ECDHE-ECDSA-")

    def test_chain_in_a_file_of_its_own(self):
        server = self.server(*pair("chained"), "--chain", certificate("intermediate.pem"))
        self.assert_says(self.check_echo(server), "^ 1 s:CN = Pollux development intermediate CA")

    def test_chain_behind_the_certificate(self):
        server = self.server("--certificate", certificate("chained-full.pem"), "--key", certificate("chained.key"))
        self.assert_says(self.check_echo(server), "^ 1 s:CN = Pollux development intermediate CA")

    def test_pfx(self):
        self.check_echo(self.server("--pfx", certificate("server.pfx"), "--password", "pollux"))

    def test_encrypted_key(self):
        self.check_echo(self.server("--certificate", certificate("server.pem"), "--key",
                                    certificate("server-encrypted.key"), "--password", "pollux"))

    def rsa_and_ecdsa(self):
        both = f"{certificate('server-ecdsa.pem')}:{certificate('server-ecdsa.key')}"
        return self.server("--more", both)

    def test_rsa_and_ecdsa_chosen_by_the_client_in_tls_1_3(self):
        server = self.rsa_and_ecdsa()
        self.assert_says(self.check_echo(server, "-tls1_3", *ONLY_RSA), "^Peer signature type: RSA-PSS")
        self.assert_says(self.check_echo(server, "-tls1_3", *ONLY_ECDSA), "^Peer signature type: ECDSA")

    def test_rsa_and_ecdsa_chosen_by_the_client_in_tls_1_2(self):
        server = self.rsa_and_ecdsa()
        for kind in "RSA", "ECDSA":
            cipher = f"ECDHE-{kind}-AES128-GCM-SHA256"
            client = self.check_echo(server, "-tls1_2", "-cipher", cipher, version="TLSv1.2")
            self.assert_says(client, f"Cipher is {cipher}")

    def test_unix_socket(self):
        path = self.folder / "echo.sock"
        server = self.server("--endpoint", f"unix://{path}")
        self.check_echo(server, "-unix", path)

    # What is agreed on, and what is refused.

    def check_refused(self, server, *options, error, alert):
        """The handshake fails, and both sides know why."""
        client = self.s_client(server.port, *options)
        server.expect(rf"^handshake_error tls_error error=.*{error}")
        client.expect(alert)
        self.assertNotEqual(client.wait(), 0, client.transcript())
        self.assert_refused(server)

    def test_tls_1_1_is_refused(self):
        self.check_refused(self.server(), "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", error="unsupported protocol",
                           alert="alert protocol version")

    def test_tls_1_0_is_refused(self):
        self.check_refused(self.server(), "-tls1", "-cipher", "ALL:@SECLEVEL=0", error="unsupported protocol",
                           alert="alert protocol version")

    def test_min_version(self):
        self.check_refused(self.server("--min", "1.3"), "-tls1_2", error="unsupported protocol",
                           alert="alert protocol version")

    def test_max_version(self):
        self.check_refused(self.server("--max", "1.2"), "-tls1_3", error="unsupported protocol",
                           alert="alert protocol version")

    def test_max_version_is_what_is_agreed_on(self):
        self.check_echo(self.server("--max", "1.2"), version="TLSv1.2")

    def test_no_shared_cipher(self):
        self.check_refused(self.server("--ciphers", "ECDHE-RSA-AES256-GCM-SHA384"), "-tls1_2", "-cipher",
                           "ECDHE-RSA-AES128-GCM-SHA256", error="no shared cipher", alert="alert handshake failure")

    def test_ciphers_without_forward_secrecy_are_refused(self):
        self.check_refused(self.server(), "-tls1_2", "-cipher", "AES128-GCM-SHA256", error="no shared cipher",
                           alert="alert handshake failure")

    def test_cipher_suite(self):
        server = self.server("--suites", "TLS_CHACHA20_POLY1305_SHA256")
        self.check_echo(server, "-tls1_3", version="TLSv1.3 cipher=TLS_CHACHA20_POLY1305_SHA256")

    def test_no_shared_group(self):
        self.check_refused(self.server("--groups", "X25519"), "-tls1_3", "-groups", "P-256",
                           error="no suitable key share", alert="alert handshake failure")

    def test_another_group_than_the_client_guessed(self):
        client = self.check_echo(self.server("--groups", "P-384"), "-tls1_3", "-groups", "X25519:P-384")
        self.assert_says(client, "^Server Temp Key: ECDH, (secp384r1|P-384)")

    def test_diffie_hellman_of_a_standard_group(self):
        cipher = "DHE-RSA-AES128-GCM-SHA256"
        client = self.check_echo(self.server("--ciphers", cipher), "-tls1_2", "-cipher", cipher, version="TLSv1.2")
        self.assert_says(client, "^Server Temp Key: DH, ")

    def test_diffie_hellman_of_given_parameters(self):
        cipher = "DHE-RSA-AES128-GCM-SHA256"
        server = self.server("--ciphers", cipher, "--dh", certificate("dh2048.pem"))
        client = self.check_echo(server, "-tls1_2", "-cipher", cipher, version="TLSv1.2")
        self.assert_says(client, "^Server Temp Key: DH, 2048 bits")

    # Names.

    def test_the_name_chooses_the_certificate(self):
        server = self.server(*(word for name in ("exact", "wildcard")
                               for word in ("--more", f"{certificate(name + '.pem')}:{certificate(name + '.key')}")))
        for asked, given in (("www.example.test", "www.example.test"), ("WWW.Example.TEST", "www.example.test"),
                             ("mail.example.test", r"\*.example.test"), ("localhost", "localhost"),
                             ("deep.mail.example.test", "localhost"), ("unknown.test", "localhost")):
            client = self.check_echo(server, "-servername", asked)
            self.assert_says(client, rf"^subject=CN = {given}$")
            self.assert_says(server, rf"^open .* sni={asked} ")

    def test_no_name_gets_the_first_certificate(self):
        server = self.server("--more", f"{certificate('exact.pem')}:{certificate('exact.key')}")
        self.assert_says(self.check_echo(server, "-noservername"), "^subject=CN = localhost$")
        self.assert_says(server, "^open .* sni= ")

    # Application protocols.

    def test_alpn_takes_what_the_server_wants_most(self):
        server = self.server("--alpn", "h2,http/1.1")
        client = self.check_echo(server, "-alpn", "http/1.1,h2")
        self.assert_says(client, "^ALPN protocol: h2$")
        self.assert_says(server, "^open .* alpn=h2 ")

    def test_alpn_that_the_client_does_not_know(self):
        server = self.server("--alpn", "h2")
        self.assert_says(self.check_echo(server), "^No ALPN negotiated")
        self.assert_says(server, "^open .* alpn= ")

    def test_alpn_that_the_server_does_not_know(self):
        self.assert_says(self.check_echo(self.server(), "-alpn", "h2"), "^No ALPN negotiated")

    def test_alpn_in_vain(self):
        self.check_refused(self.server("--alpn", "h2"), "-alpn", "http/1.1", error="no application protocol",
                           alert="alert no application protocol")

    # Client certificates.

    def asking_server(self, how):
        return self.server("--client-certificate", how, "--client-ca", certificate("ca.pem"))

    def test_client_certificate_required(self):
        for version in "TLSv1.3", "TLSv1.2":
            server = self.asking_server("required")
            for name in "client", "client-ecdsa":
                option = "-tls1_3" if version == "TLSv1.3" else "-tls1_2"
                client = self.check_echo(server, option, *openssl_pair(name), version=version)
                self.assert_says(client, "^Acceptable client certificate CA names\nCN = Pollux development CA")
                self.assert_says(server, rf"^open {version} .* peer=CN={name} verify=ok$")

    def test_client_certificate_required_and_missing_in_tls_1_3(self):
        self.check_refused(self.asking_server("required"), "-tls1_3", error="peer did not return a certificate",
                           alert="alert certificate required")

    def test_client_certificate_required_and_missing_in_tls_1_2(self):
        self.check_refused(self.asking_server("required"), "-tls1_2", error="peer did not return a certificate",
                           alert="alert handshake failure")

    def test_client_certificate_untrusted_in_tls_1_3(self):
        self.check_refused(self.asking_server("required"), "-tls1_3", *openssl_pair("client-untrusted"),
                           error="unable to get local issuer certificate", alert="alert unknown ca")

    def test_client_certificate_untrusted_in_tls_1_2(self):
        self.check_refused(self.asking_server("required"), "-tls1_2", *openssl_pair("client-untrusted"),
                           error="unable to get local issuer certificate", alert="alert unknown ca")

    def test_client_certificate_of_a_server(self):
        self.check_refused(self.asking_server("required"), *openssl_pair("server"),
                           error="unsuit.* certificate purpose", alert="alert (unsupported|bad) certificate")

    def test_client_certificate_optional(self):
        server = self.asking_server("optional")
        self.check_echo(server, *openssl_pair("client"))
        self.assert_says(server, "^open .* peer=CN=client verify=ok$")

    def test_client_certificate_optional_and_missing(self):
        server = self.asking_server("optional")
        self.check_echo(server)
        self.assert_says(server, "^open .* peer= verify=ok$")

    def test_client_certificate_optional_and_untrusted(self):
        self.check_refused(self.asking_server("optional"), *openssl_pair("client-untrusted"),
                           error="unable to get local issuer certificate", alert="alert unknown ca")

    def test_client_certificate_not_asked_for(self):
        server = self.server()
        self.assert_says(self.check_echo(server, *openssl_pair("client")), "^No client certificate CA names sent")
        self.assert_says(server, "^open .* peer= verify=ok$")

    # Resumption.

    def check_resumption(self, server, *options, version, resumed=True, peer=""):
        session = self.folder / "session"
        self.check_echo(server, *options, "-sess_out", session, version=version)
        client = self.check_echo(server, *options, "-sess_in", session, version=version, verified=False)
        word, digit = ("Reused", 1) if resumed else ("New", 0)
        self.assert_says(client, rf"^{word}, {version}")
        self.assert_says(server, rf"^open .* resumed=0 peer={peer} .*\n(.*\n)*open .* resumed={digit} peer={peer} ")

    def test_resumption_in_tls_1_3(self):
        self.check_resumption(self.server(), "-tls1_3", version="TLSv1.3")

    def test_resumption_in_tls_1_2_with_a_ticket(self):
        self.check_resumption(self.server(), "-tls1_2", version="TLSv1.2")

    def test_resumption_in_tls_1_2_by_a_session_id(self):
        self.check_resumption(self.server(), "-tls1_2", "-no_ticket", version="TLSv1.2")

    def test_resumption_from_the_servers_cache_in_tls_1_3(self):
        self.check_resumption(self.server("--no-tickets"), "-tls1_3", version="TLSv1.3")

    def test_resumption_from_the_servers_cache_in_tls_1_2(self):
        self.check_resumption(self.server("--no-tickets"), "-tls1_2", version="TLSv1.2")

    def test_resumption_remembers_the_clients_certificate(self):
        for option, version in (("-tls1_3", "TLSv1.3"), ("-tls1_2", "TLSv1.2")):
            self.check_resumption(self.asking_server("required"), option, *openssl_pair("client"), version=version,
                                  peer="CN=client")

    def test_resumption_switched_off(self):
        server = self.server("--no-resumption")
        for option, version in (("-tls1_3", "TLSv1.3"), ("-tls1_2", "TLSv1.2")):
            session = self.folder / version
            self.check_echo(server, option, "-sess_out", session, version=version)
            self.assertFalse(session.exists(), "there is a session to resume")

    def test_a_session_of_another_server_is_refused_politely(self):
        session = self.folder / "session"
        self.check_echo(self.server(), "-tls1_3", "-sess_out", session)
        client = self.check_echo(self.server(), "-tls1_3", "-sess_in", session)
        self.assert_says(client, r"^New, TLSv1\.3")

    def test_a_session_ends_with_a_reload(self):
        session = self.folder / "session"
        server = self.server()
        self.check_echo(server, "-tls1_3", "-sess_out", session)
        server.send("reload\n")
        server.expect("^reload ok$")
        client = self.check_echo(server, "-tls1_3", "-sess_in", session)
        self.assert_says(client, r"^New, TLSv1\.3")

    # In the middle of a connection.

    def check_key_update(self, letter):
        server = self.server()
        client = self.s_client(server.port, "-tls1_3")
        self.echo(client, "before")
        for word in "one", "two", "three":
            client.send(letter + "\n")
            client.expect("^KEYUPDATE$")
            self.echo(client, word)
        client.send("Q\n")
        self.assertEqual(client.wait(), 0)
        server.expect("^close peer_closed received=21 sent=21$")

    def test_key_update(self):
        self.check_key_update("k")

    def test_key_update_of_both_directions(self):
        self.check_key_update("K")

    def test_renegotiation_is_refused(self):
        server = self.server()
        client = self.s_client(server.port, "-tls1_2")
        self.echo(client)
        client.send("R\n")
        client.expect("^RENEGOTIATING$")
        client.expect("no renegotiation")  # OpenSSL's client takes the refusal for the end
        self.assertNotEqual(client.wait(), 0)
        server.expect("^close (tls_error|peer_reset|tls_truncated) received=6 sent=6")
        self.check_echo(server, "-tls1_2", version="TLSv1.2")  # and others are not disturbed

    # Ends.

    def test_the_server_closes(self):
        server = self.server()
        client = self.s_client(server.port)
        self.echo(client)
        client.send("!close\n")
        client.expect("^closed$")  # what s_client says of a close_notify; it would name an error
        self.assertEqual(client.wait(), 0)
        server.expect("^close local_close received=13 sent=6$")

    def test_the_server_aborts(self):
        server = self.server()
        client = self.s_client(server.port)
        self.echo(client)
        client.send("!abort\n")
        client.expect("^read:errno=")
        self.assertNotEqual(client.wait(), 0)
        server.expect("^close aborted received=13 sent=6$")

    def test_the_client_is_killed(self):
        server = self.server()
        client = self.s_client(server.port)
        self.echo(client)
        client.kill()
        server.expect("^close tls_truncated received=6 sent=6")

    def test_the_client_closes_right_after_the_handshake(self):
        for option in "-tls1_3", "-tls1_2":
            server = self.server()
            client = self.s_client(server.port, option)
            client.end_input()
            self.assertEqual(client.wait(), 0, client.transcript())
            server.expect("^open ")
            server.expect("^close (peer_closed|peer_reset) received=0 sent=0")

    def test_the_client_is_gone_before_the_handshake(self):
        server = self.server()
        connect(server.port).close()
        server.expect("^handshake_error peer_closed ")
        self.assert_refused(server)

    def test_the_client_does_not_trust_the_server(self):
        for option in "-tls1_3", "-tls1_2":
            server = self.server(*pair("untrusted"))
            client = self.s_client(server.port, option)
            client.expect("verify error:num=20:unable to get local issuer certificate")
            self.assertNotEqual(client.wait(), 0)
            server.expect("^handshake_error tls_error error=.*alert unknown ca")
            self.assert_refused(server)

    def test_a_certificate_that_has_expired(self):
        server = self.server(*pair("expired"))
        client = self.s_client(server.port)
        client.expect("verify error:num=10:certificate has expired")
        self.assertNotEqual(client.wait(), 0)
        server.expect("^handshake_error tls_error error=.*alert certificate expired")
        self.assert_refused(server)

    def test_a_server_that_is_stopped_says_goodbye(self):
        server = self.server()
        client = self.s_client(server.port)
        self.echo(client)
        server.end_input()
        client.expect("^closed$")
        self.assertEqual(client.wait(), 0)
        server.expect("^close shutdown received=6 sent=6")
        self.assertEqual(server.wait(), 0)

    # Reload.

    def reloadable(self, name):
        for kind in "pem", "key":
            shutil.copy(certificate(f"{name}.{kind}"), self.folder / f"current.{kind}")

    def test_reload(self):
        self.reloadable("server")
        server = self.server("--certificate", self.folder / "current.pem", "--key", self.folder / "current.key")
        old = self.s_client(server.port)
        self.echo(old)
        self.reloadable("exact")
        self.assert_says(self.check_echo(server), "^subject=CN = localhost$")  # not before it is asked for
        server.send("reload\n")
        server.expect("^reload ok$")
        self.assert_says(self.check_echo(server), r"^subject=CN = www\.example\.test$")
        self.echo(old, "still")
        old.send("Q\n")
        server.expect("^close peer_closed received=12 sent=12$")

    def test_reload_of_nonsense_changes_nothing(self):
        self.reloadable("server")
        server = self.server("--certificate", self.folder / "current.pem", "--key", self.folder / "current.key")
        shutil.copy(certificate("exact.pem"), self.folder / "current.pem")  # and not its key
        server.send("reload\n")
        server.expect("^reload .*current.*mismatch")
        self.assert_says(self.check_echo(server), "^subject=CN = localhost$")
