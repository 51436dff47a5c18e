#!/usr/bin/env python3
"""latchkey-authd as those see it who watch it: its commands, metrics and health, while its database
dies and comes back."""
import contextlib
import http.client
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import postgres

PROGRAM = Path(os.environ.get("top_builddir", ".")).resolve() / "latchkey-authd"
FLAGS = os.environ.get("LATCHKEYD_FLAGS", "").split()
PATIENCE = 120
failed, services = [], []


class Service:
    def __init__(self, where, database):
        self.where = Path(where)
        self.port = free_port()
        self.config = self.where / "etc/latchkey-authd.conf"
        self.config.parent.mkdir(mode=0o700)
        self.config.write_text(f"[Service]\nControlSocket={where}/control\nKeystore={where}/keystore\n"
                               f"[Registry]\nDatabase={database}\n"
                               f"[Metrics]\nListen=127.0.0.1:{self.port}\n")
        self.log = (self.where / "log").open("w")
        self.process = subprocess.Popen([PROGRAM, "-c", self.config, *FLAGS, "run"], stderr=self.log)
        services.append(self.process)
        self.until(lambda: self.command("status").returncode == 0, "it answers")

    def until(self, condition, what):
        """Waits for what tells nobody that it has happened."""
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end or self.process.poll() is not None:
                raise AssertionError(f"{what}: not so\n{(self.where / 'log').read_text()}")
            time.sleep(0.05)

    def command(self, *words):
        return subprocess.run([PROGRAM, "-c", self.config, *words], text=True, timeout=PATIENCE,
                              capture_output=True, check=False)

    def json(self, *words):
        return json.loads(self.command("--json", *words).stdout)

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


def free_port():
    """One that the kernel gives to nobody who does not ask for it."""
    while True:
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", random.randrange(10000, 30000)))
            return s.getsockname()[1]


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def a_service_on_sqlite(where):
    service = Service(where, f"{where}/registry.sqlite")
    status = service.json("status")
    check(status["registry"]["kind"] == "sqlite" and status["registry"]["connected"], status)
    check(service.get("/health") == (200, '{"status":"ok"}'), service.get("/health"))
    check("\nlatchkey_authd_registry_connected 1\n" in service.get("/metrics")[1], "metrics")
    check(service.command("reload").returncode == 0, "reload")
    events = [(e["event"], e["actor"]) for e in service.json("audit")]
    check(events == [("config.reload", f"user {os.geteuid()}"), ("service.start", "")], events)
    check(service.json("audit", "verify")["intact"], "intact")
    check(service.command("disconnect", "02:00:00:00:00:01").returncode == 1, "nobody is there")
    check(service.stop() == 0, "it stops")
    check(service.command("status").returncode == 4, "nobody answers")
    rows = sqlite3.connect(Path(where) / "registry.sqlite").execute(
        "SELECT event FROM audit ORDER BY sequence").fetchall()
    check(rows[-1] == ("service.stop",), rows)


def a_service_whose_database_dies(where):
    with postgres.running() as server:
        if not server:
            return "PostgreSQL's server is not installed (Debian: postgresql)"
        service = Service(where, server.uri())
        check(service.json("status")["registry"]["kind"] == "postgresql", "kind")
        check(service.get("/health")[0] == 200, (service.get("/health"), (Path(where) / "log").read_text()))
        check(service.json("audit", "verify")["entries"] == 1, "written")
        server.kill()
        check(service.command("audit").returncode == 1, "no answer without the database")
        service.until(lambda: service.get("/health")[0] == 503, "health tells")
        check("database: " in service.get("/health")[1], service.get("/health"))
        check("\nlatchkey_authd_registry_connected 0\n" in service.get("/metrics")[1], "metrics")
        check(service.json("status")["problems"], "status tells")
        check(service.command("reload").returncode == 0, "all else goes on")
        server.start()
        service.until(lambda: service.get("/health")[0] == 200, "it comes back")
        service.until(lambda: service.json("status")["registry"]["waiting"] == 0, "all is written")
        events = [e["event"] for e in service.json("audit")]
        check(events == ["config.reload", "service.start"], events)
        check(service.stop() == 0, "it stops")
    return None


def main():
    tests = [a_service_on_sqlite, a_service_whose_database_dies]
    print(f"1..{len(tests)}")
    for n, test in enumerate(tests, 1):
        with tempfile.TemporaryDirectory(prefix="latchkey-watch-") as where:
            name = test.__name__
            try:
                skipped = test(where)
                print(f"ok {n} - {name}" + (f" # SKIP {skipped}" if skipped else ""))
            except Exception as error:  # whatever went wrong, the others are run
                failed.append(name)
                print("#", str(error).replace("\n", "\n# "))
                print(f"not ok {n} - {name}")
            finally:
                for service in services:
                    service.kill()
                    service.wait()
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
