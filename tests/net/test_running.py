"""What happens to latchkeyd while it runs: reloads, signals, other supplicants, a bus that goes."""
import signal
import sys

from lab import Failed, Skip, each, main, test


def two(lab, **kwargs):
    """Two ports of one machine, each with a profile of its own, both open."""
    one = lab.port()
    other = lab.port(peer=one.peer)
    daemon = lab.latchkeyd(one, other, bus=lab.bus(), start=False, **kwargs)
    daemon.add_profile("wired", {"Match.Name": one.interface})
    daemon.add_profile("other", {"Match.Name": other.interface})
    daemon.start()
    for port in (one, other):
        daemon.expect(rf"port\.authorised port={port.interface}")
        port.expect_open()
    return one, other, daemon


# ---- reload ---------------------------------------------------------------------------------------

def untouched(lab, daemon, port, since):
    lab.check(not daemon.said(rf"port\.(attempt|authorised|diagnosis) port={port.interface}", since),
              f"{port.interface} was left alone")
    lab.check(daemon.status(port)["Authorised"], f"{port.interface} is open")
    lab.check(not port.guard.events.said("^closed"), f"{port.interface} was never closed")


@test
def a_reload_of_nothing_new_changes_nothing(lab):
    one, other, daemon = two(lab)
    mark = daemon.mark()
    for _ in range(3):
        daemon.reload()
    for port in (one, other):
        untouched(lab, daemon, port, mark)


@test
def a_changed_profile_authenticates_its_port_alone(lab):
    one, other, daemon = two(lab)
    mark = daemon.mark()
    daemon.add_profile("other", {"Match.Name": other.interface, "EAP.Identity": "jo@example.org"})
    daemon.reload()
    daemon.expect(rf"port\.authorised port={other.interface}", mark)
    lab.equal(daemon.status(other)["Identity"], "anonymous@example.org", "the identity")
    untouched(lab, daemon, one, mark)


@test
def a_better_profile_takes_over(lab):
    one, other, daemon = two(lab)
    mark = daemon.mark()
    daemon.add_profile("best", {"Match.Name": other.interface, "Match.Priority": 5})
    daemon.reload()
    daemon.expect(rf"port\.authorised port={other.interface} profile=best", mark)
    untouched(lab, daemon, one, mark)


@each("when it starts", "at a reload")
def a_bad_profile_is_named_and_takes_nobody_along(lab, when):
    one, other, daemon = two(lab)
    mark = daemon.mark()
    daemon.add_profile("other", {"Match.Name": other.interface, "TLS.MinTLS": "1.4"})
    if when == "at a reload":
        daemon.reload()
    else:
        daemon.restart()
        mark = 0
    daemon.expect(r'config\.error file=".*/other\.profile" line=\d+ key=.*MinTLS', mark)
    if when == "at a reload":
        untouched(lab, daemon, one, mark)
    else:
        daemon.expect(rf"port\.authorised port={one.interface}")


@test
def a_bad_configuration_leaves_the_old_one(lab):
    one, other, daemon = two(lab)
    mark = daemon.mark()
    daemon.configure({"Service.LogLevl": "debug"})
    daemon.reload()
    daemon.expect(r"config\.error .*LogLevel", mark)
    for port in (one, other):
        untouched(lab, daemon, port, mark)


@test
def a_configuration_that_is_half_good_is_not_half_used(lab):
    one, other, daemon = two(lab)
    mark = daemon.mark()
    daemon.configure({"Service.Keystore": "/proc/no/keystore", "Service.LogoffOnExit": "yes"})
    daemon.reload()
    daemon.expect(r"service\.reload .*the old configuration stays", mark)
    lab.equal(daemon.stop(), 0, "it stops without an error")
    for port in (one, other):
        lab.check(not port.guard.events.said("^closed"), f"no Logoff was sent on {port.interface}")


# ---- the end, and the beginning --------------------------------------------------------------------

@each("SIGTERM", "SIGINT")
def it_stops_by(lab, name):
    port = lab.port()
    daemon = lab.latchkeyd(port)
    port.expect_open()
    daemon.process.signal(getattr(signal, name))
    lab.equal(daemon.process.wait(), 0, "the exit status")
    daemon.ready.expect("^STOPPING=1")


@test
def it_stops_in_the_middle_of_a_conversation(lab):
    port = lab.port(wire={})
    left = [2]

    def two_only(towards, frame):
        left[0] -= towards == "peer"
        return [frame] if left[0] >= 0 else []
    port.cable.change = two_only
    daemon = lab.latchkeyd(port)
    daemon.expect(r"port\.attempt")
    daemon.process.signal(signal.SIGTERM)
    lab.equal(daemon.process.wait(), 0, "the exit status")


