"""Pass-through to FreeRADIUS, fail-over, accounting, CoA and Disconnect: passthrough.c, upstream.c and
dynauth.c by way of client_box.c.
"""
import signal

from client_box import SOON, Box, Server, radclient
from lab import main, need, test


def site(lab, count=1, **more):
    ns = lab.namespace("server")
    servers = [Server(lab, ns, port=1812 + n) for n in range(count)]
    box = Box(lab, ns, {f"s{n}": s.file(Priority=n, **more) for n, s in enumerate(servers)})
    return ns, box, servers


@test
def a_server_lets_in_and_says_for_how_long_and_where(lab):
    _, box, _ = site(lab)
    box.do("auth", "^answer 1 accept code=3 vlan=20 session-timeout=3600 interim=600 reauth=1 class=red ")
    lab.equal(box.servers()["s0", "authentication"]["answers"], 2, "answers")
    box.exit()


@test
def a_wrong_secret_is_told(lab):
    ns = lab.namespace("server")
    server = Server(lab, ns)
    box = Box(lab, ns, {"main": {**server.file(GiveUp=SOON), "Server.Secret": "something else"}})
    box.do("auth", "^answer 1 timeout .*: radius-silent: .*main")
    server.expect("invalid Message-Authenticator|Shared secret")
    box.exit()


@test
def five_hundred_at_once(lab):
    """More than one socket has identifiers for."""
    _, box, _ = site(lab)
    since = box.mark()
    box.say("auth 500")
    for number in (1, 256, 257, 500):
        box.expect(f"^answer {number} accept", since=since)
    lab.until(lambda: box.do("total", r"^total (\d+) accepted (\d+)").groups() == ("500", "500"),
              "all are let in")
    box.exit()


@test
def another_server_is_asked_when_one_is_silent(lab):
    _, box, servers = site(lab, 2, GiveUp=SOON)
    servers[0].process.signal(signal.SIGSTOP)
    box.do("auth", "^answer 1 accept")
    lab.equal(box.servers()["s0", "authentication"]["state"], "dead", "the silent one")
    box.do("auth", "^answer 2 accept")
    lab.equal(box.servers()["s1", "authentication"]["requests"], 4, "requests to the other")
    since = servers[0].mark()
    servers[0].process.signal(signal.SIGCONT)
    lab.until(lambda: box.servers()["s0", "authentication"]["state"] == "alive" or box.say("auth"),
              "the first is asked again when it is back")
    box.say("auth")
    servers[0].expect("Access-Accept", since=since)
    box.exit()


@test
def a_server_that_is_not_there_is_left_at_once(lab):
    """ICMP tells: nobody waits."""
    ns = lab.namespace("server")
    server = Server(lab, ns, port=1813)
    box = Box(lab, ns, {"s0": {**server.file(), "Server.Port": 1812, "Server.Timeout": "10s", "Server.GiveUp": "60s",
                               "Server.Priority": 0},
                        "s1": server.file(Priority=1)})
    box.do("auth", "^answer 1 accept")
    box.exit()


@test
def a_server_that_dies_in_the_middle_costs_one_attempt(lab):
    """The State is that server's own; what was begun ends, what is begun anew gets in elsewhere."""
    _, box, servers = site(lab, 2, GiveUp=SOON)
    since = box.mark()
    box.say("begin 20")
    for number in range(1, 21):
        box.expect(f"^challenge {number}$", since=since)
    servers[0].process.kill()
    since = box.mark()
    box.say("go")
    for number in range(1, 21):
        box.expect(f"^answer {number} timeout .*s0", since=since)
    box.do("auth", "^answer 21 accept")
    box.exit()


@test
def a_dead_server_is_probed(lab):
    _, box, servers = site(lab, 1, StatusServer="yes", GiveUp=SOON)
    servers[0].process.signal(signal.SIGSTOP)
    box.do("auth", "^answer 1 timeout .*radius-silent")
    servers[0].process.signal(signal.SIGCONT)
    box.expect("radius.server server=s0 for=authentication was=probed is=alive")
    box.do("auth", "^answer 2 accept")
    box.exit()


@test
def a_reload_leaves_those_on_their_way(lab):
    _, box, servers = site(lab, 2)
    box.do("begin", "^challenge 1$")
    box.write({"other": servers[1].file()})
    box.do("reload", "^reload 0")
    box.do("auth", "^answer 2 accept")
    lab.equal(list(box.servers()), [("other", "authentication"), ("other", "accounting")], "servers")
    box.do("go", "^answer 1 accept")
    box.write({})
    box.do("reload", "^reload -2")
    box.do("auth", "^answer 3 accept")
    box.exit()


