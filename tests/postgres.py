#!/usr/bin/env python3
"""A PostgreSQL server for a test: Debian's, in a directory of its own.

It listens on a UNIX socket there and nowhere else, runs as the user postgres where we are root, and
is gone afterwards. `postgres.py DIR start|stop|kill` is how a test program makes it die, or come
back.
"""
import contextlib
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
        # A service that may not pass over permissions has to get at the socket.
        self.where.chmod(0o755)
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
        as_postgres([binaries() / "pg_ctl", "-D", self.data, "-l", self.log, "-w", "-t", "300", "-s", "start"],
                    check=True)

    def pid(self):
        try:
            return int((self.data / "postmaster.pid").read_text().split()[0])
        except (FileNotFoundError, IndexError):
            return None

    def stop(self):
        as_postgres([binaries() / "pg_ctl", "-D", self.data, "-m", "fast", "-w", "-t", "300", "-s", "stop"])

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

    def uri(self):
        return f"postgresql://latchkey@/postgres?host={self.where}"


@contextlib.contextmanager
def running():
    """A fresh server that runs; None where there is no PostgreSQL."""
    if not binaries():
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="latchkey-postgres-") as name:
        server = Server(name)
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop()


if __name__ == "__main__":
    getattr(Server(sys.argv[1]), sys.argv[2])()
