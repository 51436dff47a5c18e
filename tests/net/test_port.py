"""A machine with a certificate gets onto a port; one that should not, does not."""
from lab import main, test


def gets_in(lab, **kwargs):
    port = lab.port(**kwargs)
    lab.check(not port.ping(), "nothing passes before")
    daemon = lab.latchkeyd(port)
    daemon.expect(r"port\.authorised")
    port.expect_open()
    lab.check(port.ping(), "it passes after")


@test
def hostapd_lets_us_in_with_tls_1_2(lab):
    gets_in(lab, tls=["1.2"])


@test
def hostapd_lets_us_in_with_tls_1_3(lab):
    gets_in(lab, tls=["1.3"])


@test
def freeradius_lets_us_in_with_tls_1_2(lab):
    switch = lab.namespace("switch")
    gets_in(lab, switch=switch, radius=lab.radius(switch, tls=["1.2"]))


@test
def freeradius_lets_us_in_with_tls_1_3(lab):
    switch = lab.namespace("switch")
    gets_in(lab, switch=switch, radius=lab.radius(switch, tls=["1.3"]))


@test
def a_server_that_expired_is_not_believed(lab):
    port = lab.port(server=lab.pki().expired_server)
    daemon = lab.latchkeyd(port)
    daemon.expect("id=server-cert-expired")
    lab.check(not port.ping(), "nothing passes")


@test
def a_bad_wire_only_makes_it_slower(lab):
    port = lab.port(wire={"loss": 0.2, "duplicate": 0.2, "reorder": 0.2, "delay": 0.02, "seed": 3})
    lab.latchkeyd(port)
    port.expect_open(timeout=90)


@test
def the_bus_shows_the_port(lab):
    port = lab.port()
    bus = lab.bus()
    lab.latchkeyd(port, bus=bus)
    port.expect_open()

    def shown():
        return bus.call("/org/latchkey/Supplicant1", "org.freedesktop.DBus.ObjectManager.GetManagedObjects")

    lab.until(lambda: '"authorised"' in shown().stdout, "the port is authorised on the bus")


if __name__ == "__main__":
    main()
