"""The other end of the cable: switch ports, hostapd behind them, FreeRADIUS behind that.

    port = lab.port()                                     # hostapd with its own EAP server
    port = lab.port(radius=lab.radius(ns))                # hostapd asks FreeRADIUS
    port = lab.port(server=pki.expired_server, options={"fragment_size": 200})

    port.authenticator.expect("CTRL-EVENT-EAP-SUCCESS")   # what hostapd says
    port.passes()                                         # does anything pass?

The port really is closed until the peer is authorised, in the way Linux switches do it: it is a
locked port of a bridge, which drops what comes from a station that is not in its table. hostapd's
events put the station there and take it away.
"""
import os
import re
import shutil
import signal
import socket
import threading
from pathlib import Path

from lab import CEILING, Cable, Failed, Lines, Process, need


class Control(Lines):
    """The control socket of hostapd or wpa_supplicant; its events are the lines."""

    def __init__(self, lab, path, name):
        super().__init__(name)
        self._local = [str(lab.dir / f"ctl{lab.number('ctl')}") for _ in range(2)]
        self._ask, self._listen = (self._connect(path, local) for local in self._local)
        self._listen.send(b"ATTACH")
        self._listen.recv(16)
        self._lock = threading.Lock()
        self._closing = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        lab.owns(self)

    @staticmethod
    def _connect(path, local):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        s.bind(local)
        s.settimeout(CEILING)
        s.connect(str(path))
        return s

    def _read(self):
        self._listen.settimeout(None)
        while True:
            try:
                line = self._listen.recv(4096)
            except OSError:
                break
            if self._closing or not line:
                break
            self.add(line.decode(errors="replace").partition(">")[2])
        self.end()

    def ask(self, command):
        """One command, its answer."""
        with self._lock:
            self._ask.send(command.encode())
            return self._ask.recv(65536).decode(errors="replace")

    def status(self, command="STATUS"):
        """An answer made of NAME=VALUE lines, as a dictionary."""
        return dict(line.split("=", 1) for line in self.ask(command).splitlines() if "=" in line)

    def close(self):
        self._closing = True
        self._listen.shutdown(socket.SHUT_RDWR)
        self._thread.join(CEILING)
        for s in (self._ask, self._listen):
            s.close()
        for path in self._local:
            Path(path).unlink(missing_ok=True)


class Hostapd:
    """hostapd on a wire: authenticator, and EAP server unless `radius` is given.

    tls: the versions that the EAP server takes. users: its eap_user_file. options: lines of
    hostapd.conf, which win.
    """

    def __init__(self, lab, ns, interface, server=None, root=None, tls=("1.2", "1.3"), radius=None,
                 options=None, users="* TLS\n"):
        need("hostapd")
        self.lab, self.ns, self.interface = lab, ns, interface
        self.dir = lab.folder("hostapd")
        self.radius = radius
        pki = lab.pki()
        config = {
            "interface": interface, "driver": "wired", "ctrl_interface": self.dir / "ctl",
            "ieee8021x": 1, "use_pae_group_addr": 1, "eapol_version": 2, "eap_reauth_period": 0,
            "logger_stdout": -1, "logger_stdout_level": 0,
        }
        if radius:
            config |= {"own_ip_addr": "127.0.0.1", "nas_identifier": "switch",
                       "auth_server_addr": "127.0.0.1", "auth_server_port": radius.port,
                       "auth_server_shared_secret": radius.secret}
        else:
            server, root = server or pki.server, root or pki.root
            file = self.dir / "users"
            file.write_text(users)
            config |= {"eap_server": 1, "eap_user_file": file, "ca_cert": root.cert,
                       "server_cert": server.bundle, "private_key": server.key,
                       "tls_flags": "".join(
                           f"[{'ENABLE' if v in tls else 'DISABLE'}-TLSv{v}]"
                           for v in ("1.0", "1.1", "1.2", "1.3"))}
        self.file = self.dir / "hostapd.conf"
        self.file.write_text("".join(f"{k}={v}\n" for k, v in {**config, **(options or {})}.items()))
        self.start()

    def start(self):
        self.process = Process(self.lab, ["stdbuf", "-oL", "hostapd", "-t", self.file], ns=self.ns,
                               name=f"hostapd {self.interface}")
        self.process.expect(r"AP-ENABLED")
        self.control = Control(self.lab, self.dir / "ctl" / self.interface,
                               f"events of hostapd {self.interface}")

    def stop(self):
        for thing in (self.control, self.process):
            thing.close()
            self.lab.disowns(thing)

    def restart(self):
        self.stop()
        self.start()

    def expect(self, pattern, since=0, timeout=None):
        return self.control.expect(pattern, since, timeout)

    def mark(self):
        return self.control.mark()

    def said(self, pattern, since=0):
        return self.control.said(pattern, since)

    def station(self, mac):
        return self.control.status(f"STA {mac}")

    def reauthenticate(self, mac):
        """Begins a reauthentication from this side."""
        answer = self.control.ask(f"EAPOL_REAUTH {mac}")
        if not answer.startswith("OK"):
            raise Failed(f"hostapd: EAPOL_REAUTH: {answer}")

    def deauthenticate(self, mac):
        self.control.ask(f"DEAUTHENTICATE {mac}")


