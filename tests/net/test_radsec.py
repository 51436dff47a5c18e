"""RADIUS over TLS, out and in: radsec_link.c, radsec_server.c and what both stand on."""
import shutil
import signal
import socket
import ssl
import struct

from authd import Authd
from client_box import Box, Server
from lab import each, main, need, run, test
from radius import STATUS, Nas
from wire import CEILING

PSK = "00112233445566778899aabbccddeeff"


class TlsServer(Server):
    """FreeRADIUS that listens for RADIUS over TLS too."""

    CONFIG = Server.CONFIG.replace("\tauthorize {{\n", """\
	listen {{
		type = auth+acct
		proto = tcp
		ipaddr = 127.0.0.1
		port = 2083
		clients = tls
		tls {{
			private_key_file = {key}
			certificate_file = {cert}
			ca_file = {root}
			auto_chain = no
			fragment_size = 8192
			tls_min_version = "{least}"
			tls_max_version = "{most}"
			cipher_list = "{ciphers}"
			ecdh_curve = ""
			require_client_cert = yes
			cache {{
				enable = no
			}}
		}}
	}}
	authorize {{
""", 1).replace("modules {{\n", """\
clients tls {{
	client localhost-tls {{
		ipaddr = 127.0.0.1
		proto = tls
		secret = radsec
	}}
}}
modules {{
""", 1)


def over_tls(lab, **more):
    """A file of servers.d."""
    return {"Server.Address": "127.0.0.1", "Server.Transport": "tls", "Server.StatusServer": "yes",
            "Server.GiveUp": "5s", "Server.DeadTime": "1s", "Server.ProbeInterval": "30s",
            "RadSec.Credential": "nas", "RadSec.Anchors": lab.pki().root.cert,
            "RadSec.Names": lab.pki().server_name, **more}


def without(settings, *keys):
    return {key: value for key, value in settings.items() if key not in keys}


def psk_file(lab, key=PSK):
    file = lab.folder("psk") / "key"
    file.write_text(key + "\n")
    file.chmod(0o600)
    return file


def psk(lab, identity="hall", key=PSK):
    return {"RadSec.PskIdentity": identity, "RadSec.PskFile": psk_file(lab, key)}


def listening(lab, ns, client=None, **settings):
    """latchkey-authd for RADIUS over TLS from one client."""
    authd = Authd(lab, ns, settings={"Radius.RadSecListen": "127.0.0.1",
                                     "Radius.RadSecClientAnchors": lab.pki().root.cert, **settings}, start=False)
    authd.add("client", "local", {"Client.Prefix": "127.0.0.1", "Client.Secret": "testing123",
                                  **({"RadSec.Names": lab.pki().client_name} if client is None else client)})
    authd.start()
    return authd


def answered(box):
    """latchkey-authd asks for EAP-TLS, which this machine does not know."""
    box.do("auth", "^odd 1: no MD5-Challenge")


# ---- out -------------------------------------------------------------------------------------------

@each("1.2", "1.3")
def a_server_over_tls_lets_in(lab, version):
    ns = lab.namespace("server")
    server = TlsServer(lab, ns, tls=[version])
    box = Box(lab, ns, {"main": over_tls(lab)}, wait="for=authentication was=unconnected is=alive")
    lab.check(box.process.said(f"radsec.up server=main tls=TLSv{version}"), "the version")
    box.do("auth", "^answer 1 accept code=3 vlan=20")
    # This server reads one packet whenever the connection becomes readable, and no more.
    for number in range(2, 12):
        box.do("auth", f"^answer {number} accept")
    since = server.mark()
    box.say("account start")
    server.expect('Acct-Session-Id = "session-start"', since=since)
    lab.until(lambda: box.do("view", r"^view \d+ (\d+) 0")[1] == "0", "it is taken")
    box.exit()


@test
def a_connection_that_is_lost_is_made_again(lab):
    ns = lab.namespace("server")
    server = TlsServer(lab, ns)
    box = Box(lab, ns, {"main": over_tls(lab)}, wait="for=authentication was=unconnected is=alive")
    box.do("auth", "^answer 1 accept")
    since = box.mark()
    server.process.kill()
    box.expect("radsec.down server=main", since=since)
    box.do("auth", "^answer 2 timeout")
    since = box.mark()
    server.start()
    box.expect("for=authentication was=unconnected is=alive", since=since)
    box.do("auth", "^answer 3 accept")
    box.exit()


