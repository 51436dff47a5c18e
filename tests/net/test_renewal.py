"""Certificates that are renewed by themselves, and whatever can be in the way: nothing that worked before stops."""
import shutil

from diagnosed import DAY, at
from enrolling import credential, enroll, machine, network, token
from lab import each, main, run, test

STAYS = {"Enroll.AfterEnrolment": "accept"}

# Renewed at a tenth of a lifetime that began 62 s before the certificate was issued, and ends 600 s after:
# some four seconds later.
SHORT = {"Certificate.Lifetime": "10min", "Certificate.Backdate": "62s"}
SOON = {"Enroll.RenewAt": "10%", "Enroll.RenewJitter": "0%"}


def enrolled(lab, profile=None, certificates=None, prepare=None, quiet="100ms", **kwargs):
    """A machine that has its first certificate, and is let in with it."""
    authd, port = network(lab, STAYS, start=False, port={"Port.QuietPeriod": quiet})
    if certificates:
        authd.add("profile", "machine", certificates)
    authd.start()
    daemon = machine(lab, port, {"Enroll.Tunnel": "ttls", **(profile or {})}, start=False, **kwargs)
    if prepare:
        prepare(daemon)
    daemon.start()
    lab.equal(enroll(daemon, token(authd)).returncode, 0, "latchkeyctl enroll")
    lab.check(port.passes(), "traffic passes")
    return authd, port, daemon


def reduced(lab, daemon, port, name):
    """The port is open and shows this diagnosis; returns its evidence."""
    lab.until(lambda: daemon.status(port)["Diagnosis"].get("id") == name, f"the port shows {name}")
    lab.until(lambda: daemon.status(port)["Authorised"], "the port is open")
    lab.check(port.passes(), "traffic passes")
    return daemon.status(port)["Diagnosis"]["evidence"]


def renews(lab, daemon, port, generation):
    """Whatever was in the way is gone."""
    done = daemon.ctl("renew")
    lab.equal(done.returncode, 0, f"latchkeyctl renew: {done.stdout}{done.stderr}")
    status = daemon.status(port)
    lab.equal((status["Generation"], status["Diagnosis"]), (generation, {}), "what the port shows")
    lab.until(port.ping, "traffic passes")


def stayed_open(lab, authd, traffic, mark):
    """The renewal that has failed closed the port for nobody, and is told of at the server as well."""
    authd.expect(r"auth\.accept .*inner=CPROM .*diagnosis=[a-z]", mark)
    traffic.over()
    lab.check(not authd.said(r"session\.closed|auth\.reject", mark), "the port was never closed")


# ---- by time ------------------------------------------------------------------------------------------

@test
def it_is_renewed_when_its_time_comes(lab):
    authd, port, daemon = enrolled(lab, SOON, SHORT)
    traffic = port.traffic()
    daemon.expect(r"credential\.conversation .*action=renew")
    daemon.expect(r"credential\.settled .*generation=2")
    traffic.over()
    lab.check(daemon.status(port)["Generation"] >= 2, "what the port shows")  # the next is due as soon
    lab.equal(len(authd.json("machine", "list")), 1, "machines that the server knows")


# ---- clocks -------------------------------------------------------------------------------------------

@test
def a_clock_that_is_ahead_does_not_renew_without_end(lab):
    _, port, daemon = enrolled(lab, {"Server.OCSP": "off"})
    daemon.stop()
    daemon.environment |= at(70 * DAY)
    daemon.start()
    daemon.expect(r"credential\.settled .*generation=2")
    port.cable.unplug()
    lab.until(lambda: not daemon.status(port)["Carrier"], "the cable is out")
    mark = daemon.mark()
    port.cable.plug()
    daemon.expect(r"port\.authorised", mark)
    lab.check(not daemon.said(r"credential\.conversation", mark), "no other renewal")
    daemon.restart()
    daemon.expect(r"port\.authorised")
    lab.check(not daemon.said(r"credential\.conversation"), "nor after another start")
    lab.until(port.ping, "traffic passes")


@test
def a_clock_that_is_behind_renews_nothing(lab):
    _, port, daemon = enrolled(lab, {"Server.ClockPolicy": "ignore-dates"})
    daemon.stop()
    mark = daemon.mark()
    daemon.environment |= at(-20000 * DAY)
    daemon.start()
    daemon.expect(r"port\.authorised")
    lab.check(port.passes(), "traffic passes")
    lab.check(not daemon.said(r"credential\.conversation"), "nothing was renewed")
    lab.equal(credential(daemon)["Generation"], 1, "the generation")


