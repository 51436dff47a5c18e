"""The authority of latchkey-authd: made by one command, believed by its own server and by openssl(1), revoked at
once, told to others by lists and OCSP, rolled over."""
import base64
import concurrent.futures
import shutil
import sqlite3
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path

import enrolling
from authd import Authd, database, guarded
from eapol_test import EapolTest
from lab import BUILD, each, main, run, test
from pki import Credential
from radius import ACCEPT, REJECT, Nas, Talk

VERSIONS = ("1.2", "1.3")
HTTP = "http://127.0.0.1:9813"
SETTINGS = {"Authority.Credential": "ca-issuing", "Authority.Listen": "127.0.0.1", "Authority.CrlUrl": f"{HTTP}/crl",
            "Authority.OcspUrl": f"{HTTP}/ocsp", "Tls.ClientAnchors": None}


@dataclass
class Machine:
    """As pki.Credential, by our own authority."""
    name: str
    folder: Path
    chain: list = field(default_factory=list)

    @property
    def key(self):
        return self.folder / "key.pem"

    @property
    def cert(self):
        return self.folder / "cert.pem"

    def keep(self, keystore, name):
        Credential.keep(self, keystore, name)

    @property
    def bundle(self):
        both = self.folder / "bundle.pem"
        both.write_text(self.cert.read_text() + (self.folder / "chain.pem").read_text())
        return both


class Root:
    def __init__(self, lab, authd):
        self.cert = lab.folder("root") / "root.pem"
        self.cert.write_text(authd.ctl("ca", "export", check=True).stdout)


def made(lab, tls=VERSIONS, start=True, words=("server=radius.example.org",), **settings):
    """A server with an authority of its own, and its root."""
    authd = Authd(lab, lab.namespace("server"), tls=tls, start=False,
                  settings=SETTINGS | {k.replace("_", "."): v for k, v in settings.items()})
    authd.settings["Service.Keystore"] = authd.keystore = authd.dir / "own"
    authd.configure({})
    authd.ctl("ca", "init", "name=Example", *words, check=True)
    if start:
        authd.start()
    return authd, Root(lab, authd)


def box(authd, *words):
    run(BUILD / "tests/net/authority_box", authd.file, *words)


def issue(lab, authd, name="laptop.example.org"):
    machine = Machine(name, lab.folder("machine"))
    box(authd, "issue", name, machine.folder)
    return machine


def revoke(authd, machine, reason="key-compromise"):
    """Beside the server, which looks at its registry when it is told to read all again."""
    mark = authd.mark()
    box(authd, "revoke", machine.cert, reason)
    authd.reload()
    authd.expect(r"authority\.revoked count=", mark)


def nas_of(lab, authd):
    return lab.owns(Nas(authd.ns, "127.0.0.1", authd.port, authd.secret))


def fetch(authd, url, out, *options):
    return authd.ns.run("curl", "-sS", "-f", "-o", out, *options, url, check=False)


@each(*VERSIONS)
def a_machine_is_let_in_until_it_is_revoked(lab, version):
    """Full and resumed: the session that could be resumed is of no use any more."""
    authd, root = made(lab, tls=(version,))
    nas, machine, other = nas_of(lab, authd), issue(lab, authd), issue(lab, authd, "other.example.org")
    first = Talk(nas, machine, root, tls=version)
    lab.equal(first.finish().code, ACCEPT, "the answer")
    again = Talk(nas, None, root, after=first.supplicant)
    lab.equal(again.finish().code, ACCEPT, "the answer when it resumes")
    lab.check(again.supplicant.tls.session_reused, "it was resumed")
    revoke(authd, machine)
    mark = authd.mark()
    for talk in Talk(nas, None, root, after=again.supplicant), Talk(nas, machine, root, tls=version):
        lab.equal(talk.finish().code, REJECT, "the answer after that")
        authd.expect(r"auth\.reject .* diagnosis=peer-cert-revoked", mark)
        lab.check("revoked" in str(talk.supplicant.error).lower(), f"the alert: {talk.supplicant.error}")
        mark = authd.mark()
    lab.equal(Talk(nas, other, root, tls=version).finish().code, ACCEPT, "the answer to another machine")


