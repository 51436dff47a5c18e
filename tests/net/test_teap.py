"""TEAP between latchkeyd and latchkey-authd: behind our own port, and behind hostapd with RADIUS.

No other peer or server of TEAP is at hand: hostapd, wpa_supplicant and FreeRADIUS as distributions build them
have none.
"""
from accounts import NAME, PASSWORD, keep, password_file
from authd import Authd, guarded
from enrolling import SERVER, credential, machine, network
from lab import each, main, test

VERSIONS = ("1.2", "1.3")
WAYS = ("mschapv2", "tls", "password")


def settings(inner, **more):
    return {"Eap.Methods": "teap", "Tunnel.TeapMethods": inner, **{k.replace("_", "."): v for k, v in more.items()}}


def profile(lab, inner, password=PASSWORD, **more):
    usual = {"EAP.Method": "teap", "Inner.Method": inner, "Inner.Identity": NAME, "TLS.Credential": None}
    if inner == "tls":
        usual["Inner.Credential"] = "machine"
    elif inner:
        usual["Inner.PasswordFile"] = password_file(lab, password)
    return {**usual, **{k.replace("_", "."): v for k, v in more.items()}}


def by_port(lab, version, **kwargs):
    """Our own port, guarded by the same program."""
    return guarded(lab, tls=[version], settings=settings(**kwargs))


def by_radius(lab, version, **kwargs):
    """hostapd has the port, and asks our server."""
    switch = lab.namespace("switch")
    authd = Authd(lab, switch, tls=[version], settings=settings(**kwargs))
    return authd, lab.port(switch=switch, radius=authd)


@each(*((p, i, v) for p in (by_port, by_radius) for i in WAYS for v in VERSIONS))
def a_machine_gets_in_and_again(lab, case):
    place, inner, version = case
    authd, port = place(lab, version, inner=inner)
    keep(authd)
    lab.check(not port.ping(), "nothing passes before")
    daemon = lab.latchkeyd(port, bus=lab.bus(), profile=profile(lab, inner))
    daemon.expect(r"port\.authorised")
    lab.until(port.ping, "traffic passes after")
    authd.expect(r"auth\.accept .*method=TEAP ")
    authd.expect(rf"auth\.accept .*method=TEAP .*tls=TLSv{version} ")
    mark, seen = daemon.mark(), authd.mark()
    daemon.ctl("reauth", check=True)
    daemon.expect(rf"port\.authorised .*resumed={'no' if inner == 'tls' else 'yes'}", mark)
    authd.expect("auth.accept ", seen)


@each(*((p, v) for p in (by_port, by_radius) for v in VERSIONS))
def a_certificate_alone_may_do(lab, case):
    place, version = case
    authd, port = place(lab, version, inner="tls", Tunnel_ClientCertificate="required",
                        Tunnel_TeapCertificateAlone="yes")
    daemon = lab.latchkeyd(port, bus=lab.bus(), profile={"EAP.Method": "teap", "TLS.Credential": "machine"})
    daemon.expect(r"port\.authorised")
    authd.expect(r"auth\.accept .*method=TEAP ")
    mark = daemon.mark()
    daemon.ctl("reauth", check=True)
    daemon.expect(r"port\.authorised .*resumed=yes", mark)


@test
def a_machine_and_its_certificate(lab):
    authd, port = by_port(lab, "1.3", inner="mschapv2", Tunnel_ClientCertificate="required",
                          Tunnel_TeapIdentities="user")
    keep(authd)
    lab.latchkeyd(port, profile=profile(lab, "mschapv2", TLS_Credential="machine", Inner_IdentityType="user"))
    authd.expect(r'auth\.accept .*account="bob" subject="CN=laptop\.example\.org')


MACHINE = "host/desk"


def pair(lab, inner, machine_first):
    """A machine and its user, in this order or the other: the server asks for the machine first."""
    mine = {"Inner.IdentityType": "user", "Inner2.Identity": MACHINE, "Inner2.IdentityType": "machine"}
    if machine_first:
        mine = {"Inner.Identity": MACHINE, "Inner.IdentityType": "machine", "Inner2.Identity": NAME,
                "Inner2.IdentityType": "user"}
    second = {"Inner2.Credential": "machine"} if inner == "tls" else {"Inner2.PasswordFile": password_file(lab)}
    return profile(lab, "mschapv2", Inner2_Method=inner) | mine | second


