"""Guarded ports, opened and closed for real: drivers/gate.c by way of gate_box.c.

A machine hangs on each port; "inside" is what the port leads to, the switch's own address.
"""
import json
import os
import signal

from lab import BUILD, Cable, Skip, main, need, test
from wire import START, RawSocket, eapol, tagged

MAC1, MAC2 = "02:00:00:00:00:01", "02:00:00:00:00:02"


class Box:
    """The program that holds the gate."""

    def __init__(self, lab, ns, *prefix):
        self.lab, self.ns, self.fifo = lab, ns, lab.folder("box") / "commands"
        os.mkfifo(self.fifo)
        self.process = lab.process([*prefix, BUILD / "tests/net/gate_box", self.fifo], ns=ns)
        self.process.expect("^ready")
        self.pipe = os.open(self.fifo, os.O_WRONLY)

    def say(self, command):
        os.write(self.pipe, (command + "\n").encode())

    def do(self, command, wanted=": (done|0)$"):
        since = self.process.mark()
        self.say(command)
        return self.process.expect(f"^{command.split()[0]}{wanted}", since=since)

    def exit(self, how=""):
        self.say(f"exit {how}")
        self.lab.equal(self.process.wait(), 0, "exit status")


class Site:
    """A switch with an address of its own, and machines at its guarded ports p1, p2 …"""

    def __init__(self, lab, count=1, bridged=False):
        need("nft")
        self.lab = lab
        self.switch = lab.namespace("switch")
        self.machines = []
        self.cables = []
        for n in range(1, count + 1):
            machine = lab.namespace(f"machine{n}")
            self.cables.append(Cable(machine, "e0", self.switch, f"p{n}"))
            machine.ip(f"link set e0 address 02:00:00:00:00:{n:02x}")
            machine.ip(f"address add 10.0.{0 if bridged else n}.{1 + n}/24 dev e0")
            if not bridged:
                self.switch.ip(f"address add 10.0.{n}.1/24 dev p{n}")
            self.machines.append(machine)
        if bridged:
            self.bridge("br0", "10.0.0.1/24")
            for n in range(1, count + 1):
                self.switch.ip(f"link set p{n} master br0")

    def bridge(self, name, address=None):
        self.switch.ip(f"link add {name} type bridge")
        self.switch.ip(f"link set {name} up")
        if address:
            self.switch.ip(f"address add {address} dev {name}")

    def box(self, *options, ports=None):
        box = Box(self.lab, self.switch)
        for port in ports or [f"p{n + 1}" for n in range(len(self.machines))]:
            box.do(" ".join(["guard", port, *options]))
        box.do("start")
        return box

    def link(self, name):
        return json.loads(self.switch.run("ip", "-j", "link", "show", name).stdout)[0]

    def master(self, name="p1"):
        return self.link(name).get("master")


def ping(ns, address, count=1):
    """Whether an answer comes; all of it passes at once or never."""
    return ns.run("ping", "-c", count, "-i", "0.2", "-W", "0.4", address, check=False).returncode == 0


def passes(site, n=1, claim="it passes"):
    site.lab.until(lambda: ping(site.machines[n - 1], f"10.0.{n}.1"), claim)
    site.lab.until(lambda: ping(site.switch, f"10.0.{n}.{1 + n}"), f"{claim}, outwards")


def blocked(site, n=1, claim="nothing passes"):
    """Addresses are known, so that it is not ARP alone that fails."""
    machine, port = site.machines[n - 1], f"p{n}"
    machine.ip(f"neigh replace 10.0.{n}.1 lladdr {site.switch.mac(port)} dev e0")
    site.switch.ip(f"neigh replace 10.0.{n}.{1 + n} lladdr {machine.mac('e0')} dev {port}")
    site.lab.until(lambda: not ping(machine, f"10.0.{n}.1"), f"{claim}, inwards")
    site.lab.until(lambda: not ping(site.switch, f"10.0.{n}.{1 + n}"), f"{claim}, outwards")


def ruleset(ns):
    return ns.run("nft", "list", "ruleset").stdout


@test
def a_port_is_closed_until_its_machine_is_let_in(lab):
    site = Site(lab)
    passes(site, claim="nothing is in the way at first")
    box = site.box()
    blocked(site)
    box.do(f"open p1 {MAC1}")
    passes(site)
    box.do(f"close p1 {MAC1}")
    blocked(site, claim="closed again")
    box.exit()
    passes(site, claim="nothing is left in the way")
    lab.equal(ruleset(site.switch), "", "the ruleset afterwards")