@each(*VERSIONS)
def a_foreign_peer_believes_it(lab, version):
    authd, root = made(lab, tls=(version,))
    machine = issue(lab, authd)
    lab.check(EapolTest(lab, authd.ns, authd, client=machine, root=root, tls=version,
                        settings={"domain_suffix_match": '"radius.example.org"'}).wait(), "it is let in")
    # 2: a response about the server is asked for, and has to be there.
    stapled = EapolTest(lab, authd.ns, authd, client=machine, root=root, tls=version,
                        settings={"domain_suffix_match": '"radius.example.org"', "ocsp": 2})
    lab.check(stapled.wait(), "the response about the server is stapled")


@test
def nobody_is_let_in_before_the_registry_was_read(lab):
    authd, root = made(lab)
    machine = issue(lab, authd)
    authd.stop()
    authd.configure({"Registry.Database": "postgresql://127.0.0.1:1/gone"})
    authd.start()
    lab.equal(Talk(nas_of(lab, authd), machine, root).finish().code, REJECT, "the answer")
    authd.expect(r"auth\.reject .* diagnosis=revocation-unknown")


@test
def what_was_revoked_is_so_after_a_restart(lab):
    authd, root = made(lab)
    machine = issue(lab, authd)
    revoke(authd, machine)
    authd.restart()
    authd.expect(r"authority\.revoked count=1")
    lab.equal(Talk(nas_of(lab, authd), machine, root).finish().code, REJECT, "the answer")


@test
def others_are_told_by_a_list(lab):
    authd, root = made(lab, Authority_CrlFile=lab.folder("crl") / "list.der")
    good, bad, out = issue(lab, authd), issue(lab, authd, "lost.example.org"), lab.folder("out")
    revoke(authd, bad, "superseded")
    lab.equal(fetch(authd, f"{HTTP}/crl", out / "crl.der").returncode, 0, "curl")
    lab.equal(Path(authd.settings["Authority.CrlFile"]).read_bytes(), (out / "crl.der").read_bytes(), "the file")
    run("openssl", "crl", "-inform", "DER", "-in", out / "crl.der", "-out", out / "crl.pem")
    text = run("openssl", "crl", "-in", out / "crl.pem", "-noout", "-text", "-CAfile",
               good.folder / "chain.pem")
    lab.check("verify OK" in text.stderr, text.stderr)
    lab.check("Superseded" in text.stdout, "the reason")
    verify = ("openssl", "verify", "-x509_strict", "-crl_check", "-CAfile", root.cert, "-untrusted",
              good.folder / "chain.pem", "-CRLfile", out / "crl.pem")
    lab.equal(run(*verify, good.cert, check=False).returncode, 0, "openssl about the good one")
    refused = run(*verify, bad.cert, check=False)
    lab.check("certificate revoked" in refused.stderr, refused.stderr)
    lab.equal(fetch(authd, f"{HTTP}/ca.pem", out / "ca.pem").returncode, 0, "curl")
    lab.equal((out / "ca.pem").read_text(), root.cert.read_text(), "the root")
    lab.check(fetch(authd, f"{HTTP}/crl/old", out / "none").returncode != 0, "there is no old list")
    lab.check(fetch(authd, f"{HTTP}/nothing", out / "none").returncode != 0, "nor anything else")


