"""Those who are compared, behind one face, and what the kernel knows of a process."""
import os
from pathlib import Path

from lab import Process, need
from machine import Latchkeyd

LATCHKEY, WPA = "latchkeyd", "wpa_supplicant"

# The server lets sessions be resumed.
SERVER = {"tls_session_lifetime": 3600}


class Latchkey:
    """latchkeyd on some ports, without a bus unless one is given."""
    name = LATCHKEY

    def __init__(self, lab, ports, credentials, resume=True, version=None, bus=None):
        names = [port.interface for port in ports]
        if len(names) > 4:
            names = sorted({f"{name[0]}*" for name in names})
        profile = {"TLS.Resume": "yes" if resume else "no", "Match.Name": " ".join(names)}
        if version:
            profile |= {"TLS.MinTLS": version, "TLS.MaxTLS": version}
        self.daemon = Latchkeyd(lab, ports, client=credentials.client, root=credentials.root, bus=bus,
                                profile=profile, log="notice", start=False)

    def start(self, under=()):
        """`under` is what to put before the command, such as valgrind."""
        self.daemon.under = [*map(str, under)]
        self.daemon.flags = ["--no-sandbox"] if under else []
        self.daemon.start(wait=False)

    def stop(self):
        self.daemon.stop()

    def stopped(self):
        return not self.daemon.process.running()

    @property
    def pid(self):
        return self.daemon.process.pid


class Wpa:
    """wpa_supplicant on some ports, in one process, never on the bus."""
    name = WPA

    def __init__(self, lab, ports, credentials, resume=True, version=None, bus=None):
        need("wpa_supplicant")
        self.lab, self.ports = lab, ports
        self.dir = lab.folder("wpa")
        client = credentials.client
        # TLS 1.3 has to be asked for.
        phase1 = "tls_disable_tlsv1_3=" + ("1" if version == "1.2" else "0")
        self.file = self.dir / "wpa.conf"
        self.file.write_text(f"""ctrl_interface={self.dir / 'ctl'}
ap_scan=0
fast_reauth={int(resume)}
network={{
	key_mgmt=IEEE8021X
	eap=TLS
	eapol_flags=0
	identity="anonymous"
	phase1="{phase1}"
	ca_cert="{credentials.root.cert}"
	client_cert="{client.bundle}"
	private_key="{client.key}"
	domain_suffix_match="radius.example.org"
}}
""")

    def start(self, under=()):
        each = [["-Dwired", f"-i{port.interface}", f"-c{self.file}"] for port in self.ports]
        argv = [word for one in each for word in ("-N", *one)][1:]
        self.process = Process(self.lab, [*under, "wpa_supplicant", *argv], ns=self.ports[0].peer)

    def stop(self):
        self.process.stop()

    def stopped(self):
        return not self.process.running()

    @property
    def pid(self):
        return self.process.pid


CONTESTANTS = (Latchkey, Wpa)


class Credentials:
    """A server and a client, all with keys of one kind. Their roots differ: with the server's at
    hand hostapd would send it along, which costs both ends another certificate to decode. The
    server's own key may be of another kind."""

    def __init__(self, kind, server=None):
        import pki
        self.root = pki.Authority(f"Bench {kind}", key=kind)
        self.client_root = pki.Authority(f"Bench clients {kind}", key=kind)
        self.server = self.root.issue("radius.example.org", server=True, key=server or kind)
        self.client = self.client_root.issue("laptop.example.org", key=kind)


class Arena:
    """One switch port, and a judge: hostapd, whose event is the end of every measurement."""

    def __init__(self, lab, credentials, tls=("1.2", "1.3")):
        self.lab, self.credentials = lab, credentials
        self.port = lab.port(server=credentials.server, root=credentials.client_root, tls=tls, options=SERVER)
        self.mac = self.port.mac

    def mark(self):
        return self.port.authenticator.mark()

    def authorised(self, mark, timeout=None):
        """Waits for the next success after the mark."""
        self.port.authenticator.expect(f"CTRL-EVENT-EAP-SUCCESS {self.mac}", mark, timeout)

    def reauthenticate(self, times=1):
        for _ in range(times):
            mark = self.mark()
            self.port.authenticator.reauthenticate(self.mac)
            self.authorised(mark)


# ---- what the kernel knows ------------------------------------------------------------------------

def cpu_seconds(pid):
    """What it has spent, in the kernel too."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def wakeups(pid):
    """How often it was put to sleep again, over all its threads."""
    total = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        total += sum(int(line.split()[1]) for line in status.read_text().splitlines()
                     if "voluntary_ctxt_switches" in line)
    return total


def memory(pid):
    """Octets: resident; proportional, which is shared pages divided by their users; private; and of
    those what was written, which does not depend on who else has the same libraries."""
    values = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        words = line.split()
        if len(words) == 3 and words[2] == "kB":
            values[words[0].rstrip(":")] = int(words[1]) * 1024
    return {"rss": values["Rss"], "pss": values["Pss"],
            "private": values["Private_Dirty"] + values["Private_Clean"],
            "dirty": values["Private_Dirty"]}


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))