@test
def what_a_closed_port_sends_reaches_nobody(lab):
    """Seen on the wire and in the counters, not by an answer that does not come."""
    site = Site(lab)
    site.box()
    seen = RawSocket(lab, site.machines[0], "e0")
    site.switch.ip("neigh replace 10.0.1.2 lladdr ff:ff:ff:ff:ff:ff dev p1")
    site.switch.run("ping", "-c", "3", "-i", "0.01", "-W", "1", "10.0.1.2", check=False)
    out = RawSocket(lab, site.switch, "p1")
    out.send(eapol(type=START))
    lab.equal(seen.anything()[12:14], b"\x88\x8e", "the first frame that came out")


@test
def other_machines_and_ports_stay_out(lab):
    site = Site(lab, 2)
    box = site.box()
    box.do(f"open p1 {MAC1}")
    passes(site, 1)
    blocked(site, 2, "the other port")
    site.machines[0].ip(f"link set e0 address {MAC2}")
    lab.until(lambda: not ping(site.machines[0], "10.0.1.1"), "another address on the same port stays out")
    box.do(f"open p1 {MAC2}")
    passes(site, 1, "two on one port")
    box.do(f"close p1 {MAC2}")
    lab.until(lambda: not ping(site.machines[0], "10.0.1.1"), "the one that was put out stays out")
    site.machines[0].ip(f"link set e0 address {MAC1}")
    passes(site, 1, "the one that stayed")
    box.do("close p1")
    blocked(site, 1, "all are put out")


@test
def behind_one_machine_there_may_be_any(lab):
    site = Site(lab)
    box = site.box("any")
    site.machines[0].ip(f"link set e0 address {MAC2}")
    blocked(site)
    box.do(f"open p1 {MAC1}")
    passes(site, claim="any address once one is let in")
    box.do(f"close p1 {MAC1}")
    blocked(site, claim="closed for all")


@test
def eapol_is_heard_and_sent_through_a_closed_port(lab):
    """The tap is before the gate, and what EAPOL sends is let out; tagged or not."""
    site = Site(lab, bridged=True)
    box = site.box()
    machine = RawSocket(lab, site.machines[0], "e0")
    start = eapol(type=START)
    machine.send(start)
    box.process.expect(f"frame on p1 from {MAC1}$")
    machine.send(tagged(start, 0xa000))
    box.process.expect(f"frame on p1 from {MAC1} tagged$")
    switch = RawSocket(lab, site.switch, "p1")
    for frame in (start, tagged(start, 0xa000)):
        switch.send(frame)
        machine.receive(lambda f: f.type == START)


@test
def eapol_of_a_closed_port_goes_no_further(lab):
    """Sent to a machine on another port of the bridge, which is open."""
    site = Site(lab, 2, bridged=True)
    box = site.box(ports=["p1"])
    to = bytes.fromhex(MAC2.replace(":", ""))
    machine, other = RawSocket(lab, site.machines[0], "e0"), RawSocket(lab, site.machines[1], "e0")
    machine.send(eapol(b"closed", type=START, to=to))
    box.do(f"open p1 {MAC1}")
    box.do("flush")
    machine.send(eapol(b"open", type=START, to=to))
    lab.equal(other.receive().body, b"open", "the first that came through")


@test
def a_carrier_that_flaps_opens_nothing(lab):
    site = Site(lab)
    box = site.box()
    for _ in range(5):
        site.cables[0].unplug()
        site.cables[0].plug()
    blocked(site)
    box.do(f"open p1 {MAC1}")
    for _ in range(5):
        site.cables[0].unplug()
        site.cables[0].plug()
    passes(site)


@test
def the_next_start_takes_over_from_a_process_that_was_killed(lab):
    site = Site(lab, 3)
    first = site.box()
    first.do(f"open p1 {MAC1}")
    first.do("flush")
    first.process.signal(signal.SIGKILL)
    first.process.wait()
    passes(site, 1, "it stays as it was")
    blocked(site, 2, "it stays as it was")
    second = site.box(ports=["p1", "p2"])
    blocked(site, 1, "taken over, all begin closed")
    blocked(site, 2)
    passes(site, 3, "who is guarded no longer is free")
    second.exit()
    lab.equal(ruleset(site.switch), "", "the ruleset afterwards")


