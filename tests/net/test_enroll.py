"""A machine that has a token and nothing else: enrolled, let in, renewed; and what can go wrong."""
import json

from enrolling import SERVER, credential, enroll, keep_token, machine, network, token
from lab import BUILD, Process, each, main, test
from wire import EAP, START, parse

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
    lab.check(port.passes(), "traffic passes after")
    status = daemon.status(port)
    lab.equal((status["Method"], status["Credential"], status["Generation"]), ("EAP-TLS", "network", 1), "what it shows")
    lab.check(text[-8:] not in "".join(map(str, daemon.process.lines)), "the token is not in the log")
    lab.equal(authd.json("status")["sessions"], 1, "sessions that the server counts")
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
    lab.check(port.passes(), "traffic passes")
    lab.equal(authd.json("token", "list")[0]["used"], 1, "uses of the token")
    lab.equal(len(authd.json("machine", "list")), 1, "machines that the server knows")


@test
def who_lets_in_at_once_sees_the_certificate_too(lab):
    authd, port = network(lab, {"Enroll.AfterEnrolment": "accept"})
    daemon = machine(lab, port)
    lab.equal(daemon.ctl("enroll", f"--token={token(authd)}").returncode, 0, "latchkeyctl enroll")
    lab.equal(daemon.status(port)["Method"], "EAP-TLS", "the method")
    lab.check(port.passes(), "traffic passes")


class LostStarts:
    """A wire that loses so many EAPOL-Starts once somebody was let in."""

    def __init__(self, number):
        self.left, self.success, self.lost = number, False, 0

    def __call__(self, towards, raw):
        frame = parse(raw)
        if frame and towards == "peer" and frame.type == 0 and frame.body[:1] == b"\x03":
            self.success = True
        if not (frame and towards == "switch" and frame.type == START and self.success and self.left > 0):
            return [raw]
        self.left, self.lost = self.left - 1, self.lost + 1
        return []


@test
def silence_after_an_enrolment_is_no_end(lab):
    authd, port = network(lab, {"Enroll.AfterEnrolment": "accept"}, wire={})
    port.cable.change = LostStarts(6)
    daemon = machine(lab, port, {"Enroll.Tunnel": "ttls", "EAPOL.StartFirst": "100ms", "EAPOL.StartCeiling": "100ms",
                                 "EAPOL.StartMax": 4})
    done = enroll(daemon, token(authd))
    lab.equal(done.returncode, 0, f"latchkeyctl enroll: {done.stdout}{done.stderr}")
    lab.equal(port.cable.change.lost, 6, "Starts that were lost")
    lab.equal(daemon.status(port)["Method"], "EAP-TLS", "the method")
    lab.equal(daemon.status(port)["Diagnosis"], {}, "what it shows")


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


# ---- what is waited for ------------------------------------------------------------------------------

class Enrolment:
    """`latchkeyctl enroll --json`, or another command that is followed, while it goes on."""

    def __init__(self, lab, daemon, *words):
        self.lab = lab
        self.process = Process(lab, [BUILD / "latchkeyctl", "--config", daemon.file, "--json", *words], ns=daemon.ns,
                               env=daemon.environment, name=f"latchkeyctl {words[0]}")

    def waits(self, pattern):
        self.process.expect(rf'"Step":"waiting","Detail":"[^"]*{pattern}')

    def ends_well(self):
        self.lab.equal(self.process.wait(), 0, f"the end of it: {self.process.lines}")


@test
def a_cable_that_is_out_is_waited_for(lab):
    authd, port = network(lab)
    daemon = machine(lab, port)
    port.cable.unplug()
    lab.until(lambda: not daemon.status(port)["Carrier"], "the cable is out")
    enrolment = Enrolment(lab, daemon, "enroll", f"--token={token(authd)}")
    enrolment.waits("cable")
    port.cable.plug()
    enrolment.ends_well()


@test
def silence_is_told(lab):
    authd, port = network(lab, wire={"loss": 1})
    daemon = machine(lab, port, {"Enroll.Tunnel": "ttls", "EAPOL.StartFirst": "100ms", "EAPOL.StartMax": 3})
    enrolment = Enrolment(lab, daemon, "enroll", f"--token={token(authd)}")
    enrolment.waits("asked again in 1 s")
    enrolment.waits("listening from now on")
    port.cable.impair(loss=0)
    Enrolment(lab, daemon, "enroll", f"--token={token(authd)}", "--name=pc8").ends_well()
    enrolment.ends_well()