@test
def who_comes_before_the_connection_waits_for_it(lab):
    ns = lab.namespace("server")
    server = TlsServer(lab, ns)
    server.process.signal(signal.SIGSTOP)
    box = Box(lab, ns, {"main": over_tls(lab, **{"Server.GiveUp": "60s"})})
    box.say("auth 3")
    lab.equal(box.servers()["main", "authentication"]["state"], "dead", "the server")
    server.process.signal(signal.SIGCONT)
    for number in (1, 2, 3):
        box.expect(f"^answer {number} accept")
    box.exit()


@test
def a_server_that_falls_silent_is_connected_to_again(lab):
    ns = lab.namespace("server")
    server = TlsServer(lab, ns)
    box = Box(lab, ns, {"main": over_tls(lab, **{"Server.StatusServer": "no"})},
              wait="for=authentication was=unconnected is=alive")
    box.do("begin 3", "^challenge 3")
    server.process.signal(signal.SIGSTOP)
    lab.equal(box.servers()["main", "authentication"]["state"], "alive", "the server")
    since = box.mark()
    box.say("go")
    for number in (1, 2, 3):
        box.expect(f"^answer {number} timeout .*main", since=since)
    box.expect("radsec.down server=main", since=since)
    server.process.signal(signal.SIGCONT)
    box.do("auth", "^answer 4 accept")
    box.exit()


@test
def a_silent_connection_is_watched(lab):
    """Nobody waits until a request is given up: RFC 3539, section 3.4.1."""
    ns = lab.namespace("server")
    first, second = TlsServer(lab, ns), Server(lab, ns, port=1912)
    box = Box(lab, ns, {"a": over_tls(lab, **{"Server.Priority": 1, "Server.GiveUp": "300s",
                                               "Server.ProbeInterval": "1s"}),
                        "b": second.file(Priority=2)}, wait="for=authentication was=unconnected is=alive")
    box.do("auth", "^answer 1 accept")
    first.process.signal(signal.SIGSTOP)
    since = box.mark()
    box.do("auth", "^answer 2 accept")
    box.expect("radsec.down server=a", since=since)
    first.process.signal(signal.SIGCONT)
    box.expect("for=authentication was=unconnected is=alive", since=since)
    box.do("auth", "^answer 3 accept")
    box.exit()


@test
def two_hundred_at_once(lab):
    """FreeRADIUS 3.2.1 takes several packets off a connection, but looks at one."""
    ns = lab.namespace("server")
    TlsServer(lab, ns)
    box = Box(lab, ns, {"main": over_tls(lab, **{"Server.Sockets": 3, "RadSec.Pipeline": 1,
                                                 "Server.GiveUp": "60s"})},
              wait="for=authentication was=unconnected is=alive")
    box.say("auth 200")
    lab.until(lambda: box.do("total", r"^total (\d+) accepted (\d+)").groups() == ("200", "200"),
              "all are let in")
    lab.equal(len([line for line in box.process.lines if "radsec.up server=main" in line]), 4,
              "connections: three, and one for accounting")
    box.exit()


@test
def udp_takes_over_from_tls(lab):
    ns = lab.namespace("server")
    server = Server(lab, ns)
    box = Box(lab, ns, {"a": over_tls(lab, **{"Server.Priority": 1}), "b": server.file(Priority=2)},
              wait="radsec.down server=a diagnosis=tls-failed")
    box.do("auth", "^answer 1 accept")
    box.exit()


@test
def a_server_that_is_another_is_told(lab):
    ns, pki = lab.namespace("server"), lab.pki()
    TlsServer(lab, ns)
    box = Box(lab, ns, {"main": over_tls(lab, **{"RadSec.Names": "other.example.org"})},
              wait="radsec.down server=main diagnosis=server-name-mismatch")
    box.do("auth", "^answer 1 timeout")
    lab.check("other.example.org" in box.servers()["main", "authentication"]["diagnosis"], "the view says so")
    box.exit()
    Box(lab, ns, {"main": over_tls(lab, **{"RadSec.Anchors": pki.stranger.cert})},
        wait="radsec.down server=main diagnosis=server-untrusted").exit()


