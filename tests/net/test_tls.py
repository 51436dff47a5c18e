"""EAP-TLS with real servers: versions, keys, chains, sessions, and what a server's certificate shows."""
import functools

import pki
from lab import Failed, each, main, test


def opens(lab, port, **kwargs):
    """latchkeyd opens the port; returns it, and what it then shows."""
    daemon = lab.latchkeyd(port, bus=lab.bus(), **kwargs)
    daemon.expect(r"port\.authorised")
    port.expect_open()
    return daemon, daemon.status(port)


def stays_closed(lab, port, diagnosis, **kwargs):
    daemon = lab.latchkeyd(port, **kwargs)
    daemon.expect(rf"port\.diagnosis .*id={diagnosis} ")
    lab.check(not port.guard.opened, "the port is closed")


def asks_radius(lab, **kwargs):
    """A port whose switch asks FreeRADIUS."""
    switch = lab.namespace("switch")
    return lab.port(switch=switch, radius=lab.radius(switch, **kwargs))


# ---- versions and keys ----------------------------------------------------------------------------

@each("1.2", "1.3")
def hostapd_speaks_tls(lab, version):
    _, status = opens(lab, lab.port(tls=[version]))
    lab.equal(status["TLSVersion"], f"TLSv{version}", "the version shown")


@each("1.2", "1.3")
def freeradius_speaks_tls(lab, version):
    _, status = opens(lab, asks_radius(lab, tls=[version]))
    lab.equal(status["TLSVersion"], f"TLSv{version}", "the version shown")


@functools.cache
def authority(kind):
    return pki.Authority(f"Test Root {kind}", key=kind)


@functools.cache
def server_with(kind):
    return authority(kind).issue(pki.shared().server_name, server=True, key=kind)


@functools.cache
def client_with(kind):
    return authority(kind).issue(pki.shared().client_name, key=kind)


KINDS = ("P-256", "P-384", "P-521", "RSA-2048", "RSA-3072", "RSA-4096", "Ed25519")


@each(*((kind, version) for kind in KINDS for version in ("1.2", "1.3")))
def both_have_keys_of(lab, case):
    kind, version = case
    port = lab.port(server=server_with(kind), root=authority(kind), tls=[version])
    opens(lab, port, client=client_with(kind), root=authority(kind))


@each("RSA-2048", "P-384", "Ed25519")
def freeradius_takes_keys_of(lab, kind):
    port = asks_radius(lab, server=server_with(kind), root=authority(kind))
    opens(lab, port, client=client_with(kind), root=authority(kind))


OLD = {"openssl_ciphers": "DEFAULT@SECLEVEL=0"}


@test
def a_server_with_tls_1_1_only_is_refused(lab):
    """Neither hostapd nor FreeRADIUS passes on the alert with which OpenSSL says why."""
    for port in (lab.port(tls=["1.1"], options=OLD),
                 asks_radius(lab, tls=["1.1"], ciphers=OLD["openssl_ciphers"])):
        stays_closed(lab, port, "(tls-version-not-agreed|eap-failure-during)")


@each("1.0", "1.1")
def an_exception_is_reduced_assurance(lab, version):
    port = lab.port(tls=[version], options=OLD, server=server_with("RSA-2048"), root=authority("RSA-2048"))
    daemon, status = opens(lab, port, profile={"TLS.MinTLS": version}, client=client_with("RSA-2048"),
                           root=authority("RSA-2048"))
    lab.equal(status["TLSVersion"].removesuffix(".0"), f"TLSv{version}".removesuffix(".0"), "the version")
    lab.equal(status["Diagnosis"]["id"], "reduced-old-tls", "what is said of it")
    lab.check("REDUCED ASSURANCE" in daemon.ctl("status").stdout, "people see it too")


@test
def an_exception_takes_nothing_from_a_server_that_has_better(lab):
    _, status = opens(lab, lab.port(), profile={"TLS.MinTLS": "1.0"})
    lab.equal(status["TLSVersion"], "TLSv1.3", "the version")
    lab.equal(status["Diagnosis"], {}, "what is said of it")


# ---- chains and fragments -------------------------------------------------------------------------

@functools.cache
def deep(padding=0, server=False):
    """A credential three authorities below the root."""
    issuer = pki.shared().root
    for n in range(3):
        issuer = issuer.authority(f"Test Issuing {n}")
    name = pki.shared().server_name if server else pki.shared().client_name
    return issuer.issue(name, server=server, padding=padding)


@each("1.2", "1.3")
def a_chain_of_four_certificates_each_way(lab, version):
    opens(lab, lab.port(tls=[version], server=deep(server=True)), client=deep())


