"""A rogue server against a machine that wants to be enrolled: it has the key that the machine's token pins.

What has to come of each attack is in doc/testing.md, which these tests read.
"""
import functools
import hashlib
import os
import struct

import pki
import teap
from attacks import Attacks
from cprom import *
from enrolling import keep_token, machine
from lab import main, test
from rogue import IDENTITY, NOTIFICATION, RogueServer, bundle, pinned

DAYS = ("-days", "30")


class Host:
    """A rogue server that knows the key that the machine's token pins: what it says at its worst."""

    def __init__(self, lab, port, server=RogueServer):
        self.lab, self.root = lab, lab.pki().root
        self.credential = bundle(lab, lab.pki().server, self.root)
        self.token = pinned(self.root)
        self.server = server(lab, port, self.credential)
        self.told = None

    def begin(self):
        self.server.reset(self.credential)
        self.told, self.issued = None, None
        self.lab.check(self.server.open(), "there is a tunnel")

    # -- the honest way, step by step

    def say(self, first, *tlvs):
        return self.heard(self.server.say(message(first, *tlvs)))

    def heard(self, answer):
        tlvs = read(answer)[1] if answer else []
        if told := error(tlvs):
            self.told = told
        return tlvs

    def init(self, first=INIT | START, version=b"\1", challenge=bytes(32), *more):
        return self.say(first, (VERSION, version), (CHALLENGE_DATA, bytes([TOKEN_CHALLENGE]) + challenge), *more)

    def offer(self, first=PROVISIONING | START, *more, **terms):
        tlvs = self.say(first, *offer(**terms), *more)
        if data := one(tlvs, DATA):
            self.csr = one(tlvs_of(data), REQUEST)[2:]
        return tlvs

    def asked(self):
        """Up to the machine's request."""
        self.init()
        self.offer()
        return self

    def issue(self, *words, usage="clientAuth", key=None, by=None, days=DAYS, extra=""):
        """DER of a certificate as it was asked for, or otherwise."""
        by = by or self.root
        request, extensions = self.lab.dir / "request.der", self.lab.dir / "extensions"
        request.write_bytes(self.csr)
        extensions.write_text(f"extendedKeyUsage={usage}\nbasicConstraints=critical,CA:FALSE\n{extra}")
        force = ("-force_pubkey", key) if key else ()
        return pki.openssl("x509", "-req", "-inform", "DER", "-in", request, "-CA", by.cert, "-CAkey", by.key,
                           "-set_serial", str(int.from_bytes(os.urandom(8), "big")), *days, *force, *words,
                           "-extfile", extensions, "-outform", "DER")

    @property
    def anchor(self):
        return der(self.root.cert)

    def give(self, leaf, *others, id=None, first=PROVISIONING | DONE):
        self.issued = leaf
        return self.say(first, (INFORMATION, info(id=id or hashlib.sha256(leaf).digest())),
                        (DATA, certificates((LEAF, leaf), *(others or [(ANCHOR, self.anchor)]))))

    def given(self):
        self.asked().give(self.issue())
        return self

    def challenge(self, first=VALIDATE | START, kind=SIGNATURE_CHALLENGE, challenge=bytes(32), id=None):
        return self.say(first, (INFORMATION, info(id=id or hashlib.sha256(self.issued).digest())),
                        (CHALLENGE_DATA, bytes([kind]) + challenge))

    def verdict(self, first=VALIDATE | DONE):
        return self.say(first, (INFORMATION, info(id=hashlib.sha256(self.issued).digest())))


@functools.cache
def der(file):
    return pki.openssl("x509", "-in", file, "-outform", "DER")


rogue = Attacks("A rogue server with the right key")


@rogue.on("a later version alone")
def _(host):
    host.init(version=b"\2")


@rogue.on("Init that does not begin it")
def _(host):
    host.init(INIT)


@rogue.on("provisioning before Init")
def _(host):
    host.offer()


@rogue.on("validation before Init")
def _(host):
    host.issued = b""
    host.challenge()


@rogue.on("Init twice")
def _(host):
    host.init()
    host.init()


@rogue.on("validation of nothing, after Init")
def _(host):
    host.init()
    host.issued = b""
    host.challenge()


@rogue.on("a round that does not begin")
def _(host):
    host.init()
    host.offer(PROVISIONING)


@rogue.on("a TLV in the wrong phase")
def _(host):
    host.init(INIT | START, b"\1", bytes(32), (REQUEST, b"\1\2\0"))


@rogue.on("a TLV that nobody knows")
def _(host):
    host.init(INIT | START, b"\1", bytes(32), (99, b"\0"))


