"""RADIUS and EAP-TLS by hand: a NAS with a supplicant that does as it is told, right or wrong.

    nas = Nas(ns, "127.0.0.1", 1812, "testing123")
    answer = nas.ask(nas.request(eap=identity("laptop")))      # None when nothing comes
    nas.ask(nas.request(eap=…, state=answer.state, authenticator=False))

    talk = Talk(nas, pki.client, root)                         # a conversation, step by step
    talk.begin()                                               # the answers are in talk.answers
    while talk.going():
        talk.step()

Every answer is verified; one that is wrong fails the test.
"""
import hashlib
import hmac
import itertools
import os
import select
import socket
import ssl
import struct
import subprocess

from lab import CEILING, Failed, within

REQUEST, ACCEPT, REJECT, ACCOUNTING, ACCOUNTED, CHALLENGE, STATUS = 1, 2, 3, 4, 5, 11, 12
DISCONNECT, DISCONNECTED, NOT_DISCONNECTED, COA, COA_ACK, COA_NAK = 40, 41, 42, 43, 44, 45
USER_NAME, NAS_IP_ADDRESS, NAS_PORT, SERVICE_TYPE, FRAMED_MTU, REPLY_MESSAGE = 1, 4, 5, 6, 12, 18
STATE, CLASS, VENDOR, SESSION_TIMEOUT, TERMINATION_ACTION = 24, 25, 26, 27, 29
CALLED, CALLING, NAS_IDENTIFIER, PROXY_STATE, ACCT_STATUS, ACCT_SESSION = 30, 31, 32, 33, 40, 44
TUNNEL_TYPE, TUNNEL_MEDIUM, EAP_MESSAGE, AUTHENTICATOR, TUNNEL_GROUP, KEY_NAME = 64, 65, 79, 80, 81, 102

EAP_REQUEST, EAP_RESPONSE, EAP_SUCCESS, EAP_FAILURE = 1, 2, 3, 4
EAP_TLS = 13
QUIET = 0.4  # seconds that nothing comes in, after something else was answered


def attribute(kind, value):
    value = value.encode() if isinstance(value, str) else struct.pack("!I", value) \
        if isinstance(value, int) else bytes(value)
    return bytes([kind, len(value) + 2]) + value


def eap_attributes(packet):
    parts = [packet[i:i + 253] for i in range(0, len(packet), 253)] or [b""]
    return b"".join(attribute(EAP_MESSAGE, part) for part in parts)


def eap(code, identifier, kind=None, data=b""):
    body = b"" if kind is None else bytes([kind]) + data
    return struct.pack("!BBH", code, identifier, 4 + len(body)) + body


def identity(name, identifier=0):
    return eap(EAP_RESPONSE, identifier, 1, name.encode())


