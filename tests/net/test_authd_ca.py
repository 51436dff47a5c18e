"""A CA elsewhere, behind latchkey-authd: machines are enrolled by it, and what is told when it says no,
takes its time, or is not there."""
import os
import shutil
import sys
from pathlib import Path

from authd import guarded
from enrolling import credential, enroll, machine, token
from lab import BUILD, Process, Skip, each, main, test

PORT = 8829


class Ca(Process):
    """ca_box, with an authority of pki.py below its root."""

    def __init__(self, lab, ns, authority, root, *words):
        super().__init__(lab, [BUILD / "tests/net/ca_box", PORT, authority.cert, authority.key, root.cert, *words],
                         ns=ns)
        self.expect("^ready")


def unit(name):
    """To be put before a service: the filter of its unit."""
    return [sys.executable, Path(__file__).parent / "under_unit.py", BUILD / "conf" / f"{name}.service"]


def network(lab, *words, settings=None, start=True, under=()):
    """A guarded port, a server whose certificate is by the root of the CA, and the CA."""
    root = lab.pki().root
    issuing = root.authority("Issuing CA", usage="digitalSignature, keyCertSign, cRLSign")
    # Who is refused may come again soon.
    authd, port = guarded(lab, start=False, port={"Port.QuietPeriod": "1s"}, settings={
        "Tunnel.SendRoot": "yes",
        "Authority.Backend": "cmp", "Authority.CmpUrl": f"http://127.0.0.1:{PORT}/cmp",
        "Authority.CmpCredential": "ra", "Authority.CmpAnchors": root.cert,
        "Enroll.Enabled": "yes", **(settings or {})})
    issuing.issue("ra.example.org", usage="cmcRA").keep(authd.keystore, "ra")
    anchors = authd.keystore / "server" / "current" / "anchors.pem"
    anchors.write_text(root.cert.read_text())
    authd.root, authd.issuing = root, issuing
    ca = Ca(lab, authd.ns, issuing, root, *words) if start else None
    authd.start(under=under)
    return authd, port, ca


@each("teap spp", "ttls cmp", "teap est")
def a_machine_is_enrolled(lab, case):
    tunnel, protocol = case.split()
    authd, port, ca = network(lab, settings={"Enroll.Protocols": protocol})
    daemon = machine(lab, port, {"Enroll.Tunnel": tunnel, "Enroll.Protocols": protocol})
    done = enroll(daemon, token(authd), "--name=pc7")
    lab.equal(done.returncode, 0, f"latchkeyctl enroll: {done.stdout}{done.stderr}")
    lab.check(port.passes(), "traffic passes")
    lab.check("Issuing CA" in credential(daemon)["Issuer"], "who has issued")
    lab.equal(len(authd.json("machine", "list")), 1, "machines that the registry knows")
    lab.equal(authd.json("counters")["enrolments_issued_total"], 1, "certificates that were issued")


def refused(lab, authd, port, pattern, **kwargs):
    """It is told at both ends, and nothing is left but the token."""
    text = token(authd)
    daemon = machine(lab, port, **kwargs)
    done = enroll(daemon, text, "--name=pc7")
    lab.check(done.returncode != 0, "latchkeyctl enroll tells of the failure")
    authd.expect(pattern)
    lab.equal(authd.json("token", "list")[0]["used"], 0, "uses of the token")
    lab.check(not port.ping(), "nothing passes")
    return daemon, text, done


@test
def a_ca_that_says_no(lab):
    authd, port, ca = network(lab, "refuse")
    _, _, done = refused(lab, authd, port, r"enroll\.refuse .*badCertTemplate: no machine of that name")
    lab.check("refused" in done.stderr, f"what the machine is told: {done.stderr}")
    counters = authd.json("counters")
    lab.equal((counters["enrolments_issued_total"], counters["enrolments_refused_total"]), (0, 1), "what is counted")
    ca.expect("^refused")


@test
def a_ca_that_takes_its_time(lab):
    authd, port, ca = network(lab, "slow=2")
    daemon = machine(lab, port)
    done = enroll(daemon, token(authd), "--name=pc7")
    lab.equal(done.returncode, 0, f"latchkeyctl enroll: {done.stdout}{done.stderr}")
    lab.check(port.passes(), "traffic passes")
    lab.check(ca.said("^asked again"), "the CA was asked again")


@test
def a_ca_that_takes_too_long(lab):
    authd, port, ca = network(lab, "slow=1000", settings={"Authority.CmpTimeout": "2s"})
    refused(lab, authd, port, r"enroll\.refuse .*diagnosis=ca-unreachable .*wait for longer")


