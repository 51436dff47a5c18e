"""This end of the cable: latchkeyd with its bus and latchkeyctl, and wpa_supplicant to compare.

    daemon = lab.latchkeyd(port)                              # one profile for all ports, no bus
    daemon = lab.latchkeyd(port, bus=lab.bus())               # for latchkeyctl
    daemon = lab.latchkeyd(port, profile={"TLS.MinTLS": "1.3", "Server.ServerName": None})
    daemon = lab.latchkeyd(port, start=False)                 # then change things, then daemon.start()

    daemon.expect("port.authorised")                          # a line of its log
    daemon.ctl("status").stdout                               # latchkeyctl, for people
    daemon.json("status")                                     # the same as values
    daemon.add_profile("other", {"Match.Priority": 5})        # then daemon.reload()
"""
import json
import os
import signal
import socket
import threading

from lab import BUILD, SRC, Failed, Lines, Process, need, run
from switch import Control

# For a profile: hostapd is deaf to a station for five seconds after its Logoff.
PATIENT = {"EAPOL.StartFirst": "250ms", "EAPOL.StartCeiling": "250ms", "EAPOL.StartMax": 100}


class Bus:
    """A system bus of our own, with the policy that is installed."""

    def __init__(self, lab):
        need("dbus-daemon")
        self.lab = lab
        self.dir = lab.folder("bus")
        self.address = f"unix:path={self.dir}/socket"
        policy = (SRC / "conf/org.latchkey.Supplicant1.conf.in").read_text()
        (self.dir / "policy.conf").write_text(policy.replace("@latchkey_user@", "root"))
        (self.dir / "bus.conf").write_text(f"""<busconfig>
  <type>system</type>
  <listen>{self.address}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
  </policy>
  <include>{self.dir}/policy.conf</include>
</busconfig>
""")
        self.environment = {"DBUS_SYSTEM_BUS_ADDRESS": self.address}
        self.start()

    def start(self):
        self.process = Process(self.lab, ["dbus-daemon", f"--config-file={self.dir}/bus.conf", "--nofork",
                                          "--nopidfile", "--print-address=1"], name="dbus-daemon")
        self.process.expect("^unix:path=")

    def stop(self):
        self.process.stop()
        self.lab.disowns(self.process)

    def call(self, path, method, *args):
        """gdbus and busctl are not everywhere; dbus-send is. Returns what it prints."""
        return run("dbus-send", f"--bus={self.address}", "--print-reply", "--dest=org.latchkey.Supplicant1",
                   path, method, *args, check=False)


class Ready(Lines):
    """What a service tells its manager: READY=1, STOPPING=1, WATCHDOG=1 …"""

    def __init__(self, lab, path):
        super().__init__("what latchkeyd tells systemd")
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        threading.Thread(target=self._read, daemon=True).start()
        lab.owns(self)

    def _read(self):
        while data := self._socket.recv(4096):
            for line in data.decode().splitlines():
                self.add(line)
        self._socket.close()
        self.end()

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(b"", str(self.path))


