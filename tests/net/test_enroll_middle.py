"""Servers and switches that are not those of the network, and somebody in the middle, against a machine that wants
to be enrolled.

What has to come of each attack is in doc/testing.md, which these tests read.
"""
import struct

import pki
from attacks import Attacks
from authenticator import HAS_LENGTH, MORE, TLS_START
from cprom import TYPE
from enrolling import SERVER, keep_token, machine, network, token
from lab import CEILING, Failed, each, main, test
from rogue import PEAP, TEAP, TTLS, Middle, RogueServer, bundle, pinned, stolen

EAP_TLS, MD5 = 13, 4
stranger = Attacks("A rogue server without the key")


class Stranger:
    """Somebody else's server at the machine's port."""

    def __init__(self, lab, port):
        self.lab, self.pki = lab, lab.pki()
        self.root, self.other = lab.pki().root, lab.pki().stranger
        self.server = RogueServer(lab, port, bundle(lab, self.other.issue(SERVER, server=True), self.other))

    def opens(self, shown, version="1.3", change=None):
        """Tries to have a tunnel; returns what TLS says."""
        self.server.reset(shown, version)
        if change:
            self.server.change = change
        self.lab.check(not self.server.open(), "there is no tunnel")
        return self.server.tls.error

    def proposes(self, kind, data=b""):
        """Another method than the machine has; what it would rather have."""
        self.server.greet()
        wanted = self.server.eapol.ask(kind, data)
        return f"Nak {' '.join(map(str, wanted))}" if self.server.eapol.answered == 3 else "an answer"

    def flight(self, *frames):
        """Frames of EAP-TTLS in place of the ServerHello; what is not right is not answered."""
        self.server.greet()
        self.server.flights.start()
        self.server.eapol.patience = 1.5
        try:
            for frame in frames:
                self.server.eapol.ask(TTLS, frame)
        except Failed:
            self.server.eapol.take_back()
        finally:
            self.server.eapol.patience = CEILING
        return "nothing"


@stranger.on("a certificate of another authority")
def _(host):
    return host.opens(bundle(host.lab, host.other.issue(SERVER, server=True), host.other))


@stranger.on("the same, with the pinned root behind it")
def _(host):
    return host.opens(bundle(host.lab, host.other.issue(SERVER, server=True), host.other, host.root))


@stranger.on("an authority with the same name")
def _(host):
    other = pki.Authority(host.root.name)
    return host.opens(bundle(host.lab, other.issue(SERVER, server=True), other))


@stranger.on("the same, with the pinned root in place of its own")
def _(host):
    return host.opens(bundle(host.lab, pki.Authority(host.root.name).issue(SERVER, server=True), host.root))


@stranger.on("a certificate that signed itself")
def _(host):
    return host.opens(bundle(host.lab, pki.Authority(SERVER, usage="digitalSignature").issue(SERVER, server=True)))


@stranger.on("the certificate of another machine of this network")
def _(host):
    return host.opens(bundle(host.lab, host.pki.client, host.root))


@stranger.on("the network's own certificate, expired")
def _(host):
    return host.opens(bundle(host.lab, host.pki.expired_server, host.root))


def certificate_message(files):
    """Of TLS 1.2: RFC 5246, section 7.4.2."""
    certs = b"".join(len(der).to_bytes(3, "big") + der for der in
                     (pki.openssl("x509", "-in", file, "-outform", "DER") for file in files))
    body = len(certs).to_bytes(3, "big") + certs
    return b"\x0b" + len(body).to_bytes(3, "big") + body


@stranger.on("the network's own certificate, without its key")
def _(host):
    genuine = certificate_message([host.pki.server.cert, host.root.cert])

    def exchange(records):
        """Handshake messages as they were, but for the Certificate; each in a record of its own."""
        out, messages = b"", b""
        while records:
            size = struct.unpack("!H", records[3:5])[0]
            if records[0] != 22:
                return out + records
            messages, records = messages + records[5:5 + size], records[5 + size:]
        while messages:
            size = 4 + int.from_bytes(messages[1:4], "big")
            message, messages = messages[:size], messages[size:]
            message = genuine if message[0] == 11 else message
            out += b"\x16\x03\x03" + struct.pack("!H", len(message)) + message
        return out

    return host.opens(bundle(host.lab, host.other.issue(SERVER, server=True), host.other), "1.2", exchange)


@stranger.on("TLS 1.1")
def _(host):
    return host.opens(bundle(host.lab, host.pki.server, host.root), "1.1")


@stranger.on("CPROM outside of a tunnel")
def _(host):
    return host.proposes(TYPE, b"\x41\x13\0\0\1\1")


@stranger.on("PEAP in place of EAP-TTLS")
def _(host):
    return host.proposes(PEAP, bytes([TLS_START]))


@stranger.on("TEAP in place of EAP-TTLS")
def _(host):
    return host.proposes(TEAP, bytes([TLS_START | 1]))


@stranger.on("EAP-TLS in place of a tunnel")
def _(host):
    return host.proposes(EAP_TLS, bytes([TLS_START]))