@rogue.on("a protocol that the machine has not offered")
def _(host):
    host.init()
    host.offer(protocol=CMP)


@rogue.on("another version of the protocol")
def _(host):
    host.init()
    host.offer(version=7)


@rogue.on("an action that does not exist")
def _(host):
    host.init()
    host.offer(action=9)


@rogue.on("to remove what the machine does not have")
def _(host):
    host.init()
    host.offer(action=REMOVE, id=bytes(32))


@rogue.on("to renew what the machine does not have")
def _(host):
    host.init()
    host.offer(action=RENEW, id=bytes(32))


@rogue.on("a key that the server would make")
def _(host):
    host.init()
    host.offer(flags=0x01)


@rogue.on("a short RSA key")
def _(host):
    host.init()
    host.offer(algorithm=1, least=128, most=128)


@rogue.on("a certificate for another key")
def _(host):
    other = pki.openssl("pkey", "-in", lab_key(host), "-pubout")
    file = host.lab.dir / "other.pub"
    file.write_bytes(other)
    host.asked().give(host.issue(key=file))


def lab_key(host):
    return host.lab.pki().client.key


def renamed(host):
    """A certificate for the machine's key, with another name."""
    request, public = host.lab.dir / "request.der", host.lab.dir / "machine.pub"
    request.write_bytes(host.csr)
    public.write_bytes(pki.openssl("req", "-in", request, "-inform", "DER", "-pubkey", "-noout"))
    host.csr = pki.openssl("req", "-new", "-key", lab_key(host), "-subj", "/CN=boss", "-outform", "DER",
                           "-config", host.root.dir / "ca.cnf")
    return host.issue(key=public)


@rogue.on("a certificate with another name")
def _(host):
    host.asked().give(renamed(host))


@rogue.on("a certificate with one name more")
def _(host):
    host.asked().give(host.issue(extra="subjectAltName=DNS:boss.example.org\n"))


@rogue.on("a certificate that is a server's")
def _(host):
    host.asked().give(host.issue(usage="serverAuth"))


@rogue.on("a certificate that has expired")
def _(host):
    host.asked().give(host.issue(days=("-days", "-1")))


@rogue.on("a certificate by another authority")
def _(host):
    host.asked().give(host.issue(by=host.lab.pki().stranger))


@rogue.on("a root that is called part of the chain")
def _(host):
    stranger = host.lab.pki().stranger
    host.asked().give(host.issue(by=stranger), (CHAIN, der(stranger.cert)), (ANCHOR, host.anchor))


@rogue.on("an anchor that is no authority")
def _(host):
    leaf = host.asked().issue()
    host.give(leaf, (ANCHOR, host.anchor), (ANCHOR, leaf))


@rogue.on("another certificate than it says")
def _(host):
    host.asked().give(host.issue(), id=bytes(32))


@rogue.on("a certificate that is none")
def _(host):
    host.asked().give(b"\x30\x03\x02\x01\x01")


@rogue.on("the certificate before the request")
def _(host):
    host.init()
    host.csr = None
    host.say(PROVISIONING | START | DONE, *offer(), (INFORMATION, info(id=bytes(32))),
             (DATA, certificates((LEAF, host.anchor))))


@rogue.on("back to Init, with a request under way")
def _(host):
    host.asked().init()


@rogue.on("validation in the middle of a round")
def _(host):
    host.asked()
    host.issued = b""
    host.challenge()


@rogue.on("the same round again")
def _(host):
    host.given().offer()


@rogue.on("a challenge that is a TLS CertificateVerify")
def _(host):
    verify = b" " * 64 + b"TLS 1.3, client CertificateVerify\0" + bytes(range(32))
    host.given().challenge(kind=BARE_CHALLENGE, challenge=verify)


@rogue.on("a challenge as long as a CertificateVerify")
def _(host):
    host.given().challenge(challenge=b" " * 64 + b"TLS 1.3, client CertificateVerify\0" + bytes(range(32)))


@rogue.on("a challenge for another certificate")
def _(host):
    host.given().challenge(id=bytes(32))


@rogue.on("a second challenge")
def _(host):
    host.given().challenge()
    host.challenge(VALIDATE)


@rogue.on("a good end of what was not proved")
def _(host):
    host.given().verdict(VALIDATE | START | DONE)


@rogue.on("provisioning after validation")
def _(host):
    host.given().challenge()
    host.offer(PROVISIONING)


@rogue.on("success after Init")
def _(host):
    host.init()


@rogue.on("success before anything was given")
def _(host):
    host.asked()


