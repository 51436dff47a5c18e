"""Rogue machines at a port of latchkey-authd that enrolls, and two that want the same token.

What has to come of each attack is in doc/testing.md, which these tests read.
"""
import functools
import hashlib
import struct
import tempfile

import pki
from attacks import Attacks
from authenticator import HAS_LENGTH
from authenticator import MORE as TLS_MORE
from cprom import *
from dying import Truth
from enrolling import keep_token, machine, network, token
from lab import main, test
from rogue import NAK, PEAP, RoguePeer, avp
from wire import START as EAPOL_START

USER_NAME, USER_PASSWORD = 1, 2
MSCHAPV2 = 26
rogue = Attacks("A rogue machine")


@functools.cache
def request(name="pc7", key="P-256", sign=None, extensions=""):
    """PKCS#10; `sign` changes its signature."""
    private = made(key)
    with tempfile.NamedTemporaryFile("w", suffix=".cnf") as file:
        file.write("[req]\ndistinguished_name=empty\nreq_extensions=more\n[empty]\n[more]\n" + extensions)
        file.flush()
        der = pki.openssl("req", "-new", "-key", private, "-subj", f"/CN={name}", "-config", file.name,
                          "-outform", "DER")
    return der[:-1] + bytes([der[-1] ^ 1]) if sign else der


@functools.cache
def made(key):
    return pki.make_key(key)


class Machine:
    """What a machine says when it behaves, step by step."""

    def __init__(self, lab, authd, port):
        self.lab, self.authd, self.port = lab, authd, port
        self.peer, self.conversations = RoguePeer(lab, port), 0
        self.fresh()

    def fresh(self):
        self.token = Token.of(token(self.authd, "name=pc7"))

    def begin(self, **terms):
        self.knock(**terms)
        return self.peer.open()

    def knock(self, **terms):
        self.peer.reset(**terms)
        self.told = None
        self.conversations += 1

    def in_place_of_tls(self, *frames):
        """What is not right is not answered; then it is given up."""
        self.knock()
        asked = self.peer.knock()
        if asked[0] != self.peer.kind:
            self.peer.answer(NAK, bytes([self.peer.kind]))
        for frame in frames:
            if not self.peer.answer(self.peer.kind, frame, patience=1.5):
                break
        self.peer.frame(kind=EAPOL_START)

    def heard(self, answer):
        first, tlvs = read(answer) if answer else (0, [])
        self.told = error(tlvs) or self.told
        if self.told and not self.peer.ended:
            self.peer.say(bytes([first & 0x0f]))  # an Error is acknowledged
        return tlvs

    def say(self, first, *tlvs):
        return self.heard(self.peer.say(message(first, *tlvs)))

    def challenged(self):
        """Up to the server's Init; returns its challenge."""
        self.lab.check(self.begin(), "there is a tunnel")
        return one(read(self.peer.identify())[1], CHALLENGE_DATA)[1:]

    def shows(self, challenge):
        """Token-Data and its proof."""
        return [(TOKEN_DATA, bytes([TOKEN, RAW]) + self.token.id),
                (CHALLENGE_RESPONSE, self.token.proof(self.peer.binding, challenge))]

    def init(self, *proof, first=INIT, version=[(VERSION, b"\1")], protocol=SPP, of=0, more=()):
        challenge = self.challenged()
        return self.say(first, *version, (PROTOCOL, struct.pack("!HH", protocol, of)),
                        *(proof or self.shows(challenge)), *more)

    def asks(self, csr=None, first=PROVISIONING):
        """Up to the certificate."""
        self.init()
        tlvs = self.say(first, (DATA, tlv(REQUEST, bytes([DER, PKCS10]) + (csr or request()))))
        if data := one(tlvs, DATA):
            self.leaf = next(value[3:] for kind, value in tlvs_of(data) if kind == CERTIFICATE_DATA and not value[0])
        return tlvs

    def has(self):
        """With the certificate, and what it is to prove: the challenge."""
        self.asks()
        return one(self.say(PROVISIONING | DONE), CHALLENGE_DATA)[1:]

    def proves(self, challenge, key="P-256", binding=None):
        id = hashlib.sha256(self.leaf).digest()
        file = self.lab.dir / "signed"
        file.write_bytes(validation(binding or self.peer.binding, id, challenge))
        signature = pki.openssl("dgst", "-sha256", "-sign", made(key), file)
        bits = b"\x03" + bytes([len(signature) + 1]) + b"\0" + signature
        return self.say(VALIDATE | DONE, (CHALLENGE_RESPONSE, bytes.fromhex("300a06082a8648ce3d040302") + bits))


