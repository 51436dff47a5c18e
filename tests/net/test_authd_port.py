"""latchkey-authd guards a port: latchkeyd and wpa_supplicant come in through it, and nobody else.

"Inside" is what the port leads to, the switch's own address.
"""
from lab import Cable, each, main, need, test
from authd import Authd


class Guarded:
    """A cable with a machine at one end; at the other a port of a switch that latchkey-authd guards."""

    def __init__(self, lab, number=1, switch=None):
        need("nft")
        self.lab, self.number = lab, number
        self.interface, self.guarded = "e0", f"p{number}"
        self.peer, self.switch = lab.namespace(f"machine{number}"), switch or lab.namespace("switch")
        self.cable = Cable(self.peer, self.interface, self.switch, self.guarded)
        self.mac = f"02:00:00:00:00:{number:02x}"
        self.peer.ip(f"link set e0 address {self.mac}")
        self.peer.ip(f"address add 10.0.{number}.2/24 dev e0")
        self.switch.ip(f"address add 10.0.{number}.1/24 dev {self.guarded}")
        # Addresses are known, so that it is not ARP alone that fails.
        self.peer.ip(f"neigh replace 10.0.{number}.1 lladdr {self.switch.mac(self.guarded)} dev e0")
        self.switch.ip(f"neigh replace 10.0.{number}.2 lladdr {self.mac} dev {self.guarded}")

    def gets_through(self):
        return self.peer.run("ping", "-c1", "-W", "0.4", f"10.0.{self.number}.1", check=False).returncode == 0

    def opens(self, claim="the port is open"):
        self.lab.until(self.gets_through, claim)

    def blocks(self, claim="the port is closed"):
        self.lab.check(not self.gets_through(), claim)


def guard(lab, switch, port=None, settings=None, **kwargs):
    authd = Authd(lab, switch, start=False, settings={"Radius.Listen": None, "Policy.DefaultAction": "accept",
                                                      **(settings or {})}, **kwargs)
    authd.remove("client", "local")
    authd.add("port", "wired", {"Match.Interface": "p*", "Port.QuietPeriod": "1s", **(port or {})})
    authd.start()
    return authd


@each("1.2", "1.3")
def latchkeyd_comes_in(lab, tls):
    port = Guarded(lab)
    port.opens("nothing is in the way at first")
    authd = guard(lab, port.switch, tls=[tls])
    port.blocks()
    daemon = lab.latchkeyd(port)
    authd.expect("session.authorised.*port=p1 .*station=02-00-00-00-00-01")
    daemon.expect(f"port.authorised.*tls={tls.replace('1.', 'TLSv1.')}")
    port.opens()
    sessions = authd.sessions()
    lab.equal([(s["port"], s["station"], s["state"]) for s in sessions],
              [("p1", "02-00-00-00-00-01", "authorised")], "the sessions")
    lab.equal(authd.stop(), 0, "exit status")
    lab.equal(port.switch.run("nft", "list", "ruleset").stdout, "", "the ruleset afterwards")
    port.opens("nothing is in the way any more")


@each("1.2", "1.3")
def wpa_supplicant_comes_in(lab, tls):
    port = Guarded(lab)
    authd = guard(lab, port.switch, tls=[tls])
    wpa = lab.wpa_supplicant(port)
    wpa.expect("CTRL-EVENT-EAP-SUCCESS")
    authd.expect("session.authorised")
    port.opens()


@test
def a_machine_that_resumes_comes_in(lab):
    port = Guarded(lab)
    authd = guard(lab, port.switch)
    daemon = lab.latchkeyd(port)
    authd.expect("session.authorised.*resumed=no")
    mark = authd.mark()
    port.cable.unplug()
    authd.expect("session.closed.*cause=carrier-lost", mark)
    port.cable.plug()
    authd.expect("session.authorised.*resumed=yes", mark)
    daemon.expect("port.authorised.*resumed=yes")
    port.opens()


@test
def a_machine_that_is_refused_stays_out(lab):
    port = Guarded(lab)
    authd = guard(lab, port.switch, settings={"Policy.DefaultAction": "reject"})
    lab.latchkeyd(port)
    authd.expect("session.failed")
    port.blocks()
    lab.check(any("diagnosis" in s for s in authd.sessions()), "the session says why")


@test
def a_logoff_closes_the_port(lab):
    port = Guarded(lab)
    authd = guard(lab, port.switch)
    daemon = lab.latchkeyd(port)
    authd.expect("session.authorised")
    port.opens()
    daemon.stop()
    authd.expect("session.closed.*cause=logoff")
    port.blocks()


@test
def who_is_told_to_go_comes_back(lab):
    port = Guarded(lab)
    authd = guard(lab, port.switch)
    lab.latchkeyd(port)
    authd.expect("session.authorised")
    mark = authd.mark()
    authd.ctl("disconnect", port.mac, check=True)
    authd.expect("session.closed.*cause=disconnected", mark)
    authd.expect("session.authorised", mark)
    mark = authd.mark()
    authd.ctl("reauth", port.mac, check=True)
    authd.expect("session.renewed", mark)
    lab.check(not authd.said("session.closed", mark), "the port stayed open")
    port.opens()


@test
def a_session_with_an_end_is_renewed(lab):
    port = Guarded(lab)
    authd = guard(lab, port.switch, port={"Port.ReauthPeriod": "10s"})
    lab.latchkeyd(port)
    authd.expect("session.authorised")
    authd.expect("session.renewed")
    lab.check(not authd.said("session.closed"), "the port stayed open")


@test
def two_machines_behind_two_ports(lab):
    one = Guarded(lab)
    two = Guarded(lab, 2, one.switch)
    authd = guard(lab, one.switch)
    lab.latchkeyd(one)
    authd.expect("session.authorised.*port=p1 ")
    one.opens()
    two.blocks()
    lab.wpa_supplicant(two)
    authd.expect("session.authorised.*port=p2 ")
    two.opens()


@test
def a_second_machine_is_not_let_through(lab):
    port = Guarded(lab)
    authd = guard(lab, port.switch)
    lab.latchkeyd(port)
    authd.expect("session.authorised")
    port.opens()
    port.peer.ip("link add link e0 name e1 address 02:00:00:00:00:77 type macvlan mode private")
    port.peer.ip("link set e1 up")
    port.peer.ip("address add 10.0.1.77/24 dev e1")
    port.peer.ip(f"neigh replace 10.0.1.1 lladdr {port.switch.mac('p1')} dev e1")
    port.switch.ip("neigh replace 10.0.1.77 lladdr 02:00:00:00:00:77 dev p1")
    lab.check(port.peer.run("ping", "-c1", "-W", "0.4", "-I", "e1", "10.0.1.1", check=False).returncode != 0,
              "the second machine is kept out")
    port.opens("the first one still is in")


@test
def a_reload_leaves_sessions_alone(lab):
    port = Guarded(lab)
    authd = guard(lab, port.switch)
    lab.latchkeyd(port)
    authd.expect("session.authorised")
    mark = authd.mark()
    authd.reload()
    port.opens()
    lab.check(not authd.said("session.closed", mark), "the session goes on")


if __name__ == "__main__":
    main()
