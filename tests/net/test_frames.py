"""Frames on the wire, seen and written by hand: what we send, when, and what we let pass."""
from lab import each, main, test
from wire import EAP, LOGOFF, PAE_GROUP, START, RawSocket, eapol, tagged

IDENTITY_REQUEST = bytes.fromhex("0141000501")
SUCCESS, FAILURE = bytes.fromhex("03410004"), bytes.fromhex("04410004")


def by_hand(lab, **kwargs):
    """A port without an authenticator, and a socket in its place; latchkeyd is there, and waits."""
    port = lab.port(authenticator=False)
    raw = RawSocket(lab, port.switch, port.switch_interface)
    daemon = lab.latchkeyd(port, bus=lab.bus(), **kwargs)
    return port, raw, daemon


def answer(lab, raw, frame):
    raw.send(frame)
    response = raw.receive(lambda f: f.type == EAP)
    lab.check(response, "it is answered")
    lab.equal((response.body[0], response.body[4]), (2, 1), "with an identity")
    return response


# ---- what we send ---------------------------------------------------------------------------------

@test
def the_first_frame_is_a_start_to_the_group(lab):
    port, raw, _ = by_hand(lab)
    first = raw.receive()
    lab.equal((first.type, first.to, first.body), (START, PAE_GROUP, b""), "the first frame")
    lab.equal(first.sender.hex(":"), port.mac, "its sender")


@test
def the_first_frame_after_a_flap_is_a_start(lab):
    port, raw, daemon = by_hand(lab)
    answer(lab, raw, eapol(IDENTITY_REQUEST))
    port.cable.unplug()
    daemon.expect(r"port\.carrier-lost")
    port.cable.plug()
    lab.equal(raw.receive().type, START, "the next frame")


@test
def starts_come_and_end(lab):
    """At intervals that grow: tests/talk/eapol-starts.txt."""
    port, raw, daemon = by_hand(lab, profile={"EAPOL.StartFirst": "100ms", "EAPOL.StartCeiling": "500ms",
                                              "EAPOL.StartMax": 4})
    for _ in range(4):
        lab.check(raw.receive(lambda f: f.type == START), "a Start comes")
    daemon.expect("id=no-authenticator")
    lab.equal(daemon.status(port)["Counters"]["StartsSent"], 4, "Starts")
    answer(lab, raw, eapol(IDENTITY_REQUEST))


@test
def passive_mode_waits_to_be_asked(lab):
    port, raw, daemon = by_hand(lab, profile={"EAPOL.Start": "passive"})
    raw.send(eapol(IDENTITY_REQUEST))
    lab.equal(raw.receive().type, EAP, "the first frame")
    lab.equal(daemon.status(port)["Counters"]["StartsSent"], 0, "Starts")


@test
def passive_mode_starts_when_the_user_says(lab):
    port = lab.port()
    daemon = lab.latchkeyd(port, bus=lab.bus(), profile={"EAPOL.Start": "passive"})
    lab.equal(daemon.status(port)["Counters"]["FramesSent"], 0, "frames before")
    daemon.ctl("connect", check=True)
    port.expect_open()


@each(1, 2, 3)
def hostapd_takes_our_version(lab, version):
    port = lab.port()
    raw = RawSocket(lab, port.switch, port.switch_interface)
    daemon = lab.latchkeyd(port, profile={"EAPOL.Version": version})
    daemon.expect(r"port\.authorised")
    lab.equal({raw.receive().version for _ in range(4)}, {version}, "the versions of our frames")


@each(1, 2, 3, 7)
def any_version_is_answered(lab, version):
    _, raw, _ = by_hand(lab)
    lab.equal(answer(lab, raw, eapol(IDENTITY_REQUEST, version=version)).version, 2, "with ours")


@each("01:80:c2:00:00:00", "01:80:c2:00:00:0e", "02:00:00:00:00:77")
def frames_go_to(lab, address):
    _, raw, _ = by_hand(lab, profile={"EAPOL.Destination": address})
    lab.equal(raw.receive().to.hex(":"), address, "the destination")


@test
def disconnect_says_logoff(lab):
    port = lab.port()
    raw = RawSocket(lab, port.switch, port.switch_interface)
    daemon = lab.latchkeyd(port, bus=lab.bus())
    daemon.expect(r"port\.authorised")
    daemon.ctl("disconnect", check=True)
    lab.check(raw.receive(lambda f: f.type == LOGOFF), "a Logoff comes")


# ---- the group ------------------------------------------------------------------------------------

def in_group(port):
    return "01:80:c2:00:00:03" in port.peer.ip(f"maddress show dev {port.interface}").stdout