@test
def accounting_is_sent_until_it_is_taken(lab):
    _, box, servers = site(lab, GiveUp=SOON)
    since = servers[0].mark()
    box.say("account start")
    servers[0].expect("Received Accounting-Request", since=since)
    for line in ('Acct-Status-Type = Start', 'Acct-Session-Id = "session-start"', "Class = 0x726564", 'User-Name = "machine1"'):
        servers[0].expect(line, since=since)
    lab.until(lambda: box.do("view", r"^view \d+ (\d+) 0")[1] == "0", "it is taken")
    servers[0].process.signal(signal.SIGSTOP)
    box.say("account stop")
    box.say("account interim")
    box.expect('accounting.lost session="session-interim"')
    since = servers[0].mark()
    servers[0].process.signal(signal.SIGCONT)
    for line in ("Acct-Terminate-Cause = Lost-Carrier", "Acct-Input-Gigawords = 1",
                 "Acct-Input-Octets = 705032704", "Acct-Output-Octets = 7", "Acct-Session-Time = 42"):
        servers[0].expect(line, since=since)
    lab.until(lambda: box.do("view", r"^view \d+ (\d+) 1")[1] == "0", "it is taken later")
    box.exit()


@test
def servers_end_and_change_sessions(lab):
    need("radclient")
    ns, box, _ = site(lab, DynamicAuthorization="yes")

    def coa(*attributes):
        return radclient(ns, "coa", attributes)

    def disconnect(*attributes):
        return radclient(ns, "disconnect", attributes)

    lab.check("Disconnect-ACK" in disconnect('Acct-Session-Id = "s1"'), "by the session")
    box.expect("^session disconnect")
    lab.check("Disconnect-ACK" in disconnect('Calling-Station-Id = "02-00-00-00-00-01"', 'NAS-Identifier = "box"'),
              "by the machine")
    said = disconnect('Acct-Session-Id = "s2"')
    lab.check("Disconnect-NAK" in said and "Session-Context-Not-Found" in said, said)
    said = disconnect('Acct-Session-Id = "s1"', 'NAS-Identifier = "another"')
    lab.check("NAS-Identification-Mismatch" in said, said)
    said = disconnect('Acct-Session-Id = "s1"', "NAS-IP-Address = 192.0.2.1")
    lab.check("NAS-Identification-Mismatch" in said, said)
    lab.check("Disconnect-ACK" in disconnect('Acct-Session-Id = "s1"', "NAS-IP-Address = 127.0.0.1"), "our address")
    said = disconnect('NAS-Identifier = "box"')
    lab.check("Missing-Attribute" in said, said)
    lab.check("CoA-ACK" in coa('Acct-Session-Id = "s1"', "Session-Timeout = 60", "Tunnel-Type = VLAN",
                               "Tunnel-Medium-Type = IEEE-802", 'Tunnel-Private-Group-Id = "30"'), "a change")
    box.expect("^session change vlan=30 timeout=60")
    lab.check("CoA-ACK" in coa('Acct-Session-Id = "s1"', "Session-Timeout = 1",
                               "Termination-Action = RADIUS-Request"), "anew")
    box.expect("^session reauthenticate")
    said = coa('Acct-Session-Id = "s1"', "Tunnel-Type = VLAN", "Tunnel-Medium-Type = IEEE-802",
               'Tunnel-Private-Group-Id = "99"')
    lab.check("Unsupported-Service" in said, said)
    said = coa('Acct-Session-Id = "s1"', 'Filter-Id = "none"')
    lab.check("Unsupported-Attribute" in said, said)
    box.exit()


@test
def nobody_else_does(lab):
    need("radclient")
    ns, box, _ = site(lab, DynamicAuthorization="yes")
    said = radclient(ns, "disconnect", ['Acct-Session-Id = "s1"'], secret="wrong-secret", silent=True)
    lab.check("Disconnect-ACK" not in said and "Disconnect-NAK" not in said, "a wrong secret is answered")
    box.expect("dynauth.discard server=s0")
    ns, box, _ = site(lab)
    said = radclient(ns, "disconnect", ['Acct-Session-Id = "s1"'], silent=True)
    lab.check("Disconnect-ACK" not in said and "Disconnect-NAK" not in said, "a server that may not is answered")
    box.exit()


@test
def we_end_sessions_elsewhere(lab):
    ns, box, servers = site(lab, DynamicAuthorization="yes")
    other = Box(lab, ns, {"main": servers[0].file(DynamicAuthorization="yes")}, listen="127.0.0.1:3800")
    box.do("send disconnect 127.0.0.1:3800", "^nas ack")
    other.expect("^session disconnect")
    box.do("send coa 127.0.0.1:3800", "^nas ack")
    other.expect("^session reauthenticate")
    box.do("send disconnect 127.0.0.1:3801", "^nas Connection timed out")
    box.exit()
    other.exit()


if __name__ == "__main__":
    main()
