"""The server's certificate and TLS: everything that can be wrong with them, and what is said of it."""
import time

from authenticator import Authenticator
from diagnosed import DAY, at, day, diagnosed, machine, shows
from lab import main

SUBJECT = "CN=radius.example.org"
ROOT = "CN=Latchkey Test Root"
WEAK = "DEFAULT@SECLEVEL=0"


def server(lab, **kwargs):
    """A certificate for the server, from the authority that is trusted."""
    pki = lab.pki()
    return pki.root.issue(kwargs.pop("name", pki.server_name), server=True, **kwargs)


def meets(lab, credential, profile=None, options=None, **kwargs):
    """A machine that meets hostapd with this certificate."""
    port = lab.port(server=credential, options=options, **kwargs)
    return machine(lab, port, profile=profile or {})


def by_hand(lab, version, server=None, ciphers=None, **kwargs):
    """A machine, and a TLS server of ours that it will talk to."""
    pki, port = lab.pki(), lab.port(authenticator=False)
    switch = Authenticator(lab, port)
    daemon = machine(lab, port, **kwargs)
    switch.identity()
    return switch, daemon, switch.tls(server or pki.server, pki.root, version, ciphers)


# ---- who is it? ------------------------------------------------------------------------------------

@shows("server-untrusted")
def a_server_of_an_authority_that_nobody_trusts(lab):
    pki = lab.pki()
    stranger = pki.stranger.issue(pki.server_name, server=True)
    daemon = meets(lab, stranger)
    diagnosed(lab, daemon, "server-untrusted", subject=SUBJECT, issuer="CN=Somebody Else",
              fingerprint=stranger.fingerprint(), detail="unknown issuer", sent="unknown CA")


@shows("server-untrusted")
def a_server_that_does_not_send_its_intermediate(lab):
    pki = lab.pki()
    lacking = pki.root.authority("Test Issuing").issue(pki.server_name, server=True)
    lacking.chain = []
    diagnosed(lab, meets(lab, lacking), "server-untrusted", subject=SUBJECT, issuer="CN=Test Issuing",
              detail="unknown issuer")


@shows("server-name-mismatch")
def a_server_with_another_name(lab):
    other = server(lab, name="mail.example.org", names=["mail.example.org", "www.example.org"])
    daemon = meets(lab, other, {"Server.ServerName": "radius.example.org .example.com"})
    diagnosed(lab, daemon, "server-name-mismatch", subject="CN=mail.example.org",
              names="DNS:mail.example.org, DNS:www.example.org",
              wanted="radius.example.org, .example.com")


@shows("server-pin-mismatch")
def a_server_with_another_key(lab):
    mine = lab.pki().server
    daemon = meets(lab, mine, {"Server.ServerPin": "ab" * 32})
    diagnosed(lab, daemon, "server-pin-mismatch", subject=SUBJECT, fingerprint=mine.pin())


# ---- when ------------------------------------------------------------------------------------------

@shows("server-cert-expired")
def a_server_whose_certificate_expired(lab):
    daemon = meets(lab, server(lab, start=-30, end=-2))
    seen = diagnosed(lab, daemon, "server-cert-expired", subject=SUBJECT, issuer=ROOT,
                     not_after=day(-2), not_before=day(-30), now=day(0),
                     detail="the server's own certificate", sent="certificate expired")
    lab.check(seen["evidence"]["now"] in seen["next"], f"the clock is mentioned: {seen['next']}")


@shows("server-cert-expired")
def an_intermediate_that_expired(lab):
    pki = lab.pki()
    issuing = pki.root.authority("Old Issuing", start=-400, end=-5)
    daemon = meets(lab, issuing.issue(pki.server_name, server=True))
    diagnosed(lab, daemon, "server-cert-expired", subject="CN=Old Issuing", not_after=day(-5),
              detail="an intermediate certificate")


@shows("server-cert-not-yet-valid")
def a_server_whose_certificate_is_not_valid_yet(lab):
    daemon = meets(lab, server(lab, start=2))
    diagnosed(lab, daemon, "server-cert-not-yet-valid", subject=SUBJECT, not_before=day(2), now=day(0))


