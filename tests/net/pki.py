"""Certificates for tests, made by openssl(1): authorities, credentials, revocation.

    ca = pki.Authority("Test Root")
    issuing = ca.authority("Test Issuing")
    server = issuing.issue("radius.example.org", server=True)
    old = ca.issue("radius.example.org", server=True, start=-30, end=-1)      # days from now
    client = ca.issue("laptop.example.org", key="RSA-2048")

`shared()` is one set for a whole test program: keys take long to make, and most tests only need
some that are right. Give `issue` other words when something has to be wrong.
"""
import atexit
import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

KEYS = {
    "P-256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "P-384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "P-521": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
    "RSA-1024": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
    "RSA-2048": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "RSA-3072": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
    "RSA-4096": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096"],
    "Ed25519": ["-algorithm", "ED25519"],
}

CONFIG = """
[ca]
default_ca = here
[here]
database = {dir}/index
serial = {dir}/serial
crlnumber = {dir}/crlnumber
new_certs_dir = {dir}
certificate = {dir}/cert.pem
private_key = {dir}/key.pem
default_md = {digest}
default_crl_days = 30
policy = any
unique_subject = no
copy_extensions = none
email_in_dn = no
[any]
commonName = optional
organizationName = optional
[req]
distinguished_name = empty
[empty]
"""


@functools.cache
def _folder():
    path = Path(tempfile.mkdtemp(prefix="lkpki-"))
    owner = os.getpid()
    atexit.register(lambda: os.getpid() == owner and shutil.rmtree(path, ignore_errors=True))
    return path


_number = 0


def _new(suffix=""):
    global _number
    _number += 1
    return _folder() / f"{_number}{suffix}"


