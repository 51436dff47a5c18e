"""A machine that has a token and nothing else: enrolled, let in, renewed; and what can go wrong."""
import json
import os
import signal

from authd import guarded
from diagnosed import shows
from lab import Failed, each, main, test

SERVER = "radius.example.org"


def network(lab, settings=None, start=True):
    """A guarded port, and a server with an authority of its own that knows no machine yet."""
    authd, port = guarded(lab, start=False, settings={
        "Tls.Credential": "radius", "Tls.ClientAnchors": None, "Authority.Credential": "ca-issuing",
        "Enroll.Enabled": "yes", **(settings or {})})
    authd.ctl("ca", "init", "name=Example", f"server={SERVER}", check=True)
    if start:
        authd.start()
    return authd, port


def token(authd, *words):
    return authd.json("token", "create", *words)["text"]


def machine(lab, port, settings=None, given=None, **kwargs):
    """latchkeyd without a credential, and without an idea of whom to trust."""
    daemon = lab.latchkeyd(port, bus=lab.bus(), start=False, profile={
        "TLS.Credential": "network", "Server.TrustAnchor": None, "Server.ServerName": None,
        "EAPOL.StartFirst": "250ms", "EAPOL.HeldPeriod": "2s", **(settings or {"Enroll.Tunnel": "ttls"})}, **kwargs)
    if given:
        keep_token(daemon, given)
    daemon.start()
    return daemon


def keep_token(daemon, text):
    """Where TokenFile= points to."""
    file = daemon.dir / "token"
    file.touch(mode=0o600)
    file.write_text(text + "\n")
    return file


def enroll(daemon, text, *words):
    """`latchkeyctl enroll` with this token."""
    return daemon.ctl("enroll", f"--token-file={keep_token(daemon, text)}", *words)


def credential(daemon, name="network"):
    return daemon.json("credentials", "show", name)


# ---- first time ---------------------------------------------------------------------------------------

@each("teap", "ttls")
def a_token_opens_the_port(lab, tunnel):
    authd, port = network(lab)
    text = token(authd)
    daemon = machine(lab, port, {"Enroll.Tunnel": tunnel})
    lab.equal(daemon.status(port)["State"], "waiting", "the state before")
    lab.check(not port.ping(), "nothing passes before")
    done = enroll(daemon, text, port.interface)
    lab.equal(done.returncode, 0, f"latchkeyctl enroll: {done.stdout}{done.stderr}")
    lab.check(port.ping(), "traffic passes after")
    status = daemon.status(port)
    lab.equal((status["Method"], status["Credential"], status["Generation"]), ("EAP-TLS", "network", 1), "what it shows")
    lab.check(text[-8:] not in "".join(map(str, daemon.process.lines)), "the token is not in the log")
    mark = daemon.mark()
    daemon.restart()
    daemon.expect(r"port\.authorised")
    lab.check(not daemon.said(r"credential\.conversation"), "it is not enrolled twice")


@test
def a_profile_enrolls_with_nobody_there(lab):
    authd, port = network(lab)
    text = token(authd)
    daemon = lab.latchkeyd(port, bus=lab.bus(), start=False)
    file = keep_token(daemon, text)
    daemon.add_profile("wired", {
        "Match.Name": port.interface, "TLS.Credential": "network", "Server.TrustAnchor": None,
        "Server.ServerName": None, "Enroll.Tunnel": "ttls", "Enroll.TokenFile": file})
    daemon.start()
    daemon.expect(r"credential\.outcome .*outcome=installed")
    daemon.expect(r"port\.authorised")
    lab.check(port.ping(), "traffic passes")
    lab.equal(authd.json("token", "list")[0]["used"], 1, "uses of the token")
    lab.equal(len(authd.json("machine", "list")), 1, "machines that the server knows")


@test
def who_lets_in_at_once_sees_the_certificate_too(lab):
    authd, port = network(lab, {"Enroll.AfterEnrolment": "accept"})
    daemon = machine(lab, port)
    lab.equal(daemon.ctl("enroll", f"--token={token(authd)}").returncode, 0, "latchkeyctl enroll")
    lab.equal(daemon.status(port)["Method"], "EAP-TLS", "the method")
    lab.check(port.ping(), "traffic passes")


@test
def every_step_is_an_event(lab):
    authd, port = network(lab)
    daemon = machine(lab, port)
    done = enroll(daemon, token(authd), "--json", "--name=pc7")
    lab.equal(done.returncode, 0, f"latchkeyctl enroll: {done.stderr}")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    steps = [e["Step"] for e in events if e["Event"] == "EnrollmentProgress"]
    lab.equal(steps[0], "tunnel", "the first step")
    lab.equal(steps[-1], "done", "the last step")
    lab.check("key-generated" in steps and "stored" in steps, f"what is between: {steps}")
    lab.equal(events[-1]["Success"], True, "the end")
    lab.check("pc7" in credential(daemon)["Subject"], "its name")


# ---- renewal ------------------------------------------------------------------------------------------

@each("teap", "ttls")
def a_renewal_loses_no_packet(lab, tunnel):
    authd, port = network(lab, {"Enroll.AfterEnrolment": "accept"})
    daemon = machine(lab, port, {"Enroll.Tunnel": tunnel})
    lab.equal(enroll(daemon, token(authd)).returncode, 0, "latchkeyctl enroll")
    lab.check(port.ping(), "traffic passes")
    before = credential(daemon)
    ping = lab.process(["ping", "-n", "-i0.05", port.switch_address], ns=port.peer)
    done = daemon.ctl("renew", "network")
    lab.equal(done.returncode, 0, f"latchkeyctl renew: {done.stdout}{done.stderr}")
    ping.signal(signal.SIGINT)
    ping.wait()
    ping.expect(r" 0% packet loss")
    after = credential(daemon)
    lab.equal(after["Generation"], 2, "the generation")
    lab.check(before["Serial"] != after["Serial"], "another certificate")
    lab.check(daemon.said(r"credential\.settled .*generation=2"), "it has proved itself")
    lab.equal(daemon.status(port)["Generation"], 2, "what the port shows")


if __name__ == "__main__":
    main()