@test
def a_clock_that_is_not_set_is_told(lab):
    _, port, daemon = enrolled(lab)
    daemon.stop()
    daemon.environment |= at(-20000 * DAY)
    daemon.start()
    daemon.expect(r"port\.diagnosis .*id=credential-not-yet-valid")
    daemon.stop()
    for name in at(0):
        del daemon.environment[name]
    daemon.start()
    daemon.expect(r"port\.authorised")
    lab.equal(credential(daemon)["Generation"], 1, "the generation")


# ---- the server -----------------------------------------------------------------------------------------

@test
def a_new_certificate_that_opens_nothing_is_given_up(lab):
    authd, port, daemon = enrolled(lab)
    first = credential(daemon)
    authd.ctl("ca", "rollover", check=True)
    authd.add("rule", "new", {"Match.Issuer": "CN=* 2", "Decision.Action": "reject"})
    authd.reload()
    done = daemon.ctl("renew")
    lab.equal(done.returncode, 1, f"latchkeyctl renew: {done.stdout}{done.stderr}")
    daemon.expect(r"credential\.fall-back .*refused=2 generation=1")
    evidence = reduced(lab, daemon, port, "renewal-fell-back")
    lab.equal((evidence["credential"], evidence["refused"]), ("network", "2"), "what was given up")
    lab.check("…" not in daemon.status(port)["Diagnosis"]["cause"], "the diagnosis is complete")
    lab.check("retry" in evidence, f"when it is tried again: {evidence}")
    lab.equal(credential(daemon)["Serial"], first["Serial"], "the certificate in use")

    # It is not tried again at once.
    mark = daemon.mark()
    port.cable.unplug()
    lab.until(lambda: not daemon.status(port)["Carrier"], "the cable is out")
    port.cable.plug()
    daemon.expect(r"port\.authorised", mark)
    lab.check(not daemon.said(r"credential\.conversation", mark), "no renewal follows")

    authd.remove("rule", "new")
    authd.reload()
    renews(lab, daemon, port, 3)


@test
def a_server_that_enrolls_nobody_any_more_lets_in_who_was_enrolled(lab):
    authd, port, daemon = enrolled(lab)
    authd.configure({"Enroll.Enabled": "no"})
    authd.reload()
    traffic, mark = port.traffic(), authd.mark()
    lab.equal(daemon.ctl("renew").returncode, 1, "latchkeyctl renew")
    evidence = reduced(lab, daemon, port, "renewal-failed")
    lab.equal((evidence["failures"], evidence["id"]), ("1", "enroll-not-offered"), "how often, and why")
    traffic.over()
    lab.check(not authd.said(r"session\.closed", mark), "the port was never closed")
    authd.configure({"Enroll.Enabled": "yes"})
    authd.reload()
    renews(lab, daemon, port, 2)


TUNNELS = {
    "ttls": {"Enroll.Tunnel": "ttls"},
    "teap": {"Enroll.Tunnel": "teap"},
}


@each(*TUNNELS)
def a_renewal_that_the_authority_refuses_closes_no_port(lab, tunnel):
    authd, port, daemon = enrolled(lab, TUNNELS[tunnel], certificates={"Certificate.KeyTypes": "P-256"}, quiet="5min")
    authd.add("profile", "machine", {"Certificate.KeyTypes": "RSA-3072"})
    authd.reload()
    traffic, mark, seen = port.traffic(), authd.mark(), daemon.mark()
    lab.equal(daemon.ctl("renew").returncode, 1, "latchkeyctl renew")
    evidence = reduced(lab, daemon, port, "renewal-failed")
    lab.equal((evidence["failures"], evidence["id"]), ("1", "enroll-parameters"), "how often, and why")
    stayed_open(lab, authd, traffic, mark)
    lab.equal(len([line for line in daemon.process.lines[seen:] if "port.attempt " in line]), 1, "attempts")
    authd.add("profile", "machine", {"Certificate.KeyTypes": "P-256"})
    authd.reload()
    renews(lab, daemon, port, 2)


