#!/usr/bin/env python3
"""Writes teap_keys.txt: the formulas of RFC 9930, section 6, once more, on nothing but hmac.

RFC 7170, RFC 9930 and their drafts give no values, so these are our own; they were computed by this
program, which shares no code with what they test.
"""
import hashlib
import hmac
import struct


def p_hash(digest, secret, seed, length):
    out, a = b"", seed
    while len(out) < length:
        a = hmac.new(secret, a, digest).digest()
        out += hmac.new(secret, a + seed, digest).digest()
    return out[:length]


def octets(name, length):
    """Something that looks like a key."""
    return hashlib.shake_256(name.encode()).digest(length)


class Case:
    def __init__(self, name, prf, mac):
        print(f"\n# {name}")
        self.prf, self.mac = prf, mac
        self.seed = octets(name + " seed", 40)
        self.chains = {"MSK": [self.seed, None], "EMSK": [self.seed, None]}
        self.chains["MSK"][1] = self.link("MSK", bytes(32))[1]
        self.keyed = False
        print(f"{self.seed.hex()}  seed {prf} {mac}")

    def link(self, chain, imsk):
        imck = p_hash(self.prf, self.chains[chain][0], b"Inner Methods Compound Keys" + imsk, 60)
        return [imck[:40], imck[40:]]

    def method(self, number, msk=b"", emsk=b"", swapped=False):
        print(f"{msk.hex() or chr(34) * 2}  msk\n{emsk.hex() or chr(34) * 2}  emsk\n{number:02x}  method")
        imsk = (msk[16:32] + msk[:16] if swapped else msk)[:32].ljust(32, b"\0")
        self.chains["MSK"] = self.link("MSK", imsk)
        if emsk:
            imsk = p_hash(self.prf, emsk, b"TEAPbindkey@ietf.org\0\0\x40", 32)
            self.chains["EMSK"] = self.link("EMSK", imsk)
        self.keyed = self.keyed or bool(msk or emsk)
        self.show()

    def show(self):
        for chain, (s_imck, cmk) in self.chains.items():
            print(f"{s_imck.hex()}  S-IMCK of {chain}")
            if cmk:
                print(f"{cmk.hex()}  CMK of {chain}")

    def mac_over(self, flags, kind, chain, server, peer):
        nonce = octets("nonce", 32)
        nonce = nonce[:31] + bytes([nonce[31] & 0xFE | kind])
        tlv = struct.pack(">HHBBBB", 0x800C, 76, 0, 1, 1, flags << 4 | kind) + nonce + bytes(40)
        print(f"{server.hex() or chr(34) * 2}  server's outer\n{peer.hex() or chr(34) * 2}  peer's outer")
        print(f"{tlv.hex()}  binding")
        mac = hmac.new(self.chains[chain][1], tlv + b"\x37" + server + peer, self.mac).digest()
        print(f"{mac[:20].hex()}  MAC of {chain}")

    def end(self, chain):
        s_imck = self.chains[chain][0] if self.keyed else self.seed
        print(f"{p_hash(self.prf, s_imck, b'Session Key Generating Function', 64).hex()}  MSK by {chain}")
        print(f"{p_hash(self.prf, s_imck, b'Extended Session Key Generating Function', 64).hex()}  EMSK by {chain}")


AUTHORITY = struct.pack(">HH", 1, 4) + b"home"
MACHINE = struct.pack(">HHH", 0x8002, 2, 2)

print("# TEAP's keys, RFC 9930 section 6: octets and what they are.  Written by teap_keys.py, which see;")
print("# test_teap_codec.c computes each value from those before it.")

c = Case("no inner method", "sha256", "sha256")
c.show()
c.mac_over(2, 0, "MSK", AUTHORITY, b"")
c.mac_over(2, 1, "MSK", AUTHORITY, MACHINE)
c.end("MSK")

c = Case("a password: the MSK is generated from the seed", "sha384", "sha384")
c.method(0)
c.mac_over(2, 0, "MSK", b"", b"")
c.end("MSK")

c = Case("EAP-TLS, both chains", "sha384", "sha384")
c.method(13, octets("tls msk", 64), octets("tls emsk", 64))
c.mac_over(3, 0, "MSK", AUTHORITY, MACHINE)
c.mac_over(3, 1, "EMSK", AUTHORITY, MACHINE)
c.end("MSK")
c.end("EMSK")

c = Case("EAP-MSCHAPv2: its MSK is swapped, and it has no EMSK", "sha256", "sha256")
c.method(26, octets("mschapv2", 32) + bytes(32), swapped=True)
c.mac_over(2, 0, "MSK", AUTHORITY, b"")
c.end("MSK")

c = Case("EAP-TLS, then EAP-MSCHAPv2, then a password", "sha256", "sha256")
c.method(13, octets("machine msk", 64), octets("machine emsk", 64))
c.method(26, octets("user", 32) + bytes(32), swapped=True)
c.method(0)
c.mac_over(2, 1, "MSK", AUTHORITY, MACHINE)
c.end("MSK")
c.end("EMSK")

c = Case("an MSK that is too short, and a suite with a MAC of its own", "sha256", "sha1")
c.method(4, octets("short", 16))
c.mac_over(2, 0, "MSK", AUTHORITY, b"")
c.end("MSK")