def with_a_wrong_clock(lab, policy, **kwargs):
    """A machine that has lost two years."""
    pki = lab.pki()
    daemon = machine(lab, lab.port(**kwargs), env=at(-730 * DAY),
                     client=pki.root.issue(pki.client_name, start=-1000),
                     profile={"Server.ClockPolicy": policy})
    return daemon, {"now": day(-730), "clock": lambda: time.time() - 730 * DAY}


@shows("clock-wrong")
def a_clock_that_is_wrong(lab):
    daemon, then = with_a_wrong_clock(lab, "strict")
    diagnosed(lab, daemon, "clock-wrong", built=r"\d{4}-.*Z", **then)


@shows("reduced-clock")
def a_wrong_clock_and_the_date_of_the_build(lab):
    daemon, then = with_a_wrong_clock(lab, "build-date")
    diagnosed(lab, daemon, "reduced-clock", authorised=True, **then)


@shows("server-cert-expired")
def the_date_of_the_build_still_finds_what_expired_before(lab):
    daemon, then = with_a_wrong_clock(lab, "build-date", server=server(lab, start=-800, end=-700))
    diagnosed(lab, daemon, "server-cert-expired", not_after=day(-700),
              **{**then, "now": day(-730) + ", before this program was built on .*Z"})


@shows("reduced-clock")
def a_wrong_clock_and_no_dates(lab):
    old = server(lab, start=-900, end=-800)
    daemon, then = with_a_wrong_clock(lab, "ignore-dates", server=old)
    diagnosed(lab, daemon, "reduced-clock", authorised=True, **then)


# ---- what for, and how good ------------------------------------------------------------------------

@shows("server-cert-usage")
def a_certificate_for_another_use(lab):
    daemon = meets(lab, server(lab, usage="clientAuth"))
    diagnosed(lab, daemon, "server-cert-usage", subject=SUBJECT, detail="extended key usage")


@shows("server-cert-weak")
def a_key_that_is_too_small(lab):
    switch, daemon, tls = by_hand(lab, "1.2", server=server(lab, key="RSA-1024"), ciphers=WEAK)
    tls.handshake()
    switch.failure()
    diagnosed(lab, daemon, "server-cert-weak", subject=SUBJECT, detail="key too small")


@shows("server-cert-invalid")
def an_extension_that_nobody_knows(lab):
    odd = server(lab, extensions=["1.2.3.4 = critical, ASN1:NULL"])
    diagnosed(lab, meets(lab, odd), "server-cert-invalid", subject=SUBJECT,
              detail="unhandled critical extension")


# ---- is it still good? -----------------------------------------------------------------------------

def revoking(lab):
    """An authority of its own and a server, for it revokes."""
    pki = lab.pki()
    issuing = pki.root.authority("Revoking")
    return issuing, issuing.issue(pki.server_name, server=True)


@shows("server-cert-revoked")
def a_certificate_on_a_revocation_list(lab):
    issuing, revoked = revoking(lab)
    issuing.revoke(revoked)
    daemon = meets(lab, revoked, {"Server.CRL": f"{issuing.crl()} {lab.pki().root.crl()}"})
    diagnosed(lab, daemon, "server-cert-revoked", subject=SUBJECT, issuer="CN=Revoking",
              detail="revocation list", sent="certificate revoked")


@shows("crl-unusable")
def a_revocation_list_that_expired(lab):
    daemon = machine(lab, lab.port(), profile={"Server.CRL": lab.pki().root.crl(start=-9, end=-2)})
    diagnosed(lab, daemon, "crl-unusable", issuer=ROOT, detail="expired")


@shows("crl-unusable")
def a_revocation_list_of_somebody_else(lab):
    daemon = machine(lab, lab.port(), profile={"Server.CRL": lab.pki().stranger.crl()})
    diagnosed(lab, daemon, "crl-unusable", issuer=ROOT, detail="there is none")


@shows("ocsp-missing")
def a_server_that_does_not_staple(lab):
    daemon = machine(lab, lab.port(), profile={"Server.OCSP": "require"})
    diagnosed(lab, daemon, "ocsp-missing", subject=SUBJECT)