class Guard:
    """Opens and closes a switch port as its authenticator says."""

    def __init__(self, lab, ns, interface, bridge, authenticator):
        self.ns, self.interface, self.bridge = ns, interface, bridge
        self.events = Lines(f"guard of {interface}")
        self.opened = None  # for this address
        # While the bridge is down it learns nothing: an address learned before the port is locked
        # would be let through.
        ns.ip(f"link set {bridge} down")
        ns.ip(f"link set {interface} master {bridge}")
        ns.run("bridge", "link", "set", "dev", interface, "learning", "off", "locked", "on")
        ns.ip(f"link set {bridge} up")
        self.follow(authenticator)
        lab.owns(self)

    def follow(self, authenticator):
        self._control = authenticator.control
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self):
        at, control = 0, self._control
        while True:
            try:
                event = control.expect(r"AP-STA-(CONNECTED|DISCONNECTED) ([0-9a-f:]{17})", since=at,
                                       timeout=3600)
            except Failed:
                return
            at = 1 + next(i for i in range(at, len(control.lines)) if event.string == control.lines[i])
            self.set(event[2], event[1] == "CONNECTED")

    def set(self, mac, opened):
        self.ns.run("bridge", "fdb", "replace" if opened else "del", mac, "dev", self.interface,
                    "master", "static", check=opened)
        self.opened = mac if opened else None
        self.events.add(f"{'open' if opened else 'closed'} for {mac}")

    def close(self):
        self.events.end()


class Traffic:
    """A ping that goes on; over() fails if a packet was lost."""

    def __init__(self, lab, port):
        self.lab = lab
        self.ping = lab.process(["ping", "-n", "-i0.05", port.switch_address], ns=port.peer)
        self.ping.expect("bytes from")

    def over(self):
        """Not by what ping counts: an answer that is on its way at the end is not lost."""
        self.ping.expect("bytes from", self.ping.mark())
        self.ping.signal(signal.SIGINT)
        self.ping.wait()
        answers = [int(m[1]) for line in self.ping.lines if (m := re.search(r"icmp_seq=(\d+) ttl", line))]
        self.lab.equal(answers, list(range(1, len(answers) + 1)), "the packets that were answered")


