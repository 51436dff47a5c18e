"""Everything that can go wrong around EAP, on the wire and on this machine, and what is said of it.

The server's certificate and TLS are in test_diagnosis_tls.py, our own credential and the server's
opinion of it in test_diagnosis_credential.py; diagnosed.py says what is checked of each.
"""
import json
import re
from pathlib import Path
from types import SimpleNamespace

from authenticator import TLS, Authenticator
from diagnosed import check_evidence, diagnosed, ended, in_the_log, machine, shown, shows
from lab import SRC, main, test


def by_hand(lab, **kwargs):
    """A port with an authenticator of ours, and a machine at it that was asked who it is."""
    port = lab.port(authenticator=False)
    switch = Authenticator(lab, port)
    daemon = machine(lab, port, **kwargs)
    lab.equal(switch.identity(), b"anonymous", "the identity")
    return switch, daemon


# ---- nobody, or nobody who answers -----------------------------------------------------------------

@shows("no-authenticator")
def nobody_is_there(lab):
    daemon = machine(lab, lab.port(authenticator=False))
    diagnosed(lab, daemon, "no-authenticator", starts="3")
    lab.equal(daemon.json("status")[0]["State"], "unanswered", "the state")


@shows("no-authenticator")
def a_profile_that_knocks_but_once(lab):
    daemon = machine(lab, lab.port(authenticator=False), profile={"EAPOL.StartMax": 1})
    diagnosed(lab, daemon, "no-authenticator", starts="1")


@shows("response-ignored")
def the_switch_falls_silent_after_our_identity(lab):
    _, daemon = by_hand(lab)
    diagnosed(lab, daemon, "response-ignored", identity="anonymous")


@shows("response-ignored")
def a_short_client_timeout_tells_the_same(lab):
    _, daemon = by_hand(lab, profile={"EAP.ClientTimeout": "1s", "EAPOL.AuthPeriod": "30s"})
    diagnosed(lab, daemon, "response-ignored", identity="anonymous")


@shows("response-ignored")
def a_radius_server_that_cannot_be_reached(lab):
    nowhere = SimpleNamespace(port=9, secret="testing123")
    daemon = machine(lab, lab.port(radius=nowhere))
    diagnosed(lab, daemon, "response-ignored", identity="anonymous")


@shows("method-not-agreed")
def a_server_that_wants_another_method(lab):
    users = lab.dir / "users"
    users.write_text("* PEAP\n")
    daemon = machine(lab, lab.port(options={"eap_user_file": users}))
    diagnosed(lab, daemon, "method-not-agreed", offered="PEAP", allowed="EAP-TLS")


@shows("timeout")
def the_server_falls_silent_in_the_middle(lab):
    switch, daemon = by_hand(lab)
    switch.ask(TLS, b"\x20")
    diagnosed(lab, daemon, "timeout", rounds="2", state="server hello", method="EAP-TLS")


@shows("too-many-rounds")
def a_server_that_never_ends(lab):
    switch, daemon = by_hand(lab, profile={"EAP.MaxRounds": 6})
    switch.ask(TLS, b"\x20")
    for _ in range(4):
        switch.ask(TLS, b"\x40x")
    switch.request(TLS, b"\x40x")
    diagnosed(lab, daemon, "too-many-rounds", rounds="6", state="server hello")


@shows("malformed-traffic")
def what_is_no_tls(lab):
    switch, daemon = by_hand(lab)
    switch.ask(TLS, b"\x20")
    switch.request(TLS, b"\0GET / HTTP/1.1\r\n\r\n")
    diagnosed(lab, daemon, "malformed-traffic", what="TLS", detail=".+")


@shows("malformed-traffic")
def what_is_no_eap_tls(lab):
    switch, daemon = by_hand(lab)
    switch.ask(TLS, b"\x20")
    switch.request(TLS, b"\x20")
    diagnosed(lab, daemon, "malformed-traffic", what="EAP-TLS", detail="a Start in the middle")


