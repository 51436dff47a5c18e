"""The life of a port: reauthentication, logoff, bad wires, authenticators, links and interfaces."""
from lab import each, main, test
from machine import PATIENT


def opened(lab, port, **kwargs):
    daemon = lab.latchkeyd(port, bus=lab.bus(), **kwargs)
    daemon.expect(r"port\.authorised")
    port.expect_open()
    return daemon


def authorised_again(daemon, act):
    """Does something, after which the port is authenticated anew."""
    mark = daemon.mark()
    act()
    daemon.expect(r"port\.authorised", mark)


@test
def a_closed_port_opens_and_traffic_passes(lab):
    port = lab.port()
    lab.check(not port.ping(), "nothing passes before")
    opened(lab, port)
    lab.check(port.passes(), "it passes after")


# ---- again ----------------------------------------------------------------------------------------

def never_closed(lab, port):
    lab.check(not port.guard.events.said("^closed"), "the port was never closed")
    lab.check(port.passes(), "traffic passes")


@test
def the_authenticator_asks_again(lab):
    port = lab.port()
    daemon = opened(lab, port)
    for _ in range(3):
        authorised_again(daemon, lambda: port.authenticator.reauthenticate(port.mac))
    never_closed(lab, port)
    lab.equal(daemon.status(port)["Counters"]["StartsSent"], 1, "no Start was needed")


@test
def the_user_asks_again(lab):
    port = lab.port()
    daemon = opened(lab, port)
    for _ in range(3):
        lab.equal(daemon.ctl("reauth", "--wait").returncode, 0, "latchkeyctl reauth")
    never_closed(lab, port)
    lab.check(not daemon.said(r"port\.diagnosis"), "nothing went wrong")


@test
def the_timer_asks_again_while_traffic_passes(lab):
    port = lab.port()
    daemon = opened(lab, port, profile={"EAPOL.ReauthPeriod": "10s"})
    lab.check(port.passes(), "traffic passes")
    traffic = port.traffic()
    authorised_again(daemon, lambda: None)
    traffic.over()
    never_closed(lab, port)


@test
def disconnect_closes_and_connect_opens(lab):
    port = lab.port()
    daemon = opened(lab, port, profile=PATIENT)
    mark = port.guard.events.mark()
    daemon.ctl("disconnect", check=True)
    port.expect_closed(mark)
    lab.equal(daemon.status(port)["State"], "disconnected", "the state")
    daemon.ctl("connect", check=True)
    port.expect_open(mark)
    lab.check(port.passes(), "traffic passes")


@each("the service", "the profile")
def logoff_on_exit_is_set_by(lab, where):
    port = lab.port()
    setting = {"Service.LogoffOnExit": "yes"} if where == "the service" else {}
    daemon = opened(lab, port, config=setting,
                    profile={"EAPOL.LogoffOnExit": "yes"} if where == "the profile" else {})
    daemon.stop()
    port.expect_closed()


@test
def without_it_a_restart_interrupts_nothing(lab):
    port = lab.port()
    daemon = opened(lab, port)
    daemon.stop()
    lab.check(port.passes(), "traffic passes while there is no service")
    daemon.start()
    daemon.expect(r"port\.authorised")
    never_closed(lab, port)


# ---- wires and authenticators ---------------------------------------------------------------------

@each(("loss", 0.2), ("reorder", 0.7), ("delay", 0.1))
def the_port_opens_although_the_wire_has(lab, case):
    what, much = case
    port = lab.port(wire={what: much, "seed": 8})
    lab.latchkeyd(port)
    port.expect_open()
    port.cable.impair(**{what: 0})
    lab.check(port.passes(), "traffic passes")


@test
def all_that_the_switch_says_may_come_three_times(lab):
    """What hostapd makes of our frames, when they come twice, is its own matter: it begins anew, or closes."""
    port = lab.port(wire={})
    port.cable.change = lambda towards, frame: [frame] * (3 if towards == "peer" else 1)
    lab.latchkeyd(port)
    port.expect_open()
    port.cable.change = None
    lab.check(port.passes(), "traffic passes")


@test
def an_authenticator_that_comes_late_is_met(lab):
    port = lab.port(authenticator=False)
    daemon = lab.latchkeyd(port, profile=PATIENT)
    daemon.expect("id=no-authenticator")
    port.authenticate()
    port.expect_open()


@test
def an_authenticator_that_was_killed_is_met_again(lab):
    port = lab.port()
    daemon = opened(lab, port)
    port.authenticator.process.kill()
    port.guard.set(port.mac, False)
    port.restart_authenticator()
    lab.check(not port.ping(), "the new one knows nobody")
    lab.equal(daemon.ctl("reauth", "--wait").returncode, 0, "latchkeyctl reauth")
    port.expect_open(port.guard.events.mark() - 1)
    lab.check(port.passes(), "traffic passes")


@test
def an_authenticator_that_dies_in_the_middle_is_met_again(lab):
    port = lab.port(wire={})
    alive = [3]

    def some(towards, frame):
        alive[0] -= towards == "peer" and frame[12:14] == b"\x88\x8e"
        return [frame] if alive[0] >= 0 else []
    port.cable.change = some
    daemon = lab.latchkeyd(port, profile={"EAPOL.AuthPeriod": "1s"})
    daemon.expect(r"port\.diagnosis .*id=timeout ")
    port.restart_authenticator()
    port.cable.change = None
    port.expect_open()


# ---- links ----------------------------------------------------------------------------------------

@test
def a_cable_that_was_pulled_is_noticed(lab):
    port = lab.port()
    daemon = opened(lab, port)
    port.cable.unplug()
    daemon.expect(r"port\.carrier-lost")
    lab.until(lambda: daemon.status(port)["State"] == "down", "the state is down")
    authorised_again(daemon, port.cable.plug)


