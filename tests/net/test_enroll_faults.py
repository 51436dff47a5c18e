"""Machine or server killed at any instant of an enrolment or a renewal, and enrolments over bad cables.

LAB_KILLS says how many times in all, LAB_SEED by which dice; LAB_BAD_KILLS how many times for each of two over a cable
that loses a fifth of all frames. Afterwards, each time: the machine gets in, with what it had or with what it was
given; nobody has a certificate that the server does not know; no token was worth more than it says; the audit trail
is whole.
"""
import os
import random
import shutil
import time

from dying import Truth
from lab import Failed, each, main, test
from enrolling import keep_token, machine, network, token

KILLS = int(os.environ.get("LAB_KILLS", "60"))
SEED = os.environ.get("LAB_SEED", "1")

BEGUN, OPEN = r"port\.attempt", r"port\.authorised"
FAILED = r"outcome=(failed|refused)|id=no-authenticator"
# Due from the first moment on: who has such a certificate renews it, again and again.
ALWAYS_DUE = "[Certificate]\nLifetime=20m\nBackdate=10m\n"


BAD_KILLS = int(os.environ.get("LAB_BAD_KILLS", "3"))
# What is lost is sent again soon, or a life would take minutes.
LOSSY = {"wire": {"loss": 0.2, "seed": SEED}, "periods": {"EAPOL.AuthPeriod": "3s", "EAPOL.HeldPeriod": "1s"},
         "port": {"Eap.RetransmitAfter": "30ms", "Eap.MaximumRetransmissions": 20, "Port.QuietPeriod": "10ms"}}
LOSSY_SPAN, PATIENCE, TRIES = 1, 60, 10


class Lives:
    """One machine and one server, that live and die many times."""

    def __init__(self, lab, tunnel, profile="", periods=None, port=None, **kwargs):
        self.lab, self.dice = lab, random.Random(f"{SEED} {tunnel} {profile}")
        # So many lives in a second are more than a port would have patience with.
        self.authd, self.port = network(lab, {"Enroll.AfterEnrolment": "accept"}, start=False,
                                        port={"Port.StartsPerSecond": 1000, **(port or {})}, **kwargs)
        folder = self.authd.dir / "profiles.d"
        folder.mkdir()
        (folder / "machine.profile").write_text(profile)
        self.authd.start()
        self.truth = Truth(self.authd)
        self.daemon = machine(lab, self.port, {
            "Enroll.Tunnel": tunnel, "Enroll.TokenFile": lab.dir / "latchkey1" / "token", "Enroll.RenewAt": "10%",
            "Enroll.RenewJitter": "0%", "Enroll.CommonName": "pc7", "EAPOL.StartFirst": "100ms",
            **(periods or {"EAPOL.AuthPeriod": "1s", "EAPOL.HeldPeriod": "1s"})}, start=False)
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
        self.recovers(0)
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
        for _ in range(TRIES):
            self.daemon.expect(f"{OPEN}|{FAILED}", mark, PATIENCE)
            if self.daemon.said(OPEN, mark):
                return
            self.count("had to try again")
            self.kill(self.daemon)
            self.begin()
            mark = 0
        raise Failed(f"not in after {TRIES} times")

    def sound(self):
        self.truth.holds(self.daemon.keystore)
        self.truth.tokens()

    def end(self):
        self.truth.audit()
        print("#", ", ".join(f"{what}: {n}" for what, n in sorted(self.seen.items())))


def dies(lives, times, outside, span=None):
    """`outside`: each time it is a machine that has nothing yet."""
    lives.reset()
    if not outside:
        lives.measure()
    span = span or lives.measure() * 1.1
    for _ in range(times):
        if outside:
            lives.reset()
        lives.begin()
        lives.strike(span)
    lives.end()


@each("ttls", "teap")
def an_enrolment_survives(lab, tunnel):
    dies(Lives(lab, tunnel), KILLS // 4, True)


@each("ttls", "teap")
def a_renewal_survives(lab, tunnel):
    dies(Lives(lab, tunnel, ALWAYS_DUE), KILLS // 4, False)


@test
def an_enrolment_survives_a_bad_cable_as_well(lab):
    dies(Lives(lab, "teap", **LOSSY), BAD_KILLS, True, LOSSY_SPAN)


@test
def a_renewal_survives_a_bad_cable_as_well(lab):
    dies(Lives(lab, "ttls", ALWAYS_DUE, **LOSSY), BAD_KILLS, False, LOSSY_SPAN)


if __name__ == "__main__":
    main()
