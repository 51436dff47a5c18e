"""latchkey-authd as a RADIUS server: what is answered, to whom, and what is not."""
import socket
import sqlite3

import radius
from authd import Authd
from eapol_test import EapolTest
from lab import each, main, test
from radius import ACCEPT, AUTHENTICATOR, CHALLENGE, QUIET, REJECT, Nas, Talk, attribute, identity

VERSIONS = ("1.2", "1.3")


def server(lab, **kwargs):
    """A server, and a NAS that it knows."""
    authd = Authd(lab, lab.namespace("server"), **kwargs)
    return authd, nas_of(lab, authd)


def nas_of(lab, authd, **kwargs):
    return lab.owns(Nas(authd.ns, "127.0.0.1", authd.port, authd.secret, **kwargs))


def talk(lab, nas, tls="1.3", credential=None, **kwargs):
    pki = lab.pki()
    return Talk(nas, credential or pki.client, pki.root, tls=tls, **kwargs)


def lets_in(lab, nas, **kwargs):
    lab.equal(talk(lab, nas, **kwargs).finish().code, ACCEPT, "the answer in the end")


# ---- whole conversations --------------------------------------------------------------------------

@each(*((v, r) for v in VERSIONS for r in ("memory", "tickets", "off")))
def eapol_test_gets_in_and_again(lab, case):
    version, resumption = case
    authd, _ = server(lab, tls=[version], settings={"Tls.Resumption": resumption})
    peer = EapolTest(lab, authd.ns, authd, tls=version, again=2, options=["-e"])
    lab.check(peer.wait(), "eapol_test succeeds")
    lab.check(not peer.said("No EAP-Key-Name received|does not match EAP-Key-Name"),
              "EAP-Key-Name is the peer's Session-Id")
    lab.equal(peer.keys(), (3, 0), "keys that are equal, and not")
    lab.equal(peer.tls(), version, "the version of TLS")
    lab.equal(peer.resumed(), resumption != "off", "the session was resumed")


@each(*VERSIONS)
def every_answer_is_as_it_should_be(lab, version):
    _, nas = server(lab)
    conversation = talk(lab, nas, version)
    last = conversation.finish()
    lab.equal(last.code, ACCEPT, "the answer in the end")
    for answer in conversation.answers:
        lab.equal(answer.attributes[0][0], AUTHENTICATOR, "the first attribute")
        lab.equal(len(answer.all(AUTHENTICATOR)), 1, "Message-Authenticators")
    lab.equal(last.eap[0], radius.EAP_SUCCESS, "the EAP packet in the Accept")
    vendors = [value[4] for value in last.all(radius.VENDOR) if value[:4] == b"\0\0\x01\x37"]
    lab.equal(sorted(vendors), [16, 17], "Microsoft's attributes in the Accept")


@test
def small_fragments_are_put_together(lab):
    _, nas = server(lab, settings={"Tls.FragmentSize": 200})
    conversation = talk(lab, nas, fragment=100)
    lab.equal(conversation.finish().code, ACCEPT, "the answer in the end")
    lab.check(len(conversation.answers) > 12, "it took many packets")


@test
def over_ipv6(lab):
    authd = Authd(lab, lab.namespace("server"), settings={"Radius.Listen": "[::1]:1812 127.0.0.1"})
    nas = lab.owns(Nas(authd.ns, "::1", 1812, authd.secret))
    lets_in(lab, nas)
    lets_in(lab, nas_of(lab, authd))


# ---- packets that are wrong ---------------------------------------------------------------------------

@test
def a_wrong_secret_is_not_answered(lab):
    authd, nas = server(lab)
    packet = nas.request(eap=identity("laptop.example.org"), secret="testing124")
    lab.check(nas.silent(packet), "nothing is answered")
    lets_in(lab, nas)
    authd.expect(r'radius\.packet client="local" .* fault=forged')


@test
def without_message_authenticator_nothing_is_answered(lab):
    _, nas = server(lab)
    lab.check(nas.silent(nas.request(eap=identity("laptop"), authenticator=False)), "with EAP")
    lab.check(nas.silent(nas.request(attributes=attribute(2, bytes(16)), authenticator=False)),
              "with a password")
    lab.check(nas.silent(nas.request(code=radius.STATUS, authenticator=False)), "Status-Server")
    lets_in(lab, nas)


@test
def one_octet_that_was_changed_is_noticed(lab):
    _, nas = server(lab)
    for at in (4, 21, 30, 45, -1):
        packet = bytearray(nas.request(eap=identity("laptop.example.org")))
        packet[at] ^= 1
        lab.check(nas.silent(bytes(packet)), f"no answer when octet {at} was changed")
    lets_in(lab, nas)