@test
def others_are_told_by_ocsp(lab):
    authd, root = made(lab)
    good, bad, out = issue(lab, authd), issue(lab, authd, "lost.example.org"), lab.folder("out")
    revoke(authd, bad)
    for machine, state in (good, "good"), (bad, "revoked"):
        asked = authd.ns.run("openssl", "ocsp", "-issuer", machine.folder / "chain.pem", "-cert", machine.cert,
                             "-url", f"{HTTP}/ocsp", "-CAfile", root.cert, "-reqout", out / state,
                             "-verify_other", machine.folder / "chain.pem")
        lab.check("Response verify OK" in asked.stderr, asked.stderr)
        lab.check(f"cert.pem: {state}" in asked.stdout, asked.stdout)
    lab.check("keyCompromise" in asked.stdout, "the reason")
    by_get = base64.b64encode((out / "good").read_bytes()).decode()
    got = fetch(authd, f"{HTTP}/ocsp/{urllib.parse.quote(by_get, safe='')}", out / "response")
    lab.equal(got.returncode, 0, f"curl: {got.stderr}")
    said = run("openssl", "ocsp", "-respin", out / "response", "-issuer", good.folder / "chain.pem", "-cert",
               good.cert, "-CAfile", root.cert, "-verify_other", good.folder / "chain.pem", "-no_nonce",
               check=False)
    lab.check("cert.pem: good" in said.stdout, said.stdout + said.stderr)


@test
def ocsp_does_not_mind_garbage(lab):
    authd, _ = made(lab)
    authd.expect(r"authority\.revoked count=0")
    out = lab.folder("out")
    (out / "garbage").write_bytes(b"0\x82\xff\xff" + b"x" * 100)
    (out / "large").write_bytes(b"x" * 100000)
    lab.equal(fetch(authd, f"{HTTP}/ocsp", out / "1", "--data-binary", f"@{out / 'garbage'}").returncode, 0, "curl")
    lab.equal((out / "1").read_bytes(), bytes.fromhex("30030a0101"), "malformedRequest")
    lab.check(fetch(authd, f"{HTTP}/ocsp", out / "2", "--data-binary", f"@{out / 'large'}").returncode != 0,
              "what is too large is refused")
    lab.check(fetch(authd, f"{HTTP}/ocsp/%00%ff", out / "3").returncode != 0, "so is what is no base 64")
    lab.check(fetch(authd, f"{HTTP}/crl", out / "4", "-X", "DELETE").returncode != 0, "and another method")


@test
def a_rollover_leaves_nobody_behind(lab):
    """Machines with a certificate by the old authority get in, those that know only its root believe the server."""
    authd, old_root = made(lab)
    nas, old = nas_of(lab, authd), issue(lab, authd, "old.example.org")
    authd.ctl("ca", "rollover", check=True)
    authd.ctl("ca", "renew-server", check=True)
    authd.reload()
    new, roots = issue(lab, authd, "new.example.org"), Root(lab, authd)
    lab.equal(roots.cert.read_text().count("BEGIN"), 2, "roots")
    for machine in old, new:
        for root in old_root, roots:
            lab.equal(Talk(nas, machine, root).finish().code, ACCEPT, f"the answer to {machine.name}")
    revoke(authd, old)
    lab.equal(Talk(nas, old, roots).finish().code, REJECT, "the old one is revoked by the old authority")
    lab.equal(Talk(nas, new, roots).finish().code, ACCEPT, "the new one is not")
    lab.equal(fetch(authd, f"{HTTP}/crl/old", lab.folder("out") / "old").returncode, 0, "the old list")
    lab.check(authd.ctl("ca", "rollover").returncode != 0, "no roll-over while one goes on")


@test
def the_end_of_a_rollover_is_the_end_of_the_old_authority(lab):
    authd, _ = made(lab, start=False)
    old = issue(lab, authd, "old.example.org")
    authd.ctl("ca", "rollover", check=True)
    authd.ctl("ca", "renew-server", check=True)
    # The new certificate begins a day before it was made, because of clocks that are behind.
    authd.configure({"Authority.Overlap": "1h"})
    authd.start()
    roots = Root(lab, authd)
    lab.equal(Talk(nas_of(lab, authd), old, roots).finish().code, REJECT, "the answer")
    authd.expect(r"auth\.reject .* diagnosis=peer-untrusted")


