"""What can go wrong when a machine is to be enrolled, or renewed, and what is said of it at both ends.

diagnosed.py says what is checked of each at the machine; here the server's own view is checked as
well, and that nothing which worked before has stopped to work.
"""
import contextlib
import sqlite3
import time

from diagnosed import diagnosed, shown, shows
import enrolling
from enrolling import credential, enroll, machine, token
from lab import Failed, each, main, test


def network(lab, settings=None):
    """A port that listens again soon after somebody was refused."""
    return enrolling.network(lab, settings, port={"Port.QuietPeriod": "1s"})


def refused(lab, authd, daemon, name, text=None, server=None, cause="", words=(), **evidence):
    """`latchkeyctl enroll` fails with this id; `server` is the id in the log of latchkey-authd, and
    `cause` what it says there."""
    mark, server_mark = daemon.mark(), authd.mark()
    done = enroll(daemon, text, *words) if text else daemon.ctl("enroll", *words)
    lab.equal(done.returncode, 1, f"latchkeyctl enroll: {done.stdout}{done.stderr}")
    seen = diagnosed(lab, daemon, name, mark, **evidence)
    told = " ".join(done.stderr.split())
    lab.check(seen["cause"] in told, f"people read it: {told}")
    lab.check("password" not in seen["next"].lower(), f"no password is asked for: {seen['next']}")
    if server:
        authd.expect(rf"auth\.reject .*diagnosis={server} cause=\".*{cause}", server_mark)
    lab.equal(daemon.ctl("credentials", "show", "network").returncode, 1, "nothing was installed")
    return seen


def works_then(lab, authd, daemon, port, text=None):
    """The same machine is enrolled when what was wrong is right."""
    done = enroll(daemon, text or token(authd))
    lab.equal(done.returncode, 0, f"latchkeyctl enroll: {done.stdout}{done.stderr}")
    lab.until(port.ping, "traffic passes")
    lab.equal(daemon.status(port)["Diagnosis"], {}, "nothing is wrong any more")


def enrolled(lab, settings=None, profile=None, **kwargs):
    """A machine that has a certificate and is let in."""
    authd, port = network(lab, {"Enroll.AfterEnrolment": "accept", **(settings or {})})
    daemon = machine(lab, port, profile, **kwargs)
    works_then(lab, authd, daemon, port)
    return authd, daemon, port


def still_works(lab, daemon, port, generation=1):
    """With the credential from before, now and after a start of the service."""
    lab.until(lambda: daemon.status(port)["Authorised"], "the port is open")
    lab.until(port.ping, "traffic passes")
    lab.equal(credential(daemon)["Generation"], generation, "the generation")
    daemon.restart()
    daemon.expect(r"port\.authorised")
    lab.equal(daemon.status(port)["Generation"], generation, "the generation that opens the port")


# ---- the token ----------------------------------------------------------------------------------------

def other_token_id(authd):
    return authd.json("token", "list")[0]["token"]


def spend(authd, text, daemon):
    with sqlite3.connect(authd.dir / "registry.sqlite") as db:
        db.execute("UPDATE token SET used = uses")


def expire(authd, text, daemon):
    with sqlite3.connect(authd.dir / "registry.sqlite") as db:
        db.execute("UPDATE token SET expires = 1")


def revoke(authd, text, daemon):
    """By its whole text, of which nobody else is to hear."""
    authd.ctl("token", "revoke", text, check=True)
    authd.expect(f"control.change .*target=\"{other_token_id(authd)}\"")
    if any(text in line for line in authd.process.lines):
        raise Failed("the log has the token's text")


def forget(authd, text, daemon):
    with sqlite3.connect(authd.dir / "registry.sqlite") as db:
        db.execute("DELETE FROM token")


REFUSALS = {
    "unknown": (forget, "there is no token "),
    "spent": (spend, r"is used up \(1 of 1\)"),
    "expired": (expire, "has expired on 1970-01-01"),
    "revoked": (revoke, "was revoked on 20"),
    "another-machine": (None, "is for the machine 02:00:00:00:00:99, and this is"),
}


@each(*REFUSALS)
def a_token_that_is_not_good(lab, case):
    """The machine is told the same of each; the server's log has which."""
    prepare, cause = REFUSALS[case]
    authd, port = network(lab)
    daemon = machine(lab, port)
    text = token(authd, *([] if prepare else ["mac=02:00:00:00:00:99"]))
    if prepare:
        prepare(authd, text, daemon)
    seen = refused(lab, authd, daemon, "enroll-token-refused", text, "enroll-token-refused", cause,
                   by="the other side", detail="it is unknown, used up, expired, revoked, or for another machine",
                   retry="20.*Z")
    lab.check("token list" in seen["next"], seen["next"])
    works_then(lab, authd, daemon, port)