def version_of(tls):
    return {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[tls]


class Closed(Failed):
    """The server does not want to go on."""


class Answer:
    """A packet that came, verified against the request."""

    def __init__(self, packet, request, secret):
        self.packet = packet
        self.code, self.id, length = struct.unpack_from("!BBH", packet)
        if length != len(packet):
            raise Failed("an answer whose length is wrong")
        self.attributes, at = [], 20
        while at < length:
            kind, size = packet[at], packet[at + 1]
            if size < 2 or at + size > length:
                raise Failed("an answer with an attribute that is not whole")
            self.attributes.append((kind, packet[at + 2:at + size]))
            at += size
        head, body = packet[:4] + request[4:20], packet[20:]
        if hashlib.md5(head + body + secret).digest() != packet[4:20]:
            raise Failed("an answer whose Response Authenticator is wrong")
        if self.get(AUTHENTICATOR) is not None:
            at = packet.index(bytes([AUTHENTICATOR, 18]), 20)
            blank = head + packet[20:at + 2] + bytes(16) + packet[at + 18:]
            if hmac.new(secret, blank, "md5").digest() != packet[at + 2:at + 18]:
                raise Failed("an answer whose Message-Authenticator is wrong")

    def all(self, kind):
        return [value for k, value in self.attributes if k == kind]

    def get(self, kind):
        return next(iter(self.all(kind)), None)

    def number(self, kind):
        value = self.get(kind)
        return None if value is None else int.from_bytes(value, "big")

    @property
    def state(self):
        return self.get(STATE)

    @property
    def eap(self):
        return b"".join(self.all(EAP_MESSAGE))

    @property
    def vlan(self):
        """RFC 3580, section 3.31; a tag may stand before the text."""
        value = self.get(TUNNEL_GROUP)
        return None if value is None else int(value.lstrip(bytes(range(0x20))))


class Nas:
    """A socket of a NAS, and what it puts into every request."""

    def __init__(self, ns, address, port, secret, source=None):
        self.secret = secret.encode()
        self.calling = "02-00-00-00-00-01"
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socket = ns.inside(socket.socket, family, socket.SOCK_DGRAM)
        if source:
            self.socket.bind((source, 0))
        self.socket.connect((address, port))
        self.ids = itertools.cycle(range(256))

    def close(self):
        self.socket.close()

    def request(self, eap=None, code=REQUEST, state=None, attributes=b"", authenticator=True, usual=True,
                secret=None):
        """A packet; `attributes` are encoded ones, `authenticator` says whether there is a
        Message-Authenticator, or is a function that spoils it."""
        secret = self.secret if secret is None else secret.encode()
        body = b""
        if usual:
            # As a switch does it: the name in the Response/Identity.
            user = eap[5:] if eap and len(eap) > 4 and eap[4] == 1 else b"laptop.example.org"
            body += attribute(USER_NAME, user) + attribute(NAS_IDENTIFIER, "by-hand") + \
                attribute(NAS_PORT, 1) + attribute(61, 15) + attribute(CALLING, self.calling)
        if state is not None:
            body += attribute(STATE, state)
        if eap is not None:
            body += eap_attributes(eap)
        body += attributes
        random = os.urandom(16) if code in (REQUEST, STATUS) else bytes(16)
        if authenticator:
            body = attribute(AUTHENTICATOR, bytes(16)) + body
        head = struct.pack("!BBH", code, next(self.ids), 20 + len(body))
        if authenticator:
            mac = hmac.new(secret, head + random + body, "md5").digest()
            mac = mac if authenticator is True else authenticator(mac)
            body = body[:2] + mac + body[18:]
        if code not in (REQUEST, STATUS):
            random = hashlib.md5(head + random + body + secret).digest()
        return head + random + body

    def send(self, packet):
        try:
            self.socket.send(packet)
        except ConnectionRefusedError:
            pass  # told of an earlier one

    def receive(self, packet, timeout=None):
        """The answer to that packet; None when none comes in time."""
        self.socket.settimeout(CEILING if timeout is None else timeout)
        while True:
            try:
                got = self.socket.recv(4096)
            except TimeoutError:
                return None
            except ConnectionRefusedError:
                continue
            if got[1] == packet[1]:
                return Answer(got, packet, self.secret)

    def ask(self, packet, timeout=None, tries=1):
        for _ in range(tries):
            self.send(packet)
            if (answer := self.receive(packet, timeout)) is not None:
                return answer
        return None

    def silent(self, packet):
        """Whether nothing is answered, while a good packet behind it is."""
        self.send(packet)
        good = self.request(eap=identity("laptop.example.org"))
        self.send(good)
        if self.receive(good) is None:
            raise Failed("the server answers nothing at all")
        return self.receive(packet, QUIET) is None


class Supplicant:
    """EAP-TLS over OpenSSL in memory; without keys, which Python does not export."""

    def __init__(self, credential, root, tls=None, after=None, fragment=1000):
        """`after`: an earlier supplicant, whose session is to be resumed."""
        self.context = after.context if after else self._context(credential, root, tls)
        self.fragment = fragment
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = self.context.wrap_bio(self.incoming, self.outgoing,
                                         session=after.tls.session if after else None)
        self.flight, self.waiting = b"", b""
        self.started = self.finished = False
        self.error = None

    @staticmethod
    def _context(credential, root, tls):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.set_ciphers("DEFAULT:@SECLEVEL=0")  # what is weak is for the server to refuse
        context.load_verify_locations(root.cert)
        if credential:
            context.load_cert_chain(credential.bundle, credential.key)
        if tls:
            context.minimum_version = context.maximum_version = version_of(tls)
        return context

    def answer(self, packet):
        """The Response to a Request."""
        code, identifier, _ = struct.unpack_from("!BBH", packet)
        if code != EAP_REQUEST:
            raise Failed(f"the server sent EAP with the code {code}")
        if packet[4] == 1:
            return identity("laptop.example.org", identifier)
        flags, data = packet[5], packet[6:]
        if flags & 0x80:
            data = data[4:]
        self.flight += data
        if flags & 0x40:
            return eap(EAP_RESPONSE, identifier, EAP_TLS, b"\0")
        if self.waiting:
            return eap(EAP_RESPONSE, identifier, EAP_TLS, self._fragment(b""))
        self.incoming.write(self.flight)
        self.flight = b""
        self._go_on()
        self.waiting = self.outgoing.read()
        length = struct.pack("!I", len(self.waiting)) if len(self.waiting) > self.fragment else b""
        return eap(EAP_RESPONSE, identifier, EAP_TLS, self._fragment(length))

    def _fragment(self, length):
        data, self.waiting = self.waiting[:self.fragment], self.waiting[self.fragment:]
        return bytes([(0x80 if length else 0) | (0x40 if self.waiting else 0)]) + length + data

    def _go_on(self):
        try:
            if not self.finished:
                self.tls.do_handshake()
                self.finished = True
            self.tls.read(100)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self.error = error


class Talk:
    """A conversation through a NAS."""

    def __init__(self, nas, credential, root, **kwargs):
        self.nas, self.supplicant = nas, Supplicant(credential, root, **kwargs)
        self.packets, self.answers = [], []

    @property
    def last(self):
        return self.answers[-1]

    def going(self):
        return self.last.code == CHALLENGE

    def next_packet(self):
        """The next request, not sent yet."""
        return self.nas.request(eap=self.supplicant.answer(self.last.eap), state=self.last.state)

    def send(self, packet, **kwargs):
        answer = self.nas.ask(packet, **kwargs)
        if answer is None:
            raise Failed(f"no answer to the {len(self.packets) + 1}th request of a conversation")
        self.packets.append(packet)
        self.answers.append(answer)
        return answer

    def begin(self, name="laptop.example.org", **kwargs):
        return self.send(self.nas.request(eap=identity(name)), **kwargs)

    def step(self, **kwargs):
        return self.send(self.next_packet(), **kwargs)

    def finish(self, **kwargs):
        """To the end; the last answer."""
        if not self.answers:
            self.begin(**kwargs)
        while self.going():
            self.step(**kwargs)
        return self.last


class RadSec(Nas):
    """The same over TLS, RFC 6614."""

    def __init__(self, ns, address, port, credential=None, root=None, tls=None):
        super().__init__(ns, address, port, "radsec")
        self.socket.close()
        self.socket = ns.inside(socket.create_connection, (address, port))
        self.socket.settimeout(CEILING)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(root.cert)
        if credential:
            context.load_cert_chain(credential.bundle, credential.key)
        if tls:
            context.minimum_version = context.maximum_version = version_of(tls)
        self.socket = context.wrap_socket(self.socket)
        self.pending = b""

    def send(self, packet):
        self.socket.sendall(packet)

    def receive(self, packet, timeout=None):
        self.socket.settimeout(CEILING if timeout is None else timeout)
        while True:
            while len(self.pending) < 4 or len(self.pending) < struct.unpack_from("!H", self.pending, 2)[0]:
                try:
                    got = self.socket.recv(65536)
                except TimeoutError:
                    return None
                if not got:
                    raise Closed("the server closed the connection")
                self.pending += got
            length = struct.unpack_from("!H", self.pending, 2)[0]
            got, self.pending = self.pending[:length], self.pending[length:]
            if got[1] == packet[1]:
                return Answer(got, packet, self.secret)


class Pipe(RadSec):
    """The same through openssl(1), which knows pre-shared keys."""

    def __init__(self, ns, address, port, identity, key, tls="1.3"):
        Nas.__init__(self, ns, address, port, "radsec")
        self.socket.close()
        cipher = [] if tls == "1.3" else ["-cipher", "kECDHEPSK+AES"]
        self.popen = subprocess.Popen(
            [*within(ns), "openssl", "s_client", "-quiet", "-connect", f"{address}:{port}", "-psk", key,
             "-psk_identity", identity, f"-tls{tls.replace('.', '_')}", *cipher],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0)
        self.pending = b""
        self.socket = self

    def settimeout(self, seconds):
        self.timeout = seconds

    def sendall(self, packet):
        self.popen.stdin.write(packet)

    def recv(self, size):
        if not select.select([self.popen.stdout], [], [], self.timeout)[0]:
            raise TimeoutError
        return self.popen.stdout.read(size)

    def close(self):
        self.popen.kill()
        self.popen.wait()
        self.popen.stdin.close()
        self.popen.stdout.close()
