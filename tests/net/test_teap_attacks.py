"""A rogue server that attacks inside of TEAP, by its own means, in a tunnel that is really there.

What has to come of each is in doc/testing.md, which these tests read.
"""
import struct

import pki
from accounts import NAME, password_file
from attacks import Attacks
from enrolling import machine
from lab import main, test
from rogue import bundle, packet
from teap import *

EAP_SUCCESS = struct.pack("!BBH", 3, 1, 4)


# ---- a server with the right key ------------------------------------------------------------------------

class Host:
    """It has the network's key, as if that were stolen, and knows no password."""

    def __init__(self, lab, port):
        self.lab, self.root = lab, lab.pki().root
        self.credential = bundle(lab, lab.pki().server)
        self.server, self.told, self.recorded = TeapServer(lab, port, self.credential), None, None

    def begin(self):
        self.server.reset(self.credential)
        self.told = None
        self.lab.check(self.server.open(), "there is a tunnel")

    def tell(self, *tlvs):
        answer = self.server.tell(*tlvs)
        self.told = told(answer) or self.told
        return answer

    def asked(self):
        """The machine has said its password."""
        self.lab.equal(one(self.tell((PASSWORD_REQUEST, b"Password:")), PASSWORD), ACCOUNT, "what it says")
        return self

    def ends(self, *binding):
        return self.tell((INTERMEDIATE, SUCCESS), (RESULT, SUCCESS), *binding)

    def bound(self, **terms):
        return self.ends(self.server.keys.request(**terms))


rogue = Attacks("A rogue server inside of TEAP")


@rogue.on("no Crypto-Binding")
def _(host):
    host.asked().ends()


@rogue.on("a Crypto-Binding whose MAC is wrong")
def _(host):
    host.asked()
    binding = host.server.keys.request()
    host.ends(binding[:-1] + bytes([binding[-1] ^ 1]))


@rogue.on("a Crypto-Binding of another tunnel")
def _(host):
    host.asked().ends(host.recorded)


@rogue.on("a Crypto-Binding without a MAC")
def _(host):
    host.asked().bound(flags=0)


@rogue.on("a Crypto-Binding that is a response")
def _(host):
    host.asked().ends(host.server.keys.response(bytes(36)))


@rogue.on("a Crypto-Binding over other Outer TLVs")
def _(host):
    host.asked().bound(outer=tlv(AUTHORITY, b"home"))


@rogue.on("a Crypto-Binding of version 0")
def _(host):
    host.asked().bound(versions=(0, 1))


@rogue.on("a Crypto-Binding by which the machine has said version 0")
def _(host):
    host.asked().bound(versions=(1, 0))


@rogue.on("a success without an Intermediate-Result")
def _(host):
    host.asked().tell((RESULT, SUCCESS), host.server.keys.request())


@rogue.on("an Intermediate-Result without a Crypto-Binding")
def _(host):
    host.asked().tell((INTERMEDIATE, SUCCESS))


@rogue.on("an Intermediate-Result of nothing")
def _(host):
    host.tell((INTERMEDIATE, SUCCESS), host.server.keys.request())


@rogue.on("a success before anything was asked")
def _(host):
    host.tell((RESULT, SUCCESS), host.server.keys.request())
    host.tell((RESULT, SUCCESS), host.server.keys.request())


@rogue.on("EAP-Success in place of a Result")
def _(host):
    host.asked()


@rogue.on("EAP-Success inside of EAP-Payload")
def _(host):
    host.tell((EAP, EAP_SUCCESS))


@rogue.on("EAP in the middle of a password")
def _(host):
    host.asked().tell((EAP, packet(1, 1, 1)))


@rogue.on("a password twice")
def _(host):
    host.asked().tell((PASSWORD_REQUEST, b"Again:"))


@rogue.on("one identity more than there is")
def _(host):
    host.asked().tell((INTERMEDIATE, SUCCESS), host.server.keys.request(), (PASSWORD_REQUEST, b"Another:"))


@rogue.on("a mandatory TLV that nobody knows")
def _(host):
    host.asked().tell((500, b"", True))


@rogue.on("a mandatory TLV that nobody knows, and success")
def _(host):
    host.asked().ends(host.server.keys.request(), (500, b"", True))


@rogue.on("two Results, of which one is a success")
def _(host):
    host.asked().ends(host.server.keys.request(), (RESULT, FAILURE))


@rogue.on("a TLV longer than its message")
def _(host):
    host.tell((PASSWORD_REQUEST, b"?", True, 60000))


@rogue.on("more TLVs than are read")
def _(host):
    host.tell(*[(VENDOR, bytes(4))] * 65)


@rogue.on("a TLV that is the peer's alone")
def _(host):
    host.tell((PASSWORD, b"\1a\1b"))


@rogue.on("to do something, or else")
def _(host):
    host.tell(action(FAILURE, PROCESS, (VENDOR, bytes(4))))


@test
def a_rogue_server_where_there_is_an_account(lab):
    port = lab.port(authenticator=False)
    host = Host(lab, port)
    daemon = lab.latchkeyd(port, bus=lab.bus(), profile={
        "EAP.Method": "teap", "Inner.Method": "password", "Inner.Identity": NAME, "TLS.Credential": None,
        "TLS.Resume": "no", "Inner.PasswordFile": password_file(lab), "EAPOL.StartFirst": "250ms"})

    def attempt(attack):
        mark = daemon.mark()
        daemon.ctl("connect", "--wait=0")
        host.server.until(lambda: daemon.said(r"port\.diagnosis", mark), lambda: (host.begin(), attack(host)))
        return mark

    def against(attack):
        mark = attempt(attack)
        host.server.success()
        found = daemon.expect(r"port\.diagnosis .*?id=(\S+)", mark)[1]
        lab.check(not daemon.said(r"port\.authorised", mark), "the port stays closed")
        return found, host.told or "nothing"

    def honest(host):
        host.asked()
        host.recorded = host.server.keys.request()
        lab.equal(one(host.ends(host.recorded), RESULT), struct.pack("!H", SUCCESS), "what the machine says")

    # It would have worked; and what was said is said again in another tunnel.
    mark = attempt(honest)
    host.server.success()
    daemon.expect(r"port\.authorised", mark)
    daemon.ctl("disconnect")
    rogue.run(lab, against)


