"""Our own credential, and the server's opinion of it: what can be wrong, and what is said of it."""
import json
import shutil
import time

from authenticator import Authenticator
from diagnosed import DAY, at, complete, day, diagnosed, machine, shown, shows
from lab import main
from pki import make_key

SUBJECT = "CN=laptop.example.org"
ROOT = "CN=Latchkey Test Root"


def holds(lab, credential, port=None, **kwargs):
    """A machine with this credential, at a port where it would get in."""
    return machine(lab, port or lab.port(), client=credential, **kwargs)


def client(lab, **kwargs):
    pki = lab.pki()
    return pki.root.issue(pki.client_name, **kwargs)


def in_the_keystore(lab, change, **kwargs):
    """A machine whose keystore was tampered with; `change` gets the folder of the credential."""
    daemon = machine(lab, lab.port(), start=False, **kwargs)
    change(daemon.keystore / "machine" / "1")
    daemon.start()
    return daemon


# ---- what we find ourselves ------------------------------------------------------------------------

@shows("credential-missing")
def a_credential_that_is_not_there(lab):
    daemon = machine(lab, lab.port(), profile={"TLS.Credential": "laptop"})
    diagnosed(lab, daemon, "credential-missing", credential="laptop", detail=".*keystore.*",
              profile="wired")


@shows("credential-expired")
def our_certificate_expired(lab):
    daemon = holds(lab, client(lab, start=-30, end=-2))
    diagnosed(lab, daemon, "credential-expired", credential="machine", subject=SUBJECT,
              not_after=day(-2), now=day(0))


@shows("credential-not-yet-valid")
def our_certificate_is_not_valid_yet(lab):
    daemon = holds(lab, client(lab, start=2))
    diagnosed(lab, daemon, "credential-not-yet-valid", credential="machine", not_before=day(2), now=day(0))


@shows("credential-expiring")
def our_certificate_expires_soon(lab):
    daemon = holds(lab, client(lab, end=3))
    diagnosed(lab, daemon, "credential-expiring", authorised=True, credential="machine",
              not_after=day(3))


@shows("credential-chain-incomplete")
def an_intermediate_is_missing(lab):
    pki = lab.pki()
    upper = pki.root.authority("Upper")
    lower = upper.authority("Lower").issue(pki.client_name)
    # The certificate in the middle is lost: what is left cannot be put together.
    lower.chain = [upper.cert]
    port = lab.port(options={"ca_cert": bundle(lab, lower.issuer.chain + [pki.root.cert])})
    diagnosed(lab, holds(lab, lower, port), "credential-chain-incomplete", authorised=True,
              credential="machine", issuer="CN=Lower")


def bundle(lab, files):
    path = lab.dir / "bundle.pem"
    path.write_text("".join(f.read_text() for f in files))
    return path


@shows("credential-unusable")
def a_certificate_that_is_damaged(lab):
    daemon = in_the_keystore(lab, lambda made: (made / "cert.pem").write_text("-----BEGIN"))
    diagnosed(lab, daemon, "credential-unusable", credential="machine", detail=".*cert.pem.*")


@shows("key-mismatch")
def a_key_of_another_certificate(lab):
    daemon = in_the_keystore(lab, lambda made: shutil.copy(make_key("P-256"), made / "key.pem"))
    diagnosed(lab, daemon, "key-mismatch", credential="machine")


@shows("key-unreadable")
def a_key_that_others_can_read(lab):
    daemon = in_the_keystore(lab, lambda made: (made / "key.pem").chmod(0o644))
    diagnosed(lab, daemon, "key-unreadable", credential="machine", detail=".*key.pem.*0644.*")


@shows("key-unreadable")
def a_key_that_is_damaged(lab):
    daemon = in_the_keystore(lab, lambda made: (made / "key.pem").write_text("rubbish\n"))
    diagnosed(lab, daemon, "key-unreadable", credential="machine", detail=".*key.pem.*")


@shows("keystore-unusable")
def a_keystore_that_others_can_write(lab):
    daemon = machine(lab, lab.port(), start=False)
    daemon.keystore.chmod(0o777)
    daemon.start(wait=False)
    cause = daemon.expect(r'keystore\.open path="(.*)" cause="(.*)"')
    lab.check(cause[2].startswith(f"The keystore {cause[1]} cannot be used: "), f"why: {cause[2]}")
    lab.equal(cause[1], str(daemon.keystore), "which")
    complete(lab, "keystore-unusable", cause[2])
    lab.equal(daemon.process.wait(), 1, "the exit status")
    checked = json.loads(daemon.ctl("--json", "check").stdout)
    lab.equal(checked["Errors"][0]["Message"], cause[2], "latchkeyctl check tells the same")
    shown.add("keystore-unusable")


