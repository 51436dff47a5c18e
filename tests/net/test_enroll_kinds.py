"""What else than a certificate a machine may be given: a name and password, which open a port inside of a tunnel, and
a symmetric key for somebody else."""
import stat

from enrolling import SERVER, credential, enroll, keep_token, machine, network, token
from lab import each, main, test

# What runs inside, and the server's words for it.
INSIDE = {("ttls", "pap"): "TtlsMethods", ("peap", "gtc"): "PeapMethods", ("teap", "password"): "TeapMethods"}
TTLS = ("ttls", "pap")


def lets_in(method, inner, credentials, **more):
    """A server that gives these credentials, and lets in by a password in this tunnel."""
    return {"Eap.Methods": method, f"Tunnel.{INSIDE[method, inner]}": inner, "Enroll.Credentials": credentials,
            "Enroll.Tunnels": "ttls", **more}


def inside(authd, method, inner, **more):
    """A profile whose name and password are in the keystore; the server is known by its authority."""
    anchor = authd.dir / "root.pem"
    anchor.write_text(authd.ctl("ca", "export", check=True).stdout)
    return {"TLS.Credential": None, "EAP.Method": method, "Inner.Method": inner, "Inner.Credential": "account",
            "Enroll.Tunnel": "ttls", "Server.TrustAnchor": anchor, "Server.ServerName": SERVER, **more}


def both(**more):
    """A certificate in the handshake, a password inside, and a symmetric key besides; whom to believe comes too."""
    return {"EAP.Method": "ttls", "Inner.Method": "pap", "Inner.Credential": "account", "Enroll.Tunnel": "ttls",
            "Enroll.SymmetricKey": "sensor", **more}


BOTH = lets_in(*TTLS, "certificate password symmetric", **{"Tunnel.ClientCertificate": "required"})


def secret(daemon, name):
    return daemon.json("credentials", "export", name, "--secret")


def never_told(lab, what, *processes):
    for process in processes:
        lab.check(not any(what in str(line) for line in process.lines), "the secret is in no log")


def given(lab, wanted, how, *words):
    """A machine that was enrolled, and what it was enrolled by."""
    authd, port = network(lab, how, port={"Port.QuietPeriod": "100ms"})
    daemon = machine(lab, port, wanted(authd) if callable(wanted) else wanted)
    text = token(authd, *words)
    done = enroll(daemon, text)
    lab.equal(done.returncode, 0, f"latchkeyctl enroll: {done.stdout}{done.stderr}")
    return authd, port, daemon, text


# ---- a password -----------------------------------------------------------------------------------------

@each(*INSIDE)
def a_password_opens_the_port(lab, tunnel):
    authd, port, daemon, _ = given(lab, lambda authd: inside(authd, *tunnel), lets_in(*tunnel, "password"),
                                   "name=printer7")
    status = daemon.status(port)
    lab.equal((status["Authorised"], status["Credential"], status["Generation"]), (True, "account", 1), "what it shows")
    lab.check(port.ping(), "traffic passes")
    shown = credential(daemon, "account")
    lab.equal((shown["Kind"], shown["UserName"], shown["NotAfter"]), ("password", "printer7", 0), "what is kept")
    password = secret(daemon, "account")["Secret"]
    kept = daemon.keystore / "account/1/secret"
    lab.equal((kept.read_bytes().hex(), stat.S_IMODE(kept.stat().st_mode)), (password, 0o600), "the file")
    never_told(lab, kept.read_text(), daemon.process, authd.process)
    lab.check(kept.read_text() not in daemon.ctl("status", "--json").stdout + daemon.ctl("credentials", "list").stdout,
              "nor is it shown")
    mark = daemon.mark()
    daemon.restart()
    daemon.expect(r"port\.authorised")
    lab.check(not daemon.said(r"credential\.conversation", mark), "it is not enrolled twice")


@test
def a_password_goes_with_mschapv2_where_its_hash_is_kept(lab):
    authd, port, daemon, _ = given(lab, lambda authd: inside(authd, "peap", "mschapv2"), {
        "Eap.Methods": "peap", "Enroll.Credentials": "password", "Enroll.Tunnels": "ttls", "Enroll.NtHash": "yes"})
    lab.equal(daemon.status(port)["InnerMethod"], "EAP-MSCHAPv2", "what runs inside")
    account, = authd.json("account", "list")
    lab.equal((account["hash"], account["nt_hash"], account["clear_text"]), (True, True, False), "what is kept of it")