@test
def a_ca_that_comes_back(lab):
    authd, port, _ = network(lab, start=False)
    daemon, text, _ = refused(lab, authd, port, r"enroll\.refuse .*diagnosis=ca-unreachable")
    Ca(lab, authd.ns, authd.issuing, authd.root)
    done = enroll(daemon, text, "--name=pc7")
    lab.equal(done.returncode, 0, f"latchkeyctl enroll, again: {done.stdout}{done.stderr}")
    lab.check(port.passes(), "traffic passes")


@test
def a_certificate_is_recorded_before_it_is_confirmed(lab):
    authd, port, ca = network(lab, "confirm")
    daemon = machine(lab, port)
    done = enroll(daemon, token(authd), "--name=pc7")
    lab.equal(done.returncode, 0, f"latchkeyctl enroll: {done.stdout}{done.stderr}")
    ca.expect("^confirmed")
    lab.check(port.passes(), "traffic passes")


@test
def what_the_ca_does_not_confirm_is_withdrawn(lab):
    authd, port, ca = network(lab, "deaf")
    daemon, text, _ = refused(lab, authd, port, r"enroll\.refuse .*diagnosis=ca-unreachable")
    ca.expect("^does not hear")
    ca.stop()
    lab.disowns(ca)
    Ca(lab, authd.ns, authd.issuing, authd.root, "confirm")
    done = enroll(daemon, text, "--name=pc7")
    lab.equal(done.returncode, 0, f"latchkeyctl enroll, again: {done.stdout}{done.stderr}")


@test
def what_is_not_recorded_is_given_back(lab):
    """Somebody else has the name already."""
    authd, port, ca = network(lab, "confirm", settings={"Enroll.AfterEnrolment": "accept"})
    daemon = machine(lab, port)
    lab.equal(enroll(daemon, token(authd), "--name=pc7").returncode, 0, "the first one")
    ca.expect("^confirmed")
    mark = ca.mark()
    done = enroll(daemon, token(authd), "--name=pc7")
    lab.check(done.returncode != 0, "the second one is refused")
    ca.expect("^declined", mark)


@test
def a_shared_secret_will_do(lab):
    secret = lab.folder("ca") / "secret"
    secret.touch(mode=0o600)
    secret.write_text("a long secret\n")
    authd, port, ca = network(lab, "secret=a long secret", settings={
        "Authority.CmpCredential": None, "Authority.CmpReference": "ra", "Authority.CmpSecretFile": secret})
    done = enroll(machine(lab, port), token(authd), "--name=pc7")
    lab.equal(done.returncode, 0, f"latchkeyctl enroll: {done.stdout}{done.stderr}")


@test
def their_units_leave_them_what_an_enrolment_needs(lab):
    """The system calls for a key, a certificate, an answer of the CA and a renewal, at both ends."""
    if os.environ.get("LATCHKEYD_FLAGS"):
        raise Skip("sanitizers need system calls that the filter forbids")
    if not shutil.which("systemd-analyze"):
        raise Skip("there is no systemd-analyze to tell what the filter stands for")
    authd, port, ca = network(lab, settings={"Enroll.AfterEnrolment": "accept"}, under=unit("latchkey-authd"))
    daemon = machine(lab, port, start=False)
    daemon.under = unit("latchkeyd")
    daemon.start()
    done = enroll(daemon, token(authd), "--name=pc7")
    lab.equal(done.returncode, 0, f"latchkeyctl enroll: {done.stdout}{done.stderr}")
    done = daemon.ctl("renew", "network")
    lab.equal(done.returncode, 0, f"latchkeyctl renew: {done.stdout}{done.stderr}")
    lab.check(port.passes(), "traffic passes")


@each("ttls", "teap")
def a_machine_is_connected_with_the_ca(lab, tunnel):
    """What it sends in CMP is by its own token, which the CA has been told of."""
    authd, port, _ = network(lab, start=False, settings={"Authority.CmpForward": "yes", "Enroll.Protocols": "cmp"})
    text = token(authd)
    ca = Ca(lab, authd.ns, authd.issuing, authd.root, f"token={text}")
    daemon = machine(lab, port, {"Enroll.Tunnel": tunnel, "Enroll.Protocols": "cmp"})
    done = enroll(daemon, text, "--name=pc7")
    lab.equal(done.returncode, 0, f"latchkeyctl enroll: {done.stdout}{done.stderr}")
    ca.expect(r"^ir .*pc7")
    lab.check(port.passes(), "traffic passes")
    lab.check("Issuing CA" in credential(daemon)["Issuer"], "who has issued")
    lab.equal(len(authd.json("machine", "list")), 1, "machines that the registry knows")


