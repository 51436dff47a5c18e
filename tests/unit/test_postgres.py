#!/usr/bin/env python3
"""The tests of the registry and of the recorder, on a PostgreSQL server that is started for them."""
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import postgres

PROGRAMS = ["test_registry", "test_registry_enrol", "test_recorder", "test_lists", "test_wishes"]


def main():
    build = Path(os.environ.get("top_builddir", ".")) / "tests/unit"
    with postgres.running() as server:
        if not server:
            print("1..0 # SKIP PostgreSQL's server is not installed (Debian: postgresql)")
            return 0
        return run(build, server)


def run(build, server):
    """The programs one after the other, as one stream of TAP."""
    environment = dict(os.environ, LATCHKEY_POSTGRES=server.connection(),
                       LATCHKEY_POSTGRES_CONTROL=f"{sys.executable} {postgres.__file__} {server.where}")
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