@test
def an_end_is_told_before_it_comes(lab):
    authd, _ = made(lab, Authority_WarnBefore="3660d")
    authd.expect(r"authority\.warning id=authority-expiring .* next=\".*rollover")
    warning = authd.json("ca", "show")["warning"]
    lab.equal(warning["id"], "authority-expiring", "what `ca show` says")
    row = next(c for c in authd.json("status")["credentials"] if c["name"] == "ca-issuing")
    lab.check("ends on" in row["warning"], f"what `status` says: {row}")
    check = authd.ctl("check")
    lab.check("Usable, but" in check.stdout + check.stderr, check.stdout + check.stderr)


@test
def the_end_of_an_overlap_is_told_before_it_comes(lab):
    authd, _ = made(lab, start=False)
    authd.ctl("ca", "rollover", check=True)
    # The new certificate begins a day before it was made, because of clocks that are behind.
    authd.configure({"Authority.Overlap": "26h"})
    authd.start()
    authd.expect(r"authority\.warning id=authority-overlap cause=\".*until 20\d\d-.*\" next=\".*renew before")
    lab.equal(authd.json("ca", "show")["warning"]["id"], "authority-overlap", "what `ca show` says")


@test
def nothing_is_overwritten(lab):
    authd, root = made(lab, start=False)
    before = sorted((p, p.read_bytes()) for p in authd.keystore.rglob("*.pem"))
    again = authd.ctl("ca", "init")
    lab.equal(again.returncode, 1, "the exit status")
    lab.check("already" in again.stderr, again.stderr)
    lab.equal(sorted((p, p.read_bytes()) for p in authd.keystore.rglob("*.pem")), before, "the keystore")
    lab.equal(authd.ctl("ca", "destroy").returncode, 2, "a word that there is not")
    lab.equal(authd.ctl("ca", "init", "colour=red").returncode, 2, "another")


@each("P-256", "P-384", "Ed25519", "RSA-2048")
def openssl_agrees(lab, kind):
    authd, root = made(lab, start=False, words=("server=radius.example.org", f"key={kind}"))
    machine = issue(lab, authd)
    chain = machine.folder / "chain.pem"
    for cert in machine.cert, authd.keystore / "server/1/cert.pem", authd.keystore / "ca-issuing/1/cert.pem":
        done = run("openssl", "verify", "-x509_strict", "-CAfile", root.cert, "-untrusted", chain, cert, check=False)
        lab.equal(done.returncode, 0, f"openssl: {done.stderr}")


# ---- the machine itself, at a guarded port ------------------------------------------------------------

def enrolled(lab):
    """A guarded port whose machine has a certificate by the server's own authority."""
    authd, port = guarded(lab, start=False, settings=SETTINGS)
    authd.settings["Service.Keystore"] = authd.keystore = authd.dir / "own"
    authd.configure({})
    authd.ctl("ca", "init", "name=Example", "server=radius.example.org", check=True)
    authd.start()
    root, machine = Root(lab, authd), issue(lab, authd)
    machine.chain = [machine.folder / "chain.pem"]
    daemon = lab.latchkeyd(port, client=machine, root=root)
    daemon.expect(r"port\.authorised")
    lab.until(lambda: authd.json("machine", "list"), "the registry has the machine")
    # As if it had been enrolled: the program that issues here does not say to whom.
    with sqlite3.connect(authd.settings["Registry.Database"]) as registry:
        registry.execute("UPDATE credential SET machine = (SELECT id FROM machine)")
    return authd, port, daemon


@test
def a_machine_that_is_revoked_is_out_and_stays_out(lab):
    authd, port, _ = enrolled(lab)
    lab.check(port.passes(), "traffic passes")
    mark = authd.mark()
    done = authd.json("machine", "revoke", "laptop.example.org", "reason=key-compromise")
    lab.equal((done["revoked"], done["sessions"]), (1, 1), "what was revoked and ended")
    lab.check(not port.ping(), "nothing passes")
    authd.expect(r"auth\.reject .* diagnosis=peer-cert-revoked", mark)
    lab.check(not port.ping(), "nothing passes when it comes again")
    shown = authd.json("machine", "show", "laptop.example.org")
    lab.equal([c["reason"] for c in shown["credentials"]], ["key-compromise"], "what it has")
    lab.check("machine.revoked" in [e["event"] for e in authd.json("audit")], "the audit trail has it")


