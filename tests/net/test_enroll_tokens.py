"""By what else a machine may be enrolled: tokens of somebody else, who is asked about them, and a factory certificate
inside of the tunnel; and the type of the method, where both ends agree on another."""
import json
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, HTTPServer

from enrolling import SERVER, credential, keep_token, machine, network, token
from lab import each, main, test

PORT = 8830
JWT = "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJwYzcrL349In0.c2lnbmF0dXJl"
SECRET = "of the server"


class Verifier:
    """An introspection endpoint (RFC 7662): knows one token, and remembers what it was asked."""

    def __init__(self, lab, ns, answer, status=200):
        self.answer, self.status, self.asked = answer, status, []
        verifier = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                verifier.asked.append((form, self.headers["Authorization"]))
                known = form.get("token") == [JWT] and self.headers["Authorization"] == f"Bearer {SECRET}"
                body = json.dumps(verifier.answer if known else {"active": False}).encode()
                self.send_response(verifier.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ns.inside(lambda: HTTPServer(("127.0.0.1", PORT), Handler))
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        lab.owns(self)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def anchor(authd):
    """The root of its authority, for a machine that is to know the server."""
    file = authd.dir / "root.pem"
    file.write_text(authd.ctl("ca", "export", check=True).stdout)
    return file


def foreign(lab, kind, answer=None, profile=None, **kwargs):
    """A server that asks a verifier about tokens of this kind, and a machine that knows the server and has one."""
    secret = lab.folder("secrets") / "verifier"
    secret.touch(mode=0o600)
    secret.write_text(SECRET + "\n")
    authd, port = network(lab, {"Enroll.Authorise": f"certificate {kind}", "Enroll.SecretFile": secret,
                                "Enroll.TokenVerifier": f"http://127.0.0.1:{PORT}/introspect"},
                          port={"Port.QuietPeriod": "100ms"})
    verifier = Verifier(lab, authd.ns, answer or {"active": True, "latchkey_name": "pc7"}, **kwargs)
    daemon = machine(lab, port, {"Enroll.Tunnel": "ttls", "Enroll.TokenType": kind, "Server.TrustAnchor": anchor(authd),
                                 "Server.ServerName": SERVER, **(profile or {})})
    return authd, port, daemon, verifier


def enroll(daemon, text=JWT):
    return daemon.ctl("enroll", f"--token-file={keep_token(daemon, text)}")


def refused(lab, daemon, port, name):
    lab.equal(daemon.status(port)["Diagnosis"]["id"], name, "what the port shows")
    lab.equal(daemon.ctl("credentials", "show", "network").returncode, 1, "nothing was installed")


# ---- tokens of somebody else -----------------------------------------------------------------------------

@each("jwt", "oauth")
def a_token_of_somebody_else_enrolls(lab, kind):
    authd, port, daemon, verifier = foreign(lab, kind)
    done = enroll(daemon)
    lab.equal(done.returncode, 0, f"latchkeyctl enroll: {done.stdout}{done.stderr}")
    lab.check(port.passes(), "traffic passes")
    lab.equal(credential(daemon)["Subject"], "CN=pc7", "its name, as the verifier has it")
    (form, proof), = verifier.asked
    lab.equal(form["token"], [JWT], "what the verifier was asked")
    lab.equal(form.get("token_type_hint"), ["access_token"] if kind == "oauth" else None, "the kind of it")
    for who in authd, daemon:
        lab.check(JWT[-20:] not in "".join(map(str, who.process.lines)), "the token is in no log")
    lab.check(JWT[-20:] not in daemon.ctl("status").stdout + authd.ctl("audit").stdout, "nor shown")


@test
def a_token_in_a_file_enrolls_with_nobody_there(lab):
    authd, port, daemon, verifier = foreign(lab, "jwt", profile={"Enroll.TokenFile": "/none"})
    daemon.add_profile("wired", {
        "Match.Name": port.interface, "TLS.Credential": "network", "Server.TrustAnchor": anchor(authd),
        "Server.ServerName": SERVER, "Enroll.TokenType": "jwt", "Enroll.TokenFile": keep_token(daemon, JWT)})
    daemon.reload()
    daemon.expect(r"port\.authorised")
    lab.check(port.passes(), "traffic passes")


@test
def a_token_that_is_not_active_is_refused(lab):
    authd, port, daemon, verifier = foreign(lab, "jwt", {"active": False})
    lab.equal(enroll(daemon).returncode, 1, "latchkeyctl enroll")
    refused(lab, daemon, port, "enroll-token-refused")
    authd.expect(r"enroll\.refuse .*not active")
    verifier.answer = {"active": True}
    lab.equal(enroll(daemon).returncode, 0, "latchkeyctl enroll, when it is")


@test
def a_verifier_that_fails_is_told(lab):
    authd, port, daemon, verifier = foreign(lab, "oauth", status=500)
    lab.equal(enroll(daemon).returncode, 1, "latchkeyctl enroll")
    refused(lab, daemon, port, "enroll-internal")
    authd.expect(r"enroll\.refuse .*TokenVerifier= answers with status 500")
    verifier.close()
    lab.disowns(verifier)
    lab.equal(enroll(daemon).returncode, 1, "latchkeyctl enroll")
    authd.expect(r"enroll\.refuse .*TokenVerifier= cannot be asked")


@test
def a_kind_that_the_server_does_not_take_is_refused(lab):
    authd, port, daemon, verifier = foreign(lab, "jwt")
    authd.configure({"Enroll.Authorise": "certificate token"})
    authd.reload()
    done = enroll(daemon)
    lab.equal(done.returncode, 1, "latchkeyctl enroll")
    lab.equal(verifier.asked, [], "what the verifier was asked")
    refused(lab, daemon, port, daemon.status(port)["Diagnosis"]["id"])
    # One of its own works at once: nobody is asked.
    done = enroll(daemon, token(authd))
    lab.equal(done.returncode, 0, f"latchkeyctl enroll: {done.stdout}{done.stderr}")
    lab.equal(verifier.asked, [], "what the verifier was asked")


@test
def a_token_goes_to_no_server_but_the_one_that_is_named(lab):
    authd, port, daemon, verifier = foreign(lab, "jwt", profile={"Server.ServerName": "other.example.org"})
    lab.equal(enroll(daemon).returncode, 1, "latchkeyctl enroll")
    refused(lab, daemon, port, "server-name-mismatch")
    lab.equal(verifier.asked, [], "what the verifier was asked")


@test
def a_profile_that_names_no_server_is_refused(lab):
    _, port = network(lab)
    daemon = machine(lab, port, {"Enroll.TokenType": "jwt"}, start=False)
    done = daemon.ctl("check", daemon.profiles / "wired.profile")
    lab.check(done.returncode != 0 and "TrustAnchor" in done.stdout + done.stderr, f"{done.stdout}{done.stderr}")


# ---- a factory certificate inside of the tunnel --------------------------------------------------------------

@each("teap", "ttls")
def a_factory_certificate_is_a_token(lab, tunnel):
    factory = lab.pki().root
    authd, port = network(lab, {"Enroll.FactoryAnchors": factory.cert, "Enroll.Authorise": "certificate-token"},
                          start=False)
    authd.add("rule", "factory", {"Match.Dns": "*", "Decision.Action": "enroll"})
    authd.start()
    daemon = machine(lab, port, {"Enroll.Tunnel": tunnel, "Enroll.FactoryProof": "token",
                                 "Server.TrustAnchor": anchor(authd), "Server.ServerName": SERVER})
    done = daemon.ctl("enroll", "--factory=machine")
    lab.equal(done.returncode, 0, f"latchkeyctl enroll: {done.stdout}{done.stderr}")
    lab.check(port.passes(), "traffic passes")


# ---- the type of the method -------------------------------------------------------------------------------------

@test
def both_ends_agree_on_another_type(lab):
    authd, port = network(lab, {"Enroll.EapType": "65535:7"}, port={"Port.QuietPeriod": "100ms"})
    daemon = machine(lab, port, {"Enroll.Tunnel": "ttls", "Enroll.EapType": "65535:7"})
    done = daemon.ctl("enroll", f"--token={token(authd)}")
    lab.equal(done.returncode, 0, f"latchkeyctl enroll: {done.stdout}{done.stderr}")
    lab.check(port.passes(), "traffic passes")


@test
def one_end_alone_does_not(lab):
    authd, port = network(lab, {"Enroll.EapType": "65535:7"}, port={"Port.QuietPeriod": "100ms"})
    daemon = machine(lab, port)
    lab.equal(daemon.ctl("enroll", f"--token={token(authd)}").returncode, 1, "latchkeyctl enroll")
    refused(lab, daemon, port, "enroll-not-offered")


if __name__ == "__main__":
    main()
