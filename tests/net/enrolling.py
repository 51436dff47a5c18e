"""Machines that are enrolled: a server with an authority of its own, tokens, and machines that have nothing."""
from authd import guarded

SERVER = "radius.example.org"


def network(lab, settings=None, start=True, **kwargs):
    """A guarded port, and a server with an authority of its own that knows no machine yet."""
    authd, port = guarded(lab, start=False, settings={
        "Tls.Credential": "radius", "Tls.ClientAnchors": None, "Authority.Credential": "ca-issuing",
        "Enroll.Enabled": "yes", **(settings or {})}, **kwargs)
    authd.ctl("ca", "init", "name=Example", f"server={SERVER}", check=True)
    if start:
        authd.start()
    return authd, port


def token(authd, *words):
    return authd.json("token", "create", *words)["text"]


def machine(lab, port, settings=None, given=None, start=True, **kwargs):
    """latchkeyd without a credential, and without an idea of whom to trust."""
    daemon = lab.latchkeyd(port, bus=lab.bus(), start=False, profile={
        "TLS.Credential": "network", "Server.TrustAnchor": None, "Server.ServerName": None,
        "EAPOL.StartFirst": "250ms", "EAPOL.HeldPeriod": "2s", **(settings or {"Enroll.Tunnel": "ttls"})}, **kwargs)
    if given:
        keep_token(daemon, given)
    if start:
        daemon.start()
    return daemon


def keep_token(daemon, text):
    """Where TokenFile= points to."""
    file = daemon.dir / "token"
    file.touch(mode=0o600)
    file.write_text(text + "\n")
    return file


def enroll(daemon, text, *words):
    """`latchkeyctl enroll` with this token."""
    return daemon.ctl("enroll", f"--token-file={keep_token(daemon, text)}", *words)


def credential(daemon, name="network"):
    return daemon.json("credentials", "show", name)
