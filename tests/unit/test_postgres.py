#!/usr/bin/env python3
"""The tests of the registry and of the recorder, on a PostgreSQL server that is started for them.

The server lives in a directory of its own, listens on a UNIX socket there and nowhere else, runs as
the user postgres where we are root, and is gone afterwards. `test_postgres.py DIR start|stop|kill`
is how a test makes it die, or come back.
"""
import glob
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROGRAMS = ["test_registry", "test_recorder"]


def binaries():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda p: int(p.split("/")[4]))
    own = shutil.which("initdb")
    return Path(found[-1]) if found else Path(own).parent if own else None


def as_postgres(command, **kwargs):
    if os.geteuid() == 0:
        command = ["runuser", "-u", "postgres", "--", *command]
    return subprocess.run([str(c) for c in command], cwd="/", stdin=subprocess.DEVNULL, **kwargs)


class Server:
    def __init__(self, where):
        self.where = Path(where)
        self.data = self.where / "data"
        self.log = self.where / "log"

    def make(self):
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.where, user.pw_uid, user.pw_gid)
        as_postgres([binaries() / "initdb", "-D", self.data, "-U", "latchkey", "-A", "trust",
                     "--no-sync", "--no-locale", "-E", "UTF8"],
                    check=True, stdout=subprocess.DEVNULL)
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.write(f"listen_addresses=''\nunix_socket_directories='{self.where}'\n"
                       "fsync=off\nshared_buffers=16MB\nmax_connections=40\n")

    def start(self):
        as_postgres([binaries() / "pg_ctl", "-D", self.data, "-l", self.log, "-w", "-s", "start"],
                    check=True)

    def pid(self):
        try:
            return int((self.data / "postmaster.pid").read_text().split()[0])
        except (FileNotFoundError, IndexError):
            return None

    def stop(self):
        as_postgres([binaries() / "pg_ctl", "-D", self.data, "-m", "fast", "-w", "-s", "stop"])

    def kill(self):
        """As a power cut would."""
        pid = self.pid()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for each in [pid, *map(int, children)]:
            try:
                os.kill(each, signal.SIGKILL)
            except ProcessLookupError:
                pass
        while any(Path(f"/proc/{each}").exists() for each in [pid, *children]):
            time.sleep(0.01)
        (self.data / "postmaster.pid").unlink()

    def connection(self):
        return f"host={self.where} user=latchkey dbname=postgres"


def main():
    if len(sys.argv) == 3:
        getattr(Server(sys.argv[1]), sys.argv[2])()
        return 0
    if not binaries():
        print("1..0 # SKIP PostgreSQL's server is not installed (Debian: postgresql)")
        return 0
    build = Path(os.environ.get("top_builddir", ".")) / "tests/unit"
    with tempfile.TemporaryDirectory(prefix="latchkey-postgres-") as name:
        server = Server(name)
        server.make()
        server.start()
        try:
            return run(build, server)
        finally:
            server.stop()


def run(build, server):
    """The programs one after the other, as one stream of TAP."""
    environment = dict(os.environ, LATCHKEY_POSTGRES=server.connection(),
                       LATCHKEY_POSTGRES_CONTROL=f"{sys.executable} {Path(__file__).resolve()} {server.where}")
    number, failed = 0, False
    for program in PROGRAMS:
        done = subprocess.run([str(build / program)], env=environment, text=True,
                              stdout=subprocess.PIPE, check=False)
        planned = counted = 0
        for line in done.stdout.splitlines():
            words = line.split(" - ", 1)
            if line.startswith("1.."):
                planned = int(line[3:])
            elif words[0].startswith(("ok ", "not ok ")):
                number, counted = number + 1, counted + 1
                print(f"{words[0].rsplit(' ', 1)[0]} {number} - {program}: {words[1]}")
            else:
                print(line)
        if done.returncode != 0 and counted != planned:
            number += 1
            print(f"not ok {number} - {program} ended with {done.returncode}")
        failed |= done.returncode != 0
    print(f"1..{number}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