@test
def what_is_no_radius_is_not_answered(lab):
    authd, nas = server(lab)
    good = nas.request(eap=identity("laptop.example.org"))
    wrong = [b"", b"\1", good[:19], good[:20], good[:-1], good[:2] + b"\0\5" + good[4:],
             good[:2] + b"\xff\xff" + good[4:], good[:20] + b"\x4f\1" + good[22:],
             bytes([99]) + good[1:], bytes([ACCEPT]) + good[1:], bytes([CHALLENGE]) + good[1:], bytes(4096)]
    for packet in wrong:
        nas.send(packet)
    lets_in(lab, nas)
    authd.expect(r'radius\.packet client="local" .* end=refused')


@test
def octets_behind_the_length_are_padding(lab):
    _, nas = server(lab)
    packet = nas.request(eap=identity("laptop.example.org"))
    lab.equal(nas.ask(packet + bytes(7)).code, CHALLENGE, "the answer")


@test
def a_stranger_is_not_answered(lab):
    authd, nas = server(lab)
    authd.add("client", "local", {"Client.Prefix": "127.0.0.1", "Client.Secret": authd.secret})
    authd.reload()
    stranger = nas_of(lab, authd, source="127.0.0.2")
    packet = stranger.request(eap=identity("laptop.example.org"))
    stranger.send(packet)
    lets_in(lab, nas)
    lab.check(stranger.receive(packet, radius.QUIET) is None, "nothing is answered to a stranger")


@test
def a_request_without_eap_is_refused(lab):
    _, nas = server(lab)
    answer = nas.ask(nas.request(attributes=attribute(2, bytes(16))))
    lab.equal(answer.code, REJECT, "the answer")
    lab.check(answer.get(AUTHENTICATOR), "it has a Message-Authenticator")


@test
def the_longest_prefix_has_its_secret(lab):
    authd, nas = server(lab)
    authd.add("client", "other", {"Client.Prefix": "127.0.0.2/32", "Client.Secret": "another secret"})
    authd.reload()
    other = nas_of(lab, authd, source="127.0.0.2")
    lab.check(other.ask(other.request(eap=identity("x")), radius.QUIET) is None, "its own secret is needed")
    other.secret = b"another secret"
    lets_in(lab, other)
    lets_in(lab, nas)


# ---- duplicates, replays, states ---------------------------------------------------------------------

@test
def a_retransmission_gets_the_same_octets(lab):
    _, nas = server(lab)
    conversation = talk(lab, nas)
    conversation.begin()
    while conversation.going():
        again = nas.ask(conversation.packets[-1])
        lab.equal(again.packet, conversation.last.packet, "the answer to a retransmission")
        conversation.step()
    lab.equal(conversation.last.code, ACCEPT, "the answer in the end")
    lab.equal(nas.ask(conversation.packets[-1]).packet, conversation.last.packet, "the Accept again")


@test
def what_was_said_before_does_not_disturb(lab):
    _, nas = server(lab)
    conversation = talk(lab, nas, fragment=300)
    conversation.begin()
    while conversation.going():
        conversation.step()
        for packet in conversation.packets[:-1]:
            nas.send(packet)
    lab.equal(conversation.last.code, ACCEPT, "the answer in the end")


@test
def a_replay_from_elsewhere_lets_nobody_in(lab):
    authd, nas = server(lab)
    conversation = talk(lab, nas)
    conversation.finish()
    thief = nas_of(lab, authd)
    for packet in conversation.packets[1:]:
        answer = thief.ask(packet, radius.QUIET)
        lab.check(answer is None or answer.code == REJECT, "a replay is not accepted")


@test
def the_state_of_another_client_is_nobodys(lab):
    authd, nas = server(lab)
    authd.add("client", "other", {"Client.Prefix": "127.0.0.2", "Client.Secret": authd.secret})
    authd.reload()
    conversation = talk(lab, nas)
    conversation.begin()
    conversation.step()
    other = nas_of(lab, authd, source="127.0.0.2")
    answer = other.ask(conversation.next_packet(), radius.QUIET)
    lab.check(answer is None or answer.code == REJECT, "the other client has no part in it")


@test
def a_state_that_was_made_up_is_refused(lab):
    _, nas = server(lab)
    conversation = talk(lab, nas)
    conversation.begin()
    for state in (b"", b"x", bytes(16), bytes(253), conversation.last.state[:-1],
                  conversation.last.state[:-1] + b"\0"):
        packet = nas.request(eap=conversation.supplicant.answer(conversation.last.eap), state=state)
        answer = nas.ask(packet, radius.QUIET)
        lab.check(answer is None or answer.code == REJECT, f"the state {state.hex()} leads nowhere")
        conversation.supplicant = talk(lab, nas).supplicant
    lets_in(lab, nas)


