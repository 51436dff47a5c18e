"""RADIUS over TLS, RFC 6614: who may connect, with certificates and with pre-shared keys."""
import ssl

import pki
from authd import Authd
from lab import each, main, test
from radius import ACCEPT, STATUS, Closed, Pipe, RadSec, Talk, identity

PORT = 2083
NAME = "switch.example.org"
PSK = "000102030405060708090a0b0c0d0e0f"


def server(lab, **client):
    """With an authority of its own for NASes, so that no machine can pose as one."""
    authority = pki.Authority("NAS Root")
    authd = Authd(lab, lab.namespace("server"), start=False,
                  settings={"Radius.RadSecListen": f"127.0.0.1:{PORT}", "Radius.RadSecClientAnchors": authority.cert})
    authd.add("client", "local", {"Client.Prefix": "127.0.0.0/8", "Client.Secret": authd.secret,
                                  "RadSec.Names": NAME, **client})
    authd.start()
    return authd, authority


def connect(lab, authd, credential, **kwargs):
    return lab.owns(RadSec(authd.ns, "127.0.0.1", PORT, credential, lab.pki().root, **kwargs))


def lets_in(lab, nas):
    lab.equal(Talk(nas, lab.pki().client, lab.pki().root).finish().code, ACCEPT, "the answer in the end")


def turned_away(lab, authd, credential, **kwargs):
    """With TLS 1.3 the client learns of it when it reads."""
    try:
        nas = connect(lab, authd, credential, **kwargs)
        nas.ask(nas.request(eap=identity("laptop")))
    except (ssl.SSLError, ConnectionError, Closed):
        return
    lab.check(False, "the connection is refused")


@each("1.2", "1.3")
def with_the_right_certificate(lab, version):
    authd, authority = server(lab)
    nas = connect(lab, authd, authority.issue(NAME), tls=version)
    for _ in range(3):
        lets_in(lab, nas)
    lab.equal(nas.ask(nas.request(code=STATUS, usual=False)).code, ACCEPT, "Status-Server")


@each(*((v, what) for v in ("1.2", "1.3") for what in ("none", "a stranger", "another name", "expired", "a machine")))
def with_a_wrong_certificate(lab, case):
    version, what = case
    authd, authority = server(lab)
    credential = {"none": lambda: None,
                  "a stranger": lambda: lab.pki().stranger.issue(NAME),
                  "another name": lambda: authority.issue("other.example.org"),
                  "expired": lambda: authority.issue(NAME, start=-30, end=-1),
                  "a machine": lambda: lab.pki().client}[what]()
    turned_away(lab, authd, credential, tls=version)
    lets_in(lab, connect(lab, authd, authority.issue(NAME), tls=version))


@each("1.2", "1.3")
def with_a_pre_shared_key(lab, version):
    authd, _ = server(lab)
    file = authd.dir / "psk"
    file.write_text(PSK + "\n")
    file.chmod(0o600)
    authd.add("client", "local", {"Client.Prefix": "127.0.0.0/8", "Client.Secret": authd.secret,
                                  "RadSec.PskIdentity": "switch", "RadSec.PskFile": file})
    authd.reload()
    lets_in(lab, lab.owns(Pipe(authd.ns, "127.0.0.1", PORT, "switch", PSK, version)))
    for who, key in (("switch", PSK[:-2] + "00"), ("other", PSK)):
        nas = lab.owns(Pipe(authd.ns, "127.0.0.1", PORT, who, key, version))
        try:
            answer = nas.ask(nas.request(eap=identity("laptop")))
            lab.check(answer is None, f"nothing for {who} with {key}")
        except (Closed, BrokenPipeError):
            pass


@test
def what_is_no_radius_ends_the_connection(lab):
    authd, authority = server(lab)
    credential = authority.issue(NAME)
    for junk in (bytes(20), b"\x01\x01\x00\x05", b"\x01\x01\xff\xff" + bytes(100)):
        nas = connect(lab, authd, credential)
        nas.send(junk)
        try:
            lab.check(nas.ask(nas.request(eap=identity("laptop")), 5) is None, "nothing is answered")
        except (Closed, ConnectionError, ssl.SSLError):
            pass
    lets_in(lab, connect(lab, authd, credential))


@test
def a_packet_in_pieces_is_put_together(lab):
    authd, authority = server(lab)
    nas = connect(lab, authd, authority.issue(NAME))
    packet = nas.request(eap=identity("laptop.example.org"))
    for n in range(len(packet)):
        nas.socket.sendall(packet[n:n + 1])
    lab.check(nas.receive(packet) is not None, "it is answered")


if __name__ == "__main__":
    main()