@test
def a_server_that_does_not_know_us_says_so(lab):
    ns, pki = lab.namespace("server"), lab.pki()
    server = TlsServer(lab, ns)
    box = Box(lab, ns, {}, wait="^failed")
    pki.stranger.issue("somebody").keep(box.keystore, "stranger")
    box.write({"main": over_tls(lab, **{"RadSec.Credential": "stranger"})})
    process = lab.process(box.process.argv, ns=ns)
    process.expect("radsec.down server=main diagnosis=tls-(alert|failed)")
    server.expect("unable to get local issuer|self.signed|unknown CA")


@test
def what_is_missing_is_said_at_the_start(lab):
    ns = lab.namespace("server")
    for key, said in (("RadSec.Anchors", "Anchors=: is missing"), ("RadSec.Names", "Names=: is missing"),
                      ("RadSec.Credential", "Credential=: is missing")):
        Box(lab, ns, {"main": without(over_tls(lab), key)}, wait=said)
    Box(lab, ns, {"main": over_tls(lab, **{"RadSec.Credential": "nobody"})}, wait="^failed .*nobody")


# ---- in --------------------------------------------------------------------------------------------

@test
def our_client_and_our_server(lab):
    ns = lab.namespace("server")
    authd = listening(lab, ns)
    box = Box(lab, ns, {"main": over_tls(lab, **{"Server.GiveUp": "60s"})},
              wait="for=authentication was=unconnected is=alive")
    authd.expect("radsec.accept client=local from=127.0.0.1:.* tls=TLSv1.3")
    answered(box)
    since = box.mark()
    box.say("auth 1000")
    for number in (2, 255, 256, 1001):
        box.expect(f"^odd {number}:", since=since)
    lab.check(authd.process.lines and len([line for line in authd.process.lines if "radsec.accept" in line]) > 2,
              "one connection has too few identifiers")
    box.exit()


@test
def a_name_that_is_not_the_clients(lab):
    ns = lab.namespace("server")
    authd = listening(lab, ns, {"RadSec.Names": "other.example.org"})
    box = Box(lab, ns, {"main": over_tls(lab)}, wait="radsec.down server=main diagnosis=tls-alert")
    authd.expect("radsec.close client=local .*diagnosis=radsec-name-mismatch .*laptop.example.org")
    box.exit()


@test
def a_client_that_nobody_here_vouches_for(lab):
    ns = lab.namespace("server")
    authd = listening(lab, ns, **{"Radius.RadSecClientAnchors": lab.pki().stranger.cert})
    box = Box(lab, ns, {"main": over_tls(lab)}, wait="radsec.down server=main diagnosis=tls-alert .*unknown CA")
    authd.expect("radsec.close client=local .*diagnosis=peer-untrusted")
    box.exit()


@test
def a_pre_shared_key(lab):
    ns = lab.namespace("server")
    listening(lab, ns, psk(lab))
    keyed = without(over_tls(lab), "RadSec.Credential", "RadSec.Anchors", "RadSec.Names")
    box = Box(lab, ns, {"main": {**keyed, **psk(lab)}}, wait="for=authentication was=unconnected is=alive")
    answered(box)
    box.exit()
    Box(lab, ns, {"main": {**keyed, **psk(lab, key="ff" * 16)}}, wait="radsec.down server=main").exit()
    Box(lab, ns, {"main": {**keyed, **psk(lab, identity="else")}}, wait="radsec.down server=main").exit()
    # A certificate is not enough where a key is asked for.
    Box(lab, ns, {"main": over_tls(lab)}, wait="radsec.down server=main").exit()


@each("1.2", "1.3")
def a_pre_shared_key_of_somebody_elses_program(lab, version):
    need("openssl")
    ns = lab.namespace("server")
    authd = listening(lab, ns, psk(lab))
    said = run("openssl", "s_client", "-connect", "127.0.0.1:2083", "-psk_identity", "hall", "-psk", PSK,
               f"-tls{version.replace('.', '_')}", "-brief", ns=ns, check=False)
    lab.check("CONNECTION ESTABLISHED" in said.stderr, said.stderr)
    authd.expect(f"radsec.accept client=local .*tls=TLSv{version}")


