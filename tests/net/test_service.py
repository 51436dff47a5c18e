"""latchkeyd as a service: what it may do, what it tells its manager, what it warns of."""
import os
import pwd
import shutil
import sys
from pathlib import Path

from lab import BUILD, Skip, main, test
from machine import Bus


def status(daemon, key):
    """A line of /proc/PID/status."""
    with open(f"/proc/{daemon.process.pid}/status") as file:
        for line in file:
            name, value = line.split(":", 1)
            if name == key:
                return value.strip()
    return None


CAP_NET_ADMIN, CAP_NET_RAW = 12, 13


@test
def it_keeps_two_capabilities_and_a_filter_for_system_calls(lab):
    if os.environ.get("LATCHKEYD_FLAGS"):
        raise Skip("sanitizers need system calls that the filter forbids")
    daemon = lab.latchkeyd(lab.port())
    daemon.expect("port.authorised")
    wanted = 1 << CAP_NET_ADMIN | 1 << CAP_NET_RAW
    for which in ("CapEff", "CapPrm"):
        lab.equal(int(status(daemon, which), 16), wanted, which)
    lab.equal(int(status(daemon, "CapInh"), 16), 0, "nothing is inherited")
    lab.equal(status(daemon, "NoNewPrivs"), "1", "no new privileges")
    lab.equal(status(daemon, "Seccomp"), "2", "a filter is set")


@test
def the_filter_of_its_unit_leaves_it_what_it_needs(lab):
    if os.environ.get("LATCHKEYD_FLAGS"):
        raise Skip("sanitizers need system calls that the filter forbids")
    if not shutil.which("systemd-analyze"):
        raise Skip("there is no systemd-analyze to tell what the filter stands for")
    port = lab.port()
    daemon = lab.latchkeyd(port, start=False)
    daemon.under = [sys.executable, Path(__file__).parent / "under_unit.py",
                    BUILD / "conf" / "latchkeyd.service"]
    daemon.start()
    port.expect_open()
    lab.equal(int(status(daemon, "CapPrm"), 16), 1 << CAP_NET_ADMIN | 1 << CAP_NET_RAW, "its rights")


@test
def it_becomes_another_user_and_works_as_that(lab):
    port = lab.port()
    daemon = lab.latchkeyd(port, start=False)
    nobody = pwd.getpwnam("nobody")
    try:
        for folder, _, files in os.walk(daemon.keystore):
            for path in (folder, *(os.path.join(folder, f) for f in files)):
                os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
    except OSError as error:
        raise Skip(f"no other user to be had here: {error}") from error
    for folder in (lab.dir, daemon.dir, daemon.profiles):
        os.chmod(folder, 0o755)
    shutil.copy(daemon.root.cert, daemon.dir / "root.pem")
    os.chmod(daemon.dir / "root.pem", 0o644)
    os.chmod(daemon.add_profile("wired", {"Server.TrustAnchor": daemon.dir / "root.pem"}), 0o644)
    daemon.flags += ["--user", "nobody"]
    daemon.start(wait=False)
    daemon.expect("port.authorised")
    port.expect_open()
    lab.equal(status(daemon, "Uid").split()[0], str(nobody.pw_uid), "its user")
    lab.equal(status(daemon, "Groups"), "", "no group is left over")


@test
def a_user_that_is_not_there_is_named(lab):
    daemon = lab.latchkeyd(lab.port(), start=False, flags=["--user", "nobody-of-this-name"])
    daemon.start(wait=False)
    daemon.expect('cause=.*there is no user .nobody-of-this-name.')
    lab.equal(daemon.process.wait(), 1, "it ends with a failure")


@test
def the_manager_hears_that_it_is_ready_alive_and_stopping(lab):
    daemon = lab.latchkeyd(lab.port(), env={"WATCHDOG_USEC": "200000"})
    mark = daemon.ready.mark()
    daemon.ready.expect("^WATCHDOG=1", mark)
    daemon.ready.expect("^WATCHDOG=1", daemon.ready.mark())
    mark = daemon.ready.mark()
    daemon.reload()
    daemon.ready.expect("^RELOADING=1", mark)
    daemon.ready.expect("^READY=1", mark)
    lab.equal(daemon.stop(), 0, "it stops without an error")
    daemon.ready.expect("^STOPPING=1")


@test
def without_a_bus_it_works_and_says_so_once(lab):
    port = lab.port()
    bus = lab.bus()
    bus.stop()
    daemon = lab.latchkeyd(port, bus=bus)
    daemon.expect("port.authorised")
    port.expect_open()
    daemon.expect("service.ready .*bus=no")
    said = [line for line in daemon.process.lines if " bus." in line]
    lab.equal(len(said), 1, f"it is said once: {said}")
    bus.start()
    daemon.expect("bus.connected")


@test
def a_bus_name_that_is_held_stops_the_second(lab):
    bus = Bus(lab)
    first = lab.latchkeyd(lab.port(), bus=bus)
    first.expect("service.ready .*bus=yes")
    second = lab.latchkeyd(lab.port(), bus=bus, start=False)
    second.start(wait=False)
    second.expect("cause=.*held by another process")
    lab.equal(second.process.wait(), 1, "it ends with a failure")
    lab.check(first.process.running, "the first goes on")


@test
def a_certificate_that_runs_out_is_warned_of(lab):
    bus = lab.bus()
    soon = lab.pki().root.issue("soon.example.org", end=10)
    daemon = lab.latchkeyd(lab.port(), bus=bus, client=soon,
                           config={"Service.ExpiryWarnings": "30d 14d 7d"})
    daemon.expect(r"credential.expiry credential=machine generation=1 .*remaining_days=(9|10) ")
    warned = sum("credential.expiry" in line for line in daemon.process.lines)
    lab.equal(warned, 1, "once, for the nearest threshold that it is within")
    daemon.expect("port.authorised .*diagnosis=credential-expiring")

    events = daemon.follow()
    daemon.configure({"Service.ExpiryWarnings": "30d 14d 12d"})
    daemon.reload()
    events.expect("ExpiryWarning")


@test
def a_renewed_certificate_is_used_at_once(lab):
    port = lab.port()
    daemon = lab.latchkeyd(port, bus=lab.bus())
    port.expect_open()
    renewed = lab.pki().root.issue("renewed.example.org")
    mark = daemon.mark()
    daemon.ctl("credentials", "import", "machine", renewed.cert, renewed.key, check=True)
    daemon.expect("service.reload", mark)
    daemon.expect("port.authorised", mark)
    lab.equal(daemon.json("status")[0]["Generation"], 2, "the second generation")


if __name__ == "__main__":
    main()