# ---- what is shown ------------------------------------------------------------------------------------------

@rogue.on("a proof with another secret")
def _(m):
    m.token.secret = bytes(16)
    m.init()
    m.fresh()


@rogue.on("a token without a proof")
def _(m):
    m.init((TOKEN_DATA, bytes([TOKEN, RAW]) + m.token.id))


@rogue.on("a proof that was good in another conversation")
def _(m):
    old = m.shows(m.challenged())
    m.say(INIT, (VERSION, b"\2"))
    m.init(*old)


@rogue.on("a token that nobody has made")
def _(m):
    m.token = Token()
    m.init()
    m.fresh()


@rogue.on("nothing to show")
def _(m):
    m.init((PROFILE, b"machine"))


@rogue.on("a JWT where none is taken")
def _(m):
    m.init((TOKEN_DATA, bytes([1, 6]) + b"e30.e30."))


@rogue.on("a version that was not offered")
def _(m):
    m.init(version=[(VERSION, b"\2")])


@rogue.on("a protocol that does not exist")
def _(m):
    m.init(protocol=77)


@rogue.on("another version of the protocol")
def _(m):
    m.init(of=7)


# ---- what comes when ----------------------------------------------------------------------------------------

@rogue.on("a request before Init")
def _(m):
    m.challenged()
    m.say(PROVISIONING, (DATA, tlv(REQUEST, bytes([DER, PKCS10]) + request())))


@rogue.on("a validation before Init")
def _(m):
    m.challenged()
    m.say(VALIDATE | DONE, (CHALLENGE_RESPONSE, bytes(32)))


@rogue.on("Init that is an end")
def _(m):
    m.init(first=INIT | DONE)


@rogue.on("Init twice")
def _(m):
    m.init()
    m.say(INIT, (VERSION, b"\1"), (PROTOCOL, struct.pack("!HH", SPP, 0)), *m.shows(bytes(32)))


@rogue.on("a good end in place of a request")
def _(m):
    m.init()
    m.say(PROVISIONING | DONE)


@rogue.on("nothing in place of a request")
def _(m):
    m.init()
    m.say(PROVISIONING)


@rogue.on("a validation in place of a request")
def _(m):
    m.init()
    m.say(VALIDATE | DONE, (CHALLENGE_RESPONSE, bytes(32)))


# ---- what is asked for --------------------------------------------------------------------------------------

@rogue.on("a request that its key has not signed")
def _(m):
    m.asks(request(sign=True))


@rogue.on("a request for a name besides")
def _(m):
    m.asks(request(extensions="subjectAltName=DNS:boss.example.org\n"))


@rogue.on("a request for a short key")
def _(m):
    m.asks(request(key="RSA-1024"))


@rogue.on("a request that is none")
def _(m):
    m.asks(b"\x30\x03\x02\x01\x01")


# ---- too much -----------------------------------------------------------------------------------------------

def fragment(size, data=b"", first=INIT | LENGTH | MORE):
    return bytes([first]) + struct.pack("!I", size) + data


@rogue.on("a message of more than 64 KiB")
def _(m):
    m.challenged()
    m.heard(m.peer.say(fragment(65537, b"x")))


@rogue.on("more fragments than the message has")
def _(m):
    m.challenged()
    m.heard(m.peer.say(fragment(10, bytes(20))))