@each(*((i, o) for i in WAYS for o in (False, True)))
def a_machine_and_its_user(lab, case):
    inner, machine_first = case
    authd, port = by_port(lab, "1.3", inner="mschapv2 tls password", Tunnel_TeapIdentities="machine user")
    keep(authd)
    keep(authd, MACHINE)
    daemon = lab.latchkeyd(port, bus=lab.bus(), profile=pair(lab, inner, machine_first))
    daemon.expect(r"port\.authorised")
    authd.expect(r"auth\.accept .*method=TEAP ")
    lab.until(port.ping, "traffic passes after")


@each(NAME, MACHINE)
def an_account_that_was_removed_resumes_nothing(lab, name):
    """Whichever of the two it is."""
    authd, port = by_port(lab, "1.3", inner="mschapv2", Tunnel_TeapIdentities="machine user")
    keep(authd)
    keep(authd, MACHINE)
    daemon = lab.latchkeyd(port, bus=lab.bus(), profile=pair(lab, "mschapv2", False))
    daemon.expect(r"port\.authorised")
    mark = daemon.mark()
    daemon.ctl("reauth", check=True)
    daemon.expect(r"port\.authorised .*resumed=yes", mark)
    seen = authd.mark()
    authd.ctl("account", "remove", name, check=True)
    daemon.ctl("reauth", check=True)
    authd.expect(rf'auth\.reject .*resumed=yes .*diagnosis=account-unknown .*{name}', seen)


@each("mschapv2", "password")
def a_wrong_password_is_told(lab, inner):
    authd, port = by_port(lab, "1.3", inner=inner)
    keep(authd)
    daemon = lab.latchkeyd(port, profile=profile(lab, inner, password="wrong"))
    daemon.expect(r"port\.diagnosis .*id=inner-refused ")
    authd.expect(r"auth\.reject .*diagnosis=account-password-wrong ")
    lab.check(not port.ping(), "nothing passes")


@test
def another_inner_method_is_told(lab):
    authd, port = by_port(lab, "1.3", inner="tls")
    daemon = lab.latchkeyd(port, profile=profile(lab, "password"))
    authd.expect(r"auth\.reject .*diagnosis=peer-refused-methods ")
    daemon.expect(r"port\.diagnosis .*id=")
    lab.check(not port.ping(), "nothing passes")


@test
def a_server_without_teap_is_told(lab):
    authd, port = guarded(lab, settings={"Eap.Methods": "tls"})
    daemon = lab.latchkeyd(port, profile=profile(lab, "tls"))
    daemon.expect(r"port\.diagnosis .*id=method-not-agreed ")


# ---- certificates by TEAP alone

ACCOUNT = {"Eap.Methods": "tls teap", "Tunnel.TeapMethods": "password mschapv2", "Enroll.TeapProvisioning": "yes",
           "Enroll.Authorise": "certificate account"}


def enrolling(lab, inner, version="1.3", settings=None, profile=None, **kwargs):
    """A machine that has an account, and the root of the network."""
    authd, port = network(lab, {**ACCOUNT, **(settings or {})}, tls=[version], **kwargs)
    keep(authd)
    anchor = lab.folder("anchor") / "root.pem"
    anchor.write_text(authd.ctl("ca", "export", check=True).stdout)
    daemon = machine(lab, port, {
        "Enroll.Tunnel": "teap", "Enroll.Protocols": "teap", "Server.TrustAnchor": anchor, "Server.ServerName": SERVER,
        "Inner.Method": inner, "Inner.Identity": NAME, "Inner.PasswordFile": password_file(lab), **(profile or {})})
    return authd, port, daemon


@each(*((i, v) for i in ("password", "mschapv2") for v in VERSIONS))
def a_machine_with_an_account_is_given_a_certificate(lab, case):
    inner, version = case
    authd, port, daemon = enrolling(lab, inner, version)
    daemon.expect(r"credential\.progress .*step=received protocol=TEAP")
    daemon.expect(r"credential\.outcome .*action=enroll outcome=installed")
    authd.expect(r'auth\.accept .*subject="CN=bob" .*method=EAP-TLS ')
    lab.until(port.ping, "traffic passes")
    lab.check("bob" in credential(daemon)["Subject"], "the account's name")
    known = authd.json("machine", "list")
    lab.equal(len(known), 1, "machines that the server knows")
    # with the certificate alone from now on
    done = daemon.ctl("renew", "network")
    lab.equal(done.returncode, 0, f"latchkeyctl renew: {done.stdout}{done.stderr}")
    lab.equal(credential(daemon)["Generation"], 2, "the generation")
    daemon.expect(r"credential\.settled .*generation=2")
    lab.check(port.passes(), "traffic passes")


