"""TEAP as RFC 9930 has it, written from that text and nothing else: TLVs, keys, and ends for those who are up to
something.

    server = TeapServer(lab, port, credential)     # see rogue.py
    server.open()                                  # there is a tunnel, in which nothing was said yet
    tlvs = server.tell((PASSWORD_REQUEST, b"?"))   # TLVs, and what the machine answers
    server.keys.request()                          # a Crypto-Binding TLV: octets
"""
import hmac
import os
import struct

from accounts import NAME, PASSWORD as SECRET
from rogue import TEAP, RoguePeer, RogueServer

(AUTHORITY, IDENTITY_TYPE, RESULT, NAK, ERROR, CHANNEL_BINDING, VENDOR, ACTION, EAP, INTERMEDIATE, PAC, BINDING,
 PASSWORD_REQUEST, PASSWORD, PKCS7, PKCS10, ROOT, CSR_ATTRIBUTES, HINT) = range(1, 20)
MANDATORY = 0x8000
OPTIONAL = {AUTHORITY, VENDOR, PKCS10, CSR_ATTRIBUTES, HINT}
SUCCESS, FAILURE = 1, 2
PROCESS, NEGOTIATE = 1, 2
MACS, NONCE = 40, 32
HAS_OUTER = 0x10
ERRORS = {
    1001: "inner method", 1002: "infrastructure", 1003: "authentication", 1004: "authorization", 1005: "no credentials",
    1010: "not trusted", 1024: "identity in the request", 1025: "request", 1027: "PKI", 2001: "tunnel compromise",
    2002: "unexpected TLVs", 2003: "binding", 2005: "no MSK MAC", 2006: "MSK MAC"}
ACCOUNT = b"".join(bytes([len(text)]) + text.encode() for text in (NAME, SECRET))  # name and password
DIGESTS = {32: "sha256", 48: "sha384"}


# ---- TLVs -----------------------------------------------------------------------------------------------

def tlv(kind, value=b"", mandatory=None, size=None):
    """`size` where it is to lie. A status may be a number, and a row of TLVs a list."""
    if isinstance(value, int):
        value = struct.pack("!I" if kind == ERROR else "!H", value)
    must = kind not in OPTIONAL if mandatory is None else mandatory
    return struct.pack("!HH", kind | (MANDATORY if must else 0), len(value) if size is None else size) + value


def row(*tlvs):
    return b"".join(t if isinstance(t, bytes) else tlv(*t) for t in tlvs)


def tlvs_of(data):
    found = []
    while data:
        kind, size = struct.unpack("!HH", data[:4])
        found.append((kind & 0x3fff, data[4:4 + size]))
        data = data[4 + size:]
    return found


def one(tlvs, kind):
    return next((value for found, value in tlvs if found == kind), None)


def told(tlvs):
    """What an Error or a NAK TLV says; None without either."""
    if code := one(tlvs, ERROR):
        number = struct.unpack("!I", code)[0]
        return f"{number} {ERRORS[number]}"
    return "NAK {1}".format(*struct.unpack("!IH", one(tlvs, NAK)[:6])) if one(tlvs, NAK) else None


def action(status, what, *tlvs):
    return tlv(ACTION, bytes([status, what]) + b"".join(tlv(*t, mandatory=False) for t in tlvs))


# ---- keys: section 6 ------------------------------------------------------------------------------------

class Keys:
    """Of a tunnel in which nothing has a key: passwords, and nothing at all, bind by the same CMK."""

    def __init__(self, tls, server=b"", peer=b""):
        self.digest, self.outer = DIGESTS[tls.digest_size], server + peer
        seed = b"Inner Methods Compound Keys" + bytes(32)
        self.cmk = self._hash(tls.export("EXPORTER: teap session key seed", 40), seed)[40:60]

    def _hash(self, secret, seed):
        out, a = b"", seed
        for _ in range(3):
            a = hmac.digest(secret, a, self.digest)
            out += hmac.digest(secret, a + seed, self.digest)
        return out

    def bind(self, nonce, kind, versions=(1, 1), flags=2, outer=None):
        head = struct.pack("!HHBBBB", MANDATORY | BINDING, 4 + NONCE + MACS, 0, *versions, flags << 4 | kind) + nonce
        covered = head + bytes(MACS) + bytes([TEAP]) + (self.outer if outer is None else outer)
        return head + bytes(20) + hmac.digest(self.cmk, covered, self.digest)[:20]

    def request(self, **terms):
        nonce = os.urandom(NONCE)
        return self.bind(nonce[:-1] + bytes([nonce[-1] & 0xfe]), 0, **terms)

    def response(self, request, **terms):
        """To the value of the server's TLV."""
        return self.bind(request[4:35] + bytes([request[35] | 1]), 1, **terms)


# ---- ends -----------------------------------------------------------------------------------------------

class Inside:
    def tell(self, *tlvs):
        """Says them inside; the TLVs that come back."""
        return tlvs_of(self.pass_on(row(*tlvs)))

    def eap(self, octets):
        return one(self.tell((EAP, octets)), EAP) or b""


class TeapServer(Inside, RogueServer):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, kind=TEAP, **kwargs)

    @property
    def keys(self):
        return Keys(self.tls)


class TeapPeer(Inside, RoguePeer):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, kind=TEAP, **kwargs)

    @property
    def keys(self):
        return Keys(self.tls, server=self.start[5:] if self.start[0] & HAS_OUTER else b"")
