"""Ends that are up to something: a server and a machine with CPROM in EAP-TTLS, and somebody in the middle, who
can do TEAP as well.

    server = RogueServer(lab, port, credential)       # lab.port(authenticator=False)
    server.open()                                     # up to the machine's first words inside
    answer = server.say(message(INIT | START, …))     # CPROM, and what the machine answers: octets behind the Type
    server.failure()

    peer = RoguePeer(lab, port)                       # a port that latchkey-authd guards
    peer.open()
    answer = peer.identify()                          # the server's first message of CPROM
    answer = peer.say(message(INIT, …))               # None when the server has ended it: peer.ended

    middle = Middle(lab, near, far, credential)       # a machine at one port, the server behind the other
    middle.relay()                                    # what is said inside goes from tunnel to tunnel

What they say in cprom.py's words is written from doc/cprom.md; the tunnels are OpenSSL's (ossl.py).
"""
import contextlib
import hashlib
import struct
import time

import cprom
import pki
from authenticator import HAS_LENGTH, MORE, REQUEST, RESPONSE, Authenticator, Flights, Gone
from lab import CEILING, Failed
from ossl import Tls
from wire import EAP, START, RawSocket, eapol

IDENTITY, NOTIFICATION, NAK = 1, 2, 3
TTLS, PEAP, TEAP = 21, 25, 55
VERSIONS = {TTLS: 0, PEAP: 0, TEAP: 1}
EAP_MESSAGE, MANDATORY = 79, 0x40


def avp(data, code=EAP_MESSAGE):
    size = 8 + len(data)
    return struct.pack("!IB", code, MANDATORY) + size.to_bytes(3, "big") + data + bytes(-size % 4)


def eap_of(avps):
    """The EAP packet that is in AVPs, or nothing."""
    packet = b""
    while avps:
        code, size = struct.unpack("!I", avps[:4])[0], int.from_bytes(avps[5:8], "big")
        packet += avps[8:size] if code == EAP_MESSAGE else b""
        avps = avps[size + (-size % 4):]
    return packet


def packet(code, identifier, kind, data=b""):
    return struct.pack("!BBHB", code, identifier, 5 + len(data), kind) + data


def bundle(lab, credential, *roots):
    """What a server has to show, with whose roots at its end: for Tls."""
    file = lab.folder("shown") / "chain.pem"
    file.write_text(credential.bundle.read_text() + "".join(root.cert.read_text() for root in roots))
    return file, credential.key


def stolen(lab, authd, name="radius"):
    """The same of latchkey-authd itself."""
    home = authd.keystore / name / "current"
    file = lab.folder("stolen") / "chain.pem"
    file.write_text((home / "cert.pem").read_text() + (home / "chain.pem").read_text() +
                    authd.ctl("ca", "export", check=True).stdout)
    return file, home / "key.pem"


def pinned(root):
    """A token for a network with this authority."""
    public = pki.openssl("pkey", "-in", root.key, "-pubout", "-outform", "DER")
    return cprom.Token(pin=hashlib.sha256(public).digest()[:16])


class Inside:
    """What both ends of a tunnel do: EAP in AVPs, in TLS. Who inherits has tls and flight(), and what TLS has
    still to say."""

    owed = b""

    def eap(self, octets):
        """Says them inside; what comes back, b"" when that is nothing."""
        return self.heard(self.flight(self.tls.say(avp(octets))))

    def pass_on(self, data):
        """The same with whatever is in the tunnel, as it is."""
        self.tls.heard, owed, self.owed = b"", self.owed, b""
        if flight := self.flight(owed + self.tls.say(data)):
            self.tls.hear(flight)
        return self.tls.heard

    def heard(self, flight):
        self.tls.heard = b""
        if flight:
            self.tls.hear(flight)
        return eap_of(self.tls.heard)

    @property
    def binding(self):
        return self.tls.export(cprom.EXPORTER, 32)