@test
def a_certificate_profile_says_what_is_given(lab):
    authd, port = network(lab, lets_in(*TTLS, "certificate"), start=False)
    authd.add("profile", "printer", {"Certificate.Credentials": "password"})
    authd.start()
    daemon = machine(lab, port, inside(authd, *TTLS))
    done = enroll(daemon, token(authd, "profile=printer"))
    lab.equal(done.returncode, 0, f"latchkeyctl enroll: {done.stdout}{done.stderr}")
    lab.equal(daemon.json("credentials", "list")[0]["Name"], "account", "what is kept")


@test
def a_profile_gets_a_password_with_nobody_there(lab):
    authd, port = network(lab, lets_in(*TTLS, "password"))
    text = token(authd)
    daemon = machine(lab, port, start=False)
    daemon.add_profile("wired", {"Match.Name": port.interface,
                                 **inside(authd, *TTLS, **{"Enroll.TokenFile": keep_token(daemon, text)})})
    checked = daemon.ctl("check")
    lab.equal(checked.returncode, 0, f"latchkeyctl check: {checked.stdout}{checked.stderr}")
    daemon.start()
    daemon.expect(r"port\.authorised")
    lab.equal(authd.json("token", "list")[0]["used"], 1, "uses of the token")
    lab.check(credential(daemon, "account")["UserName"].startswith("m-"), "a name of the server's making")
    lab.check("All is well" in daemon.ctl("check").stdout, "latchkeyctl check, afterwards")


@test
def a_password_is_not_renewed(lab):
    _, _, daemon, _ = given(lab, lambda authd: inside(authd, *TTLS), lets_in(*TTLS, "password"))
    done = daemon.ctl("renew", "account")
    lab.equal(done.returncode, 1, "latchkeyctl renew")
    lab.check("latchkeyctl enroll" in done.stderr, f"what is said: {done.stderr}")


@each(("account", "remove"), ("machine", "revoke"))
def a_password_that_is_taken_back_opens_nothing_until_there_is_another(lab, command):
    authd, port, daemon, _ = given(lab, lambda authd: inside(authd, *TTLS),
                                   lets_in(*TTLS, "password", **{"Tunnel.Resumption": "no"}), "name=printer7")
    mark, end = daemon.mark(), authd.mark()
    authd.ctl(*command, "printer7", check=True)
    authd.expect(r"session\.closed", end)
    daemon.expect(r"port\.diagnosis .*id=inner-refused", mark)
    before = secret(daemon, "account")
    daemon.ctl("disconnect", check=True)
    done = enroll(daemon, token(authd, "name=printer7"))
    lab.equal(done.returncode, 0, f"latchkeyctl enroll: {done.stdout}{done.stderr}")
    lab.equal(daemon.status(port)["Generation"], 2, "the generation")
    lab.check(before != secret(daemon, "account"), "another password")


@test
def what_is_removed_is_waited_for(lab):
    authd, port, daemon, _ = given(lab, lambda authd: inside(authd, *TTLS), lets_in(*TTLS, "password"))
    daemon.ctl("credentials", "remove", "account", check=True)
    lab.until(lambda: daemon.status(port)["State"] == "waiting", "it waits")
    lab.equal(daemon.status(port)["Diagnosis"]["id"], "credential-awaited", "what the port shows")
    lab.check(not (daemon.keystore / "account").exists(), "nothing is left of it")


# ---- several --------------------------------------------------------------------------------------------

