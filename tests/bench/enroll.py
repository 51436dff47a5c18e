"""Enrolments: what one takes from plug-in on, what a server does of them, and what a registry of
100,000 machines costs; beside plain EAP-TLS, and beside EST over HTTPS (RFC 7030).

EST is the nearest thing there is, on a network that is open already: our own EST code, authority and
registry behind libmicrohttpd's TLS (est_https.c), libcurl as the client (est_load.c). All has P-256
and TLS 1.3, all certificates are in a registry of SQLite's, durably, before they leave.
"""
import json
import subprocess
import threading
import time
from pathlib import Path
from statistics import median

from authd import Authd, guarded
from lab import BUILD, Failed, run, within
from report import Table, milliseconds, ratio, spread
from wire import EAPOL, packet_socket

SERVER = "radius.example.org"
AT_ONCE = 32
AT = (1000, 10000, 50000, 100000)
QUICK_AT = (1000, 2000, 5000, 10000)
HTTPS_PORT = 8443
# The carrier of a veth is told once a second at most.
BETWEEN = 1.1
# TCP, TLS 1.3, /cacerts and /simpleenroll: a round trip each.
EST_ROUND_TRIPS = 4

OURS = {"Tls.Credential": "radius", "Tls.ClientAnchors": None, "Authority.Credential": "ca-issuing",
        "Enroll.Enabled": "yes", "Tls.MinimumVersion": "1.3"}


def token(authd, uses=1):
    return authd.json("token", "create", f"uses={uses}")["text"]


def founded(authd):
    """With its authority made, and running."""
    authd.ctl("ca", "init", "name=Example", f"server={SERVER}", check=True)
    authd.start()
    return authd