@each(*VERSIONS)
def a_factory_certificate_is_enough(lab, version):
    """The network is met again with the new certificate alone: the default is AfterEnrolment=fail."""
    factory = lab.pki().root
    authd, port = network(lab, {"Enroll.FactoryAnchors": factory.cert, "Enroll.TeapProvisioning": "yes"},
                          start=False, tls=[version])
    authd.add("rule", "factory", {"Match.Dns": "*", "Decision.Action": "enroll"})
    authd.start()
    anchor = lab.folder("anchor") / "root.pem"
    anchor.write_text(authd.ctl("ca", "export", check=True).stdout)
    daemon = machine(lab, port, {
        "Enroll.Tunnel": "teap", "Enroll.Protocols": "teap", "Enroll.CommonName": "pc7",
        "Enroll.FactoryCredential": "machine", "Server.TrustAnchor": anchor, "Server.ServerName": SERVER})
    daemon.expect(r"credential\.outcome .*action=enroll outcome=installed")
    authd.expect(r"auth\.reject .*diagnosis=enrolled ")
    authd.expect(r'auth\.accept .*subject="CN=pc7" .*method=EAP-TLS ')
    lab.until(port.ping, "traffic passes")


@test
def a_server_asks_for_a_renewal_inside(lab):
    """By TEAP's own TLVs. The port's TEAP has nobody to make a request, but the service hears of the wish."""
    authd, port = network(lab, {
        "Eap.Methods": "tls teap", "Tunnel.TeapMethods": "password", "Enroll.FactoryAnchors": lab.pki().root.cert,
        "Enroll.TeapProvisioning": "yes", "Enroll.AfterEnrolment": "accept"}, start=False)
    authd.add("rule", "factory", {"Match.Dns": "*.example.org", "Decision.Action": "enroll"})
    # Of six days when it comes: a sixth is over, and for the machine it is not due for long.
    authd.add("profile", "machine", {"Certificate.Lifetime": "5d", "Certificate.Backdate": "1d"})
    authd.start()
    anchor = lab.folder("anchor") / "root.pem"
    anchor.write_text(authd.ctl("ca", "export", check=True).stdout)
    settings = {
        "Match.Name": port.interface, "TLS.Credential": "network", "Enroll.Tunnel": "teap", "Enroll.Protocols": "teap",
        "Enroll.CommonName": "pc7", "Enroll.FactoryCredential": "machine", "Server.TrustAnchor": anchor,
        "Server.ServerName": SERVER}
    daemon = machine(lab, port, settings)
    authd.expect(r'auth\.accept .*subject="CN=pc7" .*method=EAP-TLS ')
    authd.configure({"Tunnel.TeapCertificateAlone": "yes", "Enroll.RenewAfter": 10})
    authd.reload()
    mark = daemon.mark()
    daemon.add_profile("wired", {**settings, "EAP.Method": "teap"})
    daemon.reload()
    daemon.expect(r"credential\.wished .*heard=yes", mark)
    daemon.expect(r"credential\.conversation .*action=renew", mark)
    daemon.expect(r"credential\.settled .*generation=2", mark)
    lab.until(port.ping, "traffic passes")


@test
def a_server_that_does_not_enroll_accounts_says_so(lab):
    authd, port, daemon = enrolling(lab, "password", settings={"Enroll.Authorise": "certificate"})
    daemon.expect(r"credential\.outcome .*outcome=refused id=enroll-ca-refused")
    authd.expect(r"auth\.reject .*diagnosis=enroll-action-refused ")
    lab.check(not port.ping(), "nothing passes")


@test
def a_server_without_certificates_by_teap_is_told(lab):
    authd, port, daemon = enrolling(lab, "password", settings={
        "Enroll.TeapProvisioning": "no", "Enroll.Authorise": "certificate"})
    daemon.expect(r"credential\.outcome .*outcome=refused id=enroll-protocol")
    lab.check(not port.ping(), "nothing passes")


@test
def a_machine_does_not_enroll_at_another_server(lab):
    authd, port, daemon = enrolling(lab, "password", profile={"Server.ServerName": "other.example.org"})
    daemon.expect(r"credential\.outcome .*id=server-name-mismatch")
    lab.equal(authd.json("machine", "list"), [], "machines that the server knows")


if __name__ == "__main__":
    main()