@test
def all_kinds_come_in_one_session(lab):
    authd, port, daemon, _ = given(lab, both(), BOTH)
    lab.equal(authd.json("token", "list")[0]["used"], 1, "uses of the token")
    status = daemon.status(port)
    lab.equal((status["Method"], status["InnerMethod"], status["Credential"]), ("EAP-TTLS", "PAP", "network"), "how")
    lab.check(port.ping(), "traffic passes")
    key = secret(daemon, "sensor")
    lab.equal((key["Kind"], len(key["Secret"])), ("symmetric", 64), "the key")
    file = daemon.dir / "sensor.hex"
    daemon.ctl("credentials", "export", "sensor", "--secret", f"--output={file}", check=True)
    lab.equal((file.read_text(), stat.S_IMODE(file.stat().st_mode)), (key["Secret"] + "\n", 0o600), "its file")
    lab.equal(daemon.ctl("credentials", "export", "network", "--secret").returncode, 1, "a certificate is no secret")
    never_told(lab, key["Secret"], daemon.process, authd.process)


@test
def a_renewal_is_of_the_certificate(lab):
    authd, port, daemon, _ = given(lab, both(), {**BOTH, "Enroll.AfterEnrolment": "accept"})
    before = secret(daemon, "account"), secret(daemon, "sensor")
    done = daemon.ctl("renew", "network")
    lab.equal(done.returncode, 0, f"latchkeyctl renew: {done.stdout}{done.stderr}")
    lab.equal(credential(daemon)["Generation"], 2, "the certificate")
    lab.equal((secret(daemon, "account"), secret(daemon, "sensor")), before, "the secrets")
    lab.check(port.ping(), "traffic passes")


# ---- what can go wrong ----------------------------------------------------------------------------------

@test
def a_server_that_gives_no_passwords_is_told_apart(lab):
    authd, port = network(lab, lets_in(*TTLS, "certificate"))
    daemon = machine(lab, port, inside(authd, *TTLS))
    done = enroll(daemon, token(authd))
    lab.equal(done.returncode, 1, "latchkeyctl enroll")
    diagnosis = daemon.status(port)["Diagnosis"]
    lab.equal(diagnosis["id"], "enroll-action-refused", "what the port shows")
    lab.check("certificate, which is not asked for" in str(diagnosis), f"why: {diagnosis}")
    lab.equal(authd.json("token", "list")[0]["used"], 0, "uses of the token")
    lab.equal(daemon.json("credentials", "list"), [credential(daemon, "machine")], "what is kept")


@test
def a_server_that_gives_half_of_it_is_not_asked_in_a_loop(lab):
    authd, port = network(lab, {**BOTH, "Enroll.Credentials": "certificate"})
    daemon = machine(lab, port, both())
    lab.equal(enroll(daemon, token(authd, "uses=5")).returncode, 1, "latchkeyctl enroll")
    lab.equal(daemon.status(port)["Diagnosis"]["id"], "enroll-nothing-done", "what the port shows")
    lab.check("no password for account" in str(daemon.status(port)["Diagnosis"]), "what is lacking is told")
    lab.equal(authd.json("token", "list")[0]["used"], 1, "uses of the token")


@test
def a_spent_token_takes_nothing_away(lab):
    _, port, daemon, text = given(lab, lambda authd: inside(authd, *TTLS), lets_in(*TTLS, "password"))
    before = secret(daemon, "account")
    lab.equal(enroll(daemon, text).returncode, 1, "latchkeyctl enroll")
    lab.until(lambda: daemon.status(port)["Authorised"], "the port is open again")
    lab.equal(secret(daemon, "account"), before, "the password")


@test
def a_keystore_that_cannot_be_written_is_told(lab):
    authd, port = network(lab, lets_in(*TTLS, "password"))
    daemon = machine(lab, port, inside(authd, *TTLS), start=False)
    daemon.under = ["unshare", "--mount", "sh", "-ec",
                    f"mount --bind {daemon.keystore} {daemon.keystore}\n"
                    f"mount -o remount,bind,ro {daemon.keystore}\nexec \"$@\"", "sh"]
    daemon.start()
    lab.equal(enroll(daemon, token(authd)).returncode, 1, "latchkeyctl enroll")
    diagnosis = daemon.status(port)["Diagnosis"]
    lab.equal(diagnosis["id"], "enroll-storage", "what the port shows")
    lab.check("read-only" in str(diagnosis), f"why: {diagnosis}")
    lab.check(not (daemon.keystore / "account").exists(), "nothing is left of it")


if __name__ == "__main__":
    main()
