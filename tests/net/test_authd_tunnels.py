"""latchkey-authd as the server of tunnels: what peers of others do in them, and what becomes of it."""
import hashlib
import os
import sqlite3

from authd import Authd, database, guarded
from eapol_test import EapolTest
from lab import CEILING, each, main, test

PASSWORD = "correct horse"
NT_HASH = bytes.fromhex("cfc43211ba8dc470832267827cac1407")
VERSIONS = ("1.2", "1.3")
TTLS = "pap chap mschap mschapv2 eap-mschapv2 eap-gtc eap-tls"

# What eapol_test is told for each: phase2, and the name of it in a rule.
IN_TTLS = {"pap": "auth=PAP", "chap": "auth=CHAP", "mschap": "auth=MSCHAP", "mschapv2": "auth=MSCHAPV2",
           "eap-mschapv2": "autheap=MSCHAPV2", "eap-gtc": "autheap=GTC", "eap-tls": "autheap=TLS tls_disable_tlsv1_3=0"}
IN_PEAP = {"mschapv2": "auth=MSCHAPV2", "gtc": "auth=GTC", "tls": "auth=TLS tls_disable_tlsv1_3=0"}


def server(lab, settings=None, accounts=("bob",), rules=(), **kwargs):
    authd = Authd(lab, lab.namespace("server"), start=False, settings={
        "Eap.Methods": "ttls peap", "Tunnel.TtlsMethods": TTLS, "Tunnel.PeapMethods": "mschapv2 gtc tls",
        **(settings or {})}, **kwargs)
    for name, rule in rules:
        authd.add("rule", name, rule)
    authd.start()
    for name in accounts:
        keep(authd, name)
    return authd


def keep(authd, name, password=PASSWORD, nt=NT_HASH, clear=True, disabled=False):
    """An account, as the commands would keep it."""
    salt = os.urandom(16)
    key = hashlib.scrypt(password.encode(), salt=salt, n=1 << 14, r=8, p=1, maxmem=1 << 26, dklen=32)
    with sqlite3.connect(authd.dir / "registry.sqlite", timeout=CEILING) as database:
        database.execute("INSERT INTO account (name, folded, hash, nt, clear, disabled, maker, made, changed) "
                         "VALUES (?, ?, ?, ?, ?, ?, 'test', 0, 0)",
                         (name, name.lower(), f"$scrypt$ln=14,r=8,p=1${salt.hex()}${key.hex()}", nt,
                          password.encode() if clear else None, int(disabled)))
    database.close()


def asked(authd, query):
    """What the registry answers."""
    database = sqlite3.connect(authd.dir / "registry.sqlite", timeout=CEILING)
    try:
        return database.execute(query).fetchall()
    finally:
        database.close()


def peer(lab, authd, method, phase2, tls="1.3", identity="bob", password=PASSWORD, again=0, settings=None, phase1="",
         **kwargs):
    pki = lab.pki()
    return EapolTest(lab, authd.ns, authd, tls=tls, again=again, settings={
        "eap": method, "identity": f'"{identity}"', "anonymous_identity": '"anonymous@example.org"',
        "password": f'"{password}"', "phase2": f'"{phase2}"',
        "phase1": f'"tls_disable_tlsv1_3={int(tls == "1.2")} tls_disable_session_ticket=0 {phase1}"',
        "ca_cert2": f'"{pki.root.cert}"', "client_cert2": f'"{pki.client.bundle}"',
        "private_key2": f'"{pki.client.key}"', "client_cert": "NULL", "private_key": "NULL",
        **(settings or {})}, **kwargs)


def lets_in(lab, authd, *args, again=0, **kwargs):
    guest = peer(lab, authd, *args, again=again, **kwargs)
    lab.check(guest.wait(), "eapol_test succeeds")
    lab.equal(guest.keys(), (1 + again, 0), "keys that are equal, and not")
    return guest


# ---- who gets in ----------------------------------------------------------------------------------

@each(*((i, v) for i in IN_TTLS for v in VERSIONS))
def ttls_lets_in(lab, case):
    inner, version = case
    authd = server(lab, tls=[version])
    guest = lets_in(lab, authd, "TTLS", IN_TTLS[inner], tls=version)
    lab.equal(guest.tls(), version, "the version of TLS")
    authd.expect(r"auth\.accept .*method=EAP-TTLS")
    account = "" if inner == "eap-tls" else "bob"
    authd.expect(rf'auth\.accept identity="anonymous@example.org" account="{account}" .*(?i:inner={inner}) ')