@test
def a_stranger_is_told_nothing_and_the_log_is_told_once(lab):
    ns = lab.namespace("server")
    authd = listening(lab, ns)
    authd.add("client", "local", {"Client.Prefix": "192.0.2.1", "Client.Secret": "testing123",
                                  "RadSec.Names": lab.pki().client_name})
    authd.reload()
    for _ in range(20):
        lab.equal(Stream(lab, ns, shake=False).tcp.recv(1), b"", "what a stranger reads")
    authd.expect("radsec.refused client=none from=127.0.0.1:.* since=1 cause=.no file in clients.d")
    lab.equal(len([line for line in authd.process.lines if "radsec.refused" in line]), 1, "lines about it")


class Stream:
    """A client by hand."""

    def __init__(self, lab, ns, version=ssl.TLSVersion.TLSv1_3, shake=True):
        pki = lab.pki()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(pki.root.cert)
        context.load_cert_chain(pki.client.bundle, pki.client.key)
        context.minimum_version = context.maximum_version = version
        self.tcp = ns.inside(socket.create_connection, ("127.0.0.1", 2083), CEILING)
        self.tls = context.wrap_socket(self.tcp, server_hostname=pki.server_name) if shake else self.tcp

    def read(self):
        """One packet; empty when the connection has ended."""
        data = b""
        try:
            while len(data) < 4 or len(data) < struct.unpack("!H", data[2:4])[0]:
                more = self.tls.recv(4096)
                if not more:
                    break
                data += more
        except (ssl.SSLError, ConnectionError):
            pass
        return data


@test
def packets_are_found_however_they_are_cut(lab):
    ns = lab.namespace("server")
    listening(lab, ns)
    nas = Nas(ns, "127.0.0.1", 1812, "radsec")
    one = nas.request(code=STATUS)
    one = one if isinstance(one, bytes) else one.raw
    stream = Stream(lab, ns)
    for octet in one:
        stream.tls.send(bytes([octet]))
    lab.equal(stream.read()[0], 2, "Access-Accept")
    stream.tls.send(one[:30])
    stream.tls.send(one[30:])
    lab.equal(stream.read()[0], 2, "Access-Accept")


@each(0, 19, 4097, 65535)
def a_length_that_no_packet_has_ends_it(lab, length):
    ns = lab.namespace("server")
    authd = listening(lab, ns)
    stream = Stream(lab, ns)
    stream.tls.send(struct.pack("!BBH", 1, 1, length) + bytes(16))
    lab.equal(stream.read(), b"", "what comes then")
    authd.expect("radsec.close client=local .*diagnosis=malformed-traffic")


@each("removed", "another name", "as it was")
def a_reload_ends_the_connections_of_who_may_not_come_any_more(lab, case):
    ns = lab.namespace("server")
    authd = listening(lab, ns)
    one = Nas(ns, "127.0.0.1", 1812, "radsec").request(code=STATUS)
    stream = Stream(lab, ns)
    if case == "removed":
        authd.remove("client", "local")
    elif case == "another name":
        authd.add("client", "local", {"Client.Prefix": "127.0.0.1", "Client.Secret": "testing123",
                                      "RadSec.Names": "other.example.org"})
    authd.reload()
    stays = case == "as it was"
    lab.equal(authd.said("radsec.close client=local"), not stays, "the connection was closed")
    stream.tls.send(one)
    lab.equal(stream.read()[:1], b"\x02" if stays else b"", "what is answered")


@test
def garbage_instead_of_tls_ends_it(lab):
    ns = lab.namespace("server")
    authd = listening(lab, ns)
    stream = Stream(lab, ns, shake=False)
    stream.tls.send(b"GET / HTTP/1.0\r\n\r\n")
    authd.expect("radsec.close client=local .*diagnosis=tls-failed")


@test
def who_has_enough_connections_gets_no_more(lab):
    """Those that do not even begin with TLS are counted, and the others of the client stay."""
    ns = lab.namespace("server")
    authd = listening(lab, ns)
    nas = Nas(ns, "127.0.0.1", 1812, "radsec")
    one = nas.request(code=STATUS)
    good = Stream(lab, ns)
    idle = [Stream(lab, ns, shake=False) for _ in range(80)]
    lab.check(any(s.tcp.recv(1) == b"" for s in idle[63:]), "one too many is closed")
    authd.expect("radsec.refused client=local from=127.0.0.1:.* since=1 cause=.it has too many")
    lab.equal(len([line for line in authd.process.lines if "radsec.refused" in line]), 1, "lines about it")
    good.tls.send(one if isinstance(one, bytes) else one.raw)
    lab.equal(good.read()[0], 2, "Access-Accept")


if __name__ == "__main__":
    main()
