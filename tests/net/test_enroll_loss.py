"""Enrolments and renewals over a cable that loses a fifth of all frames, repeats some and mixes others up; and over
one into which somebody puts frames of his own.

Afterwards the machine has what it wanted, by one certificate for each use of its token, and both sides agree on it.
"""
import os
import random
import struct

from dying import Truth
from enrolling import credential, keep_token, machine, network, token
from lab import each, main, test
from wire import EAP, KEY, LOGOFF, START, eapol, parse

SEED = os.environ.get("LAB_SEED", "1")
COUNT = int(os.environ.get("LAB_BLOWS", "5"))
BAD = {"loss": 0.2, "duplicate": 0.1, "reorder": 0.2, "delay": 0.001}


def in_the_end(act):
    """What came of it, and at which attempt. EAP wants its packets in their order (RFC 3748, section 3.1): what is
    repeated because a busy machine has not answered yet, and then overtaken, may end an attempt."""
    for attempt in range(1, 6):
        done = act()
        if done.returncode == 0:
            break
    return done, attempt


class Life:
    """One machine and one server, on a cable through our hands."""

    def __init__(self, lab, tunnel, seed=1, patience="3s", repeats=20, first="100ms"):
        self.lab = lab
        self.authd, self.port = network(
            lab, {"Enroll.AfterEnrolment": "accept"}, wire={"seed": seed}, port={
                "Eap.RetransmitAfter": "30ms", "Eap.MaximumRetransmissions": repeats, "Port.QuietPeriod": "10ms",
                "Port.StartsPerSecond": 1000})
        self.daemon = machine(lab, self.port, {
            "EAPOL.StartFirst": first, "EAPOL.HeldPeriod": "1s", "EAPOL.AuthPeriod": patience,
            "Enroll.Tunnel": tunnel})
        self.truth = Truth(self.authd)

    def impair(self, **impairments):
        self.port.cable.impair(**impairments)

    def enrol(self, text):
        return self.daemon.ctl("enroll", f"--token-file={keep_token(self.daemon, text)}")

    def again(self, name):
        """The machine has nothing any more, and is to be called otherwise; returns its new token."""
        self.daemon.ctl("credentials", "remove", "network", check=True)
        return token(self.authd, f"name={name}")

    def sound(self, issued, used):
        """Nothing is there twice, and nothing on one side alone."""
        generation = credential(self.daemon)["Generation"]
        self.lab.equal(self.truth.holds(self.daemon.keystore), generation, "certificates of the machine")
        if issued:
            self.lab.equal(len(self.truth.issued()), issued, "certificates of the server")
        self.lab.equal(self.truth.ask("SELECT SUM(used) FROM token")[0][0], used, "uses of the tokens")
        self.truth.tokens()
        self.truth.audit()


@each("ttls", "teap")
def a_bad_cable(lab, tunnel):
    life = Life(lab, tunnel, seed=5, first="500ms")
    life.impair(**BAD)
    text = token(life.authd, "name=pc7")
    done, _ = in_the_end(lambda: life.enrol(text))
    lab.equal(done.returncode, 0, f"latchkeyctl enroll: {done.stdout}{done.stderr}")
    life.sound(issued=1, used=1)
    done, attempt = in_the_end(lambda: life.daemon.ctl("renew", "network"))
    lab.equal(done.returncode, 0, f"latchkeyctl renew: {done.stdout}{done.stderr}")
    if attempt == 1:
        lab.equal(credential(life.daemon)["Generation"], 2, "the generation")
    life.sound(issued=2 if attempt == 1 else None, used=1)
    print("#", life.port.cable.counts)
    life.impair(loss=0, duplicate=0, reorder=0)
    lab.until(life.port.ping, "traffic passes")


# ---- frames of somebody else --------------------------------------------------------------------------------

SUCCESS, FAILURE, REQUEST, RESPONSE = 3, 4, 1, 2
IDENTITY, NOTIFICATION, NAK, TTLS, CPROM = 1, 2, 3, 21, 255


def eap(code, id, kind=None, data=b""):
    body = b"" if kind is None else bytes([kind]) + data
    return struct.pack("!BBH", code, id % 256, 4 + len(body)) + body


