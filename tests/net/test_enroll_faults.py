"""Machine or server killed at any instant of an enrolment or a renewal, and enrolments over bad cables.

LAB_KILLS says how many times in all, LAB_SEED by which dice. Afterwards, each time: the machine gets in, with what it
had or with what it was given; nobody has a certificate that the server does not know; no token was worth more than
it says; the audit trail is whole.
"""
import os
import random
import shutil
import time

from dying import Truth
from lab import each, main
from enrolling import keep_token, machine, network, token

KILLS = int(os.environ.get("LAB_KILLS", "60"))
SEED = os.environ.get("LAB_SEED", "1")

BEGUN, OPEN = r"port\.attempt", r"port\.authorised"
FAILED = r"outcome=(failed|refused)|id=no-authenticator"
# Due from the first moment on: who has such a certificate renews it, again and again.
ALWAYS_DUE = "[Certificate]\nLifetime=20m\nBackdate=10m\n"


class Lives:
    """One machine and one server, that live and die many times."""

    def __init__(self, lab, tunnel, profile="", **kwargs):
        self.lab, self.dice = lab, random.Random(f"{SEED} {tunnel} {profile}")
        # So many lives in a second are more than a port would have patience with.
        self.authd, self.port = network(lab, {"Enroll.AfterEnrolment": "accept"}, start=False,
                                        port={"Port.StartsPerSecond": 1000}, **kwargs)
        folder = self.authd.dir / "profiles.d"
        folder.mkdir()
        (folder / "machine.profile").write_text(profile)
        self.authd.start()
        self.truth = Truth(self.authd)
        self.daemon = machine(lab, self.port, {
            "Enroll.Tunnel": tunnel, "Enroll.TokenFile": lab.dir / "latchkey1" / "token", "Enroll.RenewAt": "10%",
            "Enroll.RenewJitter": "0%", "Enroll.CommonName": "pc7", "EAPOL.StartFirst": "100ms",
            "EAPOL.AuthPeriod": "1s", "EAPOL.HeldPeriod": "1s"}, start=False)
        self.keystore = self.daemon.keystore / "network"
        self.seen = {}

    def count(self, what):
        self.seen[what] = self.seen.get(what, 0) + 1

    def reset(self):
        """A machine as it comes out of its box, with a token."""
        shutil.rmtree(self.keystore, ignore_errors=True)
        keep_token(self.daemon, token(self.authd, "name=pc7"))

    def kill(self, *victims):
        for victim in victims:
            victim.process.popen.kill()
        for victim in victims:
            victim.process.wait()
            # There will be many of them: the laboratory need not remember each.
            self.lab.disowns(victim.process)
            self.lab.disowns(victim.ready)
            victim.ready.close()

    def begin(self):
        self.daemon.start(wait=False)
        self.daemon.expect(BEGUN)
        return time.monotonic()

    def measure(self):
        """How long the machine takes, from its first attempt to an open port."""
        began = self.begin()
        self.daemon.expect(OPEN)
        span = time.monotonic() - began
        self.kill(self.daemon)
        return span

    def strike(self, span):
        """Somebody dies after a random part of the span, and comes back."""
        time.sleep(self.dice.uniform(0, span))
        name = self.dice.choices(("machine", "server", "both"), (5, 2, 3))[0]
        victims = {"machine": [self.daemon], "server": [self.authd], "both": [self.daemon, self.authd]}[name]
        mark = self.daemon.mark()
        self.kill(*victims)
        self.count(name)
        self.count("had a certificate" if self.truth.holds(self.daemon.keystore) else "had none")
        self.sound()
        if self.authd in victims:
            self.authd.start()
        if self.daemon in victims:
            self.begin()
            mark = 0
        self.recovers(mark)
        self.sound()
        self.kill(self.daemon)

    def recovers(self, mark):
        """By itself; where it would wait for a minute until it tries again, somebody pulls its plug."""
        self.daemon.expect(f"{OPEN}|{FAILED}", mark)
        if not self.daemon.said(OPEN, mark):
            self.count("had to try again")
            self.kill(self.daemon)
            self.begin()
            self.daemon.expect(OPEN)

    def sound(self):
        self.truth.holds(self.daemon.keystore)
        self.truth.tokens()

    def end(self):
        self.truth.audit()
        print("#", ", ".join(f"{what}: {n}" for what, n in sorted(self.seen.items())))


@each("ttls", "teap")
def an_enrolment_survives(lab, tunnel):
    lives = Lives(lab, tunnel)
    lives.reset()
    span = lives.measure() * 1.1
    for _ in range(KILLS // 4):
        lives.reset()
        lives.begin()
        lives.strike(span)
    lives.end()


@each("ttls", "teap")
def a_renewal_survives(lab, tunnel):
    lives = Lives(lab, tunnel, ALWAYS_DUE)
    lives.reset()
    lives.measure()
    span = lives.measure() * 1.1
    for _ in range(KILLS // 4):
        lives.begin()
        lives.strike(span)
    lives.end()


if __name__ == "__main__":
    main()