@shows("malformed-traffic")
def what_is_no_eap(lab):
    switch, daemon = by_hand(lab)
    switch.send(b"\x01\x02\x00\x03")
    diagnosed(lab, daemon, "malformed-traffic", what="EAP")


@shows("carrier-lost")
def the_cable_is_pulled_in_the_middle(lab):
    port = lab.port(authenticator=False)
    switch = Authenticator(lab, port)
    # The kernel may tell of a lost carrier a second late: patience has to last longer.
    daemon = machine(lab, port, profile={"EAPOL.AuthPeriod": "30s"})
    switch.identity()
    port.cable.unplug()
    diagnosed(lab, daemon, "carrier-lost")
    lab.equal(daemon.json("status")[0]["State"], "down", "the state")


@shows("interface-gone")
def the_interface_is_removed(lab):
    port = lab.port()
    daemon = machine(lab, port)
    daemon.expect(r"port\.authorised")
    monitor = daemon.follow()
    port.peer.ip(f"link delete {port.interface}")
    logged = in_the_log(lab, daemon, "interface-gone")
    signalled = ended(monitor, "interface-gone")
    lab.equal({k: signalled[k] for k in logged}, logged, "the bus tells the same")
    check_evidence(lab, signalled, {"interface": port.interface})
    lab.equal(daemon.json("status"), [], "the port is no more")


@shows("port-taken")
def another_supplicant_has_the_port(lab):
    port = lab.port()
    other = lab.wpa_supplicant(port)
    daemon = machine(lab, port)
    diagnosed(lab, daemon, "port-taken", owner=".+")
    other.process.stop()
    daemon.ctl("connect", check=True)
    daemon.expect(r"port\.authorised")


# ---- results before their time, and without a reason -----------------------------------------------

@shows("eap-success-early")
def success_in_the_middle_of_tls(lab):
    switch, daemon = by_hand(lab)
    switch.ask(TLS, b"\x20")
    switch.success()
    diagnosed(lab, daemon, "eap-success-early", method="EAP-TLS", state="server hello")


@shows("eap-success-early")
def success_instead_of_a_method(lab):
    switch, daemon = by_hand(lab)
    switch.success()
    diagnosed(lab, daemon, "eap-success-early", state="identity")


@shows("eap-failure-early")
def a_server_that_does_not_know_us(lab):
    users = lab.dir / "users"
    users.write_text('"somebody" TLS\n')
    daemon = machine(lab, lab.port(options={"eap_user_file": users}))
    diagnosed(lab, daemon, "eap-failure-early", identity="anonymous")


@shows("eap-failure-during")
def failure_in_the_middle_of_tls(lab):
    switch, daemon = by_hand(lab)
    switch.ask(TLS, b"\x20")
    switch.failure()
    diagnosed(lab, daemon, "eap-failure-during", method="EAP-TLS", state="server hello")


@shows("eap-failure-after-tls")
def failure_after_tls_1_2(lab):
    switch, daemon = by_hand(lab)
    server = switch.tls(lab.pki().server, lab.pki().root, "1.2")
    lab.equal(server.handshake(), b"", "TLS is finished")
    switch.failure()
    diagnosed(lab, daemon, "eap-failure-after-tls", method="EAP-TLS", identity="anonymous")


@shows("eap-failure-during")
def failure_instead_of_the_success_indication_of_tls_1_3(lab):
    switch, daemon = by_hand(lab)
    server = switch.tls(lab.pki().server, lab.pki().root, "1.3")
    server.handshake()
    switch.failure()
    diagnosed(lab, daemon, "eap-failure-during", method="EAP-TLS", state="success indication")


# ---- this machine ----------------------------------------------------------------------------------

@shows("config-wrong")
def a_profile_that_names_a_file_that_is_not_there(lab):
    daemon = machine(lab, lab.port(), profile={"Server.TrustAnchor": "/nonexistent/root.pem"})
    diagnosed(lab, daemon, "config-wrong", detail=".*wired.profile.*/nonexistent/root.pem.*")


