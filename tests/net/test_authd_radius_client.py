"""Ports of latchkey-authd behind which RADIUS servers elsewhere decide: pass-through, fail-over,
accounting, CoA and Disconnect, and RadSec between two of ours."""
import signal

from authd import Authd, guarded
from lab import each, main, run, test
from switch import FreeRadius, HostapdRadius

# Fail-over in a test's time.
FAST = {"Server.Timeout": "200ms", "Server.GiveUp": "3s", "Server.DeadTime": "60s"}


def inside(authd):
    return [s for s in authd.sessions() if s["state"] == "authorised"]


def passing(lab, *servers, **kwargs):
    """A guarded port whose authd asks these servers in their order; `servers` are functions of a
    namespace."""
    authd, port = guarded(lab, start=False, port={"Eap.Server": "radius", **kwargs.pop("port", {})},
                          settings={"Radius.Listen": None, "Tls.Credential": None, "Tls.ClientAnchors": None,
                                    **kwargs.pop("settings", {})}, **kwargs)
    made = [make(authd.ns) for make in servers]
    for n, server in enumerate(made):
        authd.add("server", f"s{n}", of(server) | {"Server.Priority": n + 1})
    authd.start()
    return (authd, port, *made)


def of(server):
    return {"Server.Address": "127.0.0.1", "Server.Port": server.port, "Server.Secret": server.secret,
            "Server.AccountingPort": "off", "Server.DynamicAuthorization": "yes", **FAST}


def foreign(lab, kind, **kwargs):
    if kind is HostapdRadius:
        kwargs["options"] = {"tls_session_lifetime": 3600}
    return lambda ns: kind(lab, ns, **kwargs)


def another(lab, **kwargs):
    """latchkey-authd once more, as a RADIUS server beside the guard."""
    return lambda ns: Authd(lab, ns, **kwargs)


KINDS = {"FreeRADIUS": lambda lab, **kw: foreign(lab, FreeRadius, **kw),
         "hostapd": lambda lab, **kw: foreign(lab, HostapdRadius, **kw), "ours": another}


# ---- pass-through ---------------------------------------------------------------------------------------

@each(*((v, k) for v in ("1.2", "1.3") for k in KINDS))
def latchkeyd_gets_in_by(lab, case):
    version, kind = case
    authd, port, _ = passing(lab, KINDS[kind](lab, tls=[version]))
    lab.check(not port.ping(), "nothing passes before")
    daemon = lab.latchkeyd(port)
    daemon.expect(rf"port\.authorised .*tls=TLSv{version} resumed=no")
    lab.check(port.passes(), "traffic passes after")
    mark = daemon.mark()
    authd.ctl("reauth", port.mac, check=True)
    # hostapd 2.10 resumes TLS 1.3 in a way that fails; the next conversation then is a full one.
    again = "no" if (version, kind) == ("1.3", "hostapd") else "yes"
    daemon.expect(rf"port\.authorised .*resumed={again}", mark)
    lab.check(port.passes(), "traffic still passes")


@each(*KINDS)
def wpa_supplicant_gets_in_and_again_by(lab, kind):
    authd, port, _ = passing(lab, KINDS[kind](lab))
    peer = lab.wpa_supplicant(port)
    peer.control.expect("CTRL-EVENT-EAP-SUCCESS")
    lab.until(port.ping, "traffic passes")
    mark = peer.control.mark()
    authd.ctl("reauth", port.mac, check=True)
    peer.control.expect("CTRL-EVENT-EAP-SUCCESS", mark)
    lab.equal(peer.control.status().get("tls_session_reused"), "1", "it is resumed")
    lab.check(port.passes(), "traffic still passes")


@each("RADIUS-Request", "Default")
def a_session_has_its_time(lab, action):
    """Session-Timeout with either Termination-Action: RFC 3580, section 3.17 and 3.19."""
    reply = f"Session-Timeout := 2\nTermination-Action := {action}"
    authd, port, _ = passing(lab, foreign(lab, FreeRadius, reply=reply))
    daemon = lab.latchkeyd(port)
    daemon.expect(r"port\.authorised")
    lab.until(port.ping, "traffic passes")
    mark, seen = daemon.mark(), authd.mark()
    if action == "Default":
        authd.expect(r"session\.closed .*cause=session-timeout", seen)
    daemon.expect(r"port\.authorised .*resumed=yes", mark)
    lab.equal(authd.said(r"session\.closed", seen), action == "Default", "the session was closed")
    lab.until(port.ping, "traffic passes again")