class Latchkeyd:
    """latchkeyd for some ports of one machine, with files of its own."""

    def __init__(self, lab, ports, client=None, root=None, profile=None, config=None, bus=None, env=None,
                 flags=(), log="debug", start=True, bare=False):
        """bare: with nothing in its keystore."""
        pki = lab.pki()
        self.lab, self.bus, self.ns = lab, bus, ports[0].peer
        self.client, self.root = client or pki.client, root or pki.root
        self.dir = lab.folder("latchkey")
        self.keystore, self.profiles = self.dir / "keystore", self.dir / "profiles.d"
        self.file = self.dir / "latchkeyd.conf"
        self.profiles.mkdir()
        self.environment = {**(bus.environment if bus else {}), **(env or {})}
        self.flags = [*flags, *os.environ.get("LATCHKEYD_FLAGS", "").split()]
        self.log = log
        self.under = []  # what to put before the command, such as valgrind
        self.configure(config or {})
        if not bare:
            self.store("machine", self.client)
        self.add_profile("wired", {"Match.Name": " ".join(p.interface for p in ports), **(profile or {})})
        self.process = None
        if start:
            self.start()

    # -- its files

    def configure(self, settings):
        self.file.write_text(ini({"Service.Keystore": self.keystore,
                                  "Service.ProfileDirectory": self.profiles, **settings}))

    def add_profile(self, name, settings=None):
        """A profile that works, and what is different: {"Section.Key": value}, None leaves it out."""
        usual = {"Match.Name": "eth*", "TLS.Credential": "machine", "Server.TrustAnchor": self.root.cert,
                 "Server.ServerName": self.lab.pki().server_name}
        path = self.profiles / f"{name}.profile"
        path.touch(mode=0o600)
        path.write_text(ini({**usual, **(settings or {})}))
        return path

    def store(self, name, credential):
        """Puts a credential into the keystore as its next generation. (To see latchkeyctl do it:
        daemon.ctl("credentials", "import", …).)"""
        credential.keep(self.keystore, name)

    # -- its life

    def start(self, wait=True):
        self.ready = Ready(self.lab, self.dir / f"notify{self.lab.number('notify')}")
        bus = [] if self.bus else ["--no-dbus"]
        self.process = Process(
            self.lab, [*self.under, BUILD / "latchkeyd", "--config", self.file, "--log-level", self.log, *bus,
                       *self.flags],
            ns=self.ns, env={"NOTIFY_SOCKET": str(self.ready.path), **self.environment})
        self.process.at_end_also(self.ready.end)  # who waits for it need not wait for ever
        if wait:
            self.ready.expect("^READY=1")

    def stop(self):
        return self.process.stop()

    def kill(self):
        return self.process.kill()

    def restart(self):
        self.stop()
        self.start()

    def reload(self):
        """As `systemctl reload` does, and waits until it is done."""
        mark = self.process.mark()
        self.process.signal(signal.SIGHUP)
        return self.process.expect(r"service\.reload", mark)

    # -- what it says

    def expect(self, pattern, since=0, timeout=None):
        return self.process.expect(pattern, since, timeout)

    def said(self, pattern, since=0):
        return self.process.said(pattern, since)

    def mark(self):
        return self.process.mark()

    def ctl(self, *args, check=False, **kwargs):
        """latchkeyctl with these arguments; the result has returncode, stdout, stderr."""
        env = {**os.environ, "NO_COLOR": "1", **self.environment}
        return run(BUILD / "latchkeyctl", "--config", self.file, *args, ns=self.ns, check=check, env=env,
                   **kwargs)

    def json(self, *args):
        """The same with --json, as values."""
        done = self.ctl("--json", *args)
        if done.returncode:
            raise Failed(f"latchkeyctl {' '.join(map(str, args))}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def status(self, port):
        """What the bus shows of a port."""
        return self.json("status", port.interface)

    def follow(self):
        """`latchkeyctl monitor --json` as a process whose lines are events, and that listens by now."""
        monitor = Process(self.lab, [BUILD / "latchkeyctl", "--config", self.file, "--json", "monitor"],
                          ns=self.ns, env=self.environment, name="latchkeyctl monitor")

        def hears():
            for level in ("info", "debug"):
                self.ctl("log-level", level, check=True)
            return monitor.lines
        self.lab.until(hears, "the monitor listens")
        return monitor


def ini(settings):
    """{"Section.Key": value} as a file; None leaves a key out."""
    sections = {}
    for name, value in settings.items():
        section, key = name.split(".")
        if value is not None:
            sections.setdefault(section, []).append(f"{key}={value}")
    return "\n".join(f"[{s}]\n" + "\n".join(lines) + "\n" for s, lines in sections.items())


class WpaSupplicant:
    """wpa_supplicant 2.10 on a wire, to prove the laboratory and to compare with."""

    def __init__(self, lab, port, client=None, root=None, settings=None):
        need("wpa_supplicant")
        pki = lab.pki()
        client, root = client or pki.client, root or pki.root
        self.dir = lab.folder("wpa")
        network = {"key_mgmt": "IEEE8021X", "eap": "TLS", "identity": f'"{client.name}"',
                   "ca_cert": f'"{root.cert}"', "client_cert": f'"{client.bundle}"',
                   "private_key": f'"{client.key}"', "eapol_flags": 0,
                   "domain_suffix_match": f'"{pki.server_name}"', **(settings or {})}
        file = self.dir / "wpa.conf"
        file.write_text(f"ctrl_interface={self.dir / 'ctl'}\nap_scan=0\nnetwork={{\n" +
                        "".join(f"\t{k}={v}\n" for k, v in network.items()) + "}\n")
        self.process = Process(lab, ["stdbuf", "-oL", "wpa_supplicant", "-Dwired", f"-i{port.interface}",
                                     f"-c{file}"], ns=port.peer, name=f"wpa_supplicant {port.interface}")
        self.process.expect("Successfully initialized")
        lab.until(lambda: (self.dir / "ctl" / port.interface).exists(), "wpa_supplicant's socket")
        self.control = Control(lab, self.dir / "ctl" / port.interface,
                               f"events of wpa_supplicant {port.interface}")

    def expect(self, pattern, since=0, timeout=None):
        return self.process.expect(pattern, since, timeout)