@shows("no-profile")
def a_profile_with_a_mistake(lab):
    daemon = machine(lab, lab.port(), profile={"Server.ServerNam": "radius.example.org"})
    daemon.expect(r'config\.error file=".*wired\.profile" line=\d+ key=.*ServerNam=')
    told = daemon.ctl("--json", "diagnose", "eth0")
    lab.equal(told.returncode, 1, "diagnose has found something")
    seen = json.loads(told.stdout)["Diagnosis"]
    lab.equal(seen["id"], "no-profile", "the interface has none")
    lab.check("latchkeyctl check" in seen["next"], f"where to look: {seen['next']}")
    checked = json.loads(daemon.ctl("--json", "check").stdout)
    lab.check("ServerName" in checked["Errors"][0]["Message"], f"the nearest word: {checked}")
    shown.add("no-profile")


@shows("no-profile")
def a_profile_that_is_taken_away(lab):
    port = lab.port()
    daemon = machine(lab, port)
    daemon.expect(r"port\.authorised")
    monitor = daemon.follow()
    (daemon.profiles / "wired.profile").unlink()
    daemon.reload()
    logged = in_the_log(lab, daemon, "no-profile")
    signalled = ended(monitor, "no-profile")
    lab.equal({k: signalled[k] for k in logged}, logged, "the bus tells the same")
    check_evidence(lab, signalled, {"interface": port.interface})


@shows("disconnected")
def a_user_who_disconnects(lab):
    daemon = machine(lab, lab.port())
    daemon.expect(r"port\.authorised")
    daemon.ctl("disconnect", check=True)
    diagnosed(lab, daemon, "disconnected")
    lab.equal(daemon.json("status")[0]["State"], "disconnected", "the state")


# ---- all of them -----------------------------------------------------------------------------------