@test
def proxy_states_come_back_in_their_order(lab):
    _, nas = server(lab)
    extra = b"".join(attribute(radius.PROXY_STATE, f"hop {n}") for n in range(3))
    answer = nas.ask(nas.request(eap=identity("laptop"), attributes=extra))
    lab.equal(answer.all(radius.PROXY_STATE), [b"hop 0", b"hop 1", b"hop 2"], "Proxy-State")
    answer = nas.ask(nas.request(attributes=attribute(2, bytes(16)) + extra))
    lab.equal(answer.all(radius.PROXY_STATE), [b"hop 0", b"hop 1", b"hop 2"], "of the Reject")


@test
def status_server_is_answered(lab):
    _, nas = server(lab)
    answer = nas.ask(nas.request(code=radius.STATUS, usual=False))
    lab.equal(answer.code, ACCEPT, "the answer")
    lab.equal(answer.attributes[0][0], AUTHENTICATOR, "its first attribute")


@each("a database", "none", "one that is gone")
def accounting_is_acknowledged_when_it_is_kept(lab, case):
    databases = {"none": "off", "one that is gone": "postgresql://127.0.0.1:1/gone"}
    settings = {"Radius.AccountingListen": "127.0.0.1"}
    if case in databases:
        settings["Registry.Database"] = databases[case]
    authd = Authd(lab, lab.namespace("server"), settings=settings)
    nas = lab.owns(Nas(authd.ns, "127.0.0.1", 1813, authd.secret))
    packet = nas.request(code=radius.ACCOUNTING, authenticator=False,
                         attributes=attribute(radius.ACCT_STATUS, 1) + attribute(radius.ACCT_SESSION, "17"))
    answer = nas.ask(packet, timeout=QUIET if case == "one that is gone" else None)
    lab.equal(answer and answer.code, None if case == "one that is gone" else radius.ACCOUNTED, "the answer")


def account(nas, number, kind=1):
    return nas.request(code=radius.ACCOUNTING, authenticator=False,
                       attributes=attribute(radius.ACCT_STATUS, kind) + attribute(radius.ACCT_SESSION, str(number)))


@test
def accounting_is_acknowledged_after_its_commit(lab):
    authd = Authd(lab, lab.namespace("server"), settings={"Radius.AccountingListen": "127.0.0.1"})
    nas = lab.owns(Nas(authd.ns, "127.0.0.1", 1813, authd.secret))
    database = sqlite3.connect(authd.settings["Registry.Database"], isolation_level=None)
    database.execute("BEGIN IMMEDIATE")  # nobody else writes
    packet = account(nas, 17)
    nas.send(packet)
    lab.check(nas.receive(packet, QUIET) is None, "no answer while it is not committed")
    database.execute("ROLLBACK")
    lab.equal(nas.receive(packet).code, radius.ACCOUNTED, "the answer then")
    kept, = database.execute("SELECT count(*) FROM session WHERE session LIKE '17@%'").fetchone()
    lab.equal(kept, 1, "sessions in the database")


@test
def many_records_are_committed_together(lab):
    authd = Authd(lab, lab.namespace("server"), settings={"Radius.AccountingListen": "127.0.0.1"})
    nas = lab.owns(Nas(authd.ns, "127.0.0.1", 1813, authd.secret))
    packets = [account(nas, n) for n in range(200)]
    database = sqlite3.connect(authd.settings["Registry.Database"], isolation_level=None)
    database.execute("BEGIN IMMEDIATE")  # until all are there, however fast it writes
    for packet in packets:
        nas.send(packet)
    lab.until(lambda: authd.json("status")["registry"]["waiting"] >= 100, "they wait")
    database.execute("ROLLBACK")
    for packet in packets:
        lab.equal(nas.receive(packet).code, radius.ACCOUNTED, "an answer")
    counters = authd.json("counters")
    lab.check(counters["registry_written_total"] >= 200, "all are written")
    lab.check(counters["registry_commits_total"] < 100, "in few transactions")


# ---- machines that are not let in ---------------------------------------------------------------------

def turned_away(lab, nas, version, credential):
    answer = talk(lab, nas, version, credential).finish()
    lab.equal(answer.code, REJECT, "the answer in the end")
    lab.equal(answer.eap[0], radius.EAP_FAILURE, "the EAP packet in it")
    lab.check(not answer.all(radius.VENDOR), "no keys are in it")


