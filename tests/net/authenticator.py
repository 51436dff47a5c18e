"""An authenticator by hand, and an EAP-TLS server in it, for what no real one does on request.

    switch = Authenticator(lab, port)               # lab.port(authenticator=False)
    switch.identity()                               # asks; the answer is b"anonymous"
    server = switch.tls(pki.server, pki.root, "1.2")
    flight = server.start()                         # the machine's ClientHello
    flight = server.answer(flight)                  # and what it says to our flight
    server.alert(48)                                # unknown_ca, in plain TLS 1.2
    switch.failure()
"""
import ssl
import struct
import time

from lab import CEILING, Failed
from wire import EAP, START, RawSocket, eapol

REQUEST, RESPONSE, SUCCESS, FAILURE = 1, 2, 3, 4
IDENTITY, TLS = 1, 13
HAS_LENGTH, MORE, TLS_START = 0x80, 0x40, 0x20
VERSIONS = {"1.1": ssl.TLSVersion.TLSv1_1, "1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class Gone(Exception):
    """The machine will not answer."""


class Authenticator:
    def __init__(self, lab, port):
        self._raw = RawSocket(lab, port.switch, port.switch_interface)
        self._id = 0
        self.gone = lambda: False  # says when the machine is known to have given up
        self.patience = CEILING

    def knocked(self):
        """Waits for an EAPOL-Start."""
        if not self._raw.receive(lambda f: f.type == START):
            raise Failed("nobody knocks")

    def send(self, packet):
        """Any octets, as an EAP packet."""
        self._raw.send(eapol(packet))

    def request(self, kind, data=b""):
        """Sends a Request and waits for no answer."""
        self._id = (self._id + 1) % 256
        self.send(struct.pack("!BBHB", REQUEST, self._id, 5 + len(data), kind) + data)

    def ask(self, kind, data=b""):
        """A Request; returns the data of the Response."""
        self.request(kind, data)
        frame, deadline = None, time.monotonic() + self.patience
        while not frame and time.monotonic() < deadline:
            if self.gone():
                raise Gone
            frame = self._raw.receive(lambda f: f.type == EAP and f.body[:2] == bytes((RESPONSE, self._id)), 0.1)
        if not frame:
            raise Failed(f"no response to request {self._id} of type {kind}")
        self.answered = frame.body[4]
        return frame.body[5:]

    def identity(self):
        return self.ask(IDENTITY)

    def take_back(self):
        """The last Request was not taken: what is said next goes with the one before it."""
        self._id = (self._id - 1) % 256

    def success(self):
        self.send(struct.pack("!BBH", SUCCESS, self._id, 4))

    def failure(self):
        self.send(struct.pack("!BBH", FAILURE, self._id, 4))

    def tls(self, server, root, version, ciphers=None, crl=None):
        return TLSServer(self, server, root, version, ciphers, crl)


class Flights:
    """Octets in the fragments that EAP-TLS has, and all tunnels with it; `kind` is the method's type."""

    FRAGMENT = 1000

    def __init__(self, authenticator, kind=TLS, version=0):
        self._authenticator, self._kind, self._version = authenticator, kind, version

    def start(self, data=b""):
        return self._gather(self._authenticator.ask(self._kind, bytes([TLS_START | self._version]) + data))

    def send(self, records):
        """Any octets, as a flight; returns the machine's."""
        total, answer = len(records), b""
        while True:
            part, records = records[:self.FRAGMENT], records[self.FRAGMENT:]
            flags = self._version | (MORE if records else 0)
            head = bytes([flags])
            if total > self.FRAGMENT and total == len(part) + len(records):
                head = struct.pack("!BI", flags | HAS_LENGTH, total)
            answer = self._authenticator.ask(self._kind, head + part)
            if not records:
                return self._gather(answer)

    def _gather(self, data):
        flight = b""
        while True:
            flags, data = data[0], data[1:]
            flight += data[4:] if flags & HAS_LENGTH else data
            if not flags & MORE:
                return flight
            data = self._authenticator.ask(self._kind, bytes([self._version]))


class TLSServer(Flights):
    """The server's side of EAP-TLS; OpenSSL does the TLS until it is told otherwise."""

    def __init__(self, authenticator, server, root, version, ciphers, crl):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = context.maximum_version = VERSIONS[version]
        if ciphers:
            context.set_ciphers(ciphers)
        context.load_cert_chain(server.bundle, server.key)
        context.load_verify_locations(root.cert)
        context.verify_mode = ssl.CERT_REQUIRED
        if crl:
            context.load_verify_locations(crl)
            context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
        super().__init__(authenticator)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._in, self._out, server_side=True)
        self.done, self.error = False, None

    def answer(self, flight):
        """Gives OpenSSL the machine's flight, sends what it says to that; returns the next."""
        self._in.write(flight)
        try:
            self.tls.do_handshake()
            self.done = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self.error, self.done = error.reason, True
        records = self._out.read()
        return b"" if self.error and not records else self.send(records)

    def handshake(self):
        """To its end, which may be an alert, as long as the machine goes along."""
        flight = self.start()
        while not self.done and flight:
            flight = self.answer(flight)
        return flight

    def say(self, data):
        """Application data; returns the machine's flight."""
        self.tls.write(data)
        return self.send(self._out.read())

    def close(self):
        """close_notify"""
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        return self.send(self._out.read())

    def alert(self, number):
        """A fatal alert in the clear, which in TLS 1.2 is good until our ChangeCipherSpec."""
        return self.send(bytes((21, 3, 3, 0, 2, 2, number)))