@test
def killed_it_starts_again(lab):
    one, other, daemon = two(lab)
    for _ in range(3):
        daemon.kill()
        daemon.start()
        for port in (one, other):
            daemon.expect(rf"port\.authorised port={port.interface}")
    lab.equal([p["State"] for p in daemon.json("list")], ["authorised"] * 2, "the states")
    for port in (one, other):
        lab.check(not port.guard.events.said("^closed"), f"{port.interface} was never closed")


# ---- others ---------------------------------------------------------------------------------------

@test
def a_second_latchkeyd_is_refused_and_says_why(lab):
    port = lab.port()
    first = lab.latchkeyd(port)
    port.expect_open()
    second = lab.latchkeyd(port, start=False)
    for _ in range(4):  # however often it is tried
        second.start(wait=False)
        second.expect(rf"another latchkeyd, process {first.process.pid}, already works in this network namespace")
        lab.equal(second.process.wait(), 1, "its exit status")
    lab.check(first.process.running() and port.passes(), "the first goes on")


@test
def a_second_latchkeyd_in_another_namespace_is_not(lab):
    for port in (lab.port(), lab.port()):
        lab.latchkeyd(port)
        port.expect_open()


HOLDER = r"""
import os, socket, time
lock = socket.socket(socket.AF_UNIX)
os.setgid(65534)
os.setuid(65534)
lock.bind("\0latchkey/supplicant")
lock.listen(1)
print("held", flush=True)
time.sleep(600)
"""


@test
def nobody_else_can_keep_it_from_starting(lab):
    port = lab.port()
    holder = lab.process([sys.executable, "-c", HOLDER], ns=port.peer)
    try:
        holder.expect("^held$")
    except Failed as error:
        raise Skip("no other user to be had here") from error
    daemon = lab.latchkeyd(port)
    port.expect_open()
    lab.check(daemon.said(r"service\.lock .*holder=[1-9]"), "it says who holds its lock")


@test
def a_port_that_wpa_supplicant_has_is_left_to_it(lab):
    port = lab.port()
    wpa = lab.wpa_supplicant(port)
    port.expect_open()
    daemon = lab.latchkeyd(port, bus=lab.bus())
    daemon.expect(r"port\.diagnosis .*id=port-taken")
    status = daemon.status(port)
    lab.equal(status["State"], "port-taken", "the state")
    lab.equal(status["Counters"]["FramesSent"], 0, "frames sent")
    wpa.process.stop()
    lab.equal(daemon.ctl("connect", "--wait").returncode, 0, "latchkeyctl connect, when it has gone")


@test
def a_port_that_is_taken_later_is_not_called_open(lab):
    port = lab.port()
    daemon = lab.latchkeyd(port, bus=lab.bus())
    port.expect_open()
    wpa = lab.wpa_supplicant(port)
    lab.until(lambda: daemon.ctl("connect") and daemon.status(port)["State"] == "port-taken", "it is noticed")
    lab.check(not daemon.status(port)["Authorised"], "it is not said to be open")
    wpa.process.stop()
    lab.equal(daemon.ctl("connect", "--wait").returncode, 0, "latchkeyctl connect, when it has gone")


# ---- the bus --------------------------------------------------------------------------------------

@test
def a_bus_that_restarts_is_found_again(lab):
    one, other, daemon = two(lab)
    mark = daemon.mark()
    for _ in range(2):
        daemon.bus.stop()
        daemon.bus.start()
        daemon.expect(r"bus\.connected", mark)
        mark = daemon.mark()
        lab.check(daemon.status(one)["Authorised"], "latchkeyctl works again")
    lab.equal(daemon.ctl("reauth", one.interface, "--wait").returncode, 0, "also to change things")
    untouched(lab, daemon, other, mark)


@test
def a_bus_that_is_killed_disturbs_no_port(lab):
    one, other, daemon = two(lab)
    daemon.bus.process.kill()
    lab.equal(daemon.ctl("status").returncode, 4, "latchkeyctl finds no service")
    mark = daemon.mark()
    one.authenticator.reauthenticate(one.mac)
    daemon.expect(rf"port\.authorised port={one.interface}", mark)
    daemon.bus.start()
    daemon.expect(r"bus\.connected", mark)
    lab.check(daemon.status(other)["Authorised"], "latchkeyctl works again")


if __name__ == "__main__":
    main()