@test
def an_authentication_that_goes_on_comes_first(lab):
    authd, port = network(lab, {"Enroll.AfterEnrolment": "accept"}, wire={})
    daemon = machine(lab, port)
    lab.equal(enroll(daemon, token(authd)).returncode, 0, "latchkeyctl enroll")
    text = token(authd)

    def hold(towards, raw):
        """It ends when we let it: what EAP-TLS says does not come through until then."""
        frame = parse(raw)
        return [] if frame and frame.type == EAP and towards == "peer" and frame.body[4:5] == b"\x0d" else [raw]

    port.cable.change = hold
    daemon.ctl("reauth", check=True)
    lab.until(lambda: daemon.status(port)["PAEState"] == "AUTHENTICATING", "the authentication")
    enrolment = Enrolment(lab, daemon, "enroll", f"--token={text}", "--name=pc8")
    enrolment.waits("authentication is going on")
    port.cable.change = None
    enrolment.ends_well()
    lab.equal(credential(daemon)["Generation"], 2, "the generation")


@test
def a_renewal_without_a_port_says_so(lab):
    authd, port = network(lab, {"Enroll.AfterEnrolment": "accept"})
    daemon = machine(lab, port)
    lab.equal(enroll(daemon, token(authd)).returncode, 0, "latchkeyctl enroll")
    port.cable.unplug()
    lab.until(lambda: not daemon.status(port)["Carrier"], "the cable is out")
    renewal = Enrolment(lab, daemon, "renew", "network")
    renewal.waits("no port")
    port.cable.plug()
    renewal.ends_well()


# ---- renewal ------------------------------------------------------------------------------------------

@each("teap", "ttls")
def a_renewal_loses_no_packet(lab, tunnel):
    authd, port = network(lab, {"Enroll.AfterEnrolment": "accept"})
    daemon = machine(lab, port, {"Enroll.Tunnel": tunnel})
    lab.equal(enroll(daemon, token(authd)).returncode, 0, "latchkeyctl enroll")
    lab.check(port.passes(), "traffic passes")
    before = credential(daemon)
    traffic = port.traffic()
    done = daemon.ctl("renew", "network")
    lab.equal(done.returncode, 0, f"latchkeyctl renew: {done.stdout}{done.stderr}")
    traffic.over()
    after = credential(daemon)
    lab.equal(after["Generation"], 2, "the generation")
    lab.check(before["Serial"] != after["Serial"], "another certificate")
    lab.check(daemon.said(r"credential\.settled .*generation=2"), "it has proved itself")
    lab.equal(daemon.status(port)["Generation"], 2, "what the port shows")


# ---- what can go wrong ----------------------------------------------------------------------------------

@test
def a_spent_token_is_told_and_not_tried_in_a_loop(lab):
    authd, port = network(lab)
    text = token(authd)
    authd.ctl("token", "revoke", authd.json("token", "list")[0]["token"], check=True)
    daemon = lab.latchkeyd(port, bus=lab.bus(), start=False)
    file = keep_token(daemon, text)
    daemon.add_profile("wired", {
        "Match.Name": port.interface, "TLS.Credential": "network", "Server.TrustAnchor": None,
        "Server.ServerName": None, "EAPOL.StartFirst": "250ms", "Enroll.TokenFile": file})
    daemon.start()
    daemon.expect(r"credential\.outcome .*outcome=refused id=enroll-token-refused")
    lab.until(lambda: daemon.status(port)["State"] == "waiting", "it waits")
    diagnosis = daemon.status(port)["Diagnosis"]
    lab.equal(diagnosis["id"], "enroll-token-refused", "the diagnosis")
    lab.check("retry" in diagnosis["evidence"], f"when it is tried again: {diagnosis}")
    mark = daemon.mark()
    port.cable.unplug()
    port.cable.plug()
    lab.until(lambda: daemon.status(port)["Carrier"], "the cable is in again")
    lab.check(not daemon.said(r"credential\.conversation", mark), "a new cable is no reason to try again")

    # A reload is, and so is another token.
    keep_token(daemon, token(authd))
    daemon.reload()
    daemon.expect(r"port\.authorised")
    lab.until(port.ping, "traffic passes")


@test
def without_a_token_there_is_nothing_to_enroll_with(lab):
    _, port = network(lab)
    daemon = machine(lab, port)
    done = daemon.ctl("enroll")
    lab.equal(done.returncode, 1, "latchkeyctl enroll")
    told = " ".join(done.stderr.split())
    lab.check("nothing to enroll" in told and "--token-file" in told, f"what it says, and advises: {told}")
    lab.equal(daemon.status(port)["State"], "waiting", "the state")
    lab.equal(daemon.status(port)["Diagnosis"]["id"], "credential-awaited", "what the port shows")


@test
def check_knows_what_is_to_be_had(lab):
    port = lab.port(authenticator=False)
    daemon = machine(lab, port, start=False)

    def checked(status, words, settings=None):
        daemon.add_profile("wired", {"Match.Name": port.interface, "TLS.Credential": "network", "Enroll.Tunnel": "ttls",
                                     "Server.TrustAnchor": None, "Server.ServerName": None, **(settings or {})})
        done = daemon.ctl("check")
        told = " ".join(done.stdout.split())
        lab.equal(done.returncode, status, f"its exit status: {told}")
        lab.check(words in told and "credentials import" not in told, f"what it says: {told}")

    checked(0, "usable, but The credential network is not there yet")
    checked(0, "nothing to enroll with", {"Enroll.TokenFile": "/none"})
    checked(1, "not usable", {"Enroll.Token": "LK1-nonsense"})
    checked(0, "not there yet", {"Enroll.TokenFile": keep_token(daemon, token(network(lab)[0]))})