@each(*((v, what) for v in VERSIONS for what in ("expired", "not yet valid", "stranger", "server", "weak")))
def a_certificate_is_refused_that_is(lab, case):
    version, what = case
    pki = lab.pki()
    credential = {"expired": lambda: pki.root.issue("old", start=-30, end=-1),
                  "not yet valid": lambda: pki.root.issue("new", start=1, end=30),
                  "stranger": lambda: pki.stranger.issue("laptop.example.org"),
                  "server": lambda: pki.root.issue("laptop.example.org", server=True),
                  "weak": lambda: pki.root.issue("laptop.example.org", key="RSA-1024")}[what]()
    _, nas = server(lab)
    turned_away(lab, nas, version, credential)
    lets_in(lab, nas, tls=version)


@each(*VERSIONS)
def without_a_certificate_nobody_gets_in(lab, version):
    _, nas = server(lab)
    conversation = talk(lab, nas, version)
    conversation.supplicant = radius.Supplicant(None, lab.pki().root, tls=version)
    lab.equal(conversation.finish().code, REJECT, "the answer in the end")


@each(*VERSIONS)
def a_revoked_certificate_is_refused_resumed_too(lab, version):
    import pki
    root = pki.Authority("Revoking Root")
    good, bad = root.issue("good"), root.issue("bad")
    authd = Authd(lab, lab.namespace("server"), root=root, settings={"Tls.Crls": root.crl()})
    nas = nas_of(lab, authd)
    peer = EapolTest(lab, authd.ns, authd, client=bad, tls=version)
    lab.check(peer.wait(), "it is let in before")
    root.revoke(bad)
    authd.configure({"Tls.Crls": root.crl()})
    authd.reload()
    turned_away(lab, nas, version, bad)
    lets_in(lab, nas, tls=version, credential=good)


@each(*VERSIONS)
def a_session_does_not_outlive_what_a_responder_said(lab, version):
    _, nas = server(lab, settings={"Tls.Resumption": "tickets", "Tls.ClientOcsp": "if-possible"})
    conversation = talk(lab, nas, version)
    lab.equal(conversation.finish().code, ACCEPT, "the answer in the end")
    lab.equal(conversation.supplicant.tls.session.ticket_lifetime_hint, 3600, "seconds")


@test
def a_peer_that_wants_another_method_is_refused(lab):
    _, nas = server(lab)
    answer = nas.ask(nas.request(eap=identity("laptop")))
    nak = radius.eap(radius.EAP_RESPONSE, answer.eap[1], 3, b"\x19")
    lab.equal(nas.ask(nas.request(eap=nak, state=answer.state)).code, REJECT, "the answer to its Nak")


@test
def another_realm_is_refused_at_once(lab):
    authd, nas = server(lab, settings={"Eap.Realm": "example.org *.example.org"})
    lab.equal(nas.ask(nas.request(eap=identity("laptop@example.net"))).code, REJECT, "another realm")
    lab.equal(nas.ask(nas.request(eap=identity("laptop"))).code, REJECT, "no realm")
    lab.equal(nas.ask(nas.request(eap=identity("laptop@a.example.org"))).code, CHALLENGE, "ours")


@test
def the_identity_of_eap_tells_the_realm(lab):
    authd, nas = server(lab, settings={"Eap.Realm": "example.org"})
    named = attribute(radius.USER_NAME, "laptop@example.org")
    other = nas.ask(nas.request(eap=identity("laptop@example.net"), attributes=named, usual=False))
    lab.equal(other.code, REJECT, "another realm behind a User-Name of ours")
    authd.expect(r'auth\.reject identity="laptop@example\.net"')
    asked = nas.ask(nas.request(eap=b"", usual=False))
    lab.equal((asked.code, asked.eap[4]), (CHALLENGE, 1), "without a name we ask for the identity")
    ours = nas.ask(nas.request(eap=identity("laptop@example.org", asked.eap[1]), state=asked.state,
                               usual=False))
    lab.equal((ours.code, ours.eap[4]), (CHALLENGE, radius.EAP_TLS), "a realm of ours")


@test
def the_accept_says_who_the_certificate_is_of(lab):
    authd, nas = server(lab)
    conversation = talk(lab, nas)
    lab.equal(conversation.finish().all(radius.USER_NAME), [b"laptop.example.org"], "its own name")
    other = talk(lab, nas)
    other.begin('admin" subject="CN=admin')
    name = other.finish().get(radius.USER_NAME)
    lab.check(name and name.startswith(b"sha256:"), "a name that it does not have is not confirmed")
    authd.expect(r"""auth\.accept identity="admin' subject='CN=admin" account="" subject="CN=laptop""")


