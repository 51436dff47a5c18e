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
    wpa = lab.wpa_supplicant(port, settings={"phase1": f'"tls_disable_tlsv1_3={int(tls == "1.2")}"'})
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
    daemon = lab.latchkeyd(port, profile={"EAPOL.LogoffOnExit": "yes"})
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


class Behind:
    """A second machine behind the same port."""

    interface = "e1"

    def __init__(self, lab, port):
        self.lab, self.peer, self.mac = lab, lab.namespace("another"), "02:00:00:00:00:77"
        port.peer.ip(f"link add link e0 name e1 netns {self.peer.path} address {self.mac} type macvlan mode private")
        self.peer.ip("link set e1 up")
        self.peer.ip("address add 10.0.1.77/24 dev e1")
        self.peer.ip(f"neigh replace 10.0.1.1 lladdr {port.switch.mac('p1')} dev e1")
        port.switch.ip(f"neigh replace 10.0.1.77 lladdr {self.mac} dev p1")

    def gets_through(self):
        return self.peer.run("ping", "-c1", "-W", "0.4", "10.0.1.1", check=False).returncode == 0


@test
def a_second_machine_is_not_let_through(lab):
    port = Guarded(lab)
    another = Behind(lab, port)
    lab.until(another.gets_through, "nothing is in the way of it at first")
    authd = guard(lab, port.switch)
    lab.latchkeyd(port)
    authd.expect("session.authorised")
    port.opens()
    mark = authd.mark()
    lab.latchkeyd(another, profile={"Match.Name": "e1"})
    lab.check(not another.gets_through(), "the second machine is kept out")
    lab.check(not authd.said("session.begin", mark), "and not asked")
    port.opens("the first one still is in")


@test
def each_machine_comes_in_by_itself(lab):
    port = Guarded(lab)
    another = Behind(lab, port)
    authd = guard(lab, port.switch, port={"Port.Mode": "multi"})
    lab.latchkeyd(port)
    authd.expect("session.authorised.*station=02-00-00-00-00-01")
    port.opens()
    lab.check(not another.gets_through(), "the second machine is kept out")
    daemon = lab.latchkeyd(another, profile={"EAPOL.LogoffOnExit": "yes"})
    authd.expect("session.authorised.*station=02-00-00-00-00-77")
    lab.until(another.gets_through, "the second machine is in")
    daemon.stop()
    authd.expect("session.closed.*station=02-00-00-00-00-77.*cause=logoff")
    lab.check(not another.gets_through(), "the second machine is out")
    port.opens("the first one still is in")


@test
def a_machine_is_put_into_its_vlan(lab):
    port = Guarded(lab)
    port.switch.ip("link add br10 type bridge")
    port.switch.ip("link set br10 up")
    port.switch.ip("address add 10.0.9.1/24 dev br10")
    authd = guard(lab, port.switch, port={"Vlan.Authorised": 10, "Vlan.BridgeTemplate": "br%v"})
    lab.latchkeyd(port)
    authd.expect("session.authorised.*vlan=10")
    port.peer.ip("address add 10.0.9.2/24 dev e0")
    lab.until(lambda: port.peer.run("ping", "-c1", "-W", "0.4", "10.0.9.1", check=False).returncode == 0,
              "the machine is in the VLAN")
    mark = authd.mark()
    port.cable.unplug()
    authd.expect("session.closed", mark)
    lab.until(lambda: "br10" not in port.switch.run("ip", "link", "show", "p1").stdout, "it has left the VLAN")


@test
def strangers_are_in_a_vlan_of_their_own(lab):
    port = Guarded(lab)
    port.switch.ip("link add br99 type bridge")
    port.switch.ip("link set br99 up")
    port.switch.ip("address add 10.0.9.1/24 dev br99")
    authd = guard(lab, port.switch, settings={"Policy.DefaultAction": "reject"},
                  port={"Vlan.Unauthenticated": 99, "Vlan.BridgeTemplate": "br%v", "Port.QuietPeriod": "1min"})
    port.peer.ip("address add 10.0.9.2/24 dev e0")

    def is_in_vlan():
        return port.peer.run("ping", "-c1", "-W", "0.4", "10.0.9.1", check=False).returncode == 0

    lab.check(not is_in_vlan(), "nothing passes at first")
    lab.latchkeyd(port)
    authd.expect("session.failed")
    authd.expect("port.unauthenticated.*vlan=99")
    lab.until(is_in_vlan, "a machine that was refused is in the strangers' VLAN")
    authd.add("rule", "all", {"Decision.Action": "accept"})
    authd.reload()
    mark = authd.mark()
    authd.ctl("disconnect", port.mac, check=True)  # asked again at once
    authd.expect("session.authorised", mark)
    lab.check(not is_in_vlan(), "it has left that VLAN")
    port.opens()


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