class RogueServer(Inside):
    """An EAP-TTLS server at a port, in whose tunnel whatever it likes is said."""

    def __init__(self, lab, port, server, version="1.3", kind=TTLS):
        self.eapol, self.kind = Authenticator(lab, port), kind
        self.flights = Flights(self.eapol, kind, VERSIONS[kind])
        self.flight = self.flights.send
        self.reset(server, version)

    def reset(self, server, version="1.3"):
        """Ready for the next conversation."""
        self.tls, self._id, self.change = Tls(server=server, version=version), 0, lambda records: records

    def greet(self):
        """Up to the machine's name, outside."""
        self.eapol.knocked()
        self.eapol.identity()

    def open(self):
        """Until it is upon the machine to speak inside: it has said who it is in EAP-TTLS, and nothing in TEAP.
        False when there is no tunnel."""
        self.greet()
        flight = self.flights.start()
        while not self.tls.heard:
            records = self.tls.hear(flight)
            if self.tls.error:
                if records:
                    self.flight(records)  # why not
                return False
            if self.tls.done and self.kind == TEAP:
                self.owed = records
                break
            if not self.tls.heard:
                flight = self.flight(self.change(records))
        return True

    def ask(self, kind, data=b""):
        """A Request inside; (type, data) of the Response, (None, b"") when none is in the flight."""
        self._id = (self._id + 1) % 256
        answer = self.eap(packet(REQUEST, self._id, kind, data))
        return (answer[4], answer[5:]) if answer else (None, b"")

    def say(self, data):
        """A message of CPROM; the answer, put together."""
        kind, answer = self.ask(cprom.TYPE, data)
        whole = answer
        while answer and answer[0] & cprom.MORE:
            kind, answer = self.ask(cprom.TYPE, bytes([answer[0] & 0x0f]))
            whole += answer[5:]
        if kind not in (cprom.TYPE, None):
            raise Failed(f"the machine answers by {kind}: {whole.hex()}")
        return whole

    def until(self, gone, attack):
        """Attacks until the machine is known to have given up; returns what came of it, or None."""
        self.eapol.gone = gone
        with contextlib.suppress(Gone):
            return attack()

    def success(self):
        self.eapol.success()

    def failure(self):
        self.eapol.failure()


