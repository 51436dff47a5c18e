"""A switch between: hostapd as NAS in front of latchkey-authd's RADIUS server, and supplicants."""
from authd import Authd
from lab import each, main, test


def behind_hostapd(lab, options=None, **kwargs):
    """A server, and a port whose hostapd asks it; options are lines of hostapd.conf."""
    switch = lab.namespace("switch")
    authd = Authd(lab, switch, **kwargs)
    return authd, lab.port(switch=switch, radius=authd, options=options)


def open_and_used(lab, port, since=0):
    port.expect_open(since)
    lab.check(port.passes(), "traffic passes")


@each("1.2", "1.3")
def latchkeyd_gets_in_and_again(lab, version):
    authd, port = behind_hostapd(lab, tls=[version])
    lab.check(not port.ping(), "nothing passes before")
    daemon = lab.latchkeyd(port, bus=lab.bus())
    open_and_used(lab, port)
    for _ in range(2):
        mark = daemon.mark()
        port.authenticator.reauthenticate(port.mac)
        daemon.expect(r"port\.authorised .*resumed=yes", mark)
    lab.check(not port.guard.events.said("^closed"), "the port stayed open")
    lab.equal(daemon.status(port)["TLSVersion"], f"TLSv{version}", "the version of TLS")


@each("1.2", "1.3")
def wpa_supplicant_gets_in_and_again(lab, version):
    authd, port = behind_hostapd(lab, tls=[version])
    peer = lab.wpa_supplicant(port, settings={"phase1": f'"tls_disable_tlsv1_3={int(version == "1.2")}"'})
    open_and_used(lab, port)
    for _ in range(2):
        mark = peer.control.mark()
        port.authenticator.reauthenticate(port.mac)
        peer.control.expect("CTRL-EVENT-EAP-SUCCESS", mark)
    lab.check(not port.guard.events.said("^closed"), "the port stayed open")


@test
def a_stranger_stays_outside(lab):
    pki = lab.pki()
    _, port = behind_hostapd(lab)
    daemon = lab.latchkeyd(port, client=pki.stranger.issue("laptop.example.org"))
    daemon.expect(r"port\.diagnosis")
    port.authenticator.expect("CTRL-EVENT-EAP-FAILURE")
    lab.check(not port.ping(), "nothing passes")


@test
def a_rule_closes_the_port_at_the_next_authentication(lab):
    authd, port = behind_hostapd(lab)
    daemon = lab.latchkeyd(port)
    open_and_used(lab, port)
    authd.add("rule", "out", {"Match.Nas": "switch", "Decision.Action": "reject", "Decision.Reason": "moved out"})
    authd.reload()
    port.authenticator.reauthenticate(port.mac)
    port.expect_closed()
    authd.expect("moved out")
    lab.check(not port.ping(), "nothing passes")
    daemon.stop()


@test
def a_server_that_was_killed_comes_back(lab):
    authd, port = behind_hostapd(lab)
    daemon = lab.latchkeyd(port)
    open_and_used(lab, port)
    authd.kill()
    authd.start()
    mark = daemon.mark()
    port.authenticator.reauthenticate(port.mac)
    daemon.expect(r"port\.authorised", mark)
    lab.check(not port.guard.events.said("^closed"), "the port stayed open")


@test
def hostapd_is_told_to_end_a_session(lab):
    """It listens for Disconnect-Requests (RFC 5176), and goes by the User-Name that it was given."""
    authd, port = behind_hostapd(lab, settings={"Radius.AccountingListen": "127.0.0.1:1813"}, options={
        "radius_das_port": 3799, "radius_das_client": "127.0.0.1 testing123", "acct_server_addr": "127.0.0.1",
        "acct_server_port": 1813, "acct_server_shared_secret": "testing123"})
    lab.latchkeyd(port)
    open_and_used(lab, port)
    session, = lab.until(authd.sessions, "the session is known")
    authd.ctl("disconnect", session["session"], check=True)
    port.expect_closed()
    authd.expect(r"dynauth\.asked answer=ack")


@test
def a_machine_without_a_subject_goes_by_its_other_names(lab):
    authd, port = behind_hostapd(lab, settings={"Radius.AccountingListen": "127.0.0.1:1813"}, options={
        "radius_das_port": 3799, "radius_das_client": "127.0.0.1 testing123", "acct_server_addr": "127.0.0.1",
        "acct_server_port": 1813, "acct_server_shared_secret": "testing123"})
    lab.latchkeyd(port, client=lab.pki().root.issue("", names=["laptop.example.org"]))
    open_and_used(lab, port)
    lab.until(authd.sessions, "the session is known")
    lab.until(lambda: authd.json("machines"), "the registry knows it")
    revoked = authd.json("machine", "revoke", "DNS:laptop.example.org")
    lab.equal(revoked["sessions"], 1, "sessions that are ended")
    port.expect_closed()


@test
def hostapd_is_told_to_end_the_sessions_of_a_removed_account(lab):
    authd, port = behind_hostapd(lab, settings={
        "Eap.Methods": "ttls", "Tunnel.TtlsMethods": "pap", "Radius.AccountingListen": "127.0.0.1:1813"}, options={
        "radius_das_port": 3799, "radius_das_client": "127.0.0.1 testing123", "acct_server_addr": "127.0.0.1",
        "acct_server_port": 1813, "acct_server_shared_secret": "testing123"})
    file = lab.folder("password") / "password"
    file.write_text("correct horse\n")
    with file.open() as typed:
        authd.ctl("account", "add", "bob", stdin=typed, check=True)
    lab.latchkeyd(port, profile={
        "EAP.Method": "ttls", "Inner.Method": "pap", "Inner.Identity": "bob", "Inner.Password": "correct horse",
        "TLS.Credential": None})
    open_and_used(lab, port)
    lab.until(authd.sessions, "the session is known")
    lab.equal(authd.json("account", "remove", "bob")["sessions"], 1, "sessions that are ended")
    port.expect_closed()
    authd.expect(r"dynauth\.asked answer=ack")


if __name__ == "__main__":
    main()
