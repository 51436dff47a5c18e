"""Instructions of one authentication, counted by callgrind, next to the bare OpenSSL handshake.

The daemons are counted between two dumps while they idle, so that their start stays out of it. The
bare handshake is the client's half of one in memory (handshake.c), with credentials of the same
kind, parsed once; it is the difference between two counts.
"""
import re
import time

from contest import CONTESTANTS, LATCHKEY, WPA, Arena, Credentials
from lab import BUILD, need, run
from report import Table, mega, ratio

AUTHENTICATIONS = 4


def counted(file):
    """The instructions in one dump of callgrind."""
    return int(re.search(r"^(?:totals|summary): (\d+)", file.read_text(), re.M)[1])


def of_daemon(lab, arena, contestant):
    out = lab.folder("callgrind") / "out"
    mark = arena.mark()
    contestant.start(["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={out}"])
    arena.authorised(mark, 60)
    arena.reauthenticate(2)
    dumps = []
    for n in (1, 2):
        time.sleep(0.3)  # it has to be asleep, or the dump splits an authentication
        run("callgrind_control", "-d", contestant.pid)
        dumps.append(lab.until(lambda: complete(out.with_suffix(f".{n}")), "a dump of callgrind"))
        if n == 1:
            arena.reauthenticate(AUTHENTICATIONS)
    contestant.stop()
    return counted(dumps[1]) / AUTHENTICATIONS


def complete(file):
    return file if file.exists() and re.search(r"^totals:", file.read_text(), re.M) else None


def in_memory(lab, kind, version, resumed, who="bare"):
    def total(count):
        out = lab.folder("bare") / "out"
        run("valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={out}",
            f"--toggle-collect=client_half_{who}*", BUILD / "tests/bench/handshake", who,
            {"P-256": "p256", "RSA-2048": "rsa"}[kind], version, "resumed" if resumed else "full", count)
        return counted(out)
    return (total(7) - total(3)) / 4


def measure(lab, quick=False):
    need("valgrind", "callgrind_control")
    results = []
    for kind in ("P-256",) if quick else ("P-256", "RSA-2048"):
        credentials = Credentials(kind)
        for version in ("1.2",) if quick else ("1.2", "1.3"):
            arena = Arena(lab, credentials, tls=[version])
            for resumed in (False, True):
                row = {"key": kind, "tls": version, "kind": "resumed" if resumed else "full",
                       "bare": in_memory(lab, kind, version, resumed)}
                if resumed and version == "1.3":
                    # hostapd 2.10 omits the success indication of RFC 9190 here, and fails.
                    row |= {LATCHKEY: in_memory(lab, kind, version, resumed, "latchkey"), WPA: None}
                    results.append(row)
                    continue
                for make in CONTESTANTS:
                    contestant = make(lab, [arena.port], credentials, resume=resumed, version=version)
                    row[make.name] = of_daemon(lab, arena, contestant)
                results.append(row)
    return results


def show(results):
    table = Table("Millions of instructions of one authentication, outside the kernel",
                  ("", "bare", "latchkeyd", "to bare", "wpa_supplicant", "to bare"),
                  "bare: the client's half of an OpenSSL handshake in memory, same kind of credentials")
    for row in results:
        bare, ours, theirs = row["bare"], row[LATCHKEY], row[WPA]
        table.row(f"{row['key']}, TLS {row['tls']}, {row['kind']}", mega(bare), mega(ours),
                  ratio(ours, bare), mega(theirs) if theirs else None, ratio(theirs, bare))
    table.print()
    print("  TLS 1.3 resumed: our EAP peer in memory, since hostapd 2.10 does not get through that.")


def aims(results):
    return [(f"instructions of the bare handshake, {kind} (worst)", 1.1,
             max(ratio(row[LATCHKEY], row["bare"]) for row in results if row["kind"] == kind))
            for kind in ("full", "resumed")]