class RoguePeer(Inside):
    """A machine without much respect, at a port that somebody guards."""

    FRAGMENT = 1000

    def __init__(self, lab, port, client=None, version="1.3", kind=TTLS, identity=b"anonymous"):
        self._raw, self._identity, self.kind = RawSocket(lab, port.peer, port.interface), identity, kind
        self._sender = bytes.fromhex(port.mac.replace(":", ""))
        self.reset(client, version)

    def reset(self, client=None, version="1.3"):
        self.tls = Tls(client=client, version=version)
        self.ended, self._answered, self._request, self._asked = None, None, None, None

    # -- frames

    def frame(self, body=b"", kind=EAP, **more):
        self._raw.send(eapol(body, type=kind, sender=self._sender, **more))

    def receive(self, patience=None, final=True):
        """The next Request, (type, data), which is not one that was answered; None at the end, see ended."""
        def fresh(frame):
            return frame.type == EAP and len(frame.body) >= 4 and frame.body[0] != RESPONSE and \
                not (frame.body[0] == REQUEST and frame.body[1] == self._answered)

        frame = self._raw.receive(fresh, patience)
        if not frame:
            if final:
                raise Failed("the server is silent")
            return None
        if frame.body[0] != REQUEST:
            self.ended = {3: "success", 4: "failure"}[frame.body[0]]
            return None
        self._request = frame.body[1]
        size = struct.unpack("!H", frame.body[2:4])[0]
        return frame.body[4], frame.body[5:size]

    def answer(self, kind, data=b"", patience=None):
        """The Response to what was asked last; returns the next Request. With patience, silence is None as well."""
        self._answered = self._request
        self.frame(packet(RESPONSE, self._request, kind, data))
        return self.receive(patience, patience is None)

    # -- the tunnel

    def knock(self):
        """Up to the first Request of a method; again and again, for a port may be quiet for a while."""
        asked, deadline = None, time.monotonic() + CEILING
        while self._raw.receive(timeout=0.001):
            pass  # what is left of another conversation
        while not asked or asked[0] != IDENTITY:
            self.frame(kind=START)
            asked = self.receive(0.2, time.monotonic() > deadline)
            self.ended = None
        while asked and asked[0] == IDENTITY:  # once for each Start that was heard
            asked = self.answer(IDENTITY, self._identity)
        return asked

    def open(self):
        """True when there is a tunnel."""
        asked = self.knock()
        if asked and asked[0] != self.kind:
            asked = self.answer(NAK, bytes([self.kind]))
        if not asked or asked[0] != self.kind:
            raise Failed(f"no method {self.kind} is to be had: {asked}")
        self.start = asked[1]
        records = self.tls.hear()
        while not self.tls.done and not self.ended and not self.tls.error:
            records = self.tls.hear(self.flight(records))
        if self.tls.done and (records or self.kind == TEAP and not self.tls.heard) or \
                self.tls.error and not self.ended:
            self.tls.hear(self.flight(records))
        return self.tls.done and not self.ended

    def flight(self, records):
        """Any octets as a flight; the server's, b"" when it has ended it."""
        total = len(records)
        while True:
            part, records = records[:self.FRAGMENT], records[self.FRAGMENT:]
            head = bytes([VERSIONS[self.kind] | (MORE if records else 0)])
            if total > self.FRAGMENT and total == len(part) + len(records):
                head = struct.pack("!BI", head[0] | HAS_LENGTH, total)
            asked = self.answer(self.kind, head + part)
            if not records:
                return self.gather(asked)

    def gather(self, asked):
        flight = b""
        while asked:
            flags, data = asked[1][0], asked[1][1:]
            flight += data[4:] if flags & HAS_LENGTH else data
            if not flags & MORE:
                break
            asked = self.answer(self.kind, bytes([VERSIONS[self.kind]]))
        return flight

    # -- inside

    def request(self, octets):
        """Of a Request inside: the data, when it is CPROM's; all of it, when the server sent fragments."""
        whole = b""
        while octets:
            self._asked, kind, data = octets[1], octets[4], octets[5:]
            if kind != cprom.TYPE:
                raise Failed(f"the server proposes {kind} inside")
            whole += data[5:] if whole else data
            if not data[0] & cprom.MORE:
                break
            octets = self.eap(packet(RESPONSE, self._asked, cprom.TYPE, bytes([data[0] & 0x0f])))
        return whole or None

    def identify(self, name=b"machine"):
        return self.request(self.eap(packet(RESPONSE, 0, IDENTITY, name)))

    def say(self, data):
        return self.request(self.eap(packet(RESPONSE, self._asked, cprom.TYPE, data)))

    def nak(self, kind):
        """Another method inside, please."""
        return self.eap(packet(RESPONSE, self._asked, NAK, bytes([kind])))


class Middle:
    """Between a machine and its server, with a tunnel to each."""

    def __init__(self, lab, near, far, credential, kind=TTLS):
        self.server = RogueServer(lab, near, credential, kind=kind)
        self.peer = RoguePeer(lab, far, kind=kind)

    def relay(self):
        """From the first to the last, whatever it is. Returns whether there were two tunnels to relay between."""
        if not self.server.open() or not self.peer.open():
            return False
        ends = [self.peer, self.server]
        data = self.server.tls.heard
        if not data:
            data = self.peer.tls.heard
            ends.reverse()
        while data:
            data = ends[0].pass_on(data)
            ends.reverse()
        if self.peer.ended == "success":
            self.server.success()
        elif self.peer.ended:
            self.server.failure()
        return True
