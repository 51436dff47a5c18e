"""The RADIUS servers that are compared, behind one face, and the load for them."""
import json
import subprocess
from pathlib import Path

from lab import BUILD, Failed, within
from switch import FreeRadius, HostapdRadius

LATCHKEY, FREERADIUS, HOSTAPD = "latchkey-authd", "FreeRADIUS", "hostapd"
BEFORE_READY = 120  # seconds, under valgrind on a busy machine


class Latchkey:
    name = LATCHKEY
    tickets_again = True  # who resumes with TLS 1.3 is given another ticket

    def __init__(self, lab, ns, credentials, version, workers=None):
        from authd import Authd
        settings = {"Limits.Conversations": 20000, "Limits.HalfOpenTimeout": "120s",
                    "Limits.IdleTimeout": "120s", "Registry.Database": "off"}
        if workers:
            settings["Service.Workers"] = workers
        self.server = Authd(lab, ns, server=credentials.server, root=credentials.client_root,
                            tls=[version], settings=settings, log="warning", start=False)

    def start(self, under=()):
        self.server.start(under=under, timeout=BEFORE_READY)


class Free:
    name = FREERADIUS
    tickets_again = False

    def __init__(self, lab, ns, credentials, version):
        # Sessions are files: 3.2.1 resumes none when it is to keep them in memory.
        self.server = FreeRadius(lab, ns, server=credentials.server, root=credentials.client_root,
                                 tls=[version], start=False)

    def start(self, under=()):
        self.server.start(under, flags=(), timeout=BEFORE_READY)


class Host:
    name = HOSTAPD
    tickets_again = False

    def __init__(self, lab, ns, credentials, version):
        self.server = HostapdRadius(lab, ns, server=credentials.server, root=credentials.client_root,
                                    tls=[version], options={"tls_session_lifetime": 3600}, start=False)

    def start(self, under=()):
        self.server.start(under, timeout=BEFORE_READY)


CONTESTANTS = (Latchkey, Free, Host)


class Load:
    """radius_load, which waits until it is told to go."""

    def __init__(self, lab, contestant, credentials, version, count, concurrency, *options, resumed=False,
                 warm=0):
        server, self.lab = contestant.server, lab
        argv = [BUILD / "tests/bench/radius_load", "--server", f"127.0.0.1:{server.port}",
                "--secret", server.secret, "--ca", credentials.root.cert, "--cert", credentials.client.bundle,
                "--key", credentials.client.key, "--tls", version, "--wait", "--count", count,
                "--concurrency", concurrency, "--warm", warm, *options]
        if resumed:
            # Where there is one ticket for each, each is resumed once.
            machines = concurrency if contestant.tickets_again or version == "1.2" else count + warm
            argv += ["--resume", "--machines", machines]
        self.popen = subprocess.Popen([*within(server.ns), *map(str, argv)], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        lab.owns(self)
        self._line()

    def _line(self):
        line = self.popen.stdout.readline()
        if not line:
            raise Failed(f"radius_load: {self.popen.stderr.read().strip()}")
        return line

    def go(self):
        """Returns its figures."""
        self.popen.stdin.write("\n")
        self.popen.stdin.flush()
        return json.loads(self._line())

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


def all_cpu_seconds(pid):
    """Of all its threads, in the kernel too."""
    total = 0
    for file in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        total += int(file.read_text().split()[0])
    return total / 1e9