@test
def a_renewal_that_is_refused_lets_nobody_in_whom_the_rules_do_not(lab):
    authd, port, daemon = enrolled(lab, certificates={"Certificate.KeyTypes": "P-256"})
    authd.add("profile", "machine", {"Certificate.KeyTypes": "RSA-3072"})
    authd.add("rule", "no-certificates", {"Match.Method": "tls", "Decision.Action": "reject"})
    authd.reload()
    mark = authd.mark()
    lab.equal(daemon.ctl("renew").returncode, 1, "latchkeyctl renew")
    authd.expect(r"auth\.reject .*method=EAP-TTLS .*diagnosis=key-refused", mark)
    lab.check(not authd.said(r"auth\.accept", mark), "nobody was let in")


@test
def a_tunnel_that_is_not_believed_costs_no_quiet_period(lab):
    authd, port, daemon = enrolled(lab, quiet="5min")
    authd.configure({"Tunnel.Credential": "server"})  # of another authority
    authd.reload()
    mark = authd.mark()
    lab.equal(daemon.ctl("renew").returncode, 1, "latchkeyctl renew")
    authd.expect(r"session\.authorised", mark)
    evidence = reduced(lab, daemon, port, "renewal-failed")
    lab.equal((evidence["failures"], evidence["id"]), ("1", "server-untrusted"), "how often, and why")
    authd.configure({"Tunnel.Credential": None})
    authd.reload()
    renews(lab, daemon, port, 2)


@test
def an_authority_that_is_rolled_over_loses_nobody(lab):
    authd, port, daemon = enrolled(lab)
    old = credential(daemon)
    for step in "rollover", "renew-server":
        authd.ctl("ca", step, check=True)
        authd.reload()
        daemon.restart()
        daemon.expect(r"port\.authorised")
        lab.equal(credential(daemon)["Generation"], 1, f"the generation after {step}")
        lab.check(port.passes(), f"traffic passes after {step}")
    renews(lab, daemon, port, 2)
    lab.check(credential(daemon)["Issuer"] != old["Issuer"], "it has another issuer")
    roots = (daemon.keystore / "network" / "2" / "anchors.pem").read_text()
    lab.equal(roots.count("BEGIN CERTIFICATE"), 2, "the roots that it believes")
    daemon.restart()
    daemon.expect(r"port\.authorised")
    lab.check(port.passes(), "traffic passes with both roots")


# ---- the server's wish ----------------------------------------------------------------------------------

# One of six days old when it comes: not young, and not due for long.
NOT_YOUNG = {"Certificate.Lifetime": "5d", "Certificate.Backdate": "1d"}


def wish(authd):
    name = authd.json("machine", "list")[0]["identifier"]
    authd.ctl("machine", "renew", name, check=True)
    return name


def is_content(lab, authd, name):
    lab.until(lambda: "renew_wanted" not in authd.json("machine", "show", name), "the wish is fulfilled")


@test
def a_machine_renews_when_the_server_asks(lab):
    authd, port, daemon = enrolled(lab, certificates=NOT_YOUNG)
    traffic = port.traffic()
    mark = daemon.mark()
    name = wish(authd)
    daemon.expect(r"credential\.wished .*heard=yes", mark)
    daemon.expect(r"credential\.conversation .*action=renew", mark)
    daemon.expect(r"credential\.settled .*generation=2", mark)
    traffic.over()
    is_content(lab, authd, name)

    # Not as often as it asks.
    mark = daemon.mark()
    wish(authd)
    daemon.expect(r"credential\.wished .*heard=no", mark)
    lab.until(lambda: daemon.status(port)["Authorised"], "the port is open")
    lab.check(not daemon.said(r"credential\.conversation", mark), "no other renewal")
    lab.equal(daemon.status(port)["Generation"], 2, "what the port shows")


@test
def a_wish_waits_for_who_is_away(lab):
    authd, port, daemon = enrolled(lab, certificates=NOT_YOUNG)
    daemon.stop()
    name = wish(authd)
    lab.check("renew_wanted" in authd.json("machine", "show", name), "the server remembers its wish")
    authd.restart()
    daemon.start()
    daemon.expect(r"credential\.settled .*generation=2")
    lab.until(port.ping, "traffic passes")
    is_content(lab, authd, name)


