"""What latchkey-authd makes of certificates: OCSP and stapling over the network, lists, tickets that are shared."""
import functools
import threading

import ocsp
import pki
import radius
from authd import Authd, guarded
from eapol_test import EapolTest
from lab import each, main, need, test
from radius import ACCEPT, REJECT, Nas, Talk

VERSIONS = ("1.2", "1.3")


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
    lab.equal(responder.asked(), 5, "the others were asked about")


@each(*VERSIONS)
def a_responder_is_asked_once(lab, version):
    authd, nas = server(lab, Tls_ClientOcsp="require")
    credential = machine()
    responder = ocsp.Responder(lab, authd.ns, authority())
    for _ in range(3):
        lets_in(lab, nas, credential, version)
    lab.equal(responder.asked(), 1, "questions")
    counters = authd.json("counters")
    lab.equal(counters["ocsp_asked_total"], 1, "questions counted")


@each(*VERSIONS)
def a_resumed_session_asks_nobody(lab, version):
    authd, nas = server(lab, tls=[version], Tls_ClientOcsp="require")
    credential = machine()
    responder = ocsp.Responder(lab, authd.ns, authority())
    peer = EapolTest(lab, authd.ns, authd, client=credential, tls=version, again=2)
    lab.check(peer.wait() and peer.resumed(), "it is let in, and resumes")
    lab.equal(responder.asked(), 1, "questions")


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
    lab.check(port.ping(), "the machine gets through")


@each(*VERSIONS)
def a_response_is_fetched_and_stapled(lab, version):
    issuing = lab.pki().root.authority("Issuing")
    credential = issuing.issue(lab.pki().server_name, server=True, responder=ocsp.URL)
    authd, port = guarded(lab, server=credential, tls=[version], start=False,
                          settings={"Tls.OcspStaple": "fetch"})
    responder = ocsp.Responder(lab, authd.ns, issuing)
    authd.start()
    authd.expect("staple\\.ready")
    lab.equal(responder.asked(), 1, "questions")
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


if __name__ == "__main__":
    main()