@shows("enroll-proof")
def a_token_with_another_secret(lab):
    authd, port = network(lab)
    daemon = machine(lab, port)
    text = token(authd)
    with sqlite3.connect(authd.dir / "registry.sqlite") as db:
        db.execute("UPDATE token SET secret = zeroblob(length(secret))")
    refused(lab, authd, daemon, "enroll-proof", text, "enroll-proof", by="the other side")
    works_then(lab, authd, daemon, port)


@shows("token-text")
def a_token_that_was_mistyped(lab):
    authd, port = network(lab)
    daemon = machine(lab, port)
    text = token(authd)
    done = enroll(daemon, text[:-1] + ("0" if text[-1] != "0" else "1"))
    lab.equal(done.returncode, 1, "latchkeyctl enroll")
    told = " ".join(done.stderr.split())
    lab.check("not an enrollment token as it was given out" in told, told)
    lab.check(not daemon.said(r"port\.attempt"), "the network was not asked")
    shown.add("token-text")
    works_then(lab, authd, daemon, port, text)


@shows("enroll-no-token")
def no_token(lab):
    _, port = network(lab)
    daemon = machine(lab, port, start=False)
    daemon.add_profile("wired", {
        "Match.Name": port.interface, "TLS.Credential": "network", "Server.TrustAnchor": None,
        "Server.ServerName": None, "Enroll.TokenFile": daemon.dir / "none"})
    daemon.start()
    diagnosed(lab, daemon, "enroll-no-token", credential="network", detail=".*/none: No such file.*")


@shows("enroll-other-network")
def a_token_of_another_network(lab):
    other, _ = network(lab)
    authd, port = network(lab)
    daemon = machine(lab, port)
    seen = refused(lab, authd, daemon, "enroll-other-network", token(other), subject=f".*{enrolling.SERVER}.*")
    lab.check("new token" in seen["next"] and "ServerPin" not in seen["next"], seen["next"])
    authd.expect(r"auth\.reject .*diagnosis=own-c")
    works_then(lab, authd, daemon, port)


# ---- the server's policy -----------------------------------------------------------------------------------

@shows("enroll-not-offered")
def a_server_that_enrolls_nobody(lab):
    authd, port = network(lab)
    text = token(authd)
    authd.configure({"Enroll.Enabled": "no"})
    authd.reload()
    daemon = machine(lab, port)
    seen = refused(lab, authd, daemon, "enroll-not-offered", text, "peer-refused-methods", allowed="EAP-TTLS")
    lab.check("Enabled=" in seen["next"], seen["next"])
    authd.configure({"Enroll.Enabled": "yes"})
    authd.reload()
    works_then(lab, authd, daemon, port, text)


@shows("enroll-protocol")
def no_protocol_in_common(lab):
    authd, port = network(lab, {"Enroll.Protocols": "spp"})
    daemon = machine(lab, port, {"Enroll.Tunnel": "ttls", "Enroll.Protocols": "est"})
    refused(lab, authd, daemon, "enroll-protocol", token(authd), "enroll-protocol", by="the other side")


@shows("enroll-action-refused")
def a_name_that_it_may_not_have(lab):
    authd, port = network(lab)
    text = token(authd)
    daemon = machine(lab, port, {"Enroll.Tunnel": "ttls", "Enroll.DnsNames": "www.example.com"})
    refused(lab, authd, daemon, "enroll-action-refused", text, "name-refused", "DNS:www.example.com",
            detail="the server does not issue for the names .*")
    lab.equal(authd.json("token", "list")[0]["used"], 0, "uses of the token")


@each("spp", "cmp", "est")
def a_key_that_is_not_taken(lab, protocol):
    authd, port = network(lab, {"Enroll.Protocols": protocol})
    folder = authd.dir / "profiles.d"
    folder.mkdir()
    (folder / "machine.profile").write_text("[Certificate]\nKeyTypes=P-256\n")
    authd.reload()
    daemon = machine(lab, port, {"Enroll.Tunnel": "teap", "Enroll.Key": "P-384"})
    seen = refused(lab, authd, daemon, "enroll-parameters", token(authd), "key-refused",
                   "of type P-384, which profile machine does not take", by="the other side")
    lab.check("Key=" in seen["next"], seen["next"])