@test
def flaps_shorter_than_the_kernel_tells_are_noticed(lab):
    port = lab.port()
    daemon = opened(lab, port)
    flap = f"link set {port.switch_interface} down\nlink set {port.switch_interface} up\n"
    batch = lab.dir / "flap"
    batch.write_text(flap)
    for _ in range(5):
        authorised_again(daemon, lambda: port.switch.run("ip", "-batch", batch))


@test
def the_interface_goes_down_and_up(lab):
    port = lab.port()
    daemon = opened(lab, port)
    port.peer.ip(f"link set {port.interface} down")
    daemon.expect(r"port\.carrier-lost")
    authorised_again(daemon, lambda: port.peer.ip(f"link set {port.interface} up"))


@test
def a_new_address_is_a_new_station(lab):
    port = lab.port()
    daemon = opened(lab, port)
    mark = port.guard.events.mark()
    authorised_again(daemon, lambda: port.peer.ip(f"link set {port.interface} address 02:00:00:00:07:01"))
    port.guard.events.expect("open for 02:00:00:00:07:01", mark)
    lab.equal(daemon.status(port)["MACAddress"], "02:00:00:00:07:01", "the address shown")


def rename(port, name):
    port.peer.ip(f"link set {port.interface} name {name}")
    port.interface = name


@test
def a_new_name_changes_nothing(lab):
    port = lab.port()
    daemon = opened(lab, port, profile={"Match.Name": "eth* lan*"})
    rename(port, "lan7")
    daemon.expect(r"port\.renamed from=eth0 to=lan7")
    status = daemon.status(port)
    lab.check(status["Authorised"], "the port is open")
    lab.equal(status["Counters"]["StartsSent"], 1, "and was not asked again")


@test
def a_name_without_a_profile_is_no_port(lab):
    port = lab.port()
    daemon = opened(lab, port)
    rename(port, "other0")
    daemon.expect(r"port\.no-profile port=other0")
    lab.equal(daemon.json("list"), [], "the ports there are")
    authorised_again(daemon, lambda: rename(port, "eth0"))


@test
def an_interface_that_goes_comes_back(lab):
    port = lab.port()
    daemon = opened(lab, port)
    away = lab.namespace("away")
    port.peer.ip(f"link set {port.interface} netns {away.path}")
    daemon.expect("id=interface-gone")
    lab.equal(daemon.json("list"), [], "the ports there are")

    def bring_back():
        away.ip(f"link set {port.interface} netns {port.peer.path}")
        port.peer.ip(f"link set {port.interface} up")
    authorised_again(daemon, bring_back)


@test
def an_interface_that_was_removed_comes_back_as_another(lab):
    port = lab.port(authenticator=False)
    daemon = lab.latchkeyd(port, bus=lab.bus())
    index = daemon.status(port)["Index"]
    port.peer.ip(f"link del {port.interface}")
    daemon.expect("id=interface-gone")
    lab.equal(daemon.json("list"), [], "the ports there are")
    port.peer.ip(f"link add {port.interface} type veth peer name {port.switch_interface} "
                 f"netns {port.switch.path}")
    port.authenticate()
    port.cable.plug()
    port.peer.ip(f"link set {port.interface} up")
    daemon.expect(r"port\.authorised")
    lab.check(daemon.status(port)["Index"] != index, "it is another interface")


# ---- several --------------------------------------------------------------------------------------

@test
def one_port_that_fails_does_not_disturb_another(lab):
    good = lab.port()
    bad = lab.port(peer=good.peer, server=lab.pki().expired_server)
    silent = lab.port(peer=good.peer, authenticator=False)
    daemon = lab.latchkeyd(good, bad, silent, bus=lab.bus(), profile={"EAPOL.StartFirst": "100ms"})
    daemon.expect(rf"port\.authorised port={good.interface}")
    daemon.expect(rf"port\.diagnosis port={bad.interface} id=server-cert-expired")
    daemon.expect(rf"port\.diagnosis port={silent.interface} id=no-authenticator")
    for port, state in ((good, "authorised"), (bad, "held"), (silent, "unanswered")):
        lab.equal(daemon.status(port)["State"], state, port.interface)
    authorised_again(daemon, lambda: good.authenticator.reauthenticate(good.mac))


@test
def sixty_four_ports_open(lab):
    first = lab.port(authenticator=False)
    count = 64
    batch = lab.dir / "cables"
    batch.write_text("".join(
        f"link add eth{n} type veth peer name swp{n + 1} netns {first.switch.path}\nlink set eth{n} up\n"
        for n in range(1, count)))
    first.peer.run("ip", "-batch", batch)
    batch.write_text("".join(f"link set swp{n + 1} up\n" for n in range(1, count)))
    first.switch.run("ip", "-batch", batch)
    first.authenticate()
    configuration = first.authenticator.file.read_text()
    files = []
    for n in range(1, count):
        files.append(lab.dir / f"hostapd-{n}.conf")
        files[-1].write_text(configuration.replace("interface=swp1\n", f"interface=swp{n + 1}\n"))
    lab.process(["stdbuf", "-oL", "hostapd", *files], ns=first.switch).expect(rf"swp{count}: AP-ENABLED")
    daemon = lab.latchkeyd(first, bus=lab.bus(), profile={"Match.Name": "eth*"})
    for n in range(count):
        daemon.expect(rf"port\.authorised port=eth{n} ")
    lab.equal([p["State"] for p in daemon.json("list")], ["authorised"] * count, "the states")


if __name__ == "__main__":
    main()