@test
def a_typing_error_is_told_at_once(lab):
    authd, port = network(lab)
    daemon = machine(lab, port)
    text = token(authd)
    done = enroll(daemon, text[:-1] + ("0" if text[-1] != "0" else "1"))
    lab.equal(done.returncode, 1, "latchkeyctl enroll")
    lab.check(not daemon.said(r"port\.attempt"), "the network was not asked")


@test
def a_typing_error_takes_nothing_back(lab):
    authd, port = network(lab, wire={"loss": 1})
    daemon = machine(lab, port, {"Enroll.Tunnel": "ttls", "EAPOL.StartFirst": "100ms", "EAPOL.StartCeiling": "100ms",
                                 "EAPOL.StartMax": 1000})
    enrolment = Enrolment(lab, daemon, "enroll", f"--token={token(authd)}")
    enrolment.waits("no answer")
    lab.equal(daemon.ctl("enroll", "--token=nonsense").returncode, 1, "another token")
    port.cable.impair(loss=0)
    enrolment.ends_well()


@test
def a_renewal_that_is_refused_leaves_the_port_open(lab):
    authd, port = network(lab, {"Enroll.AfterEnrolment": "accept"})
    daemon = machine(lab, port)
    lab.equal(enroll(daemon, token(authd)).returncode, 0, "latchkeyctl enroll")
    authd.configure({"Enroll.Actions": "register"})
    authd.reload()
    done = daemon.ctl("renew")
    lab.equal(done.returncode, 1, f"latchkeyctl renew: {done.stdout}{done.stderr}")
    lab.until(lambda: daemon.status(port)["Authorised"], "the port is open")
    lab.check(port.passes(), "traffic passes")
    lab.equal(credential(daemon)["Generation"], 1, "the generation")
    lab.equal(daemon.status(port)["Diagnosis"]["id"], "renewal-failed", "what the port shows")
    authd.configure({"Enroll.Actions": None})
    authd.reload()
    lab.equal(daemon.ctl("renew").returncode, 0, "latchkeyctl renew, when it is allowed again")
    lab.equal(daemon.status(port)["Diagnosis"], {}, "what the port shows then")


@test
def a_token_may_say_what_the_machine_is_called(lab):
    authd, port = network(lab, {"Enroll.AfterEnrolment": "accept"})
    daemon = machine(lab, port)
    done = enroll(daemon, token(authd, "name=pc7"))
    lab.equal(done.returncode, 0, f"latchkeyctl enroll: {done.stdout}{done.stderr}")
    lab.equal(credential(daemon)["Subject"], "CN=pc7", "its name")
    done = daemon.ctl("renew")
    lab.equal(done.returncode, 0, f"latchkeyctl renew: {done.stdout}{done.stderr}")
    lab.equal((credential(daemon)["Subject"], credential(daemon)["Generation"]), ("CN=pc7", 2), "after the renewal")


@test
def a_restart_in_the_middle_of_a_trial_goes_on_with_it(lab):
    authd, port = network(lab, {"Enroll.AfterEnrolment": "accept"})
    daemon = machine(lab, port)
    lab.equal(enroll(daemon, token(authd)).returncode, 0, "latchkeyctl enroll")
    daemon.ctl("renew", "--wait=0")
    daemon.expect(r"credential\.outcome .*action=renew outcome=installed")
    daemon.kill()
    lab.disowns(daemon.process)
    daemon.start()
    daemon.expect(r"port\.authorised")
    lab.check(port.passes(), "traffic passes")
    lab.equal(credential(daemon)["Generation"], 2, "the generation")


@test
def a_factory_certificate_takes_the_place_of_a_token(lab):
    factory = lab.pki().root
    authd, port = network(lab, {"Enroll.FactoryAnchors": factory.cert}, start=False)
    authd.add("rule", "factory", {"Match.Dns": "*", "Decision.Action": "enroll"})
    authd.start()
    anchor = authd.dir / "root.pem"
    anchor.write_text(authd.ctl("ca", "export", check=True).stdout)
    daemon = machine(lab, port, {"Enroll.Tunnel": "teap", "Server.TrustAnchor": anchor, "Server.ServerName": SERVER})
    done = daemon.ctl("enroll", "--factory=machine")
    lab.equal(done.returncode, 0, f"latchkeyctl enroll: {done.stdout}{done.stderr}")
    lab.check(port.passes(), "traffic passes")


if __name__ == "__main__":
    main()
