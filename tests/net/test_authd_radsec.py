"""RADIUS over TLS, RFC 6614: who may connect, with certificates and with pre-shared keys."""
import shutil
import ssl

import pki
from authd import Authd
from lab import Process, each, main, need, test
from radius import ACCEPT, STATUS, Closed, Nas, Pipe, RadSec, Talk, identity

PORT, UDP = 2083, 1900
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
    counters = authd.json("counters")
    lab.equal([counters[f"radsec_{each}"] for each in ("accepted_total", "malformed_total", "failed_total", "refused_total")],
              [4, 3, 0, 0], "what is counted")


@test
def a_packet_in_pieces_is_put_together(lab):
    authd, authority = server(lab)
    nas = connect(lab, authd, authority.issue(NAME))
    packet = nas.request(eap=identity("laptop.example.org"))
    for n in range(len(packet)):
        nas.socket.sendall(packet[n:n + 1])
    lab.check(nas.receive(packet) is not None, "it is answered")


# ---- FreeRADIUS as the client -----------------------------------------------------------------------------

PROXY = """
prefix = /usr
localstatedir = {dir}
logdir = {dir}
raddbdir = {dir}
run_dir = {dir}
name = radius
libdir = /usr/lib/freeradius
pidfile = {dir}/pid
max_requests = 1024
log {{
	destination = stdout
}}
security {{
	allow_core_dumps = no
	reject_delay = 0
	status_server = no
}}
thread pool {{
	start_servers = 1
	max_servers = 4
	min_spare_servers = 1
	max_spare_servers = 2
}}
client localhost {{
	ipaddr = 127.0.0.1
	secret = {secret}
}}
proxy_requests = yes
proxy server {{
	default_fallback = no
}}
home_server ours {{
	type = auth
	ipaddr = 127.0.0.1
	port = {port}
	proto = tcp
	secret = radsec
	response_window = 20
	status_check = none
	tls {{
		private_key_file = {key}
		certificate_file = {cert}
		ca_file = {root}
		fragment_size = 8192
		tls_min_version = "{version}"
		tls_max_version = "{version}"
	}}
}}
home_server_pool ours {{
	type = fail-over
	home_server = ours
}}
realm ours {{
	auth_pool = ours
	nostrip
}}
modules {{
}}
server default {{
	listen {{
		type = auth
		ipaddr = 127.0.0.1
		port = {udp}
	}}
	authorize {{
		update control {{
			Proxy-To-Realm := "ours"
		}}
	}}
}}
"""


def freeradius(lab, authd, credential, version):
    """It answers RADIUS over UDP and asks our server over TLS."""
    need("freeradius")
    home = lab.folder("proxy")
    key = shutil.copy(credential.key, home / "key.pem")
    (home / "radiusd.conf").write_text(PROXY.format(
        dir=home, secret=authd.secret, port=PORT, udp=UDP, key=key, cert=credential.bundle, root=lab.pki().root.cert,
        version=version))
    (home / "dictionary").write_text("$INCLUDE /usr/share/freeradius/dictionary\n")
    process = Process(lab, ["freeradius", "-f", "-l", "stdout", "-xx", "-d", home, "-D", "/usr/share/freeradius",
                            "-n", "radiusd"], ns=authd.ns, name="freeradius")
    process.expect("Ready to process requests")


@each("1.2", "1.3")
def from_freeradius(lab, version):
    authd, authority = server(lab)
    freeradius(lab, authd, authority.issue(NAME), version)
    nas = Nas(authd.ns, "127.0.0.1", UDP, authd.secret)
    for _ in range(2):
        lets_in(lab, nas)
    authd.expect(r"auth\.accept ")


@test
def from_a_freeradius_of_somebody_else(lab):
    authd, _ = server(lab)
    freeradius(lab, authd, lab.pki().stranger.issue(NAME), "1.3")
    nas = Nas(authd.ns, "127.0.0.1", UDP, authd.secret)
    nas.send(nas.request(eap=identity("laptop")))
    authd.expect(r"radsec\.close .*diagnosis=")
    lab.check(not authd.said(r"auth\."), "nothing is asked")


if __name__ == "__main__":
    main()