@rogue.on("a fragment with nothing in it")
def _(m):
    m.challenged()
    m.heard(m.peer.say(fragment(100)))


@rogue.on("a TLV longer than its message")
def _(m):
    m.challenged()
    m.say(INIT, tlv(VERSION, b"\1", 0xffffff))


@rogue.on("more TLVs than are read")
def _(m):
    m.init(more=[(200, b"")] * 256)


@rogue.on("more credentials than a machine may have")
def _(m):
    m.init(more=[(INFORMATION, info(id=bytes([i]))) for i in range(1, 18)])


@rogue.on("fragments of one octet without end")
def _(m):
    m.challenged()
    while m.peer.say(fragment(65536, b"x")):
        pass


@rogue.on("a flight of 4 GiB")
def _(m):
    m.in_place_of_tls(struct.pack("!BI", HAS_LENGTH | TLS_MORE, 0xffffffff) + bytes(900))


@rogue.on("a flight without end")
def _(m):
    m.in_place_of_tls(*[bytes([TLS_MORE]) + bytes(1000)] * 1000)


# ---- other ways ---------------------------------------------------------------------------------------------

@rogue.on("CPROM outside of a tunnel")
def _(m):
    m.knock()
    m.peer.knock()
    m.peer.answer(NAK, bytes([TYPE]))


@rogue.on("PEAP in place of a tunnel that enrolls")
def _(m):
    m.knock()
    m.peer.knock()
    m.peer.answer(NAK, bytes([PEAP]))


@rogue.on("TLS 1.1")
def _(m):
    m.begin(version="1.1")
    m.told = m.peer.tls.error


@rogue.on("a password in place of EAP")
def _(m):
    m.begin()
    m.peer.flight(m.peer.tls.say(avp(b"bob", USER_NAME) + avp(b"secret", USER_PASSWORD)))


@rogue.on("another method in place of CPROM")
def _(m):
    m.challenged()
    m.peer.nak(MSCHAPV2)


# ---- with a certificate that it was given -------------------------------------------------------------------

given = Attacks("A rogue machine with a certificate")


@given.on("a validation of another tunnel")
def _(m):
    m.proves(m.has(), binding=bytes(32))


@given.on("a validation by another key")
def _(m):
    m.proves(m.has(), key="P-384")


@given.on("a validation that is none")
def _(m):
    m.has()
    m.say(VALIDATE | DONE, (CHALLENGE_RESPONSE, bytes(40)))


@given.on("no validation")
def _(m):
    m.has()
    m.say(VALIDATE | DONE)


@given.on("another request")
def _(m):
    m.asks()
    m.say(PROVISIONING, (DATA, tlv(REQUEST, bytes([DER, PKCS10]) + request(key="P-384"))))


@given.on("a token that is spent")
def _(m):
    m.proves(m.has())
    m.say(VALIDATE | DONE)
    m.init()


@given.on("another key, after it was cut off")
def _(m):
    m.asks()
    m.asks(request(key="P-384"))


@given.on("a good end, and then no more of it")
def _(m):
    m.asks()
    m.say(PROVISIONING | DONE, (INFORMATION, info(id=bytes(32))))


# ---- and what comes of them ---------------------------------------------------------------------------------

def world(lab, **settings):
    authd, port = network(lab, {"Enroll.Protocols": "spp", **settings},
                          port={"Port.QuietPeriod": "10ms", "Port.StartsPerSecond": 1000})
    return authd, port, Machine(lab, authd, port), Truth(authd)


def diagnosis(m, attack):
    """What the server says of the last conversation."""
    mark, m.conversations = m.authd.mark(), 0
    attack(m)
    for _ in range(m.conversations):
        seen = m.authd.expect(r"auth\.reject .*diagnosis=(\S+)", mark)
        mark = m.authd.process.lines.index(seen.string, mark) + 1
    m.lab.check(m.peer.ended != "success", "it is not let in")
    return seen[1]