@each(*((i, v) for i in IN_PEAP for v in VERSIONS))
def peap_lets_in(lab, case):
    inner, version = case
    authd = server(lab, tls=[version], settings={"Eap.Methods": "peap"})
    guest = lets_in(lab, authd, "PEAP", IN_PEAP[inner], tls=version, phase1="peapver=0 crypto_binding=2")
    lab.equal(guest.tls(), version, "the version of TLS")
    authd.expect(rf"auth\.accept .*method=PEAP inner=EAP-(?i:{inner}) ")
    if inner != "tls":
        lab.until(lambda: asked(authd, "SELECT identity FROM session") == [("bob",)], "the session is the account's")


@each(*((m, v) for m in ("pap", "mschapv2", "eap-mschapv2", "peap") for v in VERSIONS))
def who_comes_again_is_known(lab, case):
    inner, version = case
    authd = server(lab, tls=[version])
    method, phase2 = ("PEAP", IN_PEAP["mschapv2"]) if inner == "peap" else ("TTLS", IN_TTLS[inner])
    guest = lets_in(lab, authd, method, phase2, tls=version, again=2,
                    phase1="peapver=0 crypto_binding=2" if inner == "peap" else "")
    lab.check(guest.resumed(), "the session was resumed")
    authd.expect(r'auth\.accept .* account="bob" .* resumed=yes')


@test
def nothing_is_resumed_where_it_is_off(lab):
    authd = server(lab, settings={"Tunnel.Resumption": "no"})
    guest = lets_in(lab, authd, "TTLS", IN_TTLS["pap"], again=1)
    lab.check(not guest.resumed(), "no session was resumed")


@test
def small_fragments_are_put_together(lab):
    authd = server(lab, settings={"Tls.FragmentSize": 100})
    lets_in(lab, authd, "PEAP", IN_PEAP["tls"], phase1="peapver=0", settings={"fragment_size": "200"})


@test
def peap_without_crypto_binding_where_that_is_allowed(lab):
    authd = server(lab, settings={"Eap.Methods": "peap", "Tunnel.PeapCryptoBinding": "optional"})
    lets_in(lab, authd, "PEAP", IN_PEAP["mschapv2"], phase1="peapver=0 crypto_binding=0")


@test
def a_certificate_may_be_shown_along(lab):
    authd = server(lab, settings={"Tunnel.ClientCertificate": "required"})
    pki = lab.pki()
    lets_in(lab, authd, "TTLS", IN_TTLS["pap"],
            settings={"client_cert": f'"{pki.client.bundle}"', "private_key": f'"{pki.client.key}"'})
    authd.expect(r'auth\.accept .* account="bob" subject="CN=laptop\.example\.org')


# ---- at a port of ours ----------------------------------------------------------------------------

def guards(lab, version):
    """A port with an account, whoever comes."""
    authd, port = guarded(lab, tls=[version], settings={"Eap.Methods": "ttls peap", "Tunnel.TtlsMethods": TTLS})
    keep(authd, "bob")
    return authd, port


@each(*((m, v) for m in ("ttls pap", "ttls mschapv2", "ttls eap-mschapv2", "ttls eap-gtc", "peap mschapv2")
        for v in VERSIONS))
def latchkeyd_gets_in(lab, case):
    (method, inner), version = case[0].split(), case[1]
    authd, port = guards(lab, version)
    daemon = lab.latchkeyd(port, profile={
        "EAP.Method": method, "Inner.Method": inner, "Inner.Identity": "bob", "Inner.Password": PASSWORD,
        "TLS.Credential": None})
    daemon.expect(r"port\.authorised")
    lab.check(port.passes(), "it passes")
    authd.expect(r'auth\.accept .*account="bob"')


@each(*VERSIONS)
def wpa_supplicant_gets_in(lab, version):
    authd, port = guards(lab, version)
    lab.wpa_supplicant(port, settings={
        "eap": "PEAP", "identity": '"bob"', "password": f'"{PASSWORD}"', "client_cert": "NULL",
        "private_key": "NULL", "phase2": '"auth=MSCHAPV2"',
        "phase1": f'"tls_disable_tlsv1_3={int(version == "1.2")} peapver=0 crypto_binding=2"'})
    authd.expect(r'auth\.accept .*account="bob"')
    lab.check(port.passes(), "it passes")


