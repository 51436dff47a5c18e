"""What latchkey-authd makes of certificates: OCSP and stapling over the network, lists, tickets that are shared."""
import functools
import threading

import ocsp
import pki
import relay
from authd import Authd, database, guarded
from eapol_test import EapolTest
from lab import each, main, need, test
from radius import ACCEPT, REJECT, Nas, Talk

VERSIONS = ("1.2", "1.3")
TICKETS = {"Tls.Resumption": "tickets"}


@functools.cache
def authority():
    return pki.Authority("Asked Root")


def machine(name="laptop.example.org"):
    return authority().issue(name, responder=ocsp.URL)


def server(lab, ns=None, tls=VERSIONS, **settings):
    """Which asks responders, and a NAS that it knows."""
    authd = Authd(lab, ns or lab.namespace("server"), root=authority(), tls=tls,
                  settings={k.replace("_", "."): v for k, v in settings.items()})
    return authd, nas_of(lab, authd)


def nas_of(lab, authd, **kwargs):
    return lab.owns(Nas(authd.ns, "127.0.0.1", authd.port, authd.secret, **kwargs))


def talk(lab, nas, credential, version="1.3", **kwargs):
    return Talk(nas, credential, lab.pki().root, tls=version, **kwargs)


def lets_in(lab, nas, credential, version="1.3"):
    lab.equal(talk(lab, nas, credential, version).finish().code, ACCEPT, "the answer in the end")


def refuses(lab, authd, nas, credential, version, diagnosis, alert):
    """Everywhere where it is to be seen: the answer, the peer's alert, our log and JSON."""
    mark = authd.mark()
    conversation = talk(lab, nas, credential, version)
    lab.equal(conversation.finish().code, REJECT, "the answer in the end")
    lab.check(alert.lower() in str(conversation.supplicant.error).lower().replace("_", " "),
              f"the alert is {alert}: {conversation.supplicant.error}")
    authd.expect(f"auth\\.reject .* diagnosis={diagnosis} cause=\".+\"", mark)
    refused = next(c for c in authd.json("clients") if c["name"] == "local")["refused"]
    lab.equal(refused["diagnosis"], diagnosis, "the diagnosis in JSON")
    lab.check(refused["cause"], "a cause for people")


# ---- responders about machines ----------------------------------------------------------------------

@each(*((v, p) for v in VERSIONS for p in ("require", "if-possible")))
def a_responder_decides(lab, case):
    version, policy = case
    authd, nas = server(lab, Tls_ClientOcsp=policy)
    good, bad = machine(), machine("lost.example.org")
    authority().revoke(bad)
    ocsp.Responder(lab, authd.ns, authority())
    lets_in(lab, nas, good, version)
    refuses(lab, authd, nas, bad, version, "peer-cert-revoked", "certificate revoked")
    refuses(lab, authd, nas, bad, version, "peer-cert-revoked", "certificate revoked")


def unknown(lab, ns):
    credential = machine()
    authority().forget(credential)
    ocsp.Responder(lab, ns, authority())
    return credential


def unreachable(lab, ns):
    return machine()


def hanging(lab, ns):
    ocsp.Hanging(lab, ns)
    return machine()


def none(lab, ns):
    return authority().issue("laptop.example.org")


@each(*((v, w) for v in VERSIONS for w in (unknown, unreachable, hanging, none)))
def a_responder_that_does_not_know(lab, case):
    """Nobody knows: `require` refuses, `if-possible` lets in."""
    version, what = case
    authd, nas = server(lab, Tls_ClientOcsp="require")
    credential = what(lab, authd.ns)
    refuses(lab, authd, nas, credential, version, "peer-ocsp-unusable", "certificate unknown")
    authd.configure({"Tls.ClientOcsp": "if-possible"})
    authd.reload()
    lets_in(lab, nas, credential, version)


