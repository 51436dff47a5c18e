"""latchkey-authd as the guard of ports: nothing passes before, all passes after, for real."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

import ocsp
from authd import Authd, guarded
from lab import BUILD, Skip, each, main, need, test, within
from wire import RawSocket

VERSIONS = ("1.2", "1.3")


def ours(lab, authd, port):
    """How latchkey-authd sees the port."""
    return next(p for p in authd.json("ports") if p["name"] == port.switch_interface)


def inside(authd):
    """The sessions of machines that are let in."""
    return [s for s in authd.sessions() if s["state"] == "authorised"]


# ---- what it may do -----------------------------------------------------------------------------------

def in_its_status(authd, key):
    """A line of /proc/PID/status."""
    lines = Path(f"/proc/{authd.process.pid}/status").read_text().splitlines()
    return next(line.split(":", 1)[1].strip() for line in lines if line.startswith(key + ":"))


@test
def it_keeps_two_capabilities_for_ports_alone(lab):
    if os.environ.get("LATCHKEYD_FLAGS"):
        raise Skip("sanitizers need system calls that the filter forbids")
    authd, port = guarded(lab)
    lab.equal(int(in_its_status(authd, "CapPrm"), 16), 1 << 12 | 1 << 13, "CAP_NET_ADMIN and CAP_NET_RAW")
    lab.equal((in_its_status(authd, "NoNewPrivs"), in_its_status(authd, "Seccomp")), ("1", "2"), "its confinement")
    authd.remove("port", "lan")
    authd.restart()
    lab.equal(int(in_its_status(authd, "CapPrm"), 16), 0, "its capabilities without ports")
    authd.add("port", "lan", {"Match.Interface": port.switch_interface})
    done = authd.ctl("reload")
    lab.equal(done.returncode, 1, "the exit status of a reload that would need them")
    lab.check("restart it" in " ".join(done.stderr.split()), f"what helps is told: {done.stderr}")


@test
def the_filter_of_its_unit_leaves_it_what_it_needs(lab):
    if os.environ.get("LATCHKEYD_FLAGS"):
        raise Skip("sanitizers need system calls that the filter forbids")
    if not shutil.which("systemd-analyze"):
        raise Skip("there is no systemd-analyze to tell what the filter stands for")
    authd, port = guarded(lab, start=False, settings={
        "Tls.ClientOcsp": "require", "Tls.Resumption": "tickets", "Radius.RadSecListen": "127.0.0.1",
        "Metrics.Listen": "127.0.0.1"})
    pki = lab.pki()
    authd.configure({"Tls.TicketKeyFile": authd.dir / "tickets", "Radius.RadSecClientAnchors": pki.root.cert})
    client = pki.root.issue("laptop.example.org", responder=ocsp.URL.replace("127.0.0.1", "localhost"))
    ocsp.Responder(lab, authd.ns, pki.root)
    authd.start(under=[sys.executable, Path(__file__).parent / "under_unit.py", BUILD / "conf/latchkey-authd.service"])
    lab.latchkeyd(port, client=client).expect(r"port\.authorised")
    lab.check(port.passes(), "traffic passes after")
    authd.reload()
    lab.until(lambda: authd.json("machines"), "the registry has the machine")
    lab.equal(authd.stop(), 0, "it stops without an error")
    lab.check(port.passes(), "the port is given back")


# ---- machines -----------------------------------------------------------------------------------------

@each(*VERSIONS)
def latchkeyd_gets_in_and_again(lab, version):
    authd, port = guarded(lab, tls=[version])
    lab.check(not port.ping(), "nothing passes before")
    daemon = lab.latchkeyd(port, bus=lab.bus())
    daemon.expect(r"port\.authorised")
    lab.check(port.passes(), "traffic passes after")
    traffic = port.traffic()
    for who in ("machine", "guard"):
        mark, seen = daemon.mark(), authd.mark()
        if who == "machine":
            daemon.ctl("reauth", check=True)
        else:
            authd.ctl("reauth", port.mac, check=True)
        daemon.expect(r"port\.authorised .*resumed=yes", mark)
        authd.expect("auth.accept .* resumed=yes", seen)
    traffic.over()


@each(*VERSIONS)
def wpa_supplicant_gets_in(lab, version):
    authd, port = guarded(lab, tls=[version])
    lab.check(not port.ping(), "nothing passes before")
    peer = lab.wpa_supplicant(port, settings={"phase1": f'"tls_disable_tlsv1_3={int(version == "1.2")}"'})
    peer.control.expect("CTRL-EVENT-EAP-SUCCESS")
    lab.check(port.passes(), "traffic passes after")
    for _ in range(2):
        mark = peer.control.mark()
        authd.ctl("reauth", port.mac, check=True)
        peer.control.expect("CTRL-EVENT-EAP-SUCCESS", mark)
    lab.check(port.passes(), "traffic still passes")


@test
def a_stranger_stays_outside(lab):
    authd, port = guarded(lab)
    lab.latchkeyd(port, client=lab.pki().stranger.issue("laptop.example.org")).expect(r"port\.diagnosis")
    authd.expect("auth.reject .*peer-untrusted")
    lab.check(not port.ping(), "nothing passes")


@test
def a_machine_that_logs_off_is_out(lab):
    authd, port = guarded(lab)
    daemon = lab.latchkeyd(port, bus=lab.bus())
    daemon.expect(r"port\.authorised")
    lab.check(port.passes(), "traffic passes")
    daemon.ctl("disconnect", check=True)
    lab.until(lambda: not inside(authd), "the session is over")
    lab.check(not port.ping(), "nothing passes")
    daemon.ctl("connect", check=True)
    lab.until(lambda: inside(authd), "another session")
    lab.check(port.passes(), "traffic passes again")


@test
def disconnect_closes_the_port(lab):
    authd, port = guarded(lab)
    daemon = lab.latchkeyd(port)
    daemon.expect(r"port\.authorised")
    daemon.kill()  # it would come again at once
    lab.check(port.passes(), "traffic passes, whatever became of the supplicant")
    lab.equal(authd.ctl("disconnect", port.mac).returncode, 0, "latchkey-authd disconnect")
    lab.check(not port.ping(), "nothing passes")
    lab.equal(inside(authd), [], "who is let in")


@test
def a_machine_without_a_subject_goes_by_its_other_names(lab):
    authd, port = guarded(lab)
    daemon = lab.latchkeyd(port, client=lab.pki().root.issue("", names=["laptop.example.org"]))
    daemon.expect(r"port\.authorised")
    lab.until(lambda: authd.json("machines"), "the registry knows it")
    lab.equal(authd.json("machine", "revoke", "DNS:laptop.example.org")["sessions"], 1, "sessions that are ended")
    authd.expect(r"session\.closed")


@test
def a_carrier_that_is_lost_ends_the_session(lab):
    authd, port = guarded(lab)
    daemon = lab.latchkeyd(port)
    daemon.expect(r"port\.authorised")
    lab.until(lambda: inside(authd), "a session")
    port.cable.unplug()
    lab.until(lambda: not inside(authd), "the session is over")
    mark = daemon.mark()
    port.cable.plug()
    daemon.expect(r"port\.authorised", mark)
    lab.until(port.ping, "traffic passes again")


@test
def another_address_does_not_get_through(lab):
    authd, port = guarded(lab)
    lab.latchkeyd(port).expect(r"port\.authorised")
    lab.check(port.passes(), "the machine gets through")
    port.peer.ip(f"link add link {port.interface} name other type macvlan mode bridge")
    port.peer.ip("link set other up")
    port.peer.ip(f"address del {port.peer_address}/24 dev {port.interface}")
    port.peer.ip(f"address add {port.peer_address}/24 dev other")
    done = port.peer.run("ping", "-n", "-c1", "-W1", port.switch_address, check=False)
    lab.check(done.returncode != 0, "another machine behind the same port does not")


@test
def each_machine_for_itself_in_mode_multi(lab):
    authd, port = guarded(lab, port={"Port.Mode": "multi"})
    port.peer.ip(f"link add link {port.interface} name two type macvlan mode private")
    port.peer.ip("link set two up")
    port.peer.ip(f"address add {port.peer_address.replace('.2', '.3')}/24 dev two")
    daemon = lab.latchkeyd(port)
    daemon.expect(r"port\.authorised")
    one = port.peer.run("ping", "-n", "-c1", "-W2", "-I", port.interface, port.switch_address, check=False)
    two = port.peer.run("ping", "-n", "-c1", "-W1", "-I", "two", port.switch_address, check=False)
    lab.equal((one.returncode == 0, two.returncode == 0), (True, False), "who gets through")


@test
def two_machines_are_in_and_a_third_is_not_in_mode_multi(lab):
    authd, port = guarded(lab, port={"Port.Mode": "multi"})
    addresses = {port.interface: port.peer_address}
    for number, name in ((3, "two"), (4, "three")):
        addresses[name] = port.peer_address.replace(".2", f".{number}")
        port.peer.ip(f"link add link {port.interface} name {name} type macvlan mode private")
        port.peer.ip(f"link set {name} up")
        port.peer.ip(f"address add {addresses[name]}/24 dev {name}")
    daemon = lab.latchkeyd(port, profile={"Match.Name": f"{port.interface} two"})
    for name in (port.interface, "two"):
        daemon.expect(rf"port\.authorised port={name} ", 0)
    lab.until(lambda: len(inside(authd)) == 2, "two sessions are there")
    through = {}
    for name, address in addresses.items():
        # One route for each, so that the answer comes back to the address that asked.
        done = port.peer.run("ping", "-n", "-c1", "-W2", "-I", name, port.switch_address, check=False)
        through[name] = done.returncode == 0
    lab.equal(through, {port.interface: True, "two": True, "three": False}, "who gets through")
    stays, gone = sorted(inside(authd), key=lambda s: s["station"] != port.mac.upper().replace(":", "-"))
    before = daemon.mark()
    authd.ctl("disconnect", gone["session"])
    daemon.expect(r"port\.authorised port=two ", before)
    now = {s["session"] for s in inside(authd)}
    lab.equal((stays["session"] in now, gone["session"] in now), (True, False), "which session goes on")


# ---- what a machine may do ---------------------------------------------------------------------------

@test
def a_rule_puts_the_port_into_the_bridge_of_a_vlan(lab):
    authd, port = guarded(lab, start=False, port={"Vlan.BridgeTemplate": "vlan%v", "Vlan.CreateBridges": "yes"})
    authd.add("rule", "staff", {"Match.Dns": "laptop.*", "Decision.Action": "accept", "Decision.Vlan": 42})
    authd.start()
    daemon = lab.latchkeyd(port)
    daemon.expect(r"port\.authorised")

    def bridge():
        line = port.switch.run("ip", "-o", "link", "show", port.switch_interface).stdout
        return line.split(" master ")[1].split()[0] if " master " in line else None

    lab.until(lambda: bridge() == "vlan42", "the port is in the bridge of VLAN 42")
    lab.equal(ours(lab, authd, port)["vlan"], 42, "its VLAN as it is shown")
    daemon.kill()
    authd.ctl("disconnect", port.mac, check=True)
    lab.until(lambda: bridge() == port.bridge, "and back where it was")


@test
def who_is_refused_is_in_the_vlan_of_strangers(lab):
    authd, port = guarded(lab, start=False, settings={"Policy.DefaultAction": "reject"},
                          port={"Vlan.Unauthenticated": 99, "Vlan.BridgeTemplate": "vlan%v"})
    port.switch.ip("link add vlan99 type bridge")
    port.switch.ip("link set vlan99 up")
    port.switch.ip("address add 10.0.99.1/24 dev vlan99")
    port.peer.ip(f"address add 10.0.99.2/24 dev {port.interface}")
    authd.start()

    def among_strangers():
        return port.peer.run("ping", "-c1", "-W0.4", "10.0.99.1", check=False).returncode == 0

    lab.check(not among_strangers(), "nothing passes at first")
    lab.latchkeyd(port)
    authd.expect(r"session\.failed")
    lab.until(among_strangers, "a machine that was refused is among strangers")
    lab.check(not port.ping(), "and nowhere else")
    authd.add("rule", "all", {"Decision.Action": "accept"})
    authd.reload()
    mark = authd.mark()
    authd.ctl("disconnect", port.mac, check=True)  # it is asked again at once
    authd.expect(r"session\.authorised", mark)
    lab.until(port.ping, "a machine that is let in is where it belongs")
    lab.check(not among_strangers(), "and not among strangers")


@test
def a_machine_is_let_in_by_freeradius(lab):
    authd, port = guarded(lab, start=False, settings={"Radius.Listen": None}, port={"Eap.Server": "radius"})
    radius = lab.radius(port.switch)
    authd.add("server", "elsewhere", {"Server.Address": "127.0.0.1", "Server.Port": radius.port,
                                      "Server.Secret": radius.secret, "Server.AccountingPort": "off",
                                      "Server.Timeout": "200ms", "Server.GiveUp": "3s"})
    authd.start()
    daemon = lab.latchkeyd(port)
    daemon.expect(r"port\.authorised")
    authd.expect(r"session\.authorised")
    lab.until(port.ping, "traffic passes after")
    radius.process.kill()
    mark = authd.mark()
    authd.ctl("reauth", port.mac, check=True)
    lab.check(port.passes(), "it stays in while it is asked again")
    authd.expect(r"session\.closed .*cause=reauthentication-failed", mark, timeout=120)
    lab.check(not port.ping(), "and is out when nobody says that it may stay")


@test
def a_session_ends_in_its_time(lab):
    authd, port = guarded(lab, start=False, port={"Port.ReauthPeriod": "10s"})
    authd.start()
    daemon = lab.latchkeyd(port)
    daemon.expect(r"port\.authorised")
    daemon.expect(r"port\.authorised", daemon.mark())
    lab.check(port.passes(), "traffic passes")


# ---- the guard comes and goes ---------------------------------------------------------------------------

@test
def the_port_is_given_back_at_the_end(lab):
    authd, port = guarded(lab)
    lab.check(not port.ping(), "nothing passes while it is guarded")
    authd.stop()
    lab.check(port.passes(), "everything passes when nobody guards it")


@each("open", "keep", "shut")
def what_becomes_of_ports_at_the_end_is_set(lab, what):
    authd, port = guarded(lab, settings={"Service.PortsAtExit": what}, port={"Port.Mode": "multi"})
    port.peer.ip(f"link add link {port.interface} name two type macvlan mode private")
    port.peer.ip("link set two up")
    port.peer.ip(f"address add {port.peer_address.replace('.2', '.3')}/24 dev two")

    def passes():
        return tuple(port.peer.run("ping", "-n", "-c1", "-W1", "-I", name, port.switch_address,
                                   check=False).returncode == 0 for name in (port.interface, "two"))

    daemon = lab.latchkeyd(port)
    daemon.expect(r"port\.authorised")
    lab.until(lambda: inside(authd), "a session")
    lab.equal(passes(), (True, False), "who gets through while it is guarded")
    lab.equal(authd.stop(), 0, "exit status")
    lab.equal(passes(), {"open": (True, True), "keep": (True, False), "shut": (False, False)}[what],
              "who gets through afterwards")
    mark = daemon.mark()
    authd.start()
    daemon.expect(r"port\.authorised", mark)
    lab.until(lambda: passes() == (True, False), "the next one guards it as ever")


@each("open", "shut")
def a_reload_changes_what_becomes_of_ports(lab, what):
    authd, port = guarded(lab, settings={"Service.PortsAtExit": "keep"})
    authd.configure({"Service.PortsAtExit": what})
    authd.reload()
    lab.latchkeyd(port).expect(r"port\.authorised")
    lab.until(lambda: inside(authd), "a session")
    authd.stop()
    lab.equal(port.passes() if what == "open" else port.ping(), what == "open", "traffic passes afterwards")


@test
def a_guard_that_was_killed_leaves_the_port_closed(lab):
    authd, port = guarded(lab)
    lab.check(not port.ping(), "nothing passes")
    authd.kill()
    lab.check(not port.ping(), "nothing passes when it was killed")
    authd.start()
    lab.latchkeyd(port).expect(r"port\.authorised")
    lab.check(port.passes(), "the next one lets machines in")


def is_down(port, name=None):
    return "UP" not in port.switch.run("ip", "link", "show", name or port.switch_interface).stdout.split("<")[1].split(">")[0].split(",")


def not_guarded(lab, authd, port, name=None):
    """It is seen wherever somebody looks, and nothing passes."""
    name = name or port.switch_interface
    found = lab.until(lambda: next((p for p in authd.json("ports") if p["name"] == name
                                    and p["state"] == "not-guarded"), None), "the port is not guarded")
    lab.equal(found["diagnosis"], "port-not-guarded", "the diagnosis")
    lab.check(any(p.startswith(f"port {name}: ") for p in authd.json("status")["problems"]), "`status` says so")
    lab.until(lambda: is_down(port, name), "the interface is down")
    lab.check(not port.ping(), "nothing passes")
    lab.check("not-guarded" in authd.ctl("ports").stdout, "and for people")


@test
def an_interface_that_no_gate_takes_is_set_down(lab):
    authd, port = guarded(lab, start=False, port={"Match.Interface": "x*"})
    was = port.switch_interface
    port.switch.ip(f"link set {was} down")
    port.switch.ip(f"link set {was} name x#y")
    port.switch.ip("link set x#y up")
    lab.until(port.ping, "everything passes without a guard")
    authd.start()
    not_guarded(lab, authd, port, "x#y")
    mark = authd.mark()
    port.switch.ip("link set x#y up")
    authd.expect(r"port\.lowered", mark)
    not_guarded(lab, authd, port, "x#y")
    port.switch.ip("link set x#y name xy")
    authd.expect(r"port\.guarded port=xy", mark)
    lab.until(lambda: not is_down(port, "xy"), "it goes up again")
    lab.check(not port.ping(), "nothing passes")
    lab.latchkeyd(port).expect(r"port\.authorised")
    lab.check(port.passes(), "traffic passes")
    lab.equal(authd.json("status")["problems"], [], "problems")


@test
def a_gate_that_others_take_away_leaves_the_port_closed(lab):
    """Another program takes our table for itself, so that we cannot put it back."""
    need("nft")
    authd, port = guarded(lab)
    daemon = lab.latchkeyd(port)
    daemon.expect(r"port\.authorised")
    thief = subprocess.Popen([*within(port.switch), "nft", "-i"], stdin=subprocess.PIPE, text=True)
    lab.owns(Thief(thief))
    thief.stdin.write("delete table netdev latchkey_authd; add table netdev latchkey_authd { flags owner; }\n")
    thief.stdin.flush()
    authd.expect(r"port\.gate")
    not_guarded(lab, authd, port)
    lab.equal(inside(authd), [], "sessions")
    mark = authd.mark()
    thief.stdin.close()
    thief.wait()
    authd.expect(r"port\.guarded", mark)
    daemon.expect(r"port\.authorised", daemon.mark())
    lab.until(port.ping, "traffic passes again")


class Thief:
    def __init__(self, popen):
        self.popen = popen

    def close(self):
        self.popen.kill()
        self.popen.wait()


@test
def a_reload_does_not_end_sessions(lab):
    authd, port = guarded(lab)
    lab.latchkeyd(port).expect(r"port\.authorised")
    session, = lab.until(lambda: inside(authd), "a session")
    traffic = port.traffic()
    authd.add("rule", "new", {"Decision.Action": "accept", "Decision.Vlan": 9, "Match.Dns": "nobody"})
    for _ in range(3):
        authd.reload()
    traffic.over()
    lab.equal(authd.sessions()[0]["session"], session["session"], "the session")


@test
def a_flood_of_frames_keeps_nobody_out(lab):
    authd, port = guarded(lab, port={"Port.Mode": "multi"})
    raw = RawSocket(lab, port.peer, port.interface)
    for n in range(3000):
        source = b"\2\x66\0\0" + n.to_bytes(2, "big")
        raw.send(bytes.fromhex("0180c2000003") + source + b"\x88\x8e\2\1\0\0")
    lab.latchkeyd(port).expect(r"port\.authorised")
    lab.check(port.passes(), "traffic passes")


if __name__ == "__main__":
    main()