def as_bob(lab, port, **kwargs):
    """latchkeyd, which is let in by his password."""
    daemon = lab.latchkeyd(port, profile={
        "EAP.Method": "ttls", "Inner.Method": "pap", "Inner.Identity": "bob", "Inner.Password": PASSWORD,
        "TLS.Credential": None}, **kwargs)
    daemon.expect(r"port\.authorised")
    lab.check(port.ping(patience=10), "it passes")
    return daemon


@test
def an_account_that_is_removed_is_out(lab):
    authd, port = guards(lab, "1.3")
    keep(authd, "alice")
    as_bob(lab, port)
    lab.equal(authd.json("account", "remove", "alice")["sessions"], 0, "sessions of another")
    lab.check(port.ping(), "it still passes")
    mark = authd.mark()
    lab.equal(authd.json("account", "remove", "BOB")["sessions"], 1, "sessions that were ended")
    authd.expect(r"auth\.reject .*diagnosis=account-unknown ", mark)
    lab.check(not port.ping(), "nothing passes")


@test
def an_account_that_is_removed_at_another_server_is_out(lab):
    settings = {"Eap.Methods": "ttls", "Tunnel.TtlsMethods": "pap", "Registry.Database": database(lab).uri()}
    authd, port = guarded(lab, settings=settings)
    elsewhere = Authd(lab, lab.namespace("elsewhere"), settings=settings)
    file = lab.folder("password") / "password"
    file.write_text(PASSWORD + "\n")
    with file.open() as typed:
        authd.ctl("account", "add", "bob", stdin=typed, check=True)
    as_bob(lab, port)
    mark = authd.mark()
    lab.equal(elsewhere.json("account", "remove", "bob")["sessions"], 0, "sessions there")
    authd.expect(r"auth\.reject .*diagnosis=account-unknown ", mark)
    lab.check(not port.ping(), "nothing passes")


@test
def latchkeyd_with_a_wrong_password_stays_out(lab):
    authd, port = guards(lab, "1.3")
    daemon = lab.latchkeyd(port, profile={
        "EAP.Method": "peap", "Inner.Method": "mschapv2", "Inner.Identity": "bob", "Inner.Password": "wrong",
        "TLS.Credential": None})
    daemon.expect(r"port\.diagnosis")
    authd.expect(r"auth\.reject .*diagnosis=account-password-wrong ")


# ---- who does not ---------------------------------------------------------------------------------

def keeps_out(lab, authd, diagnosis, *args, **kwargs):
    guest = peer(lab, authd, *args, **kwargs)
    lab.check(not guest.wait(), "eapol_test fails")
    authd.expect(rf"auth\.reject .*diagnosis={diagnosis} ")
    return guest


@each(*((m, i) for m in ("TTLS",) for i in IN_TTLS if i != "eap-tls"), ("PEAP", "mschapv2"), ("PEAP", "gtc"))
def a_wrong_password_is_refused(lab, case):
    method, inner = case
    authd = server(lab)
    phase2 = (IN_TTLS if method == "TTLS" else IN_PEAP)[inner]
    keeps_out(lab, authd, "account-password-wrong", method, phase2, password="wrong")


@each("pap", "chap", "mschap", "mschapv2", "eap-mschapv2", "eap-gtc")
def an_account_that_is_not_there_looks_the_same(lab, inner):
    authd = server(lab)
    stranger = keeps_out(lab, authd, "account-unknown", "TTLS", IN_TTLS[inner], identity="eve")
    mistaken = keeps_out(lab, authd, "account-password-wrong", "TTLS", IN_TTLS[inner], password="wrong")

    def heard(guest):
        lines = [line for line in guest.process.lines
                 if "decapsulated EAP packet" in line or "E=691" in line]
        return [line.split("id=")[-1] for line in lines]
    lab.equal(len(heard(stranger)), len(heard(mistaken)), "messages of the server")


@test
def a_disabled_account_is_refused(lab):
    authd = server(lab, accounts=())
    keep(authd, "bob", disabled=True)
    keeps_out(lab, authd, "account-disabled", "TTLS", IN_TTLS["pap"])