@test
def an_exit_may_keep_or_shut(lab):
    site = Site(lab)
    box = site.box()
    box.do(f"open p1 {MAC1}")
    box.exit("keep")
    passes(site, claim="kept")
    box = site.box()
    box.do(f"open p1 {MAC1}")
    box.exit("shut")
    blocked(site, claim="shut")


@test
def a_ruleset_that_others_wipe_is_put_back(lab):
    site = Site(lab, 2)
    box = site.box()
    box.do(f"open p1 {MAC1}")
    box.do("flush")
    for command in (["flush", "ruleset"], ["delete", "table", "netdev", "latchkey_authd"],
                    ["flush", "table", "netdev", "latchkey_authd"]):
        since = box.process.mark()
        site.switch.run("nft", *command)
        box.process.expect('gate.disturbed program="nft" effect="put back"', since=since)
        passes(site, 1, "the machine that was in still is")
        blocked(site, 2, "the closed one is closed again")
    since = box.process.mark()
    site.switch.run("nft", "add", "table", "inet", "firewall")
    box.do(f"close p1 {MAC1}")
    blocked(site, 1)
    lab.check(not box.process.said("gate.disturbed", since), "our own changes, and other tables, disturb")


@test
def a_change_that_the_kernel_refuses_is_told_and_tried_again(lab):
    """Our set is replaced by one of another type, behind the back of a gate that is stopped."""
    site = Site(lab)
    box = site.box()
    index = site.link("p1")["ifindex"]
    box.process.signal(signal.SIGSTOP)
    site.switch.run("nft", "delete", "table", "netdev", "latchkey_authd")
    box.process.signal(signal.SIGCONT)
    box.do(f"open p1 {MAC1}")
    box.do("flush")
    passes(site)
    lab.check(f"mac{index}" in ruleset(site.switch), "the set is there")


@test
def without_the_capability_nothing_is_guarded(lab):
    need("setpriv")
    site = Site(lab)
    box = Box(lab, site.switch, "setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin")
    box.do("guard p1")
    why = box.do("start", ": Operation not permitted: .*")
    lab.check("no CAP_NET_ADMIN" in why.string, "the reason is named")


@test
def what_cannot_be_guarded_is_refused(lab):
    site = Site(lab)
    site.switch.ip('link add a"b type veth')
    box = Box(lab, site.switch)
    box.do("guard p1")
    box.do('guard a"b', ": Invalid argument: .*cannot take its name")
    box.do("start")
    blocked(site)
    box.do(f"open p1 {MAC1}")
    passes(site)
    box.do("guard p1")
    blocked(site, claim="what is guarded anew is closed")
    box.do(f"open p1 {MAC1}")
    passes(site)
    box.do("open p1 01:80:c2:00:00:03", ": -22$")
    box.do("open p1 00:00:00:00:00:00", ": -22$")
    box.do(f"open 77 {MAC1}", ": -2$")
    box.do("release p1")
    passes(site, claim="released")
    box.do("guard p1")
    blocked(site, claim="guarded again, nobody is in")


@test
def an_interface_that_goes_takes_its_rules_along(lab):
    site = Site(lab, 2)
    box = site.box()
    index = site.link("p1")["ifindex"]
    box.do(f"open p1 {MAC1}")
    site.switch.ip("link del p1")
    box.do(f"open p2 {MAC2}")
    box.do("flush", ": ")
    passes(site, 2, "the others go on")
    box.do(f"release {index}")
    lab.check(f"mac{index}" not in ruleset(site.switch), "nothing of it is left")
    blocked_after = box.do("close p2")
    lab.check(blocked_after, "the gate works on")
    blocked(site, 2)


@test
def five_hundred_machines_behind_one_port(lab):
    """And a change among them costs about what it costs where there are none."""
    site = Site(lab, 2)
    box = site.box()
    few = float(box.do("many p1 1", r": 0 together=[0-9.]+ single=([0-9.]+)")[1])
    found = box.do("many p2 500", r": 0 together=([0-9.]+) single=([0-9.]+)")
    together, many = float(found[1]), float(found[2])
    print(f"# one change: {few * 1e3:.2f} ms, among 500: {many * 1e3:.2f} ms, 500 at once: {together * 1e3:.2f} ms")
    lab.check(many < few * 15, f"a change among 500 costs {many / few:.1f} times as much")
    lab.check(together < few * 250, f"500 at once cost {together / few:.1f} changes")
    lab.equal(ruleset(site.switch).count("02:ff:"), 21 + 520, "machines in the sets")
    box.do(f"open p2 {MAC2}")
    passes(site, 2)
    box.do("close p2")
    blocked(site, 2)


