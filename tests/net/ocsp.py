"""OCSP responders by HTTP: openssl(1) with the index of an authority, and ones that do not answer."""
import re
import socket

from lab import CEILING, Lab, Process

ADDRESS, PORT = "127.0.0.1", 8888
URL = f"http://{ADDRESS}:{PORT}"


class Responder(Process):
    """Says what the authority's index says when it starts. Each question is a line of its own."""

    def __init__(self, lab, ns, authority, port=PORT):
        super().__init__(lab, ["stdbuf", "-oL", "openssl", "ocsp", "-port", port, "-index", authority.dir / "index",
                               "-CA", authority.cert, "-rsigner", authority.cert, "-rkey", authority.key,
                               "-ndays", 1, "-text"], ns=ns, name="openssl ocsp")
        self.expect("(?i)waiting for OCSP client|ACCEPT")

    def asked(self, least):
        """How many questions there were, as soon as there were that many: it tells of one after it has
        answered it."""
        Lab.until(lambda: self._asked() >= least, f"{least} questions were asked")
        return self._asked()

    def _asked(self):
        return sum(bool(re.search("OCSP Request Data", line)) for line in self.lines)


class Hanging:
    """Takes connections, and says nothing."""

    def __init__(self, lab, ns, port=PORT):
        self.socket = ns.inside(lambda: socket.create_server((ADDRESS, port)))
        self.socket.settimeout(CEILING)
        lab.owns(self)

    def taken(self):
        """Waits for a connection."""
        connection, _ = self.socket.accept()
        return connection

    def close(self):
        self.socket.close()
