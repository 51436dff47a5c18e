"""The RADIUS servers that we ask, and the NAS of client_box.c that asks them.

    server = Server(lab, ns)                       # FreeRADIUS that does EAP-MD5 and accounting
    box = Box(lab, ns, {"main": server.file()})    # servers.d/main.server
    box.do("auth", "answer 1 accept")
"""
import os

from lab import BUILD, run
from machine import ini
from switch import FreeRadius

PASSWORD = "testing123"
# GiveUp= where a server is to fall silent: not for long, but longer than one takes that is only slow.
SOON = "2s"


class Server(FreeRadius):
    """FreeRADIUS for machines that know EAP-MD5; it answers Status-Server, and over TLS if asked."""

    CONFIG = (FreeRadius.CONFIG
              .replace("status_server = no", "status_server = yes")
              .replace("modules {{\n", "modules {{\n\talways ok {{\n\t\trcode = ok\n\t}}\n")
              .replace("default_eap_type = {method}", "default_eap_type = md5\n\t\tmd5 {{\n\t\t}}")
              .replace("\tauthorize {{\n", """\
	listen {{
		type = acct
		ipaddr = 127.0.0.1
		port = 1{port}
	}}
	authorize {{
		Autz-Type Status-Server {{
			ok
		}}
		update control {{
			Cleartext-Password := "testing123"
		}}
""")
              .replace("\tpost-auth {{\n", """\
	preacct {{
		ok
	}}
	accounting {{
		ok
	}}
	post-auth {{
		update reply {{
			Tunnel-Type := VLAN
			Tunnel-Medium-Type := IEEE-802
			Tunnel-Private-Group-Id := "20"
			Session-Timeout := 3600
			Acct-Interim-Interval := 600
			Class := 0x726564
			Termination-Action := RADIUS-Request
		}}
"""))

    def __init__(self, lab, ns, port=1812, **kwargs):
        super().__init__(lab, ns, port=port, **kwargs)

    def file(self, **more):
        return {"Server.Address": "127.0.0.1", "Server.Port": self.port,
                "Server.AccountingPort": 10000 + self.port, "Server.Secret": self.secret,
                "Server.Timeout": "200ms", "Server.GiveUp": "60s", "Server.DeadTime": "1s",
                "Server.ProbeInterval": "500ms",
                **{f"Server.{key}": value for key, value in more.items()}}


class Box:
    """client_box in a namespace, with its files."""

    def __init__(self, lab, ns, servers, listen="127.0.0.1:3799", wait="^ready"):
        self.lab, self.ns = lab, ns
        self.dir = lab.folder("box")
        self.keystore = self.dir / "keystore"
        (self.dir / "servers.d").mkdir()
        (self.dir / "latchkey-authd.conf").write_text(ini({"Service.Keystore": self.keystore}))
        lab.pki().client.keep(self.keystore, "nas")
        self.write(servers)
        self.fifo = self.dir / "commands"
        os.mkfifo(self.fifo)
        self.process = lab.process(
            [BUILD / "tests/net/client_box", self.dir / "latchkey-authd.conf", self.fifo, listen], ns=ns)
        self.process.expect(wait)
        self.pipe = os.open(self.fifo, os.O_RDWR)

    def write(self, servers):
        for file in (self.dir / "servers.d").iterdir():
            file.unlink()
        for name, settings in servers.items():
            file = self.dir / "servers.d" / f"{name}.server"
            file.write_text(ini(settings))
            file.chmod(0o640)

    def mark(self):
        return self.process.mark()

    def say(self, command):
        os.write(self.pipe, (command + "\n").encode())

    def do(self, command, wanted, timeout=None):
        """Says it, and waits for what comes of it."""
        since = self.mark()
        self.say(command)
        return self.process.expect(wanted, since=since, timeout=timeout)

    def expect(self, pattern, since=0, timeout=None):
        return self.process.expect(pattern, since=since, timeout=timeout)

    def servers(self):
        import json
        return {(s["name"], s["for"]): s for s in json.loads(self.do("view", r"^view \d+ \d+ \d+ (.*)$")[1])}

    def exit(self):
        self.say("exit")
        self.lab.equal(self.process.wait(), 0, "exit status")


def radclient(ns, what, attributes, to="127.0.0.1:3799", secret=PASSWORD, silent=False):
    """What a server says that ends or changes a session; returns all that radclient says. silent: nobody is to
    answer."""
    words = ["radclient", "-x", "-r", "1", "-t", "3" if silent else "60", "-D", "/usr/share/freeradius", to, what, secret]
    return run(*words, ns=ns, check=False, input="\n".join(attributes) + "\n", stdin=None).stdout
