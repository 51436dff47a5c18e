"""What has to hold of machines and their server, whoever died in the middle of an enrolment.

    truth = Truth(authd)
    truth.holds(daemon)       # every certificate in its keystore is one that the registry knows
    truth.tokens()            # none was used more often than it is good for
    truth.audit()             # the trail is whole
"""
import hashlib
import re
import sqlite3
import ssl

from lab import CEILING, Failed

PEM = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.S)


def certificates(keystore):
    """DER of every machine's certificate there, current or not, by the file it is in."""
    return {file: ssl.PEM_cert_to_DER_cert(PEM.search(file.read_text())[0])
            for file in keystore.glob("*/*/cert.pem") if not file.parent.is_symlink() and "BEGIN" in file.read_text()}


class Truth:
    def __init__(self, authd):
        self.authd = authd
        self.file = authd.dir / "registry.sqlite"

    def ask(self, query, *values):
        registry = sqlite3.connect(f"file:{self.file}?mode=ro", uri=True, timeout=CEILING)
        try:
            return registry.execute(query, values).fetchall()
        finally:
            registry.close()

    def issued(self):
        return {bytes(der) for der, in self.ask("SELECT der FROM credential WHERE kind = 0")}

    def holds(self, keystore, name="network"):
        """Of one keystore; returns how many certificates are in it."""
        issued, here = self.issued(), certificates(keystore)
        here = {file: der for file, der in here.items() if file.parent.parent.name == name}
        for file, der in here.items():
            if der not in issued:
                raise Failed(f"{file}: the server knows nothing of {hashlib.sha256(der).hexdigest()}")
        return len(here)

    def tokens(self):
        """Counted uses, and machines that really got something by it: one use is one key."""
        rows = self.ask("SELECT t.name, t.uses, t.used, (SELECT COUNT(DISTINCT spki) FROM credential"
                        " WHERE credential.token = t.name) FROM token t")
        for name, uses, used, keys in rows:
            if used > uses or keys != used:
                raise Failed(f"token {name} is good for {uses}, counted {used} times, and has served {keys} keys")

    def audit(self):
        done = self.authd.ctl("audit", "verify")
        if done.returncode:
            raise Failed(f"the audit trail is not whole: {done.stdout}{done.stderr}")
        missing = self.ask("SELECT COUNT(*) FROM credential WHERE kind = 0")[0][0] - \
            self.ask("SELECT COUNT(*) FROM audit WHERE event = 'credential.issued'")[0][0]
        if missing:
            raise Failed(f"{missing} certificates are not in the audit trail")
