"""RADIUS servers with EAP-TLS side by side: instructions, time, memory, a burst, several cores.

All get the same load from radius_load.c, with the same certificates, on loopback in a namespace.
None of them writes down an authentication, in a log or a registry. What hostapd 2.10 resumes with TLS
1.3 ends without the success indication of RFC 9190, which our peer, like others, does not accept: such
figures of it are of authentications that fail in the end.
"""
import time

from contest import Credentials, memory
from instructions import complete, counted
from lab import BUILD, Failed, need, run
from report import Table, mega, ratio
from servers import CONTESTANTS, FREERADIUS, HOSTAPD, LATCHKEY, Latchkey, Load, all_cpu_seconds

NAMES = (LATCHKEY, FREERADIUS, HOSTAPD)
AUTHENTICATIONS = 4	 # to be counted under callgrind
BURST, AT_ONCE = 4000, 32
OPEN = 10000
OPEN_AIM = 64 * 1024


# ---- instructions -----------------------------------------------------------------------------------

def instructions(lab, contestant, credentials, version, resumed):
    out = lab.folder("callgrind") / "out"
    contestant.start(["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={out}"])
    load = Load(lab, contestant, credentials, version, AUTHENTICATIONS, AUTHENTICATIONS,
                "--patience", 20000, resumed=resumed, warm=AUTHENTICATIONS)
    dumps = []
    for n in (1, 2):
        time.sleep(0.3)  # it has to be asleep, or the dump splits an authentication
        run("callgrind_control", "-d", contestant.server.process.pid)
        dumps.append(lab.until(lambda: complete(out.with_suffix(f".{n}")), "a dump of callgrind"))
        if n == 1:
            served(load.go(), AUTHENTICATIONS)
    load.done()
    contestant.server.stop()
    return counted(dumps[1]) / AUTHENTICATIONS


def served(figures, count):
    if figures["accepted"] < count:
        raise Failed(f"{figures['accepted']} of {count} were accepted; {figures['why']}")
    return figures


def openssl(what, credentials, version, kind, count, under=()):
    """The argument list of openssl_server.c."""
    server, client = credentials.server, credentials.client
    return [*under, BUILD / "tests/bench/openssl_server", what, server.bundle, server.key, credentials.root.cert,
            client.bundle, client.key, credentials.client_root.cert, version, kind, count]


def bare(lab, credentials, version, kind):
    """The server's half of a handshake in memory."""
    def total(count):
        out = lab.folder("bare") / "out"
        run(*openssl("half", credentials, version, kind, count,
                     ["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={out}",
                      "--toggle-collect=server_half_bare*"]))
        return counted(out)
    return (total(7) - total(3)) / 4


# ---- time -------------------------------------------------------------------------------------------

def speed(lab, contestant, credentials, version, resumed, count):
    contestant.start()
    load = Load(lab, contestant, credentials, version, count, AT_ONCE, resumed=resumed, warm=AT_ONCE)
    pid = contestant.server.process.pid
    before = all_cpu_seconds(pid)
    figures = load.go()
    time.sleep(0.1)
    cpu = all_cpu_seconds(pid) - before
    load.done()
    contestant.server.stop()
    return {"per_second": figures["per_second"], "cpu": cpu / max(figures["accepted"], 1),
            "accepted": figures["accepted"], "latency_ms": figures["latency_ms"]}


def burst(lab, contestant, credentials, count):
    contestant.start()
    load = Load(lab, contestant, credentials, "1.2", count, AT_ONCE, "--patience", 1000, "--tries", 3)
    figures = load.go()
    load.done()
    contestant.server.stop()
    return figures


def scaling(lab, credentials, count):
    """The server's part has to be much larger than the load's, or two cores are not enough for both:
    so the key is one that is dear to sign with and cheap to verify."""
    got = {}
    for workers in (1, 2):
        contestant = Latchkey(lab, lab.namespace("server"), credentials, "1.2", workers=workers)
        got[workers] = max(speed(lab, contestant, credentials, "1.2", False, count)["per_second"]
                           for _ in range(2))
    return got


# ---- memory -----------------------------------------------------------------------------------------

def open_conversations(lab, contestant, credentials, count):
    contestant.start()
    pid = contestant.server.process.pid
    load = Load(lab, contestant, credentials, "1.3", count, AT_ONCE, "--open", "--hold", "--tries", 2,
                "--patience", 1000, warm=AT_ONCE)
    before = memory(pid)["pss"]
    figures = load.go()
    octets = memory(pid)["pss"] - before
    load.done()
    contestant.server.stop()
    return {"opened": figures["opened"], "octets": octets / max(figures["opened"], 1)}


def openssl_alone(credentials, count):
    return int(run(*openssl("open", credentials, "1.3", "full", count)).stdout)


# ---- the part ---------------------------------------------------------------------------------------

def each(lab, credentials, version, measure):
    """The same of every contestant; None of one that cannot do it."""
    got = {}
    for make in CONTESTANTS:
        try:
            got[make.name] = measure(make(lab, lab.namespace("server"), credentials, version))
        except (Failed, ModuleNotFoundError) as why:
            print(f"  {make.name}: {why}")
            got[make.name] = None
    return got