@shows("server-cert-revoked")
def a_stapled_response_that_says_revoked(lab):
    issuing, revoked = revoking(lab)
    issuing.revoke(revoked)
    daemon = meets(lab, revoked, options={"ocsp_stapling_response": issuing.ocsp(revoked)})
    diagnosed(lab, daemon, "server-cert-revoked", subject=SUBJECT, detail="OCSP", revoked=day(0))


@shows("ocsp-invalid")
def a_stapled_response_about_another(lab):
    issuing, good = revoking(lab)
    other = issuing.issue("other.example.org", server=True)
    daemon = meets(lab, good, options={"ocsp_stapling_response": issuing.ocsp(other)})
    diagnosed(lab, daemon, "ocsp-invalid", subject=SUBJECT, detail="about another certificate")


# ---- TLS itself ------------------------------------------------------------------------------------

@shows("tls-version-not-agreed")
def a_server_that_is_too_new_for_the_profile(lab):
    switch, daemon, tls = by_hand(lab, "1.3", profile={"TLS.MaxTLS": "1.2"})
    tls.handshake()
    switch.failure()
    diagnosed(lab, daemon, "tls-version-not-agreed", allowed="TLS 1.2", alert="protocol version")


@shows("tls-version-not-agreed")
def a_server_that_is_too_old(lab):
    switch, daemon, tls = by_hand(lab, "1.1", ciphers=WEAK)
    tls.handshake()
    switch.failure()
    diagnosed(lab, daemon, "tls-version-not-agreed", allowed="TLS 1.2 to TLS 1.3",
              alert="protocol version")


@shows("tls-cipher-not-agreed")
def a_server_with_other_ciphers(lab):
    switch, daemon, tls = by_hand(lab, "1.2", server=server(lab, key="RSA-2048"), ciphers="AES128-SHA")
    tls.handshake()
    switch.failure()
    diagnosed(lab, daemon, "tls-cipher-not-agreed", detail="alert handshake failure")


@shows("eap-failure-during")
def a_server_that_has_nothing_in_common_with_us_and_does_not_say_so(lab):
    # hostapd's own server, and FreeRADIUS 3, keep this alert to themselves.
    daemon = machine(lab, lab.port(tls=["1.3"]), profile={"TLS.MaxTLS": "1.2"})
    seen = diagnosed(lab, daemon, "eap-failure-during", method="EAP-TLS", state="server hello")
    lab.check("no TLS version or cipher in common" in seen["next"], f"what it may be: {seen['next']}")


@shows("tls-failed")
def data_instead_of_the_success_indication(lab):
    switch, daemon, tls = by_hand(lab, "1.3")
    tls.handshake()
    tls.say(b"\1")
    switch.failure()
    diagnosed(lab, daemon, "tls-failed", detail=".*success indication")


@shows("tls-failed")
def tls_closed_instead_of_the_success_indication(lab):
    switch, daemon, tls = by_hand(lab, "1.3")
    tls.handshake()
    tls.close()
    switch.failure()
    diagnosed(lab, daemon, "tls-failed", detail=".*closed TLS.*")


# ---- open, and yet -----------------------------------------------------------------------------------

@shows("reduced-no-server-check")
def a_profile_that_checks_nothing(lab):
    unchecked = {"Server.InsecureNoServerCheck": "yes", "Server.TrustAnchor": None,
                 "Server.ServerName": None}
    daemon = meets(lab, lab.pki().stranger.issue("evil.example.org", server=True), unchecked)
    diagnosed(lab, daemon, "reduced-no-server-check", authorised=True)
    lab.check("REDUCED ASSURANCE" in daemon.ctl("status").stdout, "it catches the eye")


@shows("reduced-old-tls")
def a_profile_that_allows_old_tls(lab):
    port = lab.port(tls=["1.0"], options={"openssl_ciphers": WEAK})
    daemon = machine(lab, port, profile={"TLS.MinTLS": "1.0"})
    diagnosed(lab, daemon, "reduced-old-tls", authorised=True, tls="TLS 1.0")


if __name__ == "__main__":
    main()
