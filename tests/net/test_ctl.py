"""latchkeyctl and the bus with the real service and a real authenticator."""
import json

from lab import main, test
from machine import PATIENT


@test
def a_person_sees_the_port_open(lab):
    port = lab.port(tls=["1.3"])
    daemon = lab.latchkeyd(port, bus=lab.bus())
    port.expect_open()
    status = daemon.ctl("status", check=True).stdout
    for word in ["authorised", "EAP-TLS, TLSv1.3", "SHA-256", "valid until", "PAE AUTHENTICATED"]:
        lab.check(word in status, f"status says {word}")
    shown = daemon.json("status")[0]
    lab.check(shown["Authorised"] is True and shown["Diagnosis"] == {}, "the same as values")
    lab.check(daemon.ctl("diagnose").returncode == 0, "nothing to diagnose")
    lab.check("All is well" in daemon.ctl("check", check=True).stdout, "a check finds nothing")
    lab.check(daemon.json("profiles")[0]["Usable"] is True, "its profile can be used")


@test
def disconnect_connect_and_reauth_tell_the_outcome(lab):
    port = lab.port()
    daemon = lab.latchkeyd(port, bus=lab.bus(), profile=PATIENT)
    port.expect_open()
    daemon.ctl("disconnect", check=True)
    lab.check(daemon.json("status")[0]["State"] == "disconnected", "it is disconnected")
    connected = daemon.ctl("connect", "--wait=60")
    lab.check(connected.returncode == 0 and "authorised" in connected.stdout, connected.stderr)
    again = daemon.ctl("reauth", "--wait=60")
    lab.check(again.returncode == 0 and "authorised" in again.stdout, again.stderr)


@test
def a_failure_is_diagnosed_with_its_evidence(lab):
    port = lab.port(server=lab.pki().expired_server)
    daemon = lab.latchkeyd(port, bus=lab.bus(), profile={"Match.AutoConnect": "no"})
    failed = daemon.ctl("connect", "--wait=60")
    lab.check(failed.returncode == 1 and "expired" in failed.stderr, "connect --wait tells why")
    found = json.loads(daemon.ctl("--json", "diagnose").stdout)
    lab.check(found["Diagnosis"]["id"] == "server-cert-expired", "diagnose has its id")
    lab.check("not_after" in found["Diagnosis"]["evidence"], "and its evidence")
    daemon.expect(r'port\.evidence port=eth0 id=server-cert-expired .*not_after="20')


@test
def a_profile_with_errors_is_shown_with_them(lab):
    port = lab.port()
    daemon = lab.latchkeyd(port, bus=lab.bus())
    port.expect_open()
    (daemon.profiles / "torn.profile").write_text("[Match]\nNmae=eth*\n[TLS]\nCredential=machine\n")
    daemon.reload()
    torn = {p["Name"]: p for p in daemon.json("profiles")}["torn"]
    lab.check(not torn["Usable"] and torn["Path"].endswith("/torn.profile"), "it is not usable")
    lab.equal(torn["Diagnosis"]["id"], "config-wrong", "its diagnosis")
    lab.check(torn["Diagnosis"]["evidence"]["file"].endswith("torn.profile:2"), "its line is named")
    lab.check("torn.profile:2: [Match] Nmae=" in daemon.ctl("profiles").stdout, "and the key")
    lab.equal(daemon.json("status", "eth0")["Profile"], "wired", "the profile of the port")
    removed = daemon.ctl("--json", "credentials", "import", "other", daemon.client.cert, daemon.client.key)
    lab.equal(removed.returncode, 1, "an import that the service reads with errors")
    said = json.loads(removed.stdout)
    lab.check("Imported" in said and "Message" in said, "one value says that it is done, and of the errors")


@test
def the_monitor_sees_the_attempt_end(lab):
    port = lab.port()
    daemon = lab.latchkeyd(port, bus=lab.bus())
    port.expect_open()
    follow = daemon.follow()
    lab.check(daemon.ctl("reauth", "--wait=60").returncode == 0, "it is authenticated again")
    follow.expect('"AttemptEnded"')


if __name__ == "__main__":
    main()