# What is said to whom, made of the identifier of the Request that was heard last. These disturb nobody:
NOISE = {
    "Success with another identifier": ("peer", lambda id: (EAP, eap(SUCCESS, id + 1))),
    "Failure with another identifier": ("peer", lambda id: (EAP, eap(FAILURE, id + 7))),
    "the last Request, with nothing in it": ("peer", lambda id: (EAP, eap(REQUEST, id, TTLS))),
    "a packet longer than its frame": ("peer", lambda id: (EAP, struct.pack("!BBHB", REQUEST, id + 1 & 255, 9000, TTLS))),
    "a key": ("peer", lambda id: (KEY, bytes(44))),
    "a Response to another Request": ("switch", lambda id: (EAP, eap(RESPONSE, id + 7, TTLS, b"\0"))),
    "a Request to the server": ("switch", lambda id: (EAP, eap(REQUEST, id, IDENTITY))),
}
# And these may cost the attempt, for EAP does not protect what they forge, but nothing else:
BLOWS = {
    "Success": ("peer", lambda id: (EAP, eap(SUCCESS, id))),
    "Failure": ("peer", lambda id: (EAP, eap(FAILURE, id))),
    "a new conversation": ("peer", lambda id: (EAP, eap(REQUEST, id + 1, IDENTITY))),
    "a notification": ("peer", lambda id: (EAP, eap(REQUEST, id + 1, NOTIFICATION, b"hello"))),
    "a new tunnel": ("peer", lambda id: (EAP, eap(REQUEST, id + 1, TTLS, b"\x20"))),
    "CPROM outside of it": ("peer", lambda id: (EAP, eap(REQUEST, id + 1, CPROM, b"\x41\x13\0\0\1\1"))),
    "the next fragment": ("peer", lambda id: (EAP, eap(REQUEST, id + 1, TTLS, b"\0forged"))),
    "a Response": ("switch", lambda id: (EAP, eap(RESPONSE, id, TTLS, b"\0forged"))),
    "a Response of another method": ("switch", lambda id: (EAP, eap(RESPONSE, id, 13, b"\0"))),
    "a Nak": ("switch", lambda id: (EAP, eap(RESPONSE, id, NAK, b"\x0d"))),
    "Start": ("switch", lambda id: (START, b"")),
    "Logoff": ("switch", lambda id: (LOGOFF, b"")),
}


class Forger:
    """Puts a frame before each frame of the conversation, or before the one with this number alone."""

    def __init__(self, cable, mac, name, at=None):
        self.towards, self.make = {**NOISE, **BLOWS}[name]
        self.at, self.step, self.id, self.mac = at, 0, None, bytes.fromhex(mac.replace(":", ""))
        cable.change = self.change

    def change(self, towards, raw):
        frame = parse(raw)
        if not frame or frame.type != EAP:
            return [raw]
        heard, self.step = self.id, self.step + 1
        if frame.body[0] == REQUEST:
            self.id = frame.body[1]
        if towards != self.towards or heard is None or frame.body[0] not in (REQUEST, RESPONSE) or \
                (self.at is not None and not self.at <= self.step <= self.at + 1):
            return [raw]
        kind, body = self.make(heard)
        sender = {"sender": self.mac} if towards == "switch" else {}
        return [eapol(body, type=kind, **sender), raw]


@test
def noise_disturbs_nobody(lab):
    life = Life(lab, "ttls", patience="60s")  # so that nothing but noise could cost the attempt
    lab.equal(life.enrol(token(life.authd, "name=pc0")).returncode, 0, "latchkeyctl enroll")
    for n, name in enumerate(NOISE, 1):
        text, mark = life.again(f"pc{n}"), life.daemon.mark()
        forger = Forger(life.port.cable, life.port.mac, name)
        done = life.enrol(text)
        lab.equal(done.returncode, 0, f"{name}: latchkeyctl enroll: {done.stdout}{done.stderr}")
        lab.check(not life.daemon.said("outcome=(failed|refused)", mark), f"{name}: at the first attempt")
        lab.check(forger.step > 10, f"{name}: there were frames to be disturbed")
        life.sound(n + 1, n + 1)
    lab.until(life.port.ping, "traffic passes")


@test
def a_blow_costs_an_attempt_and_nothing_else(lab):
    """Whatever it hits, the next attempt with the same token brings the one certificate that it is worth."""
    life, dice = Life(lab, "ttls", patience="2s", repeats=4), random.Random(SEED)
    lab.equal(life.enrol(token(life.authd, "name=pc0")).returncode, 0, "latchkeyctl enroll")
    for n, name in enumerate(dice.sample(list(BLOWS), min(COUNT, len(BLOWS))), 1):
        text, at = life.again(f"pc{n}"), dice.randrange(2, 20)
        Forger(life.port.cable, life.port.mac, name, at)
        done = life.enrol(text)
        life.port.cable.change = None
        print(f"# {name}, before frame {at}: {'nothing' if done.returncode == 0 else 'again'}")
        if done.returncode:
            done, _ = in_the_end(lambda: life.enrol(text))
        lab.equal(done.returncode, 0, f"{name}: latchkeyctl enroll: {done.stdout}{done.stderr}")
        life.sound(n + 1, n + 1)
    lab.until(life.port.ping, "traffic passes")


if __name__ == "__main__":
    main()