@shows("passphrase-wrong")
def a_passphrase_that_is_wrong(lab):
    daemon = machine(lab, lab.port())
    wrong = lab.dir / "passphrase"
    wrong.write_text("not that one\n")
    wrong.chmod(0o600)
    refused = daemon.ctl("credentials", "import", "--passphrase-file", wrong, "other",
                         lab.pki().client.pkcs12("this one"))
    said = " ".join((refused.stdout + refused.stderr).split())
    lab.equal(refused.returncode, 1, "the exit status")
    lab.check("The passphrase for" in said and "is wrong" in said, f"why: {said}")
    complete(lab, "passphrase-wrong", said)
    lab.check(not (daemon.keystore / "other").exists(), "nothing was stored")
    shown.add("passphrase-wrong")


# ---- what the server finds -------------------------------------------------------------------------

def refused(lab, credential, version, crl=None, **kwargs):
    """A machine with this credential, after OpenSSL as the server has looked at it."""
    pki, port = lab.pki(), lab.port(authenticator=False)
    switch = Authenticator(lab, port)
    daemon = holds(lab, credential, port, **kwargs)
    switch.identity()
    tls = switch.tls(pki.server, pki.root, version, crl=crl)
    tls.handshake()
    lab.equal(tls.error, "CERTIFICATE_VERIFY_FAILED", "what the server says")
    switch.failure()
    return daemon


@shows("client-ca-unknown")
def an_authority_that_the_server_does_not_know(lab):
    stranger = lab.pki().stranger.issue(lab.pki().client_name)
    diagnosed(lab, refused(lab, stranger, "1.2"), "client-ca-unknown", credential="machine", subject=SUBJECT,
              issuer="CN=Somebody Else", alert="unknown CA")


@shows("client-ca-unknown")
def the_same_in_tls_1_3(lab):
    stranger = lab.pki().stranger.issue(lab.pki().client_name)
    diagnosed(lab, refused(lab, stranger, "1.3"), "client-ca-unknown", credential="machine", subject=SUBJECT,
              issuer="CN=Somebody Else", alert="unknown CA")


@shows("client-cert-refused-expired")
def a_certificate_that_expired_by_the_clock_of_the_server(lab):
    daemon = refused(lab, client(lab, start=-30, end=-5), "1.3", env=at(-20 * DAY),
                     profile={"Server.ClockPolicy": "ignore-dates"})
    diagnosed(lab, daemon, "client-cert-refused-expired", credential="machine", not_after=day(-5),
              alert="certificate expired", clock=lambda: time.time() - 20 * DAY)


@shows("client-cert-refused-revoked")
def a_certificate_on_the_revocation_list_of_the_server(lab):
    revoked = client(lab)
    lab.pki().root.revoke(revoked)
    daemon = refused(lab, revoked, "1.2", crl=lab.pki().root.crl())
    diagnosed(lab, daemon, "client-cert-refused-revoked", credential="machine",
              alert="certificate revoked")


@shows("eap-failure-during")
def a_server_that_does_not_accept_us_and_does_not_say_so(lab):
    # hostapd's own server, and FreeRADIUS 3, keep their alerts to themselves.
    pki = lab.pki()
    daemon = holds(lab, pki.stranger.issue(pki.client_name), lab.port(tls=["1.2"]))
    seen = diagnosed(lab, daemon, "eap-failure-during", state="server finished")
    lab.check("does not accept our certificate" in seen["next"], f"what it may be: {seen['next']}")


# RFC 5246, section 7.2.2; RFC 8446, section 6.2
ALERTS = {
    40: ("client-cert-refused", "handshake failure"),
    42: ("client-cert-refused", "bad certificate"),
    43: ("client-cert-refused-unsupported", "unsupported certificate"),
    44: ("client-cert-refused-revoked", "certificate revoked"),
    45: ("client-cert-refused-expired", "certificate expired"),
    46: ("client-cert-refused", "certificate unknown"),
    48: ("client-ca-unknown", "unknown CA"),
    49: ("client-access-denied", "access denied"),
    51: ("client-signature-refused", "decrypt error"),
    80: ("tls-alert", "internal error"),
    116: ("client-cert-required", "certificate required"),
}


@shows("client-cert-refused", "client-cert-refused-unsupported", "client-cert-refused-revoked",
       "client-cert-refused-expired", "client-ca-unknown", "client-access-denied",
       "client-signature-refused", "tls-alert", "client-cert-required")
def every_alert_that_is_about_our_certificate(lab):
    pki, port = lab.pki(), lab.port(authenticator=False)
    switch = Authenticator(lab, port)
    daemon = machine(lab, port)
    for number, (name, alert) in ALERTS.items():
        mark = daemon.mark()
        switch.identity()
        tls = switch.tls(pki.server, pki.root, "1.2")
        tls.answer(tls.start())
        tls.alert(number)
        switch.failure()
        diagnosed(lab, daemon, name, mark, alert=alert, credential="machine")


if __name__ == "__main__":
    main()
