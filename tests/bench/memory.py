"""Memory, with one port and with many."""
import time

from contest import CONTESTANTS, LATCHKEY, WPA, Credentials, memory
from report import Table, kib, ratio
from switch import Hostapd

MANY = 200


class Interface:
    """What the contestants need to know of a port."""

    def __init__(self, peer, interface):
        self.peer, self.interface = peer, interface


class Crowd:
    """Many ports of one machine, all on one authenticator.

    They are the members of a bridge that passes EAPOL on (group_fwd_mask) and that keeps them apart,
    since each would hear all the others otherwise. The authenticator answers to their own addresses.
    """

    def __init__(self, lab, sizes, credentials):
        """sizes: how many ports will be wanted, ascending. Names tell them apart (a* for the first
        size, b* for what the second adds), so that a profile need not list them all."""
        self.lab = lab
        count = sizes[-1]
        names = ["abcdefgh"[sum(n >= size for size in sizes)] + str(n) for n in range(count)]
        self.peer, switch = lab.namespace("machine"), lab.namespace("switch")
        self.ports = [Interface(self.peer, name) for name in names]
        switch.ip("link add br0 type bridge group_fwd_mask 8")
        switch.ip("link set br0 up")
        self._batch(self.peer, "ip", (f"link add {name} type veth peer name s{n} netns {switch.path}"
                                      for n, name in enumerate(names)))
        self._batch(self.peer, "ip", (f"link set {name} up" for name in names))
        self._batch(switch, "ip", (f"link set s{n} master br0 up" for n in range(count)))
        self._batch(switch, "bridge", (f"link set dev s{n} isolated on" for n in range(count)))
        self.authenticator = Hostapd(lab, switch, "br0", server=credentials.server,
                                     root=credentials.client_root, options={"use_pae_group_addr": 0})

    def _batch(self, ns, program, lines):
        file = self.lab.dir / "batch"
        file.write_text("".join(f"{line}\n" for line in lines))
        ns.run(program, "-batch", file)

    def up(self, mark):
        """How many stations have been let in since."""
        lines = self.authenticator.control.lines[mark:]
        return len({line.split()[1] for line in lines if "CTRL-EVENT-EAP-SUCCESS " in line})

    def all_up(self, contestant, count, ceiling=180):
        """Starts, and waits until so many ports are open; returns how many were."""
        mark = self.authenticator.mark()
        contestant.start()
        deadline = time.monotonic() + ceiling
        while (up := self.up(mark)) < count and time.monotonic() < deadline and \
                not contestant.stopped():
            time.sleep(0.05)
        time.sleep(2)  # the last answers, and whatever is put in order when it is quiet
        return up


def measure(lab, quick=False):
    credentials = Credentials("P-256")
    crowd = Crowd(lab, (1, MANY), credentials)
    bus = lab.bus()  # as on every machine; and it maps some of the same libraries
    results = {}
    for make in CONTESTANTS:
        got = results[make.name] = {}
        for count in (1, MANY):
            contestant = make(lab, crowd.ports[:count], credentials, bus=bus)
            up = crowd.all_up(contestant, count)
            got[count] = {"up": up, **memory(contestant.pid)}
            contestant.stop()
        got["per_port"] = (got[MANY]["dirty"] - got[1]["dirty"]) / (MANY - 1)
    return results


def show(results):
    ours, theirs = results[LATCHKEY], results[WPA]
    table = Table("Memory, in KiB", ("", "latchkeyd", "wpa_supplicant", "ratio"))
    for count, words in ((1, "1 port"), (MANY, f"{MANY} ports")):
        for what, name in (("rss", "RSS"), ("pss", "PSS"), ("private", "private")):
            a, b = ours[count][what], theirs[count][what]
            table.row(f"{name}, {words}", kib(a), kib(b), ratio(a, b))
    table.row("private, per further port", f"{ours['per_port'] / 1024:.1f}",
              f"{theirs['per_port'] / 1024:.1f}", ratio(ours["per_port"], theirs["per_port"]))
    table.print()
    for name, got in results.items():
        if got[MANY]["up"] < MANY:
            print(f"  {name}: only {got[MANY]['up']} of {MANY} ports came up")


def aims(results):
    ours, theirs = results[LATCHKEY], results[WPA]
    # The fewer processes share OpenSSL at the moment, the more of it everybody has to bear.
    return [("PSS with one port, MiB", 3, ours[1]["pss"] / 1024 / 1024),
            ("the same, of wpa_supplicant's (3 of 4.4 MiB)", 0.68, ratio(ours[1]["pss"], theirs[1]["pss"])),
            ("private memory per further port, KiB", 20, ours["per_port"] / 1024)]