@test
def a_chain_of_four_certificates_to_freeradius(lab):
    opens(lab, asks_radius(lab, server=deep(server=True)), client=deep())


ENDLESS = {"max_auth_rounds": 2000, "max_auth_rounds_short": 2000}


@each((64, "1.2"), (64, "1.3"), (65000, "1.2"), (65000, "1.3"))
def fragments_both_ways_of(lab, case):
    size, version = case
    port = lab.port(tls=[version], server=deep(padding=3000, server=True),
                    options={"fragment_size": min(size, 1400), **ENDLESS})
    daemon, status = opens(lab, port, client=deep(padding=3000),
                           profile={"TLS.FragmentSize": size, "EAP.MaxRounds": 2000})
    counters = status["Counters"]
    lab.check(counters["EAPSent"] > (160 if size == 64 else 6), f"it needed fragments: {counters}")


@test
def small_fragments_to_freeradius(lab):
    port = asks_radius(lab, server=deep(server=True), fragment=500)
    opens(lab, port, client=deep(), profile={"TLS.FragmentSize": 200})


@functools.cache
def huge():
    """A chain of some 55 KiB."""
    padded = [f"nsComment = {'x' * 18000}"]
    issuer = pki.shared().root
    for n in range(2):
        issuer = issuer.authority(f"Wordy Issuing {n}", extensions=padded)
    return issuer.issue(pki.shared().server_name, server=True, padding=18000)


@each("1.2", "1.3")
def a_server_that_sends_55_kib(lab, version):
    opens(lab, lab.port(tls=[version], server=huge()))


@test
def freeradius_sends_as_much_as_it_can(lab):
    """One TLS record."""
    server = pki.shared().root.issue(pki.shared().server_name, server=True, padding=13000)
    opens(lab, asks_radius(lab, server=server))


# ---- sessions -------------------------------------------------------------------------------------

SESSIONS = {"tls_session_lifetime": 3600}


def again(lab, daemon, port, how):
    """Whether the next authentication resumes the session of the last."""
    mark = daemon.mark()
    how()
    daemon.expect(r"port\.authorised", mark)
    return daemon.status(port)["Resumed"]


def flap(port):
    def act():
        port.cable.unplug()
        port.cable.plug()
    return act


def reauthenticate(daemon):
    return lambda: daemon.ctl("reauth", check=True)


def resumes(lab, port):
    daemon, status = opens(lab, port)
    lab.check(not status["Resumed"], "the first is a full one")
    for name, how in (("reauthentication", reauthenticate(daemon)), ("link flap", flap(port)),
                      ("second link flap", flap(port)),
                      ("question of the server", lambda: port.authenticator.reauthenticate(port.mac))):
        lab.check(again(lab, daemon, port, how), f"resumed after a {name}")


@test
def a_session_with_hostapd_is_resumed(lab):
    resumes(lab, lab.port(tls=["1.2"], options=SESSIONS))


@test
def a_session_with_freeradius_is_resumed(lab):
    resumes(lab, asks_radius(lab, tls=["1.2"]))


@test
def what_hostapd_resumes_and_does_not_confirm_is_begun_anew(lab):
    """hostapd 2.10 sends no success indication (RFC 9190, section 2.5) after a resumed handshake of
    TLS 1.3."""
    port = lab.port(tls=["1.3"], options=SESSIONS)
    daemon, _ = opens(lab, port)
    for _ in range(3):
        lab.check(not again(lab, daemon, port, reauthenticate(daemon)), "a full one in the end")
    refused = [line for line in daemon.process.lines
               if "port.diagnosis" in line and "id=eap-success-early" in line]
    lab.equal(len(refused), 1, "and only once was it tried")
    lab.check(not port.guard.events.said("^closed"), "the port was never closed")


@each("reauthentication", "link flap")
def a_ticket_of_freeradius_is_good_for_once(lab, name):
    """A resumed handshake of its TLS 1.3 brings no ticket for the next."""
    port = asks_radius(lab, tls=["1.3"])
    daemon, _ = opens(lab, port)
    how = reauthenticate(daemon) if name == "reauthentication" else flap(port)
    for resumed in (True, False, True):
        lab.equal(again(lab, daemon, port, how), resumed, "resumed")


@test
def no_session_is_kept_where_the_profile_says_so(lab):
    port = lab.port(tls=["1.2"], options=SESSIONS)
    daemon, _ = opens(lab, port, profile={"TLS.Resume": "no"})
    lab.check(not again(lab, daemon, port, reauthenticate(daemon)), "a full one again")