def openssl(*argv, at=0, **kwargs):
    """`at`: so many days from now, by faketime(1)."""
    before = ["faketime", "-f", f"{at}d"] if at else []
    done = subprocess.run([*before, "openssl", *map(str, argv)], capture_output=True, **kwargs)
    if done.returncode:
        raise RuntimeError(f"openssl {argv[0]}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def _date(days):
    when = datetime.now(timezone.utc) + timedelta(days=days)
    return when.strftime("%Y%m%d%H%M%SZ")


def make_key(kind):
    path = _new(".key")
    openssl("genpkey", *KEYS[kind], "-out", path)
    path.chmod(0o600)
    return path


@dataclass
class Credential:
    """A key and its certificate, as files; `chain` holds what stands between it and the root."""
    name: str
    key: Path
    cert: Path
    issuer: "Authority"
    chain: list = field(default_factory=list)

    @property
    def bundle(self):
        """The certificate, then its chain, in one file."""
        return _join([self.cert, *self.chain])

    def pkcs12(self, password):
        path = _new(".p12")
        extra = ["-certfile", _join(self.chain)] if self.chain else []
        openssl("pkcs12", "-export", "-inkey", self.key, "-in", self.cert, *extra, "-out", path,
                "-passout", f"pass:{password}")
        path.chmod(0o600)
        return path

    def fingerprint(self):
        """SHA-256 of the certificate, in lower case hexadecimal digits."""
        out = openssl("x509", "-in", self.cert, "-noout", "-fingerprint", "-sha256").decode()
        return out.strip().split("=")[1].replace(":", "").lower()

    def keep(self, keystore, name):
        """Puts it into a keystore as the next generation of what has this name there."""
        home = keystore / name
        generation = len(list(home.glob("[0-9]*"))) + 1
        made = home / str(generation)
        made.mkdir(mode=0o700, parents=True)
        for folder in (keystore, home):
            folder.chmod(0o700)
        parts = {"key.pem": self.key.read_text(), "cert.pem": self.cert.read_text(),
                 "chain.pem": "".join(c.read_text() for c in self.chain), "anchors.pem": "",
                 "meta.json": '{"format":1,"imported":1700000000}'}
        for file, text in parts.items():
            (made / file).write_text(text)
            (made / file).chmod(0o600)
        (home / "next").symlink_to(str(generation))
        (home / "next").rename(home / "current")

    def pin(self):
        """SHA-256 of its public key, as ServerPin= wants it."""
        public = openssl("pkey", "-in", self.key, "-pubout", "-outform", "DER")
        return hashlib.sha256(public).hexdigest()


def _join(files):
    path = _new(".pem")
    path.write_text("".join(f.read_text() for f in files))
    return path


class Authority:
    def __init__(self, name, parent=None, key="P-256", start=-500, end=3650, extensions=(),
                 usage="keyCertSign, cRLSign"):
        self.name, self.parent = name, parent
        self.dir = _new()
        self.dir.mkdir()
        for file, text in (("index", ""), ("index.attr", ""), ("serial", "1000\n"), ("crlnumber", "01\n")):
            (self.dir / file).write_text(text)
        digest = "default" if key == "Ed25519" else "sha256"
        (self.dir / "ca.cnf").write_text(CONFIG.format(dir=self.dir, digest=digest))
        self.key = make_key(key).rename(self.dir / "key.pem")
        self.cert = self.dir / "cert.pem"
        extensions = ["basicConstraints = critical, CA:TRUE", f"keyUsage = critical, {usage}",
                      "subjectKeyIdentifier = hash", *extensions]
        if parent:
            parent._sign(self.key, name, extensions + ["authorityKeyIdentifier = keyid"], start, end,
                         self.cert)
        else:
            self._sign(self.key, name, extensions, start, end, self.cert, selfsign=True)

    def authority(self, name, **kwargs):
        """One below this one."""
        return Authority(name, parent=self, **kwargs)

    @property
    def chain(self):
        """From this one up, without the root."""
        return [self.cert, *self.parent.chain] if self.parent else []

    def issue(self, name, server=False, names=None, key="P-256", start=-1, end=365, padding=0,
              usage=None, private=None, extensions=(), responder=None):
        """A credential. `names` are its DNS names (default: its name), `start` and `end` are days
        from now, `usage` its extended key usage if not the usual, an empty `name` no subject, `padding` octets make it long,
        `private` is a key that is already there, `responder` the URL to ask about it by OCSP."""
        names = [name] if names is None else names
        usage = usage if usage is not None else "serverAuth" if server else "clientAuth"
        lines = ["basicConstraints = critical, CA:FALSE", "subjectKeyIdentifier = hash",
                 "authorityKeyIdentifier = keyid", *extensions]
        lines += [f"extendedKeyUsage = {usage}"] if usage else []
        lines += ["subjectAltName = " + ", ".join(f"DNS:{n}" for n in names)] if names else []
        lines += [f"nsComment = {'x' * padding}"] if padding else []
        lines += [f"authorityInfoAccess = OCSP;URI:{responder}"] if responder else []
        private = private or make_key(key)
        cert = _new(".crt")
        self._sign(private, name, lines, start, end, cert)
        return Credential(name, private, cert, self, self.chain)

    def _sign(self, key, name, extensions, start, end, out, selfsign=False):
        request, file = _new(".csr"), _new(".ext")
        openssl("req", "-new", "-config", self.dir / "ca.cnf", "-key", key, "-subj", f"/CN={name}" if name else "/",
                "-out", request)
        file.write_text("\n".join(extensions) + "\n")
        openssl("ca", "-config", self.dir / "ca.cnf", "-batch", "-notext", "-in", request, "-extfile",
                file, "-startdate", _date(start), "-enddate", _date(end), "-out", out,
                *(["-selfsign"] if selfsign else []))

    def revoke(self, credential):
        openssl("ca", "-config", self.dir / "ca.cnf", "-revoke", credential.cert)

    def crl(self, start=0, end=30):
        path = _new(".crl")
        openssl("ca", "-config", self.dir / "ca.cnf", "-gencrl", "-crl_lastupdate", _date(start),
                "-crl_nextupdate", _date(end), "-out", path)
        return path

    def ocsp(self, credential, days=7, ago=0):
        """What a responder says of it now, or said so many days ago: a DER file to staple."""
        request, path = _new(".req"), _new(".ocsp")
        openssl("ocsp", "-issuer", self.cert, "-cert", credential.cert, "-no_nonce", "-reqout", request)
        openssl("ocsp", "-index", self.dir / "index", "-CA", self.cert, "-rsigner", self.cert, "-rkey",
                self.key, "-reqin", request, "-respout", path, "-ndays", str(days), at=-ago)
        return path

    def forget(self, credential):
        """Its responder does not know of the certificate any more."""
        serial = openssl("x509", "-in", credential.cert, "-noout", "-serial").decode().strip().split("=")[1]
        index = self.dir / "index"
        index.write_text("".join(line for line in index.read_text().splitlines(True)
                                 if line.split("\t")[3] != serial))


class Shared:
    """What most tests need, each made when first asked for."""
    server_name = "radius.example.org"
    client_name = "laptop.example.org"

    @functools.cached_property
    def root(self):
        return Authority("Latchkey Test Root")

    @functools.cached_property
    def server(self):
        return self.root.issue(self.server_name, server=True)

    @functools.cached_property
    def client(self):
        return self.root.issue(self.client_name)

    @functools.cached_property
    def expired_server(self):
        return self.root.issue(self.server_name, server=True, start=-400, end=-3)

    @functools.cached_property
    def stranger(self):
        """An authority that nobody here trusts."""
        return Authority("Somebody Else")


@functools.cache
def shared():
    return Shared()
