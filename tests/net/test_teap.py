"""TEAP between latchkeyd and latchkey-authd: behind our own port, and behind hostapd with RADIUS.

No other peer or server of TEAP is at hand: hostapd, wpa_supplicant and FreeRADIUS as distributions build them
have none.
"""
import hashlib
import os
import sqlite3

from authd import Authd, guarded
from lab import each, main, test

VERSIONS = ("1.2", "1.3")
NAME, PASSWORD = "bob", "correct horse"
NT_HASH = bytes.fromhex("cfc43211ba8dc470832267827cac1407")
WAYS = ("mschapv2", "tls", "password")


def keep(authd):
    """An account, as the commands would keep it."""
    salt = os.urandom(16)
    key = hashlib.scrypt(PASSWORD.encode(), salt=salt, n=1 << 14, r=8, p=1, maxmem=1 << 26, dklen=32)
    with sqlite3.connect(authd.dir / "registry.sqlite", timeout=10) as database:
        database.execute("INSERT INTO account (name, folded, hash, nt, clear, disabled, maker, made, changed) "
                         "VALUES (?, ?, ?, ?, NULL, 0, 'test', 0, 0)",
                         (NAME, NAME, f"$scrypt$ln=14,r=8,p=1${salt.hex()}${key.hex()}", NT_HASH))
    database.close()


def settings(inner, **more):
    return {"Eap.Methods": "teap", "Tunnel.TeapMethods": inner, **{k.replace("_", "."): v for k, v in more.items()}}


def profile(lab, inner, password=PASSWORD, **more):
    usual = {"EAP.Method": "teap", "Inner.Method": inner, "Inner.Identity": NAME, "TLS.Credential": None}
    if inner == "tls":
        usual["Inner.Credential"] = "machine"
    elif inner:
        file = lab.folder("password") / "bob"
        file.write_text(password + "\n")
        file.chmod(0o600)
        usual["Inner.PasswordFile"] = file
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


if __name__ == "__main__":
    main()
