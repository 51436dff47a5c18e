"""How long a port takes to open, and the CPU time of an authentication."""
import time

from contest import CONTESTANTS, Arena, Credentials, cpu_seconds
from lab import Failed
from report import Table, milliseconds, ratio, spread

ROUNDS = 5
REAUTHENTICATIONS = 20
# hostapd 2.10 cannot resume with TLS 1.3: it omits the success indication of RFC 9190 then.
TLS = "1.2"
# wpa_supplicant does not look at the carrier: so long is waited for it, once.
PATIENCE = 4


def elapsed(arena, act, timeout=None):
    mark = arena.mark()
    begun = time.monotonic()
    act()
    arena.authorised(mark, timeout)
    return time.monotonic() - begun


def flap(arena, timeout=None):
    """The time from the carrier's return; None if nothing comes of it."""
    arena.port.cable.unplug()
    time.sleep(1.1)  # the kernel tells of a carrier once a second at most
    try:
        return elapsed(arena, arena.port.cable.plug, timeout)
    except Failed:
        return None


def one_round(arena, contestant, got, flaps):
    got["start"].append(elapsed(arena, contestant.start))
    if flaps:
        took = flap(arena, PATIENCE)
        if took is not None:
            got["carrier"].append(took)
        else:
            contestant.stop()
            contestant.start()
            arena.authorised(arena.mark())
    arena.reauthenticate(2)
    time.sleep(0.05)
    before, begun = cpu_seconds(contestant.pid), time.monotonic()
    arena.reauthenticate(REAUTHENTICATIONS)
    got["reauthentication"].append((time.monotonic() - begun) / REAUTHENTICATIONS)
    time.sleep(0.05)
    got["cpu"].append((cpu_seconds(contestant.pid) - before) / REAUTHENTICATIONS)
    contestant.stop()


def measure(lab, quick=False):
    credentials = Credentials("P-256")
    arena = Arena(lab, credentials, tls=[TLS])
    results = {}
    for resume in (False, True):
        contestants = [make(lab, [arena.port], credentials, resume, TLS) for make in CONTESTANTS]
        got = {c.name: {"start": [], "carrier": [], "reauthentication": [], "cpu": []}
               for c in contestants}
        for n in range(2 if quick else ROUNDS):
            for c in contestants:
                one_round(arena, c, got[c.name], flaps=n == 0 or got[c.name]["carrier"])
        results["resumed" if resume else "full"] = got
    return results


WORDS = {"start": "start to authorised", "carrier": "carrier to authorised",
         "reauthentication": "reauthentication", "cpu": "CPU time of one"}


def show(results):
    table = Table("Time, in ms: median (least to most)", ("", "latchkeyd", "wpa_supplicant", "ratio"),
                  f"P-256 and TLS {TLS}, hostapd on the same machine at the other end of a veth.")
    for kind, got in results.items():
        for what, word in WORDS.items():
            if kind == "resumed" and what == "start":
                continue  # nothing to resume yet
            ours, theirs = got["latchkeyd"][what], got["wpa_supplicant"][what]
            table.row(f"{word}, {kind}" if what != "start" else word, spread(ours, milliseconds),
                      spread(theirs, milliseconds) if theirs else f"none in {PATIENCE} s",
                      ratio(ours, theirs))
    table.print()


def aims(results):
    starts = {name: got["start"] for name, got in results["full"].items()}
    return [("start to port up, of wpa_supplicant's time", 0.02,
             ratio(starts["latchkeyd"], starts["wpa_supplicant"]))]