@stranger.on("a password in place of a tunnel")
def _(host):
    return host.proposes(MD5, b"\x10" + bytes(16))


@stranger.on("Success at once")
def _(host):
    host.server.greet()
    return "nothing"


@stranger.on("Success in the middle of the handshake")
def _(host):
    return host.flight()


@stranger.on("a flight of 4 GiB")
def _(host):
    return host.flight(struct.pack("!BI", HAS_LENGTH | MORE, 0xffffffff) + bytes(900))


@stranger.on("a flight without end")
def _(host):
    return host.flight(*[bytes([MORE]) + bytes(1000)] * 70)


@stranger.on("a flight that is not as long as it says")
def _(host):
    return host.flight(struct.pack("!BI", HAS_LENGTH, 900) + bytes(1000))


@stranger.on("a frame with nothing in it, without end")
def _(host):
    return host.flight(*[bytes([MORE])] * 1000)


# The same, where the machine wants TEAP.
versions = Attacks("A rogue server where the machine wants TEAP")


@versions.on("EAP-TTLS in place of TEAP")
def _(host):
    return host.proposes(TTLS, bytes([TLS_START]))


@versions.on("PEAP in place of TEAP")
def _(host):
    return host.proposes(PEAP, bytes([TLS_START]))


@versions.on("CPROM in place of TEAP")
def _(host):
    return host.proposes(TYPE, b"\x41\x13\0\0\1\1")


@versions.on("TEAP of version 0")
def _(host):
    return host.proposes(TEAP, bytes([TLS_START]))


@versions.on("TEAP of version 7, and then of version 0")
def _(host):
    host.server.greet()
    answer = host.server.eapol.ask(TEAP, bytes([TLS_START | 7]))
    host.server.eapol.request(TEAP, bytes(10))
    host.server.eapol.take_back()
    return f"version {answer[0] & 7}"


@test
def a_rogue_server_without_the_key(lab):
    meets(lab, stranger, "ttls")


@test
def a_rogue_server_of_another_tunnel(lab):
    meets(lab, versions, "teap")


def meets(lab, attacks, tunnel):
    port = lab.port(authenticator=False)
    host = Stranger(lab, port)
    daemon = machine(lab, port, {"Enroll.Tunnel": tunnel})
    file = keep_token(daemon, pinned(host.root).text)

    def against(attack):
        mark = daemon.mark()
        daemon.ctl("enroll", f"--token-file={file}", "--wait=0")
        told = host.server.until(lambda: daemon.said(r"credential\.outcome", mark), lambda: attack(host))
        host.server.success()
        found = daemon.expect(r"credential\.outcome .* id=(\S+)", mark)[1]
        lab.check(not daemon.said(r"port\.authorised|outcome=installed|step=tunnel", mark), "the port stays closed")
        lab.check(not (daemon.keystore / "network").exists(), "nothing is in the keystore")
        return found, told or "nothing"

    attacks.run(lab, against)


# ---- in the middle ------------------------------------------------------------------------------------------

middle = Attacks("Somebody in the middle")


@middle.on("another server's key")
def _(between):
    between.relay(bundle(between.lab, between.lab.pki().server, between.lab.pki().root))


@middle.on("the server's own key: a proof is relayed")
def _(between):
    between.relay(between.stolen)


class Between:
    """Between a machine with a token and the server that has made it."""

    def __init__(self, lab, tunnel):
        self.lab = lab
        near = lab.port(authenticator=False)
        self.authd, self.far = network(lab, port={"Port.QuietPeriod": "10ms", "Port.StartsPerSecond": 1000})
        self.stolen = stolen(lab, self.authd)
        self.daemon = machine(lab, near, {"Enroll.Tunnel": tunnel})
        self.token = token(self.authd)
        self.middle = Middle(lab, near, self.far, self.stolen, TEAP if tunnel == "teap" else TTLS)

    def relay(self, shown):
        self.middle.server.reset(shown)
        self.middle.peer.reset()
        self.middle.relay()

    def against(self, attack):
        mark, since = self.daemon.mark(), self.authd.mark()
        self.daemon.ctl("enroll", f"--token-file={keep_token(self.daemon, self.token)}", "--wait=0")
        attack(self)
        if not self.middle.peer.ended:
            self.middle.server.failure()
        found = self.daemon.expect(r"credential\.outcome .* id=(\S+)", mark)[1]
        seen = self.authd.expect(r"auth\.reject .*diagnosis=(\S+)", since)[1] if self.middle.peer.ended else "nothing"
        self.lab.check(not self.daemon.said(r"port\.authorised|outcome=installed", mark), "the port stays closed")
        self.lab.equal(self.authd.json("token", "list")[0]["used"], 0, "uses of the token")
        self.lab.equal(self.authd.json("machine", "list"), [], "machines that the server knows")
        return found, seen


@each("ttls", "teap")
def somebody_in_the_middle(lab, tunnel):
    middle.run(lab, Between(lab, tunnel).against)


if __name__ == "__main__":
    main()