@test
def a_ca_that_does_not_know_the_machine(lab):
    authd, port, _ = network(lab, start=False, settings={"Authority.CmpForward": "yes", "Enroll.Protocols": "cmp"})
    Ca(lab, authd.ns, authd.issuing, authd.root, f"token={token(authd)}")
    refused(lab, authd, port, r"auth\.reject ", settings={"Enroll.Tunnel": "ttls", "Enroll.Protocols": "cmp"})


@test
def another_ca_after_a_reload(lab):
    authd, port, ca = network(lab, settings={"Authority.CmpUrl": "http://127.0.0.1:9/cmp"})
    daemon, text, _ = refused(lab, authd, port, r"enroll\.refuse .*diagnosis=ca-unreachable")
    authd.configure({"Authority.CmpUrl": f"http://127.0.0.1:{PORT}/cmp"})
    authd.reload()
    done = enroll(daemon, text, "--name=pc7")
    lab.equal(done.returncode, 0, f"latchkeyctl enroll, again: {done.stdout}{done.stderr}")


@test
def a_renewal_is_asked_for_as_well(lab):
    authd, port, ca = network(lab, settings={"Enroll.AfterEnrolment": "accept"})
    daemon = machine(lab, port)
    lab.equal(enroll(daemon, token(authd), "--name=pc7").returncode, 0, "latchkeyctl enroll")
    done = daemon.ctl("renew", "network")
    lab.equal(done.returncode, 0, f"latchkeyctl renew: {done.stdout}{done.stderr}")
    lab.equal(credential(daemon)["Generation"], 2, "the generation")


def in_the_network(lab, *words):
    """A machine that was enrolled and is in."""
    authd, port, ca = network(lab, *words)
    daemon = machine(lab, port)
    lab.equal(enroll(daemon, token(authd), "--name=pc7").returncode, 0, "latchkeyctl enroll")
    lab.check(port.passes(), "traffic passes")
    return authd, port, ca, daemon


def out_of_the_network(lab, authd, port, mark):
    authd.expect(r"auth\.reject .* diagnosis=peer-cert-revoked .*reason=\"key-compromise\"", mark)
    lab.check(not port.ping(), "nothing passes")


@test
def a_machine_that_is_revoked_is_out_and_its_ca_knows(lab):
    authd, port, ca, daemon = in_the_network(lab)
    mark = authd.mark()
    done = authd.ctl("machine", "revoke", "pc7", "reason=key-compromise")
    lab.equal(done.returncode, 0, f"latchkey-authd machine revoke: {done.stdout}{done.stderr}")
    lab.check("has revoked 1 certificate" in done.stdout + done.stderr, f"what it tells: {done.stdout}{done.stderr}")
    ca.expect("^revoked .*Issuing CA")
    out_of_the_network(lab, authd, port, mark)
    lab.check(any(e["event"] == "ca.revoke" and "asked=1 revoked=1" in e["detail"] for e in authd.json("audit")),
              "the audit trail has it")
    lab.equal(authd.json("machine", "revoke", "pc7")["ca"], {"asked": 1, "revoked": 1}, "the second time")
    ca.expect("^revoked before")
    authd.restart()
    authd.expect(r"authority\.revoked count=1")


@each("keep", "gone")
def a_ca_that_does_not_revoke(lab, case):
    """Here the machine is out all the same."""
    authd, port, ca, daemon = in_the_network(lab, *(["keep"] if case == "keep" else []))
    if case == "gone":
        ca.stop()
        lab.disowns(ca)
    mark = authd.mark()
    done = authd.ctl("machine", "revoke", "pc7", "reason=key-compromise")
    lab.equal(done.returncode, 1, "the status")
    for pattern in ("revoked 0 of 1 certificate", "This server refuses the machine all the same",
                    "not by a registration authority" if case == "keep" else "gave no answer"):
        lab.check(pattern in done.stderr, f"{pattern}: {done.stderr}")
    out_of_the_network(lab, authd, port, mark)
    if case == "gone":
        ca = Ca(lab, authd.ns, authd.issuing, authd.root)
        lab.equal(authd.json("machine", "revoke", "pc7")["ca"], {"asked": 1, "revoked": 1}, "the second time")
        ca.expect("^revoked ")


if __name__ == "__main__":
    main()