# ---- too much ------------------------------------------------------------------------------------------------

def fragment(size, data=b"", first=INIT | START | LENGTH | MORE):
    return bytes([first]) + struct.pack("!I", size) + data


@rogue.on("a message of more than 64 KiB")
def _(host):
    host.heard(host.server.say(fragment(65537, b"x")))


@rogue.on("more fragments than the message has")
def _(host):
    host.heard(host.server.say(fragment(10, bytes(20))))


@rogue.on("a message that grows under way")
def _(host):
    host.server.say(fragment(100, bytes(20)))
    host.heard(host.server.say(fragment(1000, bytes(20), INIT | START | LENGTH)))


@rogue.on("a fragment with nothing in it")
def _(host):
    host.heard(host.server.say(fragment(100)))


@rogue.on("a TLV longer than its message")
def _(host):
    host.say(INIT | START, tlv(VERSION, b"\1", 0xffffff))


@rogue.on("more TLVs than are read")
def _(host):
    host.say(INIT | START, (VERSION, b"\1"), *[(200, b"")] * 256)


@rogue.on("more certificates than are taken")
def _(host):
    leaf = host.asked().issue()
    host.give(leaf, *[(CHAIN, host.anchor)] * 32)


@rogue.on("messages of provisioning without end")
def _(host):
    host.asked()
    while not host.told:
        host.say(PROVISIONING, (DATA, b"x"))


@rogue.on("fragments of one octet without end")
def _(host):
    while host.server.say(fragment(65536, b"x")):
        pass


@rogue.on("requests for the identity without end")
def _(host):
    while host.server.ask(IDENTITY)[0]:
        pass


@rogue.on("notifications without end")
def _(host):
    while host.server.ask(NOTIFICATION, b"still there?")[0]:
        pass


# ---- the same in TEAP, and what TEAP adds ----------------------------------------------------------------

phases = Attacks("A rogue server with the right key, in TEAP")
phases.attacks |= {name: rogue.attacks[name] for name in (
    "Init that does not begin it", "provisioning before Init", "validation before Init", "Init twice",
    "a TLV in the wrong phase", "the certificate before the request", "back to Init, with a request under way",
    "validation in the middle of a round", "a challenge for another certificate", "a second challenge",
    "a good end of what was not proved", "provisioning after validation", "success before anything was given")}


def tell(host, *tlvs):
    host.told = teap.told(host.server.tell(*tlvs)) or host.told


@phases.on("success of TEAP before anything was given")
def _(host):
    host.asked()
    tell(host, (teap.INTERMEDIATE, teap.SUCCESS), (teap.RESULT, teap.SUCCESS), host.server.keys.request())


@phases.on("a password in place of CPROM")
def _(host):
    tell(host, (teap.PASSWORD_REQUEST, b"Password:"))
    tell(host, (teap.RESULT, teap.SUCCESS), host.server.keys.request())
    tell(host, (teap.RESULT, teap.SUCCESS), host.server.keys.request())


@test
def a_rogue_server_with_the_right_key(lab):
    """As if it were stolen. At the end, the same machine is enrolled by an honest one."""
    meets(lab, rogue, "ttls", RogueServer)


@test
def a_rogue_server_with_the_right_key_in_teap(lab):
    meets(lab, phases, "teap", teap.TeapServer)


def meets(lab, attacks, tunnel, server):
    port = lab.port(authenticator=False)
    host = Host(lab, port, server)
    daemon = machine(lab, port, {"Enroll.Tunnel": tunnel, "Enroll.Protocols": "spp", "Enroll.CommonName": "pc7"})
    file = keep_token(daemon, host.token.text)

    def attempt(attack):
        mark = daemon.mark()
        daemon.ctl("enroll", f"--token-file={file}", "--wait=0")
        host.server.until(lambda: daemon.said(r"credential\.outcome", mark), lambda: (host.begin(), attack(host)))
        return mark

    def against(attack):
        mark = attempt(attack)
        host.server.success()
        found = daemon.expect(r"credential\.outcome .* id=(\S+)", mark)[1]
        lab.check(not daemon.said(r"port\.authorised|outcome=installed", mark), "the port stays closed")
        home = daemon.keystore / "network"
        lab.until(lambda: not list(home.glob("*/cert.pem")), "no certificate is in the keystore")
        return found, host.told or "nothing"

    attacks.run(lab, against)
    mark = attempt(honest)
    host.server.failure()
    daemon.expect(r"credential\.outcome .* outcome=installed", mark)


def honest(host):
    host.given().challenge()
    host.verdict()


if __name__ == "__main__":
    main()