# Shown elsewhere, or not to be had on request.
EXCEPTIONS = {
    "none": "is what there is when nothing is wrong",
    "credential-awaited": "is of a machine that was not enrolled yet: tests/net/test_enroll.py",
    "internal-error": "is lack of memory, which the tests in tests/fault inject",
    "registry": "is the server's, which tests/unit/test_registry takes its database from",
    "radsec-name-mismatch": "is a RadSec client's: test_radsec.py",
    "port-not-guarded": "is a guarded port's: test_gate.py",
    "nas-not-asked": "is a session's that a command is to end: test_authd_running.py",
    "vlan-not-set": "is a guarded port's: test_gate.py",
    "aaa-silent": "is an authenticator's: tests/talk/authenticator-full.txt",
    "aaa-refused": "is an authenticator's: tests/talk/authenticator-full.txt",
    "aaa-request-unusable": "is an authenticator's: tests/talk/authenticator-full.txt",
    "radius-silent": "is a RADIUS client's: tests/unit/test_radius_client.c has what leads to it",
    "radius-unsigned": "is RADIUS's: tests/unit/test_radius.c",
    "radius-secret": "is RADIUS's: tests/unit/test_radius.c",
    "radius-no-eap": "is a RADIUS server's: tests/unit/test_radius_server.c",
    "inner-password-expired": "is said by a server by hand: tests/unit/test_ttls_peer.c",
    "inner-server-unproven": "likewise",
    "inner-unprotected": "is refused in a profile already: tests/unit/test_peap_peer.c",
    "tunnel-closed": "is said by a server by hand: tests/unit/test_peap_peer.c",
    "anchors-expiring": "is of a network's own anchors: tests/unit/test_arm.c",
    "tunnel-error": "is said by a server by hand: tests/unit/test_teap.c",
    "inner-skipped": "likewise: tests/unit/test_teap_hostile.c",
    "inner-version": "is a server's: tests/unit/test_tunnel_server.c",
    "inner-nothing": "likewise: tests/unit/test_tunnel_server.c",
    "inner-refused-by-machine": "likewise: tests/unit/test_tunnel_server.c",
    "inner-avp": "likewise: tests/unit/test_tunnel_server.c",
    "account-change": "likewise: tests/unit/test_tunnel_server.c",
    "account-proof": "likewise: tests/unit/test_tunnel_server.c",
    "inner-error": "likewise: tests/unit/test_teap.c",
    "inner-anonymous": "likewise: tests/net/test_authd_tunnels.py",
    "inner-method-refused": "likewise: tests/net/test_authd_tunnels.py",
    "inner-binding": "likewise: tests/net/test_authd_tunnels.py",
    "account-unknown": "likewise: tests/net/test_authd_tunnels.py",
    "account-disabled": "likewise: tests/net/test_authd_tunnels.py",
    "account-unreachable": "likewise: tests/net/test_authd_tunnels.py",
    "account-password-wrong": "likewise: tests/net/test_authd_tunnels.py",
    "account-no-secret": "likewise: tests/net/test_authd_tunnels.py",
    "account-guessed": "likewise: tests/net/test_authd_tunnels.py",
    "revocation-unknown": "likewise: tests/net/test_authority.py",
    "authority-expiring": "likewise: tests/net/test_authority.py",
    "authority-overlap": "likewise: tests/net/test_authority.py",
    "authority": "likewise: tests/unit/test_ca.c",
    "name-refused": "likewise: tests/unit/test_ca.c",
    "key-refused": "likewise: tests/unit/test_ca.c",
    "request-malformed": "likewise: tests/unit/test_ca.c",
    "ca-unreachable": "likewise: tests/unit/test_cmp_client.c",
    "enroll-malformed": "takes an end that is up to no good: tests/unit/test_cprom_attacks.c",
    "enroll-unexpected": "likewise: tests/unit/test_cprom_attacks.c",
    "enroll-version": "likewise: tests/unit/test_cprom_attacks.c",
    "enroll-token-missing": "likewise: tests/unit/test_cprom_attacks.c",
    "enroll-token-refused": "likewise: tests/unit/test_cprom_attacks.c",
    "enroll-credential-unknown": "likewise: tests/unit/test_cprom_attacks.c",
    "enroll-parameters": "likewise: tests/unit/test_cprom_attacks.c",
    "enroll-key": "likewise: tests/unit/test_cprom_attacks.c",
    "enroll-ca-refused": "likewise: tests/unit/test_cprom_attacks.c",
    "enroll-not-acceptable": "likewise: tests/unit/test_cprom_attacks.c",
    "enroll-validation": "likewise: tests/unit/test_cprom_attacks.c",
    "enroll-limit": "likewise: tests/unit/test_cprom_limits.c",
    "enroll-nothing-done": "likewise: tests/unit/test_cprom.c",
    "enrolled": "is the good end of an enrolment: tests/unit/test_teap.c",
    "radius-stale": "is of CoA: tests/unit/test_radius_dynauth.c",
}


@test
def every_diagnosis_has_a_test(lab):
    table = (SRC / "src/base/diagnosis.c").read_text()
    names = re.findall(r'^\t\[DIAG_\w+\] = \{ "([a-z-]+)",', table, re.M)
    header = (SRC / "src/base/diagnosis.h").read_text()
    ids = set(re.findall(r"^\t(DIAG_\w+),", header, re.M))
    lab.equal(len(names), len(ids), "names in the table")
    tested = set()
    for file in Path(__file__).parent.glob("test_diagnosis*.py"):
        for claim in re.findall(r"^@shows\((.*?)\)", file.read_text(), re.M | re.S):
            tested |= set(re.findall(r'"([a-z-]+)"', claim))
    for name, why in EXCEPTIONS.items():
        for file in re.findall(r"tests/\S+\.(?:c|py|txt)", why):
            lab.check((SRC / file).exists(), f"{file}, where {name} is shown, is there")
    # what a server finds is shown in tests/unit/test_tls_server.c
    names = [n for n in names if not n.startswith(("peer-", "own-"))]
    lab.equal(set(names) - tested - set(EXCEPTIONS), set(), "without a test")
    lab.equal((tested | set(EXCEPTIONS)) - set(names), set(), "tested, and not in the table")


if __name__ == "__main__":
    main()
