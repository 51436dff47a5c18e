"""CPROM as doc/cprom.md has it, written from that page and nothing else: messages, proofs, tokens as text.

    first, tlvs = read(data)                     # of an EAP packet of CPROM, behind its Type
    data = message(INIT | START, (CHALLENGE_DATA, b"\\xc8" + challenge))
    one(tlvs, ERROR)                             # the value of the first with that type
"""
import hashlib
import hmac
import os
import struct

TYPE = 255
INIT, PROVISIONING, VALIDATE = 1, 2, 3
LENGTH, START, MORE, DONE = 0x80, 0x40, 0x20, 0x10
(ACTION, CERTIFICATE_DATA, CHALLENGE_DATA, CHALLENGE_RESPONSE, CREDENTIALS_DATA, INFORMATION, ERROR, USAGE, PROFILE,
 PROTOCOL, DATA, HEADERS, PARAMS, REQUEST, STORAGE, FORMAT, ENCODING, TOKEN_DATA, VERSION) = range(1, 20)
SPP, CMP_BASIC, CMP, EST = 1, 2, 3, 4
REGISTER, RENEW, REMOVE = 0, 1, 2
LEAF, CHAIN, ANCHOR = 0x00, 0x02, 0x07
TOKEN, TOKEN_CHALLENGE, SIGNATURE_CHALLENGE, BARE_CHALLENGE = 200, 200, 201, 1
DER, RAW, PKCS10 = 1, 0, 2
ERRORS = ("", "malformed", "unexpected", "version", "protocol", "token missing", "token", "proof", "refused",
          "unknown", "parameters", "key", "CA", "not acceptable", "storage", "validation", "limit", "internal")
EXPORTER = "EXPORTER-CPROM-binding"
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


# ---- messages -------------------------------------------------------------------------------------------

def tlv(kind, value=b"", length=None):
    """`length` where it is to lie."""
    return bytes([kind]) + (len(value) if length is None else length).to_bytes(3, "big") + value


def message(first, *tlvs):
    return bytes([first]) + b"".join(t if isinstance(t, bytes) else tlv(*t) for t in tlvs)


def tlvs_of(data):
    found = []
    while data:
        size = int.from_bytes(data[1:4], "big")
        found.append((data[0], data[4:4 + size]))
        data = data[4 + size:]
    return found


def read(data):
    """The first octet, and the TLVs, of a message that came whole."""
    return data[0], tlvs_of(data[5:] if data[0] & LENGTH else data[1:])


def one(tlvs, kind):
    return next((value for found, value in tlvs if found == kind), None)


def error(tlvs):
    """Its name; None without an Error TLV."""
    value = one(tlvs, ERROR)
    return ERRORS[struct.unpack("!H", value[:2])[0]] if value else None


def info(kind=0, protocol=0, flags=0, issued=b"", expires=b"", id=b"\0"):
    return struct.pack("!BBH16s16sI", flags, kind, protocol, issued, expires, len(id)) + id


def offer(action=REGISTER, protocol=SPP, version=0, id=None, least=0, most=0, algorithm=0, flags=0x02):
    """The TLVs that begin a round."""
    begin = [(PROTOCOL, struct.pack("!HH", protocol, version)), (ACTION, bytes([0, action]))]
    if id is not None:
        begin.append((INFORMATION, info(id=id)))
    return begin + [(PARAMS, struct.pack("!HHBB", least, most, algorithm, flags))]


def certificates(*flagged):
    """Provisioning-Data of SPP: (flags, DER), …"""
    return b"".join(tlv(CERTIFICATE_DATA, bytes([flags, 0, DER]) + der) for flags, der in flagged)


# ---- proofs and tokens ----------------------------------------------------------------------------------

def token_proof(secret, binding, challenge, id):
    return hmac.digest(secret, b"CPROM token v1\0" + binding + challenge + id, "sha256")


def validation(binding, id, challenge):
    """What is signed of a certificate."""
    return b" " * 64 + b"CPROM validate v1\0" + binding + hashlib.sha256(id).digest() + challenge


def checksum(data):
    """CRC-24 of RFC 4880, section 6.1."""
    crc = 0xb704ce
    for octet in data:
        crc ^= octet << 16
        for _ in range(8):
            crc = crc << 1 ^ (0x1864cfb if crc & 0x800000 else 0)
    return (crc & 0xffffff).to_bytes(3, "big")


class Token:
    def __init__(self, id=None, secret=None, pin=bytes(16)):
        self.id, self.secret, self.pin = id or os.urandom(5), secret or os.urandom(16), pin

    @classmethod
    def of(cls, text):
        number = 0
        for c in text.removeprefix("LK1-").replace("-", ""):
            number = number << 5 | ALPHABET.index(c)
        octets = number.to_bytes(40, "big")
        return cls(octets[:5], octets[5:21], octets[21:37])

    @property
    def text(self):
        octets = self.id + self.secret + self.pin
        number = int.from_bytes(octets + checksum(b"LK1" + octets), "big")
        digits = [ALPHABET[number >> 5 * i & 31] for i in reversed(range(64))]
        return "LK1-" + "-".join("".join(digits[i:i + 4]) for i in range(0, 64, 4))

    def proof(self, binding, challenge):
        return token_proof(self.secret, binding, challenge, self.id)
