"""Rogue machines inside of TEAP, at a port of latchkey-authd: they know a password, and keep to nothing else.

What has to come of each attack is in doc/testing.md, which these tests read.
"""
import struct

import pki
from accounts import NAME, keep
from attacks import Attacks
from enrolling import network
from lab import main, test
from rogue import RESPONSE, packet
from teap import *

peers = Attacks("A rogue machine inside of TEAP")


class Machine:
    def __init__(self, lab, port):
        self.lab, self.peer, self.told, self.recorded = lab, TeapPeer(lab, port), None, None

    def begin(self):
        self.peer.reset()
        self.told = None
        self.lab.check(self.peer.open(), "there is a tunnel")
        self.lab.check(one(tlvs_of(self.peer.tls.heard), PASSWORD_REQUEST), "the server asks for a password")

    def tell(self, *tlvs):
        answer = self.peer.tell(*tlvs)
        self.told = told(answer) or self.told
        if one(answer, RESULT) == struct.pack("!H", FAILURE):
            self.peer.tell((RESULT, FAILURE))
        return answer

    def says(self, *more):
        return self.tell((PASSWORD, ACCOUNT), *more)

    def proved(self):
        """The server has said that all is well; its Crypto-Binding."""
        return one(self.says(), BINDING)

    def ends(self, *binding):
        return self.tell((INTERMEDIATE, SUCCESS), (RESULT, SUCCESS), *binding)

    def asks(self, *tlvs):
        """For a certificate, in place of the end."""
        binding = self.peer.keys.response(self.proved())
        return self.tell((INTERMEDIATE, SUCCESS), binding, action(FAILURE, PROCESS, *tlvs))


def request(name=NAME):
    """PKCS#10 that is not linked to any tunnel."""
    return pki.openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                       "/dev/null", "-subj", f"/CN={name}", "-outform", "DER")


@peers.on("no Crypto-Binding")
def _(m):
    m.proved()
    m.ends()


@peers.on("a Crypto-Binding whose MAC is wrong")
def _(m):
    binding = m.peer.keys.response(m.proved())
    m.ends(binding[:-1] + bytes([binding[-1] ^ 1]))


@peers.on("a Crypto-Binding of another tunnel")
def _(m):
    m.proved()
    m.ends(m.recorded)


@peers.on("the server's own Crypto-Binding")
def _(m):
    m.ends((BINDING, m.proved()))


@peers.on("a Crypto-Binding over other Outer TLVs")
def _(m):
    m.ends(m.peer.keys.response(m.proved(), outer=b""))


@peers.on("a Crypto-Binding of version 0")
def _(m):
    m.ends(m.peer.keys.response(m.proved(), versions=(0, 1)))


@peers.on("a Crypto-Binding by which the server has said version 0")
def _(m):
    m.ends(m.peer.keys.response(m.proved(), versions=(1, 0)))


@peers.on("a Crypto-Binding without a MAC")
def _(m):
    m.ends(m.peer.keys.response(m.proved(), flags=0))


@peers.on("no Intermediate-Result")
def _(m):
    m.tell((RESULT, SUCCESS), m.peer.keys.response(m.proved()))


@peers.on("no Result")
def _(m):
    m.tell((INTERMEDIATE, SUCCESS), m.peer.keys.response(m.proved()))


@peers.on("success in place of a password")
def _(m):
    m.tell((RESULT, SUCCESS))


@peers.on("success, bound, in place of a password")
def _(m):
    m.ends(m.peer.keys.response(bytes(36)))


@peers.on("an Intermediate-Result in place of a password")
def _(m):
    m.tell((INTERMEDIATE, SUCCESS))


@peers.on("to be let in as it is, in place of a password")
def _(m):
    m.tell(action(SUCCESS, PROCESS, (VENDOR, bytes(4))))


@peers.on("EAP in place of a password")
def _(m):
    m.tell((EAP, packet(RESPONSE, 1, 1, NAME.encode())))


@peers.on("nothing in place of a password")
def _(m):
    m.tell()


@peers.on("a password twice in one message")
def _(m):
    m.says((PASSWORD, b"\1a\1b"))


@peers.on("another identity than was asked for")
def _(m):
    m.says((IDENTITY_TYPE, 2))


@peers.on("a mandatory TLV that nobody knows")
def _(m):
    m.says((500, b"", True))
    m.tell((RESULT, FAILURE))


@peers.on("a mandatory TLV that nobody knows, and success")
def _(m):
    m.ends(m.peer.keys.response(m.proved()), (500, b"", True))


@peers.on("a TLV longer than its message")
def _(m):
    m.tell((PASSWORD, b"?", True, 60000))


@peers.on("more TLVs than are read")
def _(m):
    m.tell(*[(VENDOR, bytes(4))] * 65)


@peers.on("a TLV that is the server's alone")
def _(m):
    m.tell((PASSWORD_REQUEST, b"?"))


@peers.on("a request for a certificate in place of a password")
def _(m):
    m.tell(action(FAILURE, PROCESS, (PKCS10, request())))


@peers.on("a request that is not of this tunnel")
def _(m):
    m.asks((PKCS10, request()))


@peers.on("a request that is none")
def _(m):
    m.asks((PKCS10, b"\x30\x03\x02\x01\x01"))


@peers.on("two requests")
def _(m):
    m.asks((PKCS10, request()), (PKCS10, request()))


@test
def a_rogue_machine(lab):
    """Nothing of it opens the port, or gets a certificate; and in the end it behaves, and is let in."""
    settings = {"Eap.Methods": "teap", "Tunnel.TeapMethods": "password", "Tunnel.TeapIdentities": "user",
                "Tunnel.Guesses": "unlimited", "Enroll.TeapProvisioning": "yes",
                "Enroll.Authorise": "certificate account"}
    authd, port = network(lab, settings, port={"Port.QuietPeriod": "10ms", "Port.StartsPerSecond": 1000})
    keep(authd)
    m = Machine(lab, port)

    def end(attack):
        since = authd.mark()
        m.begin()
        attack(m)
        return since

    def honest(m):
        m.recorded = m.peer.keys.response(m.proved())
        m.ends(m.recorded)

    def against(attack):
        found = authd.expect(r"auth\.reject .*diagnosis=(\S+)", end(attack))[1]
        lab.equal(m.peer.ended, "failure", "the end")
        return m.told or "nothing", found

    authd.expect(r"auth\.accept .*method=TEAP", end(honest))
    peers.run(lab, against)
    lab.equal(authd.json("machine", "list"), [], "machines that the server knows")
    authd.expect(r"auth\.accept .*method=TEAP", end(honest))


if __name__ == "__main__":
    main()