@test
def a_responder_that_hangs_keeps_nobody_else_waiting(lab):
    authd, nas = server(lab, Tls_ClientOcsp="require")
    hanging = ocsp.Hanging(lab, authd.ns)
    others = [authority().issue(f"other{n}", responder="http://127.0.0.1:8889") for n in range(5)]
    responder = ocsp.Responder(lab, authd.ns, authority(), port=8889)
    conversation = talk(lab, nas, machine())
    thread = threading.Thread(target=conversation.finish)
    thread.start()
    connection = hanging.taken()
    for n, credential in enumerate(others):
        other = nas_of(lab, authd)
        other.calling = f"02-20-00-00-00-{n:02X}"
        lets_in(lab, other, credential)
    lab.check(not authd.said("auth.reject"), "the one that waits still waits")
    thread.join()
    connection.close()
    lab.equal(conversation.last.code, REJECT, "the answer in the end")
    authd.expect("auth\\.reject .* diagnosis=peer-ocsp-unusable .*imed out")
    lab.equal(responder.asked(5), 5, "the others were asked about")


@each(*VERSIONS)
def a_responder_is_asked_once(lab, version):
    authd, nas = server(lab, Tls_ClientOcsp="require")
    credential = machine()
    responder = ocsp.Responder(lab, authd.ns, authority())
    for _ in range(3):
        lets_in(lab, nas, credential, version)
    lab.equal(responder.asked(1), 1, "questions")
    counters = authd.json("counters")
    lab.equal(counters["ocsp_asked_total"], 1, "questions counted")


@each(*VERSIONS)
def a_resumed_session_asks_nobody(lab, version):
    authd, nas = server(lab, tls=[version], Tls_ClientOcsp="require")
    credential = machine()
    responder = ocsp.Responder(lab, authd.ns, authority())
    peer = EapolTest(lab, authd.ns, authd, client=credential, tls=version, again=2)
    lab.check(peer.wait() and peer.resumed(), "it is let in, and resumes")
    lab.equal(responder.asked(1), 1, "questions")


# ---- lists, and what else is wrong with a certificate ---------------------------------------------------

def listed(root, **kwargs):
    return {"Tls.Crls": root.crl(**kwargs)}


@each(*VERSIONS)
def a_list_closes_the_door(lab, version):
    """To who comes, and to who comes again with a ticket from before."""
    root = pki.Authority("Listing Root")
    good, bad = root.issue("good"), root.issue("bad")
    authd = Authd(lab, lab.namespace("server"), root=root, tls=[version],
                  settings={**TICKETS, **listed(root)})
    nas = nas_of(lab, authd)
    first = talk(lab, nas, bad, version)
    lab.equal(first.finish().code, ACCEPT, "the answer before")
    other = talk(lab, nas, good, version)
    lab.equal(other.finish().code, ACCEPT, "the answer to the other")
    root.revoke(bad)
    authd.configure(listed(root))
    authd.reload()
    refuses(lab, authd, nas, bad, version, "peer-cert-revoked", "certificate revoked")
    mark = authd.mark()
    lab.equal(talk(lab, nas, None, version, after=first.supplicant).finish().code, REJECT, "with its ticket")
    authd.expect("auth\\.reject .* diagnosis=peer-cert-", mark)
    again = talk(lab, nas, None, version, after=other.supplicant)
    lab.equal(again.finish().code, ACCEPT, "the other goes on")
    lab.check(again.supplicant.tls.session_reused, "by its ticket")


def old_list(root):
    return root.issue("laptop.example.org"), listed(root, start=-30, end=-1)


def no_list(root):
    """There are lists, and none of this authority."""
    return root.issue("laptop.example.org"), listed(pki.Authority("Another Listing Root"))


def expired(root):
    return root.issue("laptop.example.org", start=-30, end=-1), listed(root)


def of_another_authority(root):
    return pki.Authority("Nobody Knows It").issue("laptop.example.org"), listed(root)


def for_servers(root):
    return root.issue("laptop.example.org", server=True), listed(root)


def no_certificate(root):
    return None, listed(root)


@each(*((v, w) for v in VERSIONS for w in (
    (old_list, "crl-unusable", "certificate"), (no_list, "crl-unusable", "certificate"),
    (expired, "peer-cert-expired", "certificate expired"), (of_another_authority, "peer-untrusted", "unknown ca"),
    (for_servers, "peer-cert-usage", "certificate"), (no_certificate, "peer-cert-missing", "certificate required"))))