def measure(lab, quick=False):
    need("valgrind", "callgrind_control")
    results = {"instructions": [], "speed": []}
    kinds = ("P-256",) if quick else ("P-256", "RSA-2048")
    credentials = {kind: Credentials(kind) for kind in kinds}
    for kind in kinds:
        for version in ("1.2", "1.3"):
            for resumed in (False, True):
                row = {"key": kind, "tls": version, "kind": "resumed" if resumed else "full"}
                words = (credentials[kind], version, resumed)
                results["instructions"].append(
                    {**row, "bare": bare(lab, credentials[kind], version, row["kind"]),
                     **each(lab, *words[:2], lambda c, w=words: instructions(lab, c, *w))})
                results["speed"].append(
                    {**row, **each(lab, *words[:2],
                                   lambda c, w=words: speed(lab, c, *w, 100 if quick else 400))})
    usual = credentials["P-256"]
    results["burst"] = each(lab, usual, "1.2", lambda c: burst(lab, c, usual, 500 if quick else BURST))
    count = 1000 if quick else OPEN
    results["open"] = each(lab, usual, "1.3", lambda c: open_conversations(lab, c, usual, count))
    results["openssl_open"] = openssl_alone(usual, count)
    results["scaling"] = scaling(lab, Credentials("P-256", server="RSA-4096"), 100 if quick else 400)
    return results


def show_instructions(rows):
    table = Table("Millions of instructions of one authentication, outside the kernel",
                  ("", "bare", LATCHKEY, "to bare", FREERADIUS, HOSTAPD),
                  "bare: the server's half of an OpenSSL handshake in memory")
    for row in rows:
        table.row(f"{row['key']}, TLS {row['tls']}, {row['kind']}", mega(row["bare"]),
                  row[LATCHKEY] and mega(row[LATCHKEY]), ratio(row[LATCHKEY], row["bare"]),
                  *(row[name] and mega(row[name]) for name in NAMES[1:]))
    table.print()


def show_speed(rows):
    for title, value in (("Authentications per second", lambda r: f"{r['per_second']:,.0f}"),
                         ("CPU time of one in the server, ms", lambda r: f"{r['cpu'] * 1000:.2f}"),
                         ("Time of one, ms: median, 99th percentile",
                          lambda r: f"{r['latency_ms']['p50']:.1f} {r['latency_ms']['p99']:.1f}")):
        table = Table(f"{title}, {AT_ONCE} at once", ("", *NAMES),
                      "The load has the same two cores." if "second" in title else None)
        for row in rows:
            table.row(f"{row['key']}, TLS {row['tls']}, {row['kind']}",
                      *(row[name] and value(row[name]) for name in NAMES))
        table.print()


def show_burst(got):
    table = Table("A burst, P-256, TLS 1.2", ("", *NAMES))
    for word in ("asked", "accepted", "timeouts", "retransmissions", "seconds"):
        table.row(word, *(got[name] and f"{got[name][word]:g}" for name in NAMES))
    for word in ("p50", "p90", "p99", "max"):
        table.row(f"{word}, ms", *(got[name] and f"{got[name]['latency_ms'][word]:.1f}" for name in NAMES))
    table.print()


def show_open(results):
    got = results["open"]
    table = Table("Conversations that are open, TLS 1.3, the server's flight sent", ("", *NAMES),
                  f"OpenSSL alone: {results['openssl_open'] / 1024:.1f} KiB for one")
    table.row("open at once", *(got[name] and got[name]["opened"] for name in NAMES))
    table.row("KiB for one", *(got[name] and f"{got[name]['octets'] / 1024:.1f}" for name in NAMES))
    table.print()


def show(results):
    show_instructions(results["instructions"])
    show_speed(results["speed"])
    show_burst(results["burst"])
    show_open(results)
    table = Table("Authentications per second, RSA-4096 server, by workers", ("", LATCHKEY))
    for workers, got in results["scaling"].items():
        table.row(f"{workers} workers" if workers > 1 else "1 worker", f"{got:,.0f}")
    table.print()


def worst(rows, kind, other, versions=("1.2", "1.3")):
    ratios = [ratio(row[LATCHKEY], row[other]) for row in rows if row["kind"] == kind and row["tls"] in versions]
    return None if None in ratios else max(ratios)


def aims(results):
    rows, got = results["instructions"], results["burst"][LATCHKEY]
    mine, scale = results["open"][LATCHKEY], results["scaling"]
    return [("server: instructions of the bare handshake, full (worst)", 1.1, worst(rows, "full", "bare")),
            ("server: instructions of hostapd's, resumed, TLS 1.2 (worst)", 1,
             worst(rows, "resumed", HOSTAPD, ["1.2"])),
            ("the same, TLS 1.3, which hostapd does not finish", 1, worst(rows, "resumed", HOSTAPD, ["1.3"])),
            ("of the burst not served", 0, got and got["asked"] - got["succeeded"]),
            ("time with two workers of that with one", 0.65, ratio(scale.get(1), scale.get(2))),
            ("open conversation beyond OpenSSL's own, KiB", OPEN_AIM / 1024,
             mine and (mine["octets"] - results["openssl_open"]) / 1024)]
