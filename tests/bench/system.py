"""What the kernel notices: wake-ups, system calls, descriptors; and the size of the programs."""
import shutil
import signal
import time

from contest import CONTESTANTS, LATCHKEY, WPA, Arena, Credentials, descriptors, wakeups
from lab import BUILD, run
from report import Table, plain, ratio

IDLE_SECONDS = 30
AUTHENTICATIONS = 10


def start_all(lab, credentials):
    """Each on a port of its own, so that both idle at the same time."""
    pairs = []
    for make in CONTESTANTS:
        arena = Arena(lab, credentials)
        contestant = make(lab, [arena.port], credentials, resume=False)
        mark = arena.mark()
        contestant.start()
        arena.authorised(mark)
        pairs.append((contestant, arena))
    return pairs


def system_calls(lab, contestant, arena):
    """By name, for one authentication."""
    arena.reauthenticate(2)
    out = lab.dir / f"strace.{contestant.name}"
    strace = lab.process(["strace", "-f", "-c", "-o", out, "-p", contestant.pid])
    strace.expect("attached")
    arena.reauthenticate(AUTHENTICATIONS)
    time.sleep(0.1)
    strace.signal(signal.SIGINT)
    strace.wait()
    calls = {}
    for line in out.read_text().splitlines():
        words = line.split()
        if len(words) >= 5 and words[3].isdigit() and words[-1] != "total":
            calls[words[-1]] = int(words[3]) / AUTHENTICATIONS
    return calls


def size(program):
    """Octets of code and data when it is loaded, without its libraries."""
    return sum(map(int, run("size", program).stdout.splitlines()[1].split()[:3]))


def measure(lab, quick=False):
    pairs = start_all(lab, Credentials("P-256"))
    seconds = 10 if quick else IDLE_SECONDS
    time.sleep(2)  # let the dust settle
    before = {c.name: wakeups(c.pid) for c, _ in pairs}
    time.sleep(seconds)
    programs = {LATCHKEY: BUILD / "latchkeyd", WPA: shutil.which("wpa_supplicant")}
    return {c.name: {"idle_seconds": seconds, "wakeups": wakeups(c.pid) - before[c.name],
                     "descriptors": descriptors(c.pid), "calls": system_calls(lab, c, arena),
                     "size": size(programs[c.name])} for c, arena in pairs}


def show(results):
    ours, theirs = results[LATCHKEY], results[WPA]
    table = Table("What the kernel notices", ("", "latchkeyd", "wpa_supplicant", "ratio"))
    rows = ((f"wake-ups in {ours['idle_seconds']} s idle", lambda r: r["wakeups"]),
            ("system calls of one authentication", lambda r: round(sum(r["calls"].values()), 1)),
            ("descriptors with one port", lambda r: r["descriptors"]),
            ("size of the program, KiB", lambda r: r["size"] // 1024))
    for word, value in rows:
        table.row(word, plain(value(ours)), plain(value(theirs)), ratio(value(ours), value(theirs)))
    table.print()
    for name in (LATCHKEY, WPA):
        calls = sorted(results[name]["calls"].items(), key=lambda c: -c[1])
        print(f"  {name}: " + ", ".join(f"{n:g} {call}" for call, n in calls[:6]))


def aims(results):
    return [("wake-ups while idle", 0, results[LATCHKEY]["wakeups"])]