@test
def a_machine_need_not_wait_for_a_server_that_has_just_been_started(lab):
    """It has much to read, and the machine answers before a child could count to three."""
    authd, port, daemon = enrolled(lab)
    authd.stop()
    with sqlite3.connect(authd.settings["Registry.Database"]) as registry:
        registry.execute("""INSERT INTO credential (issuer, serial, not_after, revoked, kind)
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
            SELECT issuer, printf('7e%016x', i), not_after, 1, 0 FROM n, (SELECT * FROM credential LIMIT 1)""")
    authd.start()
    authd.expect("auth.accept")
    read, started = (next(i for i, line in enumerate(authd.process.lines) if event in line)
                     for event in ("authority.revoked count=30000", "service.start"))
    lab.check(read < started, "it was ready when it had read what was revoked")
    lab.check(not authd.said("auth.reject"), "it was refused")
    lab.check(port.passes(), "traffic passes")


@test
def a_machine_that_is_to_renew_authenticates_anew(lab):
    authd, port, daemon = enrolled(lab)
    mark, seen = daemon.mark(), authd.mark()
    lab.equal(authd.json("machine", "renew", "laptop.example.org")["sessions"], 1, "sessions")
    authd.expect("auth.accept", seen)
    daemon.expect(r"port\.authorised", mark)
    lab.check(authd.json("machine", "show", "laptop.example.org")["renew_wanted"] > 0, "it is noted")
    lab.check(port.passes(), "traffic passes")


def two_servers(lab, settings=None):
    """Each with its port, one authority, and one database."""
    settings = {"Registry.Database": database(lab).uri(), **(settings or {})}
    first, port = enrolling.network(lab, settings)
    second, other = enrolling.network(lab, settings, start=False)
    shutil.rmtree(second.keystore)
    shutil.copytree(first.keystore, second.keystore, symlinks=True)
    second.start()
    return (first, port), (second, other)


@test
def one_token_is_good_for_one_of_two_machines_at_two_servers(lab):
    """At the same time; and what one server revokes, the other refuses."""
    (first, port), (second, other) = two_servers(lab, {"Enroll.AfterEnrolment": "accept"})
    ports = [port, other]
    machines = [enrolling.machine(lab, cable) for cable in ports]
    text = enrolling.token(first, "name=pc7")
    with concurrent.futures.ThreadPoolExecutor(2) as both:
        done = list(both.map(lambda machine: enrolling.enroll(machine, text).returncode, machines))
    lab.equal(sorted(done), [0, 1], "who was enrolled")
    winner = done.index(0)
    lab.equal([cable.passes() if r == 0 else cable.ping() for cable, r in zip(ports, done)], [r == 0 for r in done],
              "who has a network")
    lab.equal((second.json("token", "list")[0]["used"], len(second.json("machine", "show", "pc7")["credentials"])),
              (1, 1), "uses of the token, and certificates")
    (here, elsewhere) = ((first, second), (second, first))[winner]
    mark = here.mark()
    elsewhere.ctl("machine", "revoke", "pc7", check=True)
    here.expect(r"authority\.revoked count=1", mark)


@test
def a_machine_that_is_revoked_at_another_server_is_out(lab):
    (here, port), (elsewhere, _) = two_servers(lab)
    daemon = enrolling.machine(lab, port)
    lab.equal(enrolling.enroll(daemon, enrolling.token(here), "--name=pc7").returncode, 0, "latchkeyctl enroll")
    lab.check(port.ping(), "traffic passes")
    mark = here.mark()
    done = elsewhere.json("machine", "revoke", "pc7", "reason=key-compromise")
    lab.equal((done["revoked"], done["sessions"]), (1, 0), "what was revoked, and ended there")
    here.expect(r"auth\.reject .* diagnosis=peer-cert-revoked", mark)
    lab.check(not port.ping(), "nothing passes")


if __name__ == "__main__":
    main()
