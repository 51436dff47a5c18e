"""This end of the cable: latchkeyd with its bus and latchkeyctl, and wpa_supplicant to compare."""
from lab import Lines, Process, need
from switch import Control


class WpaSupplicant:
    """wpa_supplicant 2.10 on a wire, to prove the laboratory and to compare with."""

    def __init__(self, lab, port, client=None, root=None, settings=None):
        need("wpa_supplicant")
        pki = lab.pki()
        client, root = client or pki.client, root or pki.root
        self.dir = lab.folder("wpa")
        network = {"key_mgmt": "IEEE8021X", "eap": "TLS", "identity": f'"{client.name}"',
                   "ca_cert": f'"{root.cert}"', "client_cert": f'"{client.bundle}"',
                   "private_key": f'"{client.key}"', "eapol_flags": 0,
                   "domain_suffix_match": f'"{pki.server_name}"', **(settings or {})}
        file = self.dir / "wpa.conf"
        file.write_text(f"ctrl_interface={self.dir / 'ctl'}\nap_scan=0\nnetwork={{\n" +
                        "".join(f"\t{k}={v}\n" for k, v in network.items()) + "}\n")
        self.process = Process(lab, ["stdbuf", "-oL", "wpa_supplicant", "-Dwired", f"-i{port.interface}",
                                     f"-c{file}"], ns=port.peer, name=f"wpa_supplicant {port.interface}")
        self.process.expect("Successfully initialized")
        lab.until(lambda: (self.dir / "ctl" / port.interface).exists(), "wpa_supplicant's socket")
        self.control = Control(lab, self.dir / "ctl" / port.interface,
                               f"events of wpa_supplicant {port.interface}")

    def expect(self, pattern, since=0, timeout=None):
        return self.process.expect(pattern, since, timeout)
