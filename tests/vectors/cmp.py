#!/usr/bin/env python3
"""cmp.py > cmp.txt: CMP messages as OpenSSL's command speaks them, from both its ends.

Each line is an input of fuzz_cmp_peer.c and fuzz_cmp_server.c, with one message in it: octet 0, no
headers, two octets of length, the PKIMessage. test_cmp.c reads them too, and holds them against the
words after "#": the body, and what it says."""
import os
import socket
import subprocess
import sys
import tempfile
import time


def run(*args, check=True):
    return subprocess.run(["openssl", *args], check=check, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL)


def make(name, subject, issuer=None, *extensions):
    args = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "3650", "-subj", subject]
    for e in extensions or ["keyUsage=critical,digitalSignature"]:
        args += ["-addext", e]
    if issuer:
        args += ["-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key"]
    run(*args)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def talk(name, said, server, client):
    """One transaction; its messages, each with what it is."""
    port = free_port()
    far = subprocess.Popen(["openssl", "cmp", "-port", str(port), *server],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    files = [f"m{i}" for i in range(8)]
    near = run("cmp", "-server", f"127.0.0.1:{port}", "-certout", "got.pem", *client,
               "-reqout", ",".join(f + ".req" for f in files),
               "-rspout", ",".join(f + ".rsp" for f in files), check=False)
    far.terminate()
    far.wait()
    print(f"\n# {name} (status of the client: {near.returncode})")
    for f in files:
        for end in (".req", ".rsp"):
            if not os.path.exists(f + end):
                continue
            der = open(f + end, "rb").read()
            os.unlink(f + end)
            print(f"00 0000 {len(der):04x} {der.hex()}  # {said.pop(0)}")


def main():
    os.chdir(tempfile.mkdtemp())
    ca = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,digitalSignature,keyCertSign"]
    make("root", "/CN=Root", None, *ca)
    make("ca", "/CN=Issuing CA", "root", *ca)
    make("old", "/CN=m.example.org", "ca")
    make("extra", "/CN=Extra", "root", *ca)
    run("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "new.key")
    run("req", "-x509", "-CA", "ca.pem", "-CAkey", "ca.key", "-key", "new.key", "-subj",
        "/CN=m.example.org", "-out", "new.pem", "-days", "3650")
    run("req", "-new", "-key", "new.key", "-subj", "/CN=m.example.org", "-out", "new.csr")
    with open("extras.pem", "w") as out:
        for n in ("ca", "extra", "root"):
            out.write(open(n + ".pem").read())
    by_mac = ["-srv_ref", "ra", "-srv_secret", "pass:secret", "-rsp_cert", "new.pem"]
    mac = ["-ref", "token", "-secret", "pass:secret"]
    by_key = ["-srv_cert", "ca.pem", "-srv_key", "ca.key", "-srv_trusted", "root.pem",
              "-srv_untrusted", "ca.pem", "-rsp_cert", "new.pem"]
    key = ["-cert", "old.pem", "-key", "old.key", "-trusted", "root.pem", "-untrusted", "ca.pem"]
    ir = ["-cmd", "ir", "-newkey", "new.key", "-subject", "/CN=m.example.org"]

    print("# Made by cmp.py; read by test_cmp.c and by fuzz_cmp_peer.c, fuzz_cmp_server.c.")
    talk("by MAC, confirmed", ["ir", "ip accepted", "certconf accepted", "pkiconf"], by_mac,
         ir + mac)
    talk("by MAC, confirmation waived", ["ir implicit", "ip accepted implicit"],
         by_mac + ["-grant_implicitconf"], ir + mac + ["-implicit_confirm"])
    talk("waiting, then polled", ["ir implicit", "ip waiting", "pollreq", "pollrep 1", "pollreq",
                                  "ip accepted implicit"],
         by_mac + ["-poll_count", "2", "-check_after", "1", "-grant_implicitconf"],
         ir + mac + ["-implicit_confirm"])
    talk("rejected", ["ir", "ip rejection badPOP"],
         by_mac + ["-pkistatus", "2", "-failure", "9", "-statusstring", "not today"], ir + mac)
    talk("an error in place of an answer", ["ir", "error rejection"], by_mac + ["-send_error"],
         ir + mac)
    talk("an error that nobody vouches for", ["ir", "error rejection unprotected"],
         by_mac + ["-send_error", "-send_unprot_err"], ir + mac)
    talk("by signature, with extra certificates and CA certificates",
         ["ir signed", "ip accepted signed capubs", "certconf accepted signed", "pkiconf signed"],
         by_key + ["-rsp_extracerts", "extras.pem", "-rsp_capubs", "root.pem"], ir + key)
    talk("PKCS#10", ["p10cr signed", "cp accepted signed", "certconf accepted signed",
                     "pkiconf signed"], by_key, ["-cmd", "p10cr", "-csr", "new.csr"] + key)
    talk("renewed", ["kur implicit signed", "kup accepted implicit signed"],
         by_key + ["-grant_implicitconf"],
         ["-cmd", "kur", "-newkey", "new.key", "-implicit_confirm", "-cert", "new.pem", "-key",
          "new.key", "-trusted", "root.pem", "-untrusted", "ca.pem"])
    talk("revoked", ["rr signed", "rp accepted signed"], by_key,
         ["-cmd", "rr", "-oldcert", "new.pem"] + key)
    talk("general messages", ["genm signed", "genp signed"], by_key,
         ["-cmd", "genm", "-infotype", "signKeyPairTypes"] + key)


sys.exit(main())