@test
def a_vlan_is_the_bridge_of_its_number(lab):
    site = Site(lab, 2, bridged=True)
    site.bridge("br20")
    box = site.box("bridge=br%v")
    box.do("vlan p1 20")
    lab.equal(site.master(), "br20", "its bridge")
    box.do("vlan p1 30", ": No such device: p1 cannot be put into VLAN 30: bridge br30: ")
    lab.equal(site.master(), "br20", "its bridge when there is none to go to")
    box.do("vlan p1 0")
    lab.equal(site.master(), "br0", "its own bridge")
    box.do("vlan p1 20")
    box.exit()
    lab.equal(site.master(), "br0", "its own bridge, when the gate is gone")


@test
def bridges_are_made_and_removed(lab):
    site = Site(lab, 2, bridged=True)
    box = site.box("bridge=v%v-x", "create")
    for port in "p1", "p2":
        box.do(f"vlan {port} 4094")
        lab.equal(site.master(port), "v4094-x", "its bridge")
    lab.check("UP" in site.link("v4094-x")["flags"], "it is up")
    box.do("vlan p1 0")
    lab.equal(site.master("p2"), "v4094-x", "who is still there")
    box.do("vlan p2 7")
    lab.check(site.switch.run("ip", "link", "show", "v4094-x", check=False).returncode, "it is gone")
    box.do("release p2")
    lab.equal(site.master("p2"), "br0", "its own bridge")
    lab.check(site.switch.run("ip", "link", "show", "v7-x", check=False).returncode, "it is gone too")


@test
def a_killed_process_leaves_a_port_in_its_vlan(lab):
    """The next one takes no VLAN's bridge for a home; it may be told the home."""
    site = Site(lab, 1, bridged=True)
    site.bridge("br20")
    first = site.box("bridge=br%v")
    # br0 is a name that the template cannot make: VLANs begin at 1.
    first.do("vlan p1 20")
    first.process.signal(signal.SIGKILL)
    first.process.wait()
    second = site.box("bridge=br%v")
    second.do("vlan p1 20")
    second.do("vlan p1 0")
    second.process.expect("gate.home-unknown")
    lab.equal(site.master(), None, "its bridge")
    second.exit()
    third = site.box("bridge=br%v", "home=br0")
    third.do("vlan p1 20")
    third.do("vlan p1 0")
    lab.equal(site.master(), "br0", "its bridge")


@test
def a_port_without_a_bridge_has_no_vlan(lab):
    site = Site(lab)
    box = site.box()
    box.do("vlan p1 20", ": Invalid argument: p1 cannot be put into VLAN 20: no BridgeTemplate=")
    box.do("vlan p1 4095", ": Invalid argument: .* no such VLAN")


@test
def a_bridge_that_filters_gives_the_port_its_vlan(lab):
    site = Site(lab)
    if site.switch.run("ip", "link", "add", "brf", "type", "bridge", "vlan_filtering", "1", check=False).returncode:
        raise Skip("this kernel's bridges do not filter by VLAN (CONFIG_BRIDGE_VLAN_FILTERING)")
    site.switch.ip("link set brf up")
    site.switch.ip("link set p1 master brf")

    def pvid():
        found = json.loads(site.switch.run("bridge", "-j", "vlan", "show", "dev", "p1").stdout)
        return [(v["vlan"], sorted(v.get("flags", []))) for v in found[0]["vlans"]]
    before = pvid()
    box = site.box()
    box.do("vlan p1 20")
    lab.equal(pvid(), [(20, ["Egress Untagged", "PVID"])], "its VLANs")
    lab.equal(site.master(), "brf", "its bridge")
    box.do("vlan p1 21")
    lab.equal(pvid(), [(21, ["Egress Untagged", "PVID"])], "its VLANs")
    box.do("vlan p1 0")
    lab.equal(pvid(), before, "its VLANs as they were")


if __name__ == "__main__":
    main()