@test
def a_session_does_not_outlive_its_profile(lab):
    port = lab.port(tls=["1.2"], options=SESSIONS)
    daemon, _ = opens(lab, port)

    def change():
        daemon.add_profile("wired", {"Server.ServerName": ".example.org"})
        daemon.reload()
    lab.check(not again(lab, daemon, port, change), "a full one after the change")
    lab.check(again(lab, daemon, port, reauthenticate(daemon)), "and then resumed")


@test
def a_session_does_not_outlive_its_credential(lab):
    port = lab.port(tls=["1.2"], options=SESSIONS)
    daemon, _ = opens(lab, port)
    other = pki.shared().root.issue(pki.shared().client_name)

    def change():
        daemon.store("machine", other)
        daemon.reload()
    lab.check(not again(lab, daemon, port, change), "a full one after the change")
    lab.equal(daemon.status(port)["Generation"], 2, "the generation in use")


@test
def a_session_does_not_outlive_a_trust_anchor(lab):
    port = lab.port(options=SESSIONS)
    anchors = lab.dir / "anchors.pem"
    anchors.write_text(pki.shared().root.cert.read_text())
    daemon, _ = opens(lab, port, profile={"Server.TrustAnchor": anchors})
    mark = daemon.mark()
    anchors.write_text(pki.shared().stranger.cert.read_text())
    daemon.reload()
    daemon.expect("id=server-untrusted", mark)


# ---- identities -----------------------------------------------------------------------------------

@each((None, None, "anonymous"), ("jo@example.org", None, "anonymous@example.org"),
      ("jo@example.org", "host/jo.example.org", "host/jo.example.org"))
def the_server_is_told(lab, case):
    identity, anonymous, told = case
    port = lab.port()
    _, status = opens(lab, port, profile={"EAP.Identity": identity, "EAP.AnonymousIdentity": anonymous})
    lab.equal(port.authenticator.station(port.mac)["dot1xAuthSessionUserName"], told, "the identity")
    lab.equal(status["Identity"], told, "what status shows")


@test
def freeradius_is_told_the_anonymous_identity(lab):
    switch = lab.namespace("switch")
    radius = lab.radius(switch)
    opens(lab, lab.port(switch=switch, radius=radius), profile={"EAP.Identity": "jo@example.org"})
    radius.expect('User-Name = "anonymous@example.org"')
    lab.check(not radius.said("jo@"), "and never the other")


# ---- is the server's certificate still good? -------------------------------------------------------

REQUIRE = {"Server.OCSP": "require"}


def stapled(credential):
    return {"ocsp_stapling_response": credential.issuer.ocsp(credential)}


@each("1.2", "1.3")
def a_stapled_response_opens_the_port(lab, version):
    server = pki.shared().server
    opens(lab, lab.port(tls=[version], options=stapled(server)), profile=REQUIRE)


@test
def no_stapled_response_does_not_where_one_is_required(lab):
    stays_closed(lab, lab.port(), "ocsp-missing", profile=REQUIRE)


@functools.cache
def revoking():
    """An authority of which one server is revoked: it, the one, another."""
    root = pki.Authority("Test Revoking Root")
    bad, good = (root.issue(pki.shared().server_name, server=True) for _ in range(2))
    root.revoke(bad)
    return root, bad, good


@each("require", "accept")
def a_stapled_revocation_keeps_it_closed(lab, mode):
    root, bad, _ = revoking()
    port = lab.port(server=bad, options={**stapled(bad), "ca_cert": pki.shared().root.cert})
    stays_closed(lab, port, "server-cert-revoked", root=root, profile={"Server.OCSP": mode})


@test
def a_revocation_list_tells_good_from_bad(lab):
    root, bad, good = revoking()
    trusted = {"ca_cert": pki.shared().root.cert}
    listed = {"Server.CRL": root.crl()}
    stays_closed(lab, lab.port(server=bad, options=trusted), "server-cert-revoked", root=root, profile=listed)
    opens(lab, lab.port(server=good, options=trusted), root=root, profile=listed)


def pin_of(credential):
    der = pki.openssl("pkey", "-in", credential.key, "-pubout", "-outform", "DER")
    return pki.openssl("dgst", "-sha256", "-r", input=der).split()[0].decode()


@test
def a_pin_is_enough(lab):
    opens(lab, lab.port(), profile={"Server.ServerPin": pin_of(pki.shared().server), "Server.TrustAnchor": None})


@test
def the_pin_of_another_key_is_not(lab):
    stays_closed(lab, lab.port(), "server-pin-mismatch",
                 profile={"Server.ServerPin": pin_of(pki.shared().client)})


if __name__ == "__main__":
    main()
