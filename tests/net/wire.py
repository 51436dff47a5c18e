"""Cables that lose, repeat, reorder and delay; and frames written by hand.

    port = lab.port(wire={"loss": 0.2, "duplicate": 0.1, "reorder": 0.2, "delay": 0.05, "seed": 1})
    port.cable.impair(loss=0)                  # changed while it runs
    port.cable.change = lambda towards, frame: [frame]       # or anything else, per frame

    raw = RawSocket(lab, port.switch, port.switch_interface)
    raw.send(eapol(b"\\x01\\x01\\x00\\x05\\x01"))
    frame = raw.receive(lambda f: f.type == START)

A Wire is a cable with us in the middle: it needs no traffic control in the kernel, and the same seed
always does the same to the same frames.
"""
import errno
import heapq
import random
import select
import socket
import struct
import threading
import time
from dataclasses import dataclass

from lab import CEILING, Failed

PAE_GROUP = bytes.fromhex("0180c2000003")
ETH_P_ALL, ETH_P_PAE = 0x0003, 0x888E
EAP, START, LOGOFF, KEY = 0, 1, 2, 3
EAPOL = struct.pack("!H", ETH_P_PAE)
OUTGOING = 4
SOL_PACKET, PACKET_AUXDATA, TP_STATUS_VLAN_VALID = 263, 8, 1 << 4


def packet_socket(interface, protocol=ETH_P_ALL):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(protocol))
    s.bind((interface, protocol))
    return s


class Wire:
    """A cable through our hands; made like a Cable, with impairments."""

    def __init__(self, lab, peer, peer_if, switch, switch_if, seed=1, **impairments):
        n = lab.number("wire")
        self.peer, self.peer_if, self.switch, self.switch_if = peer, peer_if, switch, switch_if
        self.middle = lab.namespace(f"wire{n}")
        self._seed, self._random = seed, {}
        self.change = None
        self.counts = {"sent": 0, "lost": 0, "duplicated": 0, "reordered": 0}
        self.impairments = {"loss": 0, "duplicate": 0, "reorder": 0, "delay": 0}
        self.impair(**impairments)
        peer.ip(f"link add {peer_if} type veth peer name peer netns {self.middle.path}")
        switch.ip(f"link add {switch_if} type veth peer name switch netns {self.middle.path}")
        for ns, name in ((self.middle, "peer"), (self.middle, "switch"), (peer, peer_if), (switch, switch_if)):
            ns.ip(f"link set {name} promisc on up")
        self._ends = [self.middle.inside(packet_socket, name) for name in ("peer", "switch")]
        self._due = []
        self._stop, self._wake = socket.socketpair()
        self._thread = threading.Thread(target=self._relay, daemon=True)
        self._thread.start()
        lab.owns(self)

    def impair(self, **impairments):
        """Probabilities from 0 to 1; delay in seconds."""
        unknown = set(impairments) - set(self.impairments)
        if unknown:
            raise Failed(f"no such impairment: {unknown}")
        self.impairments |= impairments

    def _chances(self, towards, frame):
        """EAPOL has dice of its own each way, so that other traffic does not change its luck."""
        which = f"{self._seed} {towards} {frame[12:14] == EAPOL}"
        dice = self._random.setdefault(which, random.Random(which))
        return [dice.random() < self.impairments[what] for what in ("loss", "duplicate", "reorder")]

    def _plan(self, towards, frame):
        """Yields (delay, frame) for what is to come out at the other end."""
        frames = [frame] if self.change is None else self.change(towards, frame)
        for f in frames:
            lost, twice, late = self._chances(towards, f)
            if lost:
                self.counts["lost"] += 1
                continue
            self.counts["sent"] += 1
            delay = self.impairments["delay"]
            if late:
                self.counts["reordered"] += 1
                delay += 0.02 + self.impairments["delay"]
            yield delay, f
            if twice:
                self.counts["duplicated"] += 1
                yield delay + 0.001, f

    def _relay(self):
        serial = 0
        while True:
            left = max(0, self._due[0][0] - time.monotonic()) if self._due else None
            ready, _, _ = select.select([*self._ends, self._wake], [], [], left)
            if self._wake in ready:
                return
            for at in ready:
                try:
                    frame, address = at.recvfrom(65536)
                except OSError:
                    continue  # this end is down
                if address[2] == OUTGOING:
                    continue
                out = self._ends[1 - self._ends.index(at)]
                towards = "switch" if out is self._ends[1] else "peer"
                for delay, f in self._plan(towards, frame):
                    serial += 1
                    heapq.heappush(self._due, (time.monotonic() + delay, serial, out, f))
            while self._due and self._due[0][0] <= time.monotonic():
                _, _, out, f = heapq.heappop(self._due)
                try:
                    out.send(f)
                except OSError:
                    pass  # the other end is down: so is the wire

    def unplug(self):
        """Both ends lose their carrier."""
        for name in ("peer", "switch"):
            self.middle.ip(f"link set {name} down")

    def plug(self):
        for name in ("peer", "switch"):
            self.middle.ip(f"link set {name} up")

    def close(self):
        self._stop.close()
        self._thread.join(CEILING)
        for s in (*self._ends, self._wake):
            s.close()