@shows("enroll-action-refused")
def a_server_that_registers_nobody(lab):
    authd, port = network(lab, {"Enroll.Actions": "renew"})
    daemon = machine(lab, port)
    refused(lab, authd, daemon, "enroll-action-refused", token(authd), "enroll-action-refused",
            detail="to register a credential is not allowed")


# ---- this machine ----------------------------------------------------------------------------------------

@shows("enroll-storage")
def a_keystore_that_cannot_be_written(lab):
    authd, port = network(lab)
    daemon = machine(lab, port)
    text = token(authd)
    daemon.keystore.chmod(0o500)
    refused(lab, authd, daemon, "enroll-storage", text, "enroll-storage", by="this side", detail=".*keystore.*")
    lab.equal(authd.json("token", "list")[0]["used"], 0, "uses of the token")
    daemon.keystore.chmod(0o700)
    works_then(lab, authd, daemon, port, text)


# ---- the server's own troubles ------------------------------------------------------------------------------

@shows("enroll-internal")
def a_registry_that_does_not_answer(lab):
    authd, port = network(lab)
    daemon = machine(lab, port)
    text = token(authd)
    with sqlite3.connect(authd.dir / "registry.sqlite") as db:
        db.execute("ALTER TABLE token RENAME TO elsewhere")
    refused(lab, authd, daemon, "enroll-internal", text, "enroll-internal", "the registry does not answer",
            detail="the server cannot do it now")
    with sqlite3.connect(authd.dir / "registry.sqlite") as db:
        db.execute("ALTER TABLE elsewhere RENAME TO token")
    works_then(lab, authd, daemon, port, text)


@shows("enroll-internal")
def a_registry_that_somebody_has_locked(lab):
    """The machine hears of it while it still listens."""
    authd, port = network(lab)
    daemon = machine(lab, port, {"Enroll.Tunnel": "ttls", "EAPOL.AuthPeriod": "10s"})
    text = token(authd)
    with contextlib.closing(sqlite3.connect(authd.dir / "registry.sqlite", isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        refused(lab, authd, daemon, "enroll-internal", text, "enroll-internal", "the registry does not answer .*locked",
                detail="the server cannot do it now")
        db.execute("ROLLBACK")
    works_then(lab, authd, daemon, port, text)


# ---- a machine that has a credential ---------------------------------------------------------------------------

@shows("renewal-failed")
def a_renewal_of_a_revoked_certificate(lab):
    authd, daemon, port = enrolled(lab)
    with sqlite3.connect(authd.dir / "registry.sqlite") as db:
        db.execute("UPDATE credential SET revoked = 1")
    daemon.ctl("renew")
    diagnosed(lab, daemon, "renewal-failed", authorised=True, credential="network", id=".*")


@shows("renewal-failed")
def a_renewal_without_room(lab):
    authd, daemon, port = enrolled(lab)
    home = daemon.keystore / "network"
    home.chmod(0o500)
    lab.equal(daemon.ctl("renew").returncode, 1, "latchkeyctl renew")
    diagnosed(lab, daemon, "renewal-failed", authorised=True, credential="network", id="enroll-storage")
    home.chmod(0o700)
    still_works(lab, daemon, port)


@shows("renewal-fell-back")
def a_renewed_certificate_that_opens_nothing(lab):
    authd, daemon, port = enrolled(lab)
    authd.ctl("ca", "rollover", check=True)
    authd.add("rule", "new", {"Match.Issuer": "CN=* 2", "Decision.Action": "reject"})
    authd.reload()
    ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(credential(daemon)["NotAfter"]))
    mark = daemon.mark()
    lab.equal(daemon.ctl("renew").returncode, 1, "latchkeyctl renew")
    seen = diagnosed(lab, daemon, "renewal-fell-back", mark, authorised=True, credential="network", refused="2",
                     detail=".*", not_after=ends, retry="20.*Z")
    lab.check("{" not in seen["cause"] + seen["next"], f"nothing is missing in it: {seen}")
    # The server's rule stands; what there was before opens the port, also after a start.
    still_works(lab, daemon, port)


@test
def a_token_that_is_refused_takes_nothing_away(lab):
    authd, daemon, port = enrolled(lab)
    text = token(authd)
    revoke(authd, text, daemon)
    done = enroll(daemon, text)
    lab.equal(done.returncode, 1, f"latchkeyctl enroll: {done.stdout}{done.stderr}")
    still_works(lab, daemon, port)


if __name__ == "__main__":
    main()