def a_certificate_is_not_good(lab, case):
    version, (what, diagnosis, alert) = case
    root = pki.Authority("Listing Root")
    credential, lists = what(root)
    authd = Authd(lab, lab.namespace("server"), root=root, settings=lists)
    nas = nas_of(lab, authd)
    if what is no_certificate and version == "1.2":
        alert = "handshake failure"
    refuses(lab, authd, nas, credential, version, diagnosis, alert)


# ---- our own response -------------------------------------------------------------------------------

def requires(lab, port):
    return lab.latchkeyd(port, profile={"Server.OCSP": "require"})


@each(*VERSIONS)
def a_response_from_a_file_is_stapled(lab, version):
    issuing = lab.pki().root.authority("Issuing")
    credential = issuing.issue(lab.pki().server_name, server=True)
    authd, port = guarded(lab, server=credential, tls=[version], settings={
        "Tls.OcspStaple": "file", "Tls.OcspStapleFile": issuing.ocsp(credential)})
    authd.expect("staple\\.ready")
    lab.equal(authd.json("status")["problems"], [], "problems")
    daemon = requires(lab, port)
    daemon.expect("port\\.authorised")
    lab.check(port.passes(), "the machine gets through")


@each(*VERSIONS)
def a_response_is_fetched_and_stapled(lab, version):
    issuing = lab.pki().root.authority("Issuing")
    credential = issuing.issue(lab.pki().server_name, server=True, responder=ocsp.URL)
    authd, port = guarded(lab, server=credential, tls=[version], start=False,
                          settings={"Tls.OcspStaple": "fetch"})
    responder = ocsp.Responder(lab, authd.ns, issuing)
    authd.start()
    authd.expect("staple\\.ready")
    lab.equal(responder.asked(1), 1, "questions")
    daemon = requires(lab, port)
    daemon.expect("port\\.authorised")


def stale(root, credential):
    need("faketime")
    return root.ocsp(credential, days=1, ago=3)


def forged(root, credential):
    return pki.Authority(root.name).ocsp(credential)


def of_another(root, credential):
    return root.ocsp(root.issue("other.example.org", server=True))


def revoked(root, credential):
    root.revoke(credential)
    return root.ocsp(credential)


def garbage(root, credential):
    path = pki._new(".ocsp")
    path.write_bytes(b"0\x82\xff\xff" + bytes(100))
    return path


@each(stale, forged, of_another, revoked, garbage)
def a_response_that_is_worth_nothing_is_not_stapled(lab, what):
    issuing = lab.pki().root.authority("Issuing")
    credential = issuing.issue(lab.pki().server_name, server=True)
    authd, port = guarded(lab, server=credential, settings={
        "Tls.OcspStaple": "file", "Tls.OcspStapleFile": what(issuing, credential)})
    authd.expect("staple\\.none")
    problems = authd.json("status")["problems"]
    lab.check(any(p.startswith("stapling: ") for p in problems), f"`status` says so: {problems}")
    lab.check("stapling: " in authd.ctl("status").stdout, "and to people")
    daemon = requires(lab, port)
    daemon.expect("id=ocsp-missing")
    lab.check(not daemon.said("port\\.authorised"), "the machine does not go in")


@test
def a_responder_that_is_gone_is_said(lab):
    issuing = lab.pki().root.authority("Issuing")
    credential = issuing.issue(lab.pki().server_name, server=True, responder=ocsp.URL)
    authd, _ = guarded(lab, server=credential, settings={"Tls.OcspStaple": "fetch"})
    authd.expect("staple\\.none")
    lab.check(any(p.startswith("stapling: ") for p in authd.json("status")["problems"]), "`status` says so")


# ---- tickets ------------------------------------------------------------------------------------------

def shares_file(lab, ns):
    file = lab.folder("tickets") / "keys"
    return {"Tls.TicketKeyFile": file}


def shares_database(lab, ns):
    return {"Registry.Database": database(lab).uri()}


def two(lab, ns, version, shares):
    """Servers that share keys, behind a relay that takes turns."""
    settings = {**TICKETS, **shares(lab, ns)}
    servers = [Authd(lab, ns, tls=[version], port=port, settings=settings) for port in (1812, 1822)]
    for server in servers:
        server.expect("tickets\\.keys shared=yes")
    return servers, relay.Relay(lab, ns, servers)