class Port:
    """A cable with a machine at one end and a switch with an authenticator at the other.

    Peers get a namespace each; give `switch` another port's to put several on one switch.
    """

    def __init__(self, lab, switch=None, peer=None, authenticator=True, wire=None, **kwargs):
        n = lab.number("port")
        self.lab = lab
        self.peer = peer or lab.namespace(f"machine{n}")
        self.switch = switch or lab.namespace("switch")
        self.interface, self.switch_interface = f"eth{n - 1}", f"swp{n}"
        if wire is not None:
            from wire import Wire
            self.cable = Wire(lab, self.peer, self.interface, self.switch, self.switch_interface, **wire)
        else:
            self.cable = Cable(self.peer, self.interface, self.switch, self.switch_interface)
        self.bridge = f"br{n - 1}"
        self.peer_address, self.switch_address = f"192.0.{n}.2", f"192.0.{n}.1"
        self.peer.ip(f"address add {self.peer_address}/24 dev {self.interface}")
        self.switch.ip(f"link add {self.bridge} type bridge")
        self.switch.ip(f"address add {self.switch_address}/24 dev {self.bridge}")
        self.switch.ip(f"link set {self.bridge} up")
        self.authenticator = self.guard = None
        if authenticator:
            self.authenticate(**kwargs)

    def authenticate(self, **kwargs):
        """Puts an authenticator behind the port, for a port that was made without."""
        self.authenticator = Hostapd(self.lab, self.switch, self.switch_interface, **kwargs)
        self.guard = Guard(self.lab, self.switch, self.switch_interface, self.bridge, self.authenticator)

    def restart_authenticator(self):
        self.authenticator.restart()
        self.guard.follow(self.authenticator)

    def replace_authenticator(self, **kwargs):
        """Another one behind the same port, which is closed again."""
        self.authenticator.stop()
        if self.guard.opened:
            self.guard.set(self.guard.opened, False)
        self.authenticator = Hostapd(self.lab, self.switch, self.switch_interface, **kwargs)
        self.guard.follow(self.authenticator)

    @property
    def mac(self):
        """The machine's address on this port."""
        return self.peer.mac(self.interface)

    def ping(self, patience=1):
        """Whether a packet gets across and back; what was tried before is forgotten. Where it should, passes() has
        more patience."""
        self.peer.ip(f"neighbour flush dev {self.interface}")
        return self.peer.run("ping", "-n", "-c1", f"-W{patience}", self.switch_address,
                             check=False).returncode == 0

    def passes(self):
        return self.ping(int(CEILING))

    def traffic(self):
        """Packets that go back and forth until over() is called."""
        return Traffic(self.lab, self)

    def expect_open(self, since=0, timeout=None):
        self.guard.events.expect("^open", since, timeout)

    def expect_closed(self, since=0, timeout=None):
        self.guard.events.expect("^closed", since, timeout)


class FreeRadius:
    """A FreeRADIUS of our own that does EAP-TLS and nothing else, or, with account=(name, password),
    tunnels: method is what it proposes, inner what it proposes inside. reply: lines that add to its answers."""

    CONFIG = """
prefix = /usr
exec_prefix = /usr
sysconfdir = {dir}
localstatedir = {dir}
sbindir = /usr/sbin
logdir = {dir}
raddbdir = {dir}
radacctdir = {dir}
name = radius
confdir = {dir}
modconfdir = {dir}
certdir = {dir}
cadir = {dir}
run_dir = {dir}
db_dir = {dir}
libdir = {libdir}
pidfile = {dir}/pid
max_request_time = 30
cleanup_delay = 5
max_requests = 16384
hostname_lookups = no
regular_expressions = no
log {{
	destination = stdout
	auth = yes
}}
security {{
	allow_core_dumps = no
	max_attributes = 200
	reject_delay = 0
	status_server = no
}}
thread pool {{
	start_servers = 1
	max_servers = 4
	min_spare_servers = 1
	max_spare_servers = 2
	max_requests_per_server = 0
	auto_limit_acct = no
}}
client localhost {{
	ipaddr = 127.0.0.1
	secret = {secret}
	require_message_authenticator = yes
}}
modules {{
{passwords}
	eap {{
		default_eap_type = {method}
		timer_expire = 60
		ignore_unknown_eap_types = no
		max_sessions = 16384
		tls-config common {{
			private_key_file = {key}
			certificate_file = {cert}
			ca_file = {root}
			auto_chain = no
			fragment_size = {fragment}
			tls_min_version = "{least}"
			tls_max_version = "{most}"
			cipher_list = "{ciphers}"
			ecdh_curve = ""
			check_crl = no
			cache {{
				enable = {resumption}
				lifetime = 24
				name = "lab"
				persist_dir = "{dir}/sessions"
			}}
			verify {{
			}}
			ocsp {{
				enable = no
			}}
		}}
		tls {{
			tls = common
		}}
{tunnels}
	}}
}}
{inside}
server default {{
	listen {{
		type = auth
		ipaddr = 127.0.0.1
		port = {port}
	}}
	authorize {{
		eap
	}}
	authenticate {{
		eap
	}}
	post-auth {{
{reply}
		Post-Auth-Type REJECT {{
			eap
		}}
	}}
}}
"""

    PASSWORDS = """
	pap {
	}
	chap {
	}
	mschap {
		use_mppe = no
	}
"""
    TUNNELS = """
		gtc {{
			auth_type = PAP
		}}
		mschapv2 {{
			send_error = yes
		}}
		ttls {{
			tls = common
			default_eap_type = {inner}
			virtual_server = inside
		}}
		peap {{
			tls = common
			default_eap_type = {inner}
			virtual_server = inside
		}}
"""
    INSIDE = """
server inside {{
	authorize {{
		if (User-Name == "{name}") {{
			update control {{
				Cleartext-Password := "{password}"
			}}
		}}
		chap
		mschap
		eap {{
			ok = return
		}}
		pap
	}}
	authenticate {{
		Auth-Type PAP {{
			pap
		}}
		Auth-Type CHAP {{
			chap
		}}
		Auth-Type MS-CHAP {{
			mschap
		}}
		eap
	}}
}}
"""

    def __init__(self, lab, ns, server=None, root=None, tls=("1.2", "1.3"), port=1812, fragment=1024,
                 resumption=True, ciphers="DEFAULT", start=True, account=None, method="tls",
                 inner="mschapv2", reply=""):
        need("freeradius")
        self.lab, self.ns = lab, ns
        pki = lab.pki()
        server, root = server or pki.server, root or pki.root
        self.secret, self.port = "testing123", port
        self.dir = lab.folder("radius")
        (self.dir / "sessions").mkdir()
        # It changes to no other user, but it insists on reading its own copies.
        key = shutil.copy(server.key, self.dir / "server.key")
        (self.dir / "radiusd.conf").write_text(self.CONFIG.format(
            dir=self.dir, libdir="/usr/lib/freeradius", secret=self.secret, key=key,
            cert=server.bundle, root=root.cert, least=min(tls), most=max(tls), port=port,
            fragment=fragment, ciphers=ciphers, resumption="yes" if resumption else "no", method=method,
            reply=f"\t\tupdate reply {{\n{reply}\n\t\t}}" if reply else "",
            passwords=self.PASSWORDS if account else "",
            tunnels=self.TUNNELS.format(inner=inner) if account else "",
            inside=self.INSIDE.format(name=account[0], password=account[1]) if account else ""))
        os.symlink("/usr/share/freeradius", self.dir / "dictionaries")
        (self.dir / "dictionary").write_text("$INCLUDE /usr/share/freeradius/dictionary\n")
        if start:
            self.start()

    def start(self, under=(), flags=("-xx",), timeout=None):
        """`under` is what to put before the command; without flags it says little."""
        self.process = Process(self.lab, [*under, "freeradius", "-f", "-l", "stdout", *flags, "-d", self.dir,
                                          "-D", "/usr/share/freeradius", "-n", "radiusd"],
                               ns=self.ns, name="freeradius")
        self.process.expect("Ready to process requests", timeout=timeout)

    def stop(self):
        self.process.stop()
        self.lab.disowns(self.process)

    def kill(self):
        self.process.kill()

    def mark(self):
        return self.process.mark()

    def expect(self, pattern, since=0, timeout=None):
        return self.process.expect(pattern, since, timeout)

    def said(self, pattern, since=0):
        return self.process.said(pattern, since)