@test
def what_a_switch_says_stays_in_its_field_of_the_log(lab):
    authd, nas = server(lab, settings={"Eap.Realm": "example.org"})
    port = attribute(87, 'x" subject="CN=admin')
    nas.ask(nas.request(eap=identity("laptop"), attributes=port))
    authd.expect(r"""auth\.reject .* port="x' subject='CN=admin" """)


# ---- rules ------------------------------------------------------------------------------------------

@each(*VERSIONS)
def rules_decide(lab, version):
    root = lab.pki().root
    printer = root.issue("p1.printers.example.org")
    guest = root.issue("guest.example.org")
    authd, nas = server(lab, settings={"Policy.DefaultAction": "reject"})
    authd.add("rule", "printers", {"Match.Dns": "*.printers.example.org", "Decision.Action": "accept",
                                   "Decision.Vlan": 30, "Decision.SessionTimeout": "1h",
                                   "Decision.Termination": "reauthenticate", "Decision.Interim": "5min"})
    authd.add("rule", "guests", {"Match.Subject": "CN=guest.*", "Decision.Action": "reject",
                                 "Decision.Reason": "guests stay outside", "Match.Priority": 5})
    authd.reload()
    answer = talk(lab, nas, version, printer).finish()
    lab.equal(answer.code, ACCEPT, "the answer to a printer")
    lab.equal(answer.vlan, 30, "its VLAN")
    lab.equal(answer.number(radius.TUNNEL_TYPE) & 0xFFFFFF, 13, "Tunnel-Type")
    lab.equal(answer.number(radius.TUNNEL_MEDIUM) & 0xFFFFFF, 6, "Tunnel-Medium-Type")
    lab.equal(answer.number(radius.SESSION_TIMEOUT), 3600, "Session-Timeout")
    lab.equal(answer.number(radius.TERMINATION_ACTION), 1, "Termination-Action")
    lab.equal(answer.number(85), 300, "Acct-Interim-Interval")
    mark = authd.mark()
    turned_away(lab, nas, version, guest)
    authd.expect("guests stay outside", mark)
    turned_away(lab, nas, version, lab.pki().client)


@test
def rules_decide_anew_when_a_session_is_resumed(lab):
    authd, _ = server(lab, tls=["1.2"])
    peer = EapolTest(lab, authd.ns, authd, tls="1.2", again=1)
    lab.check(peer.wait() and peer.resumed(), "it is let in, and resumes")
    authd.add("rule", "first", {"Match.Resumed": "yes", "Decision.Action": "reject",
                                "Decision.Reason": "not that way"})
    authd.reload()
    peer = EapolTest(lab, authd.ns, authd, tls="1.2", again=1)
    lab.check(not peer.wait(), "eapol_test is refused")
    lab.equal(peer.keys(), (1, 1), "once with a full handshake, once refused")
    authd.expect("not that way")


# ---- load ---------------------------------------------------------------------------------------------

# The flood may fill the server's socket, or still be before it: then it sends again, as a NAS does.
PATIENTLY = {"timeout": 2, "tries": 60}


@test
def a_flood_does_not_keep_anybody_out(lab):
    authd, nas = server(lab, settings={"Limits.Conversations": 200, "Limits.Waiting": 50})
    attacker = nas_of(lab, authd)
    attacker.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    conversation = talk(lab, nas, fragment=200)
    conversation.begin()
    conversation.step()
    for n in range(3000):
        attacker.calling = f"02-10-00-00-{n >> 8:02X}-{n & 255:02X}"
        attacker.send(attacker.request(eap=identity("nobody")))
        if n % 300 == 299 and conversation.going():
            conversation.step(**PATIENTLY)
    lab.equal(conversation.finish(**PATIENTLY).code, ACCEPT, "the answer in the end")
    authd.expect(r"radius\.packet .* end=shed")
    later = talk(lab, nas)
    later.begin(**PATIENTLY)
    lab.equal(later.finish(**PATIENTLY).code, ACCEPT, "the answer in the end")


@test
def a_flood_of_refusals_does_not_fill_the_log(lab):
    authd, nas = server(lab, settings={"Eap.Realm": "example.org"})
    for n in range(1500):
        nas.send(nas.request(eap=identity(f"nobody{n}@example.net")))
    authd.expect(r"auth\.untold refusals=\d+")
    told = sum("auth.reject" in line for line in authd.process.lines)
    lab.check(100 <= told < 1000, f"{told} of 1500 are told")


if __name__ == "__main__":
    main()