@each(*KINDS)
def a_stranger_stays_outside(lab, kind):
    _, port, _ = passing(lab, KINDS[kind](lab))
    lab.latchkeyd(port, client=lab.pki().stranger.issue("laptop.example.org")).expect(r"port\.diagnosis")
    lab.check(not port.ping(), "nothing passes")


@test
def what_the_server_grants_is_done(lab):
    authd, port, server = passing(lab, another(lab), port={"Vlan.BridgeTemplate": "vlan%v",
                                                           "Vlan.CreateBridges": "yes"})
    server.add("rule", "staff", {"Decision.Action": "accept", "Decision.Vlan": 42,
                                 "Decision.SessionTimeout": "1h", "Decision.Termination": "reauthenticate"})
    server.reload()
    lab.latchkeyd(port).expect(r"port\.authorised")
    session, = lab.until(lambda: inside(authd), "a session")
    lab.equal(session["vlan"], 42, "its VLAN")
    lab.check(0 < session["timeout"] <= 3600 or session["timeout"] > 1e9, "it has an end")


# ---- servers that are silent, gone, or wrong --------------------------------------------------------------

@test
def a_wrong_secret_lets_nobody_in(lab):
    authd, port, _ = passing(lab, foreign(lab, FreeRadius))
    authd.add("server", "s0", of(_) | {"Server.Secret": "another secret"})
    authd.reload()
    lab.latchkeyd(port)
    lab.until(lambda: authd.json("servers")[0]["state"] == "dead", "the server is taken for dead")
    lab.check(not port.ping(), "nothing passes")


@test
def the_second_server_is_asked_when_the_first_is_silent(lab):
    authd, port, first, second = passing(lab, foreign(lab, FreeRadius), another(lab, port=1912))
    first.process.signal(signal.SIGSTOP)
    daemon = lab.latchkeyd(port)
    daemon.expect(r"port\.authorised")
    second.expect("auth.accept")
    states = {s["name"]: s["state"] for s in authd.json("servers")}
    lab.equal(states, {"s0": "dead", "s1": "alive"}, "the servers")
    first.process.signal(signal.SIGCONT)
    lab.check(port.passes(), "traffic passes")


@test
def a_server_that_dies_in_a_conversation_is_left(lab):
    """The conversation is lost, as its state is; the next one goes to the other server."""
    authd, port, first, second = passing(lab, another(lab), another(lab, port=1912))
    daemon = lab.latchkeyd(port)
    daemon.expect(r"port\.authorised")
    first.expect("auth.accept")
    first.kill()
    mark = daemon.mark()
    authd.ctl("reauth", port.mac, check=True)
    daemon.expect(r"port\.authorised", mark)
    second.expect("auth.accept")
    lab.check(port.passes(), "traffic passes")


@test
def a_server_that_is_killed_and_comes_back_is_asked_again(lab):
    authd, port, server = passing(lab, another(lab))
    authd.add("server", "s0", of(server) | {"Server.DeadTime": "1s", "Server.StatusServer": "yes",
                                            "Server.ProbeInterval": "500ms"})
    authd.reload()
    server.kill()
    daemon = lab.latchkeyd(port)
    lab.until(lambda: authd.json("servers")[0]["state"] == "dead", "the server is taken for dead")
    server.start()
    daemon.expect(r"port\.authorised")
    lab.check(port.passes(), "traffic passes")


# ---- between two of ours -----------------------------------------------------------------------------------