@test
def a_rogue_machine(lab):
    """At the end it behaves, and is given its certificate, with the name that the token says."""
    authd, port, m, registry = world(lab)

    def against(attack):
        seen = diagnosis(m, attack)
        lab.equal(registry.ask("SELECT SUM(used) FROM token")[0][0], 0, "uses of the tokens")
        lab.equal(registry.issued(), set(), "certificates")
        return m.told or "nothing", seen

    rogue.run(lab, against)
    lab.check(not port.ping(), "nothing passes")
    m.asks(request("boss"))
    leaf = lab.dir / "leaf.der"
    leaf.write_bytes(m.leaf)
    subject = pki.openssl("x509", "-inform", "DER", "-in", leaf, "-noout", "-subject").decode()
    lab.check("pc7" in subject and "boss" not in subject, f"whose it is: {subject}")


@test
def a_rogue_machine_with_a_certificate(lab):
    """Nobody has more than one key by one token, and nothing of it opens a port."""
    authd, port, m, registry = world(lab)

    def against(attack):
        seen = diagnosis(m, attack)
        registry.tokens()
        registry.audit()
        used = registry.ask("SELECT used FROM token WHERE name = ?", id_text(m.token))[0][0]
        lab.equal(used, 1, "uses of the token")
        m.fresh()
        return m.told or "nothing", seen

    given.run(lab, against)
    lab.check(not port.ping(), "nothing passes")


@test
def a_machine_that_never_comes_with_what_it_was_given_is_put_out_by_it(lab):
    authd, port, m, _ = world(lab, **{"Enroll.AfterEnrolment": "accept"})
    m.proves(m.has())
    m.say(VALIDATE | DONE)
    lab.equal(m.peer.ended, "success", "how it ended")
    authd.expect(r"session\.authorised")
    lab.equal(authd.json("machine", "revoke", "pc7")["sessions"], 1, "sessions that were ended")
    authd.expect(r"session\.closed")
    lab.check(not port.ping(), "nothing passes")


@test
def rounds_are_counted_by_who_decides(lab):
    """And not by the port, which knows nothing of MaxRounds=."""
    authd, _, m, _ = world(lab, **{"Eap.MaxRounds": 80})
    lab.equal(diagnosis(m, rogue.attacks["fragments of one octet without end"]), "peer-too-many-rounds", "why")
    authd.expect(r"auth\.reject .* rounds=80 ")


def id_text(token):
    """As lists and the registry have it."""
    number = int.from_bytes(token.id, "big")
    return "".join(ALPHABET[number >> 5 * i & 31] for i in reversed(range(8)))


# ---- two at once --------------------------------------------------------------------------------------------

@test
def two_machines_and_one_token(lab):
    """Each at a port of its own, at the same instant: one of them is enrolled, and the other is told why not."""
    authd, port = network(lab, start=False, port={"Port.QuietPeriod": "10ms"})
    other = lab.port(switch=port.switch, authenticator=False)
    other.switch.ip(f"link set {other.switch_interface} master {other.bridge}")
    authd.add("port", "lan", {"Match.Interface": f"{port.switch_interface} {other.switch_interface}",
                              "Port.QuietPeriod": "10ms"})
    authd.start()
    text = token(authd)
    daemons = [machine(lab, p) for p in (port, other)]
    for daemon in daemons:
        daemon.ctl("enroll", f"--token-file={keep_token(daemon, text)}", "--wait=0")
    outcomes = sorted(d.expect(r"credential\.outcome .*outcome=(\S+ id=\S+)")[1] for d in daemons)
    lab.equal(outcomes, ["installed id=none", "refused id=enroll-token-refused"], "what became of them")
    authd.expect(r"auth\.reject .*diagnosis=enroll-token-refused cause=\".*is used up")
    truth = Truth(authd)
    truth.tokens()
    truth.audit()
    lab.equal(sum(truth.holds(d.keystore) for d in daemons), 1, "certificates")
    winner = [d.said(r"outcome=installed") for d in daemons].index(True)
    lab.until((port, other)[winner].ping, "traffic of the one passes")


if __name__ == "__main__":
    main()