@test
def the_group_is_joined_and_left(lab):
    port, _, daemon = by_hand(lab)
    lab.check(in_group(port), "joined while it runs")
    (daemon.profiles / "wired.profile").unlink()
    daemon.reload()
    lab.check(not in_group(port), "left with the profile")
    daemon.add_profile("wired")
    daemon.reload()
    lab.check(in_group(port), "joined with the next")
    daemon.stop()
    lab.check(not in_group(port), "left at the end")


# ---- what is answered in kind ---------------------------------------------------------------------

@each(0, 5)
def a_frame_with_a_priority_is_answered_with_it(lab, priority):
    _, raw, _ = by_hand(lab)
    response = answer(lab, raw, tagged(eapol(IDENTITY_REQUEST), priority << 13))
    lab.equal(response.tag, priority << 13, "the tag")
    lab.equal(answer(lab, raw, eapol(b"\x01\x42" + IDENTITY_REQUEST[2:])).tag, None, "without, without")


@test
def a_frame_of_a_vlan_is_not_ours(lab):
    port, raw, daemon = by_hand(lab)
    raw.send(tagged(eapol(IDENTITY_REQUEST), 42))
    answer(lab, raw, eapol(b"\x01\x42" + IDENTITY_REQUEST[2:]))
    lab.equal(daemon.status(port)["Counters"]["FramesReceived"], 1, "frames heard")


@test
def a_padded_frame_is_answered(lab):
    _, raw, _ = by_hand(lab)
    answer(lab, raw, eapol(IDENTITY_REQUEST, padding=b"\xa5" * 37))


# ---- what others may send -------------------------------------------------------------------------

NOISE = [
    eapol(b"", length=5),                                    # cut off
    eapol(IDENTITY_REQUEST, length=4000),                    # says more than there is
    eapol()[:15], eapol()[:17],                              # not even a header
    eapol(b"\x01\x41\xff\xff\x01"),                          # an EAP length beyond the frame
    eapol(b"\x01\x41\x00\x03\x01"),                          # one within its own header
    eapol(b"\x09\x41\x00\x04"),                              # no such code
    eapol(bytes(range(200)), type=3),                        # a key that nobody wants
    eapol(b"\xff" * 1490, type=200),                         # no such type, and long
    eapol(b"\x01\x41\x05\xd0\x0d" + b"\xff" * 1483),         # long nonsense that claims to be EAP-TLS
    eapol(b"\x06" * 900, type=5), eapol(b"\x06" * 900, type=6),     # MKA, an announcement
]


@each("1.2", "1.3")
def noise_keeps_nobody_out(lab, version):
    port = lab.port(tls=[version], wire={})
    port.cable.change = lambda towards, frame: [*NOISE, frame] if towards == "peer" else [frame]
    daemon = lab.latchkeyd(port, bus=lab.bus())
    daemon.expect(r"port\.authorised")
    port.expect_open()
    counters = daemon.status(port)["Counters"]
    for name in ("Malformed", "KeysReceived", "AnnouncementsReceived", "OthersReceived"):
        lab.check(counters[name] >= 4, f"{name} is counted: {counters}")


@test
def results_out_of_nowhere_open_nothing(lab):
    port, raw, daemon = by_hand(lab)
    for body in (SUCCESS, FAILURE, SUCCESS):
        raw.send(eapol(body))
    answer(lab, raw, eapol(IDENTITY_REQUEST))
    lab.equal(daemon.status(port)["Counters"]["ResultsIgnored"], 3, "results ignored")
    raw.send(eapol(SUCCESS))
    answer(lab, raw, eapol(b"\x01\x42" + IDENTITY_REQUEST[2:]))
    lab.check(not daemon.status(port)["Authorised"], "the port is closed")
    lab.check(not daemon.said(r"port\.authorised"), "and never was open")


@test
def results_out_of_nowhere_close_nothing(lab):
    port = lab.port()
    raw = RawSocket(lab, port.switch, port.switch_interface)
    daemon = lab.latchkeyd(port, bus=lab.bus())
    daemon.expect(r"port\.authorised")
    for body in (SUCCESS, SUCCESS, FAILURE):  # the Failure makes us ask, and is the last
        raw.send(eapol(body))
    lab.until(lambda: daemon.status(port)["Counters"]["ResultsIgnored"] == 3, "they were heard")
    lab.check(daemon.status(port)["Authorised"], "the port is open")
    lab.check(not daemon.said(r"port\.diagnosis"), "nothing went wrong")
    port.expect_open()
    lab.check(not port.guard.events.said("^closed"), "also over there")


if __name__ == "__main__":
    main()