@dataclass
class Frame:
    """An EAPOL frame as it was seen."""
    when: float
    to: bytes
    sender: bytes
    version: int
    type: int
    body: bytes
    raw: bytes
    tag: int = None  # the tag control information of a frame that came with a VLAN tag


def eapol(body=b"", type=EAP, version=2, to=PAE_GROUP, sender=bytes.fromhex("020000000001"), length=None,
          padding=b""):
    """The octets of a frame; `length` where the header is to lie."""
    head = struct.pack("!BBH", version, type, len(body) if length is None else length)
    return to + sender + EAPOL + head + body + padding


def tagged(frame, tci):
    """The same frame with a VLAN tag: priority in the upper three bits, VLAN in the lower twelve."""
    return frame[:12] + struct.pack("!HH", 0x8100, tci) + frame[12:]


def parse(raw, when=0.0, tag=None):
    if len(raw) < 18 or raw[12:14] != EAPOL:
        return None
    version, kind, length = struct.unpack("!BBH", raw[14:18])
    return Frame(when, raw[:6], raw[6:12], version, kind, raw[18:18 + length], raw, tag)


def tag_of(control):
    """The kernel takes a tag out of the frame, and tells of it besides (packet(7), PACKET_AUXDATA)."""
    for level, kind, data in control:
        if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
            status, _, _, _, _, tci, _ = struct.unpack("IIIHHHH", data[:20])
            return tci if status & TP_STATUS_VLAN_VALID else None
    return None


class RawSocket:
    """Sends frames by hand and sees what comes in (and, with `all`, what goes out)."""

    def __init__(self, lab, ns, interface, all=False):
        self._socket = ns.inside(packet_socket, interface, ETH_P_ALL)
        self._socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        ns.ip(f"link set {interface} promisc on")
        self._all = all
        lab.owns(self)

    def send(self, frame):
        self._socket.send(frame)

    def anything(self):
        """The octets of the next frame that comes in, whatever it is."""
        self._socket.settimeout(CEILING)
        while True:
            raw, address = self._socket.recvfrom(65536)
            if address[2] != OUTGOING:
                return raw

    def receive(self, wanted=lambda frame: True, timeout=None):
        """The next EAPOL frame for which `wanted` says yes; None when none comes in time."""
        deadline = time.monotonic() + (CEILING if timeout is None else timeout)
        while (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                raw, control, _, address = self._socket.recvmsg(65536, 256)
            except TimeoutError:
                break
            except OSError as error:
                if error.errno != errno.ENETDOWN:  # which is no end
                    raise
                continue
            frame = parse(raw, time.monotonic(), tag_of(control))
            if frame and (self._all or address[2] != OUTGOING) and wanted(frame):
                return frame
        return None

    def close(self):
        self._socket.close()
