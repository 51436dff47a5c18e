"""eapol_test(8) of Debian: wpa_supplicant's EAP peer behind a RADIUS client of its own."""
import re

from lab import Process, need


class EapolTest:
    """Runs to its end. `again`: so many authentications more, resumed if the server lets it."""

    def __init__(self, lab, ns, server, address="127.0.0.1", client=None, root=None, tls=None, again=0,
                 settings=None, secret=None, options=(), timeout=120):
        need("eapol_test")
        pki = lab.pki()
        client, root = client or pki.client, root or pki.root
        # With 1.3 it takes 1.2 as well: that it does not is the server's business.
        phase1 = f"tls_disable_tlsv1_3={int(tls == '1.2')} tls_disable_session_ticket=0"
        network = {"key_mgmt": "IEEE8021X", "eap": "TLS", "eapol_flags": 0, "identity": f'"{client.name}"',
                   "ca_cert": f'"{root.cert}"', "client_cert": f'"{client.bundle}"',
                   "private_key": f'"{client.key}"', "phase1": f'"{phase1}"',
                   "domain_suffix_match": f'"{pki.server_name}"', **(settings or {})}
        file = lab.folder("eapol_test") / "conf"
        file.write_text("network={\n" + "".join(f"\t{k}={v}\n" for k, v in network.items()) + "}\n")
        self.process = Process(lab, ["eapol_test", "-c", file, "-a", address, "-p", server.port, "-s",
                                     secret or server.secret, "-r", again, "-t", timeout, *options], ns=ns)

    def wait(self):
        """Whether all authentications succeeded, and the keys are the same at both ends."""
        return self.process.wait(180) == 0 and self.process.lines[-1] == "SUCCESS"

    def keys(self):
        """How often the keys were equal, and how often not."""
        found = next(m for line in self.process.lines
                     if (m := re.search(r"MPPE keys OK: (\d+)  mismatch: (\d+)", line)))
        return int(found[1]), int(found[2])

    def said(self, pattern):
        return self.process.said(pattern)

    def resumed(self):
        """Whether a handshake was."""
        return self.said("Handshake finished - resumed=1")

    def tls(self):
        """The version of the last handshake."""
        return [m[1] for line in self.process.lines
                if (m := re.search(r"SSL: Using TLS version TLSv(\S+)", line))][-1]
