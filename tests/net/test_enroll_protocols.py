"""The other provisioning protocols, between our machine and our server with an authority of its own:
CMP and EST; first certificates, renewals, and an authority that is rolled over."""
from enrolling import credential, enroll, machine, network, token
from lab import each, main

CASES = [f"{tunnel} {protocol}" for tunnel in ("ttls", "teap") for protocol in ("cmp", "est")]
NAMES = {"cmp": "CMP", "cmp-basic": "CMP", "est": "EST"}


def enrolled(lab, case):
    tunnel, protocol = case.split()
    authd, port = network(lab, {"Enroll.Protocols": protocol, "Enroll.AfterEnrolment": "accept"})
    daemon = machine(lab, port, {"Enroll.Tunnel": tunnel, "Enroll.Protocols": protocol})
    done = enroll(daemon, token(authd), "--name=pc7")
    lab.equal(done.returncode, 0, f"latchkeyctl enroll: {done.stdout}{done.stderr}")
    daemon.expect(rf"credential\.progress .*step=received protocol={NAMES[protocol]}")
    return authd, port, daemon


def renewed(lab, daemon, generation):
    done = daemon.ctl("renew", "network")
    lab.equal(done.returncode, 0, f"latchkeyctl renew: {done.stdout}{done.stderr}")
    after = credential(daemon)
    lab.equal(after["Generation"], generation, "the generation")
    return after


@each(*CASES, "ttls cmp-basic", "teap cmp-basic")
def a_machine_is_registered(lab, case):
    """The basic form of CMP brings no anchor: the machine has the root that its token pins."""
    authd, port, daemon = enrolled(lab, case)
    lab.check(port.passes(), "traffic passes")
    lab.check("pc7" in credential(daemon)["Subject"], "its name")
    lab.equal(len(authd.json("machine", "list")), 1, "machines that the server knows")


@each(*CASES)
def a_machine_renews(lab, case):
    authd, port, daemon = enrolled(lab, case)
    before = credential(daemon)
    after = renewed(lab, daemon, 2)
    lab.check(before["Serial"] != after["Serial"], "another certificate")
    lab.equal(before["Subject"], after["Subject"], "the name")
    renewed(lab, daemon, 3)
    lab.check(port.passes(), "traffic passes")


@each(*CASES)
def an_authority_is_rolled_over(lab, case):
    authd, port, daemon = enrolled(lab, case)
    authd.ctl("ca", "rollover", check=True)
    authd.reload()
    renewed(lab, daemon, 2)
    lab.check(port.passes(), "traffic passes with a certificate by the new authority")
    daemon.restart()
    daemon.expect(r"port\.authorised")


if __name__ == "__main__":
    main()