class Talker:
    """A program that says "ready", then answers each line with figures; it ends with its input."""

    def __init__(self, lab, ns, *argv):
        self.lab = lab
        self.popen = subprocess.Popen([*within(ns), *map(str, argv)], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        lab.owns(self)
        self._line()

    def _line(self):
        line = self.popen.stdout.readline()
        if not line:
            raise Failed(f"{self.popen.args}: {self.popen.stderr.read().strip()}")
        return line

    def do(self, what=""):
        self.popen.stdin.write(what + "\n")
        self.popen.stdin.flush()
        got = json.loads(self._line())
        if got["succeeded"] < got["asked"]:
            raise Failed(f"{what or 'EST'}: {got}")
        return got

    @property
    def pid(self):
        return self.popen.pid

    def close(self):
        self.popen.stdin.close()
        try:
            self.popen.wait(10)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        self.popen.stdout.close()
        self.popen.stderr.close()

    def done(self):
        self.close()
        self.lab.disowns(self)


def cpu_seconds(pid):
    """Of all its threads, also those that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


class Https:
    """est_https with the authority of a latchkey-authd, and a client for it."""

    def __init__(self, lab, authd, count, at_once):
        folder = lab.folder("est")
        root = folder / "root.pem"
        root.write_text(authd.ctl("ca", "export", check=True).stdout)
        port = HTTPS_PORT + lab.number("https")
        self.server = Talker(lab, authd.ns, BUILD / "tests/bench/est_https", authd.file, port,
                             folder / "registry.sqlite")
        self.client = Talker(lab, authd.ns, BUILD / "tests/bench/est_load", SERVER, port, root, count, at_once)

    def done(self):
        self.client.done()
        self.server.done()


# ---- from plug-in to authorised ---------------------------------------------------------------------

class Requests:
    """Counts the EAP Requests that a machine is sent: each is a round trip."""

    def __init__(self, lab, port):
        # A socket for EAPOL alone latchkeyd would take for another supplicant.
        self.socket = port.peer.inside(packet_socket, port.interface)
        self.count = 0
        threading.Thread(target=self._read, daemon=True).start()
        lab.owns(self)

    def _read(self):
        try:
            while frame := self.socket.recv(4096):
                # EAPOL type 0, EAP code 1.
                if len(frame) > 18 and frame[12:14] == EAPOL and frame[15] == 0 and frame[18] == 1:
                    self.count += 1
        except OSError:
            pass

    def close(self):
        self.socket.close()


def plugged(daemon, port, requests):
    """The seconds from the carrier to the open port, and the round trips."""
    mark, before = daemon.mark(), requests.count
    begun = time.monotonic()
    port.cable.plug()
    daemon.expect(r"port\.authorised", mark, 30)
    took = time.monotonic() - begun
    time.sleep(0.05)
    return took, requests.count - before


def plug_in(lab, tunnel, rounds):
    authd, port = guarded(lab, start=False, settings=OURS, log="warning")
    founded(authd)
    requests = Requests(lab, port)
    got = {"enrol": [], "enrol_round_trips": [], "tls": [], "tls_round_trips": [], "est": []}
    https = Https(lab, authd, 1, 1)
    for n in range(rounds):
        port.cable.unplug()
        daemon = lab.latchkeyd(port, start=False, log="info")
        file = daemon.dir / "token"
        file.touch(mode=0o600)
        file.write_text(token(authd) + "\n")
        daemon.add_profile("wired", {
            "Match.Name": port.interface, "TLS.Credential": "network", "Server.TrustAnchor": None,
            "Server.ServerName": None, "Enroll.Tunnel": tunnel, "Enroll.TokenFile": file, "Enroll.CommonName": f"machine-{n}",
            "TLS.Resume": "no"})
        daemon.start()
        for kind in ("enrol", "tls"):
            time.sleep(BETWEEN)
            took, trips = plugged(daemon, port, requests)
            got[kind].append(took)
            got[f"{kind}_round_trips"].append(trips)
            port.cable.unplug()
        daemon.stop()
        got["est"].append(https.client.do()["seconds"])
    https.done()
    port.cable.plug()
    authd.stop()
    return got


# ---- many at once ---------------------------------------------------------------------------------------

STAGES = ("register", "renew", "authenticate")


def one_load(lab, authd, tunnel, count):
    """What the server spends on each stage, a machine."""
    load = Talker(lab, authd.ns, BUILD / "tests/bench/enrol_load", "--server", f"127.0.0.1:{authd.port}",
                  "--secret", authd.secret, "--token", token(authd, count), "--count", count,
                  "--concurrency", AT_ONCE, "--tunnel", tunnel)
    got = {}
    for stage in STAGES:
        before = cpu_seconds(authd.process.pid)
        figures = load.do(stage)
        time.sleep(0.3)  # what is written afterwards is its work too
        got[stage] = {"cpu": (cpu_seconds(authd.process.pid) - before) / count,
                      "per_second": count / figures["seconds"], "requests": figures["requests"] / count}
    load.done()
    return got


def one_est(https, count):
    before = cpu_seconds(https.server.pid)
    figures = https.client.do()
    return {"cpu": (cpu_seconds(https.server.pid) - before) / count, "per_second": count / figures["seconds"]}


def many(lab, count, rounds):
    ns = lab.namespace("server")
    authd = Authd(lab, ns, start=False, log="warning", settings={
        **OURS, "Enroll.AfterEnrolment": "accept", "Eap.Methods": "tls ttls teap"})
    founded(authd)
    https = Https(lab, authd, count, AT_ONCE)
    got = {"ttls": [], "teap": [], "est": []}
    for _ in range(rounds):
        for tunnel in ("ttls", "teap"):
            got[tunnel].append(one_load(lab, authd, tunnel, count))
        got["est"].append(one_est(https, count))
    https.done()
    authd.stop()
    return got


# ---- a registry that fills --------------------------------------------------------------------------------

def fill(lab, at):
    file = lab.folder("registry") / "registry.sqlite"
    return json.loads(run(BUILD / "tests/bench/registry_fill", file, at[-1], *at, timeout=1200).stdout)


# ---- the part -----------------------------------------------------------------------------------------------

def measure(lab, quick=False):
    return {"plug_in": {tunnel: plug_in(lab, tunnel, 2 if quick else 7) for tunnel in ("ttls", "teap")},
            "many": many(lab, 64 if quick else 512, 1 if quick else 3),
            "registry": fill(lab, QUICK_AT if quick else AT)}


def middle(rows, *path):
    values = []
    for row in rows:
        for key in path:
            row = row[key]
        values.append(row)
    return median(values)


WORDS = {"register": "enrolment", "renew": "renewal", "authenticate": "plain EAP-TLS"}


def show_plug_in(results):
    table = Table("From plug-in, in ms: median (least to most)", ("", "time", "round trips"),
                  "Enrolled and let in with what it was given. EST: the network is open, an address is there.")
    for tunnel, got in results.items():
        table.row(f"enrolled in {tunnel.upper()}", spread(got["enrol"], milliseconds),
                  f"{median(got['enrol_round_trips']):g}")
        table.row("plain EAP-TLS then", spread(got["tls"], milliseconds), f"{median(got['tls_round_trips']):g}")
        table.row("EST over HTTPS alone", spread(got["est"], milliseconds), str(EST_ROUND_TRIPS))
    table.print()


def show_many(results):
    table = Table(f"The server, {AT_ONCE} at once", ("", "a second", "CPU of one, ms", "RADIUS requests"),
                  "The load runs on the same cores.")
    for tunnel in ("ttls", "teap"):
        for stage in STAGES:
            rows = results[tunnel]
            table.row(f"{WORDS[stage]}, {tunnel.upper()}" if stage != "authenticate" else WORDS[stage],
                      f"{middle(rows, stage, 'per_second'):.0f}", milliseconds(middle(rows, stage, "cpu")),
                      f"{middle(rows, stage, 'requests'):.1f}")
    table.row("EST over HTTPS", f"{middle(results['est'], 'per_second'):.0f}",
              milliseconds(middle(results["est"], "cpu")), "-")
    table.print()


def show(results):
    show_plug_in(results["plug_in"])
    show_many(results["many"])
    got = results["registry"]
    table = Table(f"One registry, {got['machines']:,} machines enrolled", ("when there are", "µs for one", "of CPU time"),
                  f"The database's part alone, {AT_ONCE} in a durable commit.")
    for at, cost in got["at"].items():
        table.row(f"{int(at):,}", f"{cost['time']:.0f}", f"{cost['cpu']:.0f}")
    table.row("to refuse a token that is used up", f"{got['used_up']:.0f}", "-")
    table.print()


def aims(results):
    many_at_once, at = results["many"], list(results["registry"]["at"].values())
    each = {stage: middle(many_at_once["ttls"], stage, "cpu") for stage in STAGES}
    est = middle(many_at_once["est"], "per_second")
    return [("time of an enrolment under load, of EST's over HTTPS", 1,
             ratio(est, middle(many_at_once["ttls"], "register", "per_second"))),
            # A renewal is an EAP-TLS as well: the port stays open by it.
            ("CPU time of a renewal, of a registration's and an EAP-TLS's", 1,
             ratio(each["renew"], each["register"] + each["authenticate"])),
            (f"enrolment with {results['registry']['machines']:,} machines, of one with 1,000", 2,
             ratio(at[-1]["time"], at[0]["time"])),
            ("the same in CPU time", 2, ratio(at[-1]["cpu"], at[0]["cpu"]))]