@test
def a_young_certificate_is_not_renewed_for_a_wish(lab):
    authd, port, daemon = enrolled(lab)
    mark = daemon.mark()
    wish(authd)
    daemon.expect(r"credential\.wished .*heard=no", mark)
    lab.check(port.passes(), "traffic passes")
    lab.check(not daemon.said(r"credential\.conversation", mark), "nothing is renewed")


@test
def a_tunnel_that_is_proposed_to_all_renews_nothing(lab):
    authd, port, daemon = enrolled(lab, certificates=NOT_YOUNG)
    authd.configure({"Eap.Methods": "ttls tls"})
    authd.reload()
    mark = daemon.mark()
    daemon.ctl("reauth", check=True)
    daemon.expect(r"credential\.outcome .*outcome=unchanged", mark)
    lab.check(port.passes(), "traffic passes")
    status = daemon.status(port)
    lab.equal((status["Generation"], status["Diagnosis"]["id"]), (1, "credential-expiring"), "what the port shows")
    mark = daemon.mark()
    daemon.ctl("reauth", check=True)
    daemon.expect(r"credential\.wished .*heard=no", mark)


@test
def a_tunnel_without_enrolment_is_tried_once(lab):
    authd, port, daemon = enrolled(lab, certificates=NOT_YOUNG)
    authd.configure({"Eap.Methods": "ttls tls", "Enroll.Enabled": "no"})
    authd.reload()
    mark = daemon.mark()
    daemon.ctl("reauth", check=True)
    daemon.expect(r"credential\.outcome .*outcome=refused id=enroll-not-offered", mark)
    reduced(lab, daemon, port, "renewal-failed")
    mark = daemon.mark()
    daemon.ctl("reauth", check=True)
    daemon.expect(r"credential\.wished .*heard=no", mark)


# ---- the keystore ---------------------------------------------------------------------------------------

def on_a_disk(daemon, size="256k"):
    """Its keystore on a file system of its own, which nobody else sees."""
    disk = daemon.dir / "disk"
    disk.mkdir()
    daemon.keystore = disk / "keystore"
    daemon.configure({})
    daemon.under = ["unshare", "--mount", "sh", "-ec",
                    f"mount -t tmpfs -o size={size} tmpfs {disk}\nmkdir -m 0700 {daemon.keystore}\nexec \"$@\"", "sh"]
    return disk


def inside(daemon, command):
    """A command where the disk of this machine is mounted."""
    run("nsenter", f"--mount=/proc/{daemon.process.pid}/ns/mnt", "sh", "-ec", command)


@test
def a_full_disk_keeps_what_there_was(lab):
    authd, port, daemon = enrolled(lab, prepare=on_a_disk)
    disk = daemon.keystore.parent
    traffic, mark = port.traffic(), authd.mark()
    inside(daemon, f"dd if=/dev/zero of={disk}/large bs=4k 2>/dev/null || true")
    lab.equal(daemon.ctl("renew").returncode, 1, "latchkeyctl renew")
    evidence = reduced(lab, daemon, port, "renewal-failed")
    lab.check("the file system is full" in evidence["detail"], f"why: {evidence}")
    lab.equal(daemon.status(port)["Generation"], 1, "the generation")
    stayed_open(lab, authd, traffic, mark)
    inside(daemon, f"rm {disk}/large")
    renews(lab, daemon, port, 2)


@test
def a_disk_that_cannot_be_written_keeps_what_there_was(lab):
    authd, port, daemon = enrolled(lab, prepare=on_a_disk)
    disk = daemon.keystore.parent
    inside(daemon, f"mount -o remount,ro {disk}")
    lab.equal(daemon.ctl("renew").returncode, 1, "latchkeyctl renew")
    evidence = reduced(lab, daemon, port, "renewal-failed")
    lab.check("the file system is read-only" in evidence["detail"], f"why: {evidence}")
    inside(daemon, f"mount -o remount,rw {disk}")
    renews(lab, daemon, port, 2)


@test
def a_keystore_that_is_mounted_read_only_opens_the_port(lab):
    _, port, daemon = enrolled(lab)
    daemon.stop()
    daemon.under = ["unshare", "--mount", "sh", "-ec",
                    f"mount --bind {daemon.keystore} {daemon.keystore}\n"
                    f"mount -o remount,bind,ro {daemon.keystore}\nexec \"$@\"", "sh"]
    daemon.start()
    daemon.expect(r"port\.authorised")
    lab.equal(daemon.ctl("renew").returncode, 1, "latchkeyctl renew")
    evidence = reduced(lab, daemon, port, "renewal-failed")
    lab.check("the file system is read-only" in evidence["detail"], f"why: {evidence}")
    daemon.stop()
    daemon.under = []
    daemon.start()
    daemon.expect(r"port\.authorised")
    renews(lab, daemon, port, 2)