@each("certificates", "a pre-shared key")
def over_radsec_by(lab, what):
    pki = lab.pki()
    key = lab.dir / "psk"
    key.write_text("000102030405060708090a0b0c0d0e0f\n")
    key.chmod(0o600)
    authd, port = guarded(lab, start=False, port={"Eap.Server": "radius"})
    authd.configure({"Radius.Listen": None})
    server = Authd(lab, authd.ns, start=False, settings={"Radius.RadSecListen": "127.0.0.1:2083", "Radius.RadSecClientAnchors": pki.root.cert})
    if what == "certificates":
        server.add("client", "local", {"Client.Prefix": "127.0.0.1", "Client.Secret": "testing123",
                                       "RadSec.Names": "switch.example.org"})
        pki.root.issue("switch.example.org").keep(authd.keystore, "switch")
        how = {"RadSec.Credential": "switch", "RadSec.Anchors": pki.root.cert, "RadSec.Names": pki.server_name}
    else:
        psk = {"RadSec.PskIdentity": "switch", "RadSec.PskFile": key}
        server.add("client", "local", {"Client.Prefix": "127.0.0.1", "Client.Secret": "testing123", **psk})
        how = psk
    authd.add("server", "s0", {"Server.Address": "127.0.0.1", "Server.Transport": "tls", **how})
    server.start()
    authd.start()
    lab.latchkeyd(port).expect(r"port\.authorised")
    lab.check(port.passes(), "traffic passes")
    server.expect("auth.accept .* via=radsec")
    lab.equal(authd.json("servers")[0]["transport"], "tls", "the transport")


# ---- accounting, CoA, Disconnect ----------------------------------------------------------------------------

@test
def a_session_is_accounted_from_start_to_stop(lab):
    authd, port, server = passing(lab, another(lab, settings={"Radius.AccountingListen": "127.0.0.1:1813"}))
    authd.add("server", "s0", of(server) | {"Server.AccountingPort": 1813})
    authd.reload()
    daemon = lab.latchkeyd(port)
    daemon.expect(r"port\.authorised")
    lab.check(port.passes(), "traffic passes")
    lab.until(lambda: server.json("clients")[0]["requests"] >= 5, "the Start has come")
    port.cable.unplug()
    lab.until(lambda: not inside(server), "the server knows that the session is over")


def dynamic(lab, **kwargs):
    """A guarded port with a session, and the server's end of RFC 5176."""
    authd, port, server = passing(lab, another(lab), settings={"Radius.DynamicAuthorizationListen": "127.0.0.1:3799"}, **kwargs)
    lab.latchkeyd(port).expect(r"port\.authorised")
    session, = lab.until(lambda: inside(authd), "a session")
    return authd, port, session


def radclient(authd, command, attributes, secret="testing123", patience=60):
    """What radclient says of the answer."""
    done = run("radclient", "-x", "-r", "1", "-t", patience, "127.0.0.1:3799", command, secret, ns=authd.ns, check=False,
               input="\n".join(f"{k} = {v}" for k, v in attributes.items()) + "\nMessage-Authenticator = 0x00\n",
               stdin=None)
    return done.stdout + done.stderr


@test
def radclient_disconnects_a_machine(lab):
    authd, port, session = dynamic(lab)
    said = radclient(authd, "disconnect", {"Calling-Station-Id": f'"{session["station"]}"'})
    lab.check("Disconnect-ACK" in said, f"the answer is an ACK: {said}")
    authd.expect("session.closed")


@test
def radclient_changes_a_session(lab):
    authd, port, session = dynamic(lab)
    said = radclient(authd, "coa", {"Calling-Station-Id": f'"{session["station"]}"', "Session-Timeout": 120})
    lab.check("CoA-ACK" in said, f"the answer is an ACK: {said}")
    lab.check("timeout" in inside(authd)[0], "the session has an end now")


@test
def who_may_not_gets_no_answer_and_who_is_wrong_a_nak(lab):
    authd, port, session = dynamic(lab)
    said = radclient(authd, "disconnect", {"Calling-Station-Id": '"02-99-99-99-99-99"'})
    lab.check("Disconnect-NAK" in said, f"a session that is not there: {said}")
    said = radclient(authd, "disconnect", {"Calling-Station-Id": f'"{session["station"]}"'}, secret="not the secret", patience=2)
    lab.check("ACK" not in said and "NAK" not in said, f"a wrong secret: {said}")
    counters = authd.json("counters")
    lab.equal([counters[f"dynauth_{each}_total"] for each in ("disconnects", "acks", "naks", "discards", "strangers")],
              [1, 0, 1, 1, 0], "what is counted")
    lab.equal(counters["passthrough_conversations"], 0, "conversations that go on")
    lab.equal(len(inside(authd)), 1, "sessions")
    lab.check(port.passes(), "traffic passes")


if __name__ == "__main__":
    main()