@each(*((v, s) for v in VERSIONS for s in (shares_file, shares_database)))
def eapol_test_resumes_at_another_server(lab, case):
    version, shares = case
    ns = lab.namespace("servers")
    servers, between = two(lab, ns, version, shares)
    peer = EapolTest(lab, ns, between, tls=version, again=3)
    lab.check(peer.wait(), "it is let in")
    lab.equal(between.turns, [0, 1, 0, 1], "who decided")
    servers[0].expect("auth\\.accept .* resumed=no")
    for server in (servers[1], servers[0], servers[1]):
        server.expect("auth\\.accept .* resumed=yes")


@each(*VERSIONS)
def latchkeyd_resumes_at_another_server(lab, version):
    switch = lab.namespace("switch")
    servers, between = two(lab, switch, version, shares_file)
    port = lab.port(switch=switch, radius=between)
    daemon = lab.latchkeyd(port)
    port.expect_open()
    for server in (servers[1], servers[0]):
        mark = daemon.mark()
        port.authenticator.reauthenticate(port.mac)
        daemon.expect(r"port\.authorised .*resumed=yes", mark)
        server.expect("auth\\.accept .* resumed=yes")


FORM = b"latchkey ticket keys 1\n"
KEY = 8 + 16 + 32 + 32


def ring(file):
    """The keys in a file, the newest first."""
    data = file.read_bytes()
    lab_form, keys = data[:len(FORM)], data[len(FORM):]
    assert lab_form == FORM and len(keys) % KEY == 0
    return [keys[at:at + KEY] for at in range(0, len(keys), KEY)]


def keep(file, keys):
    file.write_bytes(FORM + b"".join(keys))


@each(*VERSIONS)
def keys_are_changed(lab, version):
    """What an older key has sealed still opens, and is sealed by the newer; what was taken away opens nothing."""
    shares = shares_file(lab, None)
    authd, nas = server(lab, tls=[version], **{k.replace(".", "_"): v for k, v in {**TICKETS, **shares}.items()})
    file = shares["Tls.TicketKeyFile"]
    credential = authority().issue("laptop.example.org")

    def again(after):
        conversation = talk(lab, nas, credential, version, after=after.supplicant if after else None)
        lab.equal(conversation.finish().code, ACCEPT, "the answer in the end")
        return conversation

    first = again(None)
    old = ring(file)
    new = old[0][:8] + bytes(range(80))
    keep(file, [new, *old])
    authd.reload()
    second = again(first)
    lab.check(second.supplicant.tls.session_reused, "the old key still opens")
    keep(file, [new])
    authd.reload()
    lab.check(not again(first).supplicant.tls.session_reused, "a key that was taken away opens nothing")
    lab.check(again(second).supplicant.tls.session_reused, "the ticket had been renewed")


@each(*((v, how) for v in VERSIONS for how in ("memory", "tickets")))
def what_a_restart_forgets(lab, case):
    version, how = case
    authd, nas = server(lab, tls=[version], Tls_Resumption=how)
    credential = authority().issue("laptop.example.org")
    if how == "tickets":
        authd.expect("tickets\\.keys shared=yes")
    first = talk(lab, nas, credential, version)
    lab.equal(first.finish().code, ACCEPT, "the answer in the end")
    authd.restart()
    if how == "tickets":
        authd.expect("tickets\\.keys shared=yes")
    second = talk(lab, nas, credential, version, after=first.supplicant)
    lab.equal(second.finish().code, ACCEPT, "the answer after it")
    lab.equal(second.supplicant.tls.session_reused, how == "tickets", "it was resumed")


@each(*VERSIONS)
def a_ticket_can_be_had_before_the_database_answers(lab, version):
    authd, nas = server(lab, tls=[version], Tls_Resumption="tickets",
                        Registry_Database="postgresql://127.0.0.1:1/gone")
    first = talk(lab, nas, authority().issue("laptop.example.org"), version)
    lab.equal(first.finish().code, ACCEPT, "the answer in the end")
    second = talk(lab, nas, None, version, after=first.supplicant)
    lab.equal(second.finish().code, ACCEPT, "the answer in the end")
    lab.check(second.supplicant.tls.session_reused, "it was resumed")
    lab.check(not authd.said("tickets\\.keys shared=yes"), "the database has not answered")


if __name__ == "__main__":
    main()