def on_trial(daemon):
    """While the service is down, as if it had been killed when it had just installed a second generation."""
    home = daemon.keystore / "network"
    shutil.copytree(home / "1", home / "2")
    (home / "proved").symlink_to("1")
    (home / "current").unlink()
    (home / "current").symlink_to("2")
    return home / "2" / "key.pem"


HURTS = {
    "gone": lambda key: key.unlink(),
    "damaged": lambda key: key.write_text("-----BEGIN PRIVATE KEY-----\n"),
    "of another certificate": lambda key: key.write_text(run("openssl", "genpkey", "-algorithm", "ED25519").stdout),
    "open to all": lambda key: key.chmod(0o644),
}


@each(*HURTS)
def a_trial_whose_key_is_no_use_ends_at_the_start(lab, what):
    _, port, daemon = enrolled(lab)
    daemon.stop()
    HURTS[what](on_trial(daemon))
    daemon.start()
    daemon.expect(r"credential\.fall-back .*refused=2 generation=1")
    daemon.expect(r"port\.authorised")
    reduced(lab, daemon, port, "renewal-fell-back")
    lab.equal(credential(daemon)["Generation"], 1, "the generation")


@test
def a_key_that_comes_back_opens_the_port_after_a_reload(lab):
    _, port, daemon = enrolled(lab)
    key, away = daemon.keystore / "network" / "1" / "key.pem", daemon.dir / "away"
    daemon.stop()
    key.rename(away)
    daemon.start()
    daemon.expect(r"port\.diagnosis .*id=key-unreadable")
    away.rename(key)
    daemon.reload()
    daemon.expect(r"port\.authorised")
    lab.check(port.passes(), "traffic passes")


@test
def a_trial_outlives_a_clock_that_is_wrong(lab):
    _, port, daemon = enrolled(lab)
    daemon.stop()
    on_trial(daemon)
    daemon.environment |= at(-20000 * DAY)
    daemon.start()
    daemon.expect(r"port\.diagnosis .*id=credential-not-yet-valid")
    lab.check(not daemon.said(r"credential\.fall-back"), "it is not gone back from")
    daemon.stop()
    for name in at(0):
        del daemon.environment[name]
    daemon.start()
    daemon.expect(r"credential\.settled .*generation=2")
    lab.until(port.ping, "traffic passes")


# ---- two ports ------------------------------------------------------------------------------------------

@test
def one_port_renews_for_both(lab):
    authd, port = network(lab, STAYS)
    other = lab.port(switch=port.switch, peer=port.peer, authenticator=False)
    other.switch.ip(f"link set {other.switch_interface} master {other.bridge}")
    authd.add("port", "other", {"Match.Interface": other.switch_interface})
    authd.reload()
    daemon = machine(lab, port, {"Enroll.Tunnel": "ttls", "Match.Name": f"{port.interface} {other.interface}"})
    lab.equal(enroll(daemon, token(authd), port.interface).returncode, 0, "latchkeyctl enroll")
    for one in port, other:
        daemon.expect(rf"port\.authorised port={one.interface}")
        lab.check(one.passes(), f"traffic passes on {one.interface}")
    lab.equal(len(authd.json("machine", "list")), 1, "machines that the server knows")
    mark = daemon.mark()
    lab.equal(daemon.ctl("renew", "network").returncode, 0, "latchkeyctl renew")
    conversations = [line for line in daemon.process.lines[mark:] if "credential.conversation" in line]
    lab.equal(len(conversations), 1, "conversations that renew")
    for one in port, other:
        lab.check(one.passes(), f"traffic passes on {one.interface}")
    mark = daemon.mark()
    other.cable.unplug()
    lab.until(lambda: not daemon.status(other)["Carrier"], "the cable is out")
    other.cable.plug()
    daemon.expect(rf"port\.authorised port={other.interface}", mark)
    lab.equal([daemon.status(p)["Generation"] for p in (port, other)], [2, 2], "the generation on both")


if __name__ == "__main__":
    main()