class HostapdRadius:
    """hostapd as nothing but a RADIUS server, with its own EAP server."""

    def __init__(self, lab, ns, server=None, root=None, tls=("1.2", "1.3"), port=1812, options=None,
                 start=True):
        need("hostapd")
        self.lab, self.ns = lab, ns
        self.secret, self.port = "testing123", port
        self.dir = lab.folder("hostapd-radius")
        pki = lab.pki()
        server, root = server or pki.server, root or pki.root
        users, clients = self.dir / "users", self.dir / "clients"
        users.write_text("* TLS\n")
        clients.write_text(f"0.0.0.0/0 {self.secret}\n")
        config = {
            "driver": "none", "interface": "lo", "ctrl_interface": self.dir / "ctl",
            "radius_server_clients": clients, "radius_server_auth_port": port,
            "eap_server": 1, "eap_user_file": users, "ca_cert": root.cert, "server_cert": server.bundle,
            "private_key": server.key, "logger_stdout": -1, "logger_stdout_level": 2,
            "tls_flags": "".join(f"[{'ENABLE' if v in tls else 'DISABLE'}-TLSv{v}]"
                                 for v in ("1.0", "1.1", "1.2", "1.3")),
        }
        self.file = self.dir / "hostapd.conf"
        self.file.write_text("".join(f"{k}={v}\n" for k, v in {**config, **(options or {})}.items()))
        if start:
            self.start()

    def start(self, under=(), timeout=None):
        self.process = Process(self.lab, ["stdbuf", "-oL", *under, "hostapd", self.file], ns=self.ns,
                               name="hostapd, RADIUS server")
        self.process.expect("AP-ENABLED", timeout=timeout)

    def stop(self):
        self.process.stop()
        self.lab.disowns(self.process)

    def kill(self):
        self.process.kill()