# ---- a server with the right key, where a certificate is asked for by TEAP itself -----------------------------

giving = Attacks("A rogue server that gives certificates by TEAP")


class Giver(Host):
    def requested(self, *more):
        """The machine has asked for its certificate, and for roots."""
        demand = one(self.asked().bound(), ACTION)
        self.lab.equal(demand[:2], bytes([FAILURE, PROCESS]), "what the machine demands")
        self.csr = one(tlvs_of(demand[2:]), PKCS10)
        return self

    def issue(self, by=None, usage="clientAuth", key=None):
        """PKCS#7 with a certificate as it was asked for, or otherwise."""
        by = by or self.root
        request, extensions, issued = (self.lab.dir / name for name in ("request.der", "extensions", "issued.pem"))
        request.write_bytes(self.csr)
        extensions.write_text(f"extendedKeyUsage={usage}\nbasicConstraints=critical,CA:FALSE\n")
        force = ("-force_pubkey", key) if key else ()
        pki.openssl("x509", "-req", "-inform", "DER", "-in", request, "-CA", by.cert, "-CAkey", by.key, "-days", "30",
                    "-set_serial", "4711", *force, "-extfile", extensions, "-out", issued)
        return certificates(issued)

    def gives(self, *tlvs):
        """With the root that was asked for."""
        return self.tell(*tlvs, roots(self.root.cert), (RESULT, SUCCESS), self.server.keys.request())


def certificates(*files):
    """PKCS#7 with nothing but certificates."""
    words = [word for file in files for word in ("-certfile", file)]
    return pki.openssl("crl2pkcs7", "-nocrl", *words, "-outform", "DER")


def roots(*files):
    return ROOT, b"\0\1" + tlv(PKCS7, certificates(*files), mandatory=False)


@giving.on("a certificate before it was asked for")
def _(host):
    host.tell((PKCS7, certificates(host.root.cert)))


@giving.on("roots before anything was bound")
def _(host):
    host.tell(roots(host.lab.pki().stranger.cert))


@giving.on("roots that were not asked for")
def _(host):
    host.asked().tell((INTERMEDIATE, SUCCESS), host.server.keys.request(), roots(host.lab.pki().stranger.cert))


@giving.on("a certificate for another key")
def _(host):
    public = host.lab.dir / "other.pub"
    public.write_bytes(pki.openssl("pkey", "-in", host.lab.pki().client.key, "-pubout"))
    host.requested().gives((PKCS7, host.issue(key=public)))


@giving.on("a certificate by another authority")
def _(host):
    host.requested().gives((PKCS7, host.issue(by=host.lab.pki().stranger)))


@giving.on("a certificate that is a server's")
def _(host):
    host.requested().gives((PKCS7, host.issue(usage="serverAuth")))


@giving.on("an authority's certificate in place of one")
def _(host):
    host.requested().gives((PKCS7, certificates(host.root.cert)))


@giving.on("PKCS#7 that is none")
def _(host):
    host.requested().gives((PKCS7, b"\x30\x03\x02\x01\x01"))


@giving.on("a certificate twice")
def _(host):
    given = host.requested().issue()
    host.gives((PKCS7, given), (PKCS7, given))


@giving.on("success without a certificate")
def _(host):
    host.requested().tell((RESULT, SUCCESS), host.server.keys.request())


@giving.on("a certificate, not bound")
def _(host):
    host.requested().tell((INTERMEDIATE, SUCCESS), (PKCS7, host.issue()), (RESULT, SUCCESS))


@giving.on("EAP-Success with the certificate not given")
def _(host):
    host.requested()


@test
def a_rogue_server_that_gives_certificates(lab):
    """At the end, the same machine is given one by an honest one."""
    port = lab.port(authenticator=False)
    host = Giver(lab, port)
    daemon = machine(lab, port, {
        "Enroll.Tunnel": "teap", "Enroll.Protocols": "teap", "Inner.Method": "password", "Inner.Identity": NAME,
        "Inner.PasswordFile": password_file(lab), "Server.TrustAnchor": host.root.cert,
        "Server.ServerName": lab.pki().server_name})

    def attempt(attack):
        mark = daemon.mark()
        daemon.ctl("enroll", "--wait=0")
        host.server.until(lambda: daemon.said(r"credential\.outcome", mark), lambda: (host.begin(), attack(host)))
        return mark

    def against(attack):
        mark = attempt(attack)
        host.server.success()
        found = daemon.expect(r"credential\.outcome .* id=(\S+)", mark)[1]
        lab.check(not daemon.said(r"port\.authorised|outcome=installed", mark), "the port stays closed")
        lab.check(not list((daemon.keystore / "network").glob("*/cert.pem")), "no certificate is in the keystore")
        return found, host.told or "nothing"

    giving.run(lab, against)
    mark = attempt(lambda host: host.requested().gives((PKCS7, host.issue())))
    host.server.success()
    daemon.expect(r"credential\.outcome .* outcome=installed", mark)


if __name__ == "__main__":
    main()
