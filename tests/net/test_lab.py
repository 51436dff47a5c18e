"""The laboratory itself, with wpa_supplicant as the machine: what it shows of us can be believed."""
import shutil
import signal
import sys
from pathlib import Path

from lab import main, test
from wire import EAP, START, RawSocket, eapol


@test
def a_port_is_closed_until_its_peer_is_authorised(lab):
    port = lab.port()
    lab.check(not port.ping(), "nothing passes before")
    peer = lab.wpa_supplicant(port)
    peer.expect("CTRL-EVENT-EAP-SUCCESS")
    port.expect_open()
    lab.check(port.passes(), "it passes after")


@test
def a_port_closes_when_the_peer_logs_off(lab):
    port = lab.port()
    peer = lab.wpa_supplicant(port)
    port.expect_open()
    mark = port.guard.events.mark()
    peer.control.ask("LOGOFF")
    port.expect_closed(mark)
    lab.check(not port.ping(), "nothing passes any more")


@test
def a_server_that_expired_is_not_believed(lab):
    port = lab.port(server=lab.pki().expired_server)
    peer = lab.wpa_supplicant(port)
    peer.expect("certificate has expired")
    lab.check(not port.ping(), "nothing passes")


@test
def freeradius_lets_a_peer_in(lab):
    switch = lab.namespace("switch")
    radius = lab.radius(switch)
    port = lab.port(switch=switch, radius=radius)
    peer = lab.wpa_supplicant(port)
    peer.expect("CTRL-EVENT-EAP-SUCCESS")
    port.expect_open()
    radius.expect("Access-Accept")
    lab.check(port.passes(), "it passes")


@test
def a_bad_wire_loses_repeats_and_delays(lab):
    port = lab.port(wire={"loss": 0.15, "duplicate": 0.2, "reorder": 0.2, "delay": 0.01, "seed": 14})
    lab.wpa_supplicant(port)
    port.expect_open()
    counts = port.cable.counts
    lab.check(counts["lost"] and counts["duplicated"] and counts["reordered"], f"it is bad: {counts}")


@test
def a_frame_by_hand_is_answered(lab):
    port = lab.port()
    raw = RawSocket(lab, port.peer, port.interface)
    raw.send(eapol(type=START))
    request = raw.receive(lambda f: f.type == EAP)
    lab.equal((request.body[0], request.body[4]), (1, 1), "the answer is an identity request")


@test
def a_bus_starts_with_our_policy(lab):
    bus = lab.bus()
    answer = bus.call("/", "org.freedesktop.DBus.Peer.Ping")
    lab.check("ServiceUnknown" in answer.stderr, f"nobody is there yet: {answer.stderr}")


GUEST = """
import time
from lab import Lab, prepare
prepare()
with Lab() as lab:
    port = lab.port()
    print(port.authenticator.process.pid, lab.dir, flush=True)
    while True:
        time.sleep(0.1)     # not pause(): a signal just before it would be waited for in vain
"""


def end_by(lab, number):
    # A shell that puts us in the background has SIGINT ignored, and so would we have.
    guest = lab.process(["env", "--default-signal=INT", sys.executable, "-c", GUEST],
                        env={"PYTHONPATH": str(Path(__file__).parent)})
    pid, folder = guest.expect(r"^(\d+) (/\S+)").groups()
    guest.signal(number)
    guest.wait()
    lab.until(lambda: not Path(f"/proc/{pid}").exists(), "hostapd ends too")
    return Path(folder)


@test
def an_interrupted_test_leaves_nothing(lab):
    for number in (signal.SIGINT, signal.SIGTERM):
        folder = end_by(lab, number)
        lab.check(not folder.exists(), "its folder is gone")


@test
def even_a_killed_test_leaves_no_process(lab):
    shutil.rmtree(end_by(lab, signal.SIGKILL))


if __name__ == "__main__":
    main()