@test
def what_is_not_stored_cannot_be_used(lab):
    authd = server(lab, accounts=())
    keep(authd, "bob", nt=None, clear=False)
    keeps_out(lab, authd, "account-no-secret", "TTLS", IN_TTLS["chap"])
    keeps_out(lab, authd, "account-no-secret", "PEAP", IN_PEAP["mschapv2"])
    lets_in(lab, authd, "TTLS", IN_TTLS["pap"])


@test
def a_method_that_is_not_allowed_is_refused(lab):
    authd = server(lab, settings={"Tunnel.TtlsMethods": "eap-gtc"})
    keeps_out(lab, authd, "inner-method-refused", "TTLS", IN_TTLS["pap"])
    keeps_out(lab, authd, "peer-refused-methods", "TTLS", IN_TTLS["eap-mschapv2"])


@test
def an_anonymous_name_inside_is_refused(lab):
    authd = server(lab)
    keeps_out(lab, authd, "inner-anonymous", "TTLS", IN_TTLS["pap"], identity="@example.org")


@test
def peap_without_crypto_binding_is_refused(lab):
    authd = server(lab, settings={"Eap.Methods": "peap"})
    keeps_out(lab, authd, "inner-binding", "PEAP", IN_PEAP["mschapv2"], phase1="peapver=0 crypto_binding=0")


@test
def who_guesses_has_to_wait(lab):
    authd = server(lab, settings={"Tunnel.Guesses": 2})
    for _ in range(2):
        keeps_out(lab, authd, "account-password-wrong", "TTLS", IN_TTLS["pap"], password="wrong")
    keeps_out(lab, authd, "account-guessed", "TTLS", IN_TTLS["pap"])
    lab.equal(authd.json("counters")["account_guesses_refused_total"], 1, "passwords that were not looked at")


@test
def a_certificate_that_is_required_is_missed(lab):
    # The peer does not answer the alert, so that the conversation ends when it is forgotten.
    authd = server(lab, settings={"Tunnel.ClientCertificate": "required", "Limits.IdleTimeout": "2s",
                                  "Limits.HalfOpenTimeout": "2s"})
    keeps_out(lab, authd, "peer-cert-missing", "TTLS", IN_TTLS["pap"])


@test
def without_a_registry_nobody_is_known(lab):
    authd = server(lab, settings={"Registry.Database": "off"}, accounts=())
    keeps_out(lab, authd, "account-unreachable", "TTLS", IN_TTLS["pap"])


# ---- rules ----------------------------------------------------------------------------------------

@test
def rules_know_method_and_account(lab):
    authd = server(lab, accounts=("bob", "alice"), settings={"Policy.DefaultAction": "reject"}, rules=[
        ("by-peap", {"Match.Method": "peap", "Match.Identity": "BOB", "Decision.Action": "accept"}),
        ("by-gtc", {"Match.Inner": "eap-gtc", "Decision.Action": "accept", "Decision.Vlan": 7}),
        ("by-certificate", {"Match.Subject": "CN=*", "Match.Priority": 9, "Decision.Action": "accept"})])
    lets_in(lab, authd, "PEAP", IN_PEAP["mschapv2"], phase1="peapver=0")
    authd.expect(r'auth\.accept .*rule="by-peap"')
    lets_in(lab, authd, "TTLS", IN_TTLS["eap-gtc"], identity="alice")
    authd.expect(r'auth\.accept .*vlan=7 rule="by-gtc"')
    keeps_out(lab, authd, "peer-denied", "TTLS", IN_TTLS["pap"])
    lets_in(lab, authd, "TTLS", IN_TTLS["eap-tls"])
    authd.expect(r'auth\.accept .*rule="by-certificate"')


@test
def a_resumed_session_is_asked_about_again(lab):
    authd = server(lab)
    guest = peer(lab, authd, "TTLS", IN_TTLS["pap"], again=1)
    lab.check(guest.wait(), "both authentications succeed")
    authd.add("rule", "no-more", {"Match.Identity": "bob", "Match.Resumed": "yes", "Decision.Action": "reject"})
    authd.reload()
    guest = peer(lab, authd, "TTLS", IN_TTLS["pap"], again=1)
    lab.check(not guest.wait(), "the second one fails")
    authd.expect(r'auth\.reject .* account="bob" .* resumed=yes .*diagnosis=peer-denied')


main()
