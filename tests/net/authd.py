"""latchkey-authd in the laboratory: its files, its life, what it says and is told.

    authd = Authd(lab, ns)                                     # a RADIUS server for 127.0.0.1
    authd = Authd(lab, ns, settings={"Tls.MinimumVersion": "1.3", "Radius.Listen": None})
    authd.add("rule", "printers", {"Match.Dns": "*.printers.example.org", "Decision.Action": "reject"})
    authd.reload()
    authd.json("sessions")                                     # `latchkey-authd --json sessions`
    authd.expect("auth.reject")                                # a line of its log
"""
import json
import os
import signal
import sys

from lab import BUILD, SRC, Failed, Process, Skip, run
from machine import Ready, ini

sys.path.append(str(SRC / "tests"))
import postgres  # noqa: E402

DIRECTORIES = {"client": "clients.d", "rule": "rules.d", "server": "servers.d", "port": "ports.d",
               "profile": "profiles.d"}


class Closing:
    def __init__(self, close):
        self.close = close


def database(lab):
    """A PostgreSQL server that goes with the test."""
    running = postgres.running()
    server = running.__enter__()
    lab.owns(Closing(lambda: running.__exit__(None, None, None)))
    if not server:
        raise Skip("there is no PostgreSQL")
    return server


class Authd:
    def __init__(self, lab, ns, server=None, root=None, tls=("1.2", "1.3"), settings=None, port=1812,
                 secret="testing123", log="debug", flags=(), start=True, own=False):
        """own: with an authority of its own, that `ca init` has yet to make."""
        pki = lab.pki()
        server, root = server or pki.server, root or pki.root
        self.lab, self.ns, self.port, self.secret, self.log = lab, ns, port, secret, log
        self.flags = [*flags, *os.environ.get("LATCHKEYD_FLAGS", "").split()]
        self.under = []
        self.dir = lab.folder("authd")
        self.keystore, self.socket = self.dir / "keystore", self.dir / "control"
        self.file = self.dir / "latchkey-authd.conf"
        self.settings = {
            "Service.Keystore": self.keystore, "Service.ControlSocket": self.socket,
            "Tls.Credential": "server", "Tls.ClientAnchors": root.cert,
            "Tls.MinimumVersion": min(tls), "Tls.MaximumVersion": max(tls),
            "Radius.Listen": f"127.0.0.1:{port}", "Registry.Database": self.dir / "registry.sqlite",
        }
        if own:
            self.settings |= {"Tls.ClientAnchors": None, "Authority.Credential": "ca"}
        else:
            server.keep(self.keystore, "server")
        self.configure(settings or {})
        self.add("client", "local", {"Client.Prefix": "127.0.0.0/8 ::1/128", "Client.Secret": secret})
        self.process = None
        if start:
            self.start()

    # -- its files

    def configure(self, settings):
        """What is different from now on; None leaves a key out."""
        self.settings |= settings
        self.file.write_text(ini(self.settings))

    def add(self, kind, name, settings):
        """One object in a file of its own, which is replaced if it is there."""
        folder = self.dir / DIRECTORIES[kind]
        folder.mkdir(exist_ok=True)
        file = folder / f"{name}.{kind}"
        file.write_text(ini(settings))
        file.chmod(0o640)
        return file

    def remove(self, kind, name):
        (self.dir / DIRECTORIES[kind] / f"{name}.{kind}").unlink()

    # -- its life

    def argv(self, *words):
        return [BUILD / "latchkey-authd", "--config", self.file, *words]

    def start(self, under=(), timeout=None, wait=True):
        """`under` is what to put before the command, such as valgrind."""
        self.ready = Ready(self.lab, self.dir / f"notify{self.lab.number('notify')}")
        sandbox = ["--no-sandbox"] if under else []
        self.process = Process(
            self.lab, [*under, *self.argv("--log-level", self.log, *sandbox, *self.flags)],
            ns=self.ns, env={"NOTIFY_SOCKET": str(self.ready.path)})
        self.process.at_end_also(self.ready.end)  # who waits for it need not wait for ever
        if wait:
            self.ready.expect("^READY=1", timeout=timeout)

    def stop(self):
        status = self.process.stop()
        self.lab.disowns(self.process)
        return status

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

    def ctl(self, *words, check=False, **kwargs):
        """One of its commands; the result has returncode, stdout, stderr."""
        return run(*self.argv(*words), ns=self.ns, check=check, env={**os.environ, "NO_COLOR": "1"},
                   **kwargs)

    def json(self, *words):
        done = self.ctl("--json", *words)
        if done.returncode:
            raise Failed(f"latchkey-authd {' '.join(map(str, words))}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def sessions(self):
        return self.json("sessions")


def guarded(lab, port=None, start=True, wire=None, **kwargs):
    """A port of a bridge with latchkey-authd as its guard; `port` is what its file says besides."""
    cable = lab.port(authenticator=False, wire=wire)
    switch, interface = cable.switch, cable.switch_interface
    switch.ip(f"link set {interface} master {cable.bridge}")
    authd = Authd(lab, switch, start=False, **kwargs)
    authd.add("port", "lan", {"Match.Interface": interface, **(port or {})})
    if start:
        authd.start()
    return authd, cable
