"""Accounts of latchkey-authd, and the file that a machine has the password in."""
import hashlib
import os
import sqlite3

from lab import CEILING

NAME, PASSWORD = "bob", "correct horse"
NT_HASH = bytes.fromhex("cfc43211ba8dc470832267827cac1407")


def keep(authd, name=NAME):
    """An account, as the commands would keep it."""
    salt = os.urandom(16)
    key = hashlib.scrypt(PASSWORD.encode(), salt=salt, n=1 << 14, r=8, p=1, maxmem=1 << 26, dklen=32)
    with sqlite3.connect(authd.dir / "registry.sqlite", timeout=CEILING) as database:
        database.execute("INSERT INTO account (name, folded, hash, nt, clear, disabled, maker, made, changed) "
                         "VALUES (?, ?, ?, ?, NULL, 0, 'test', 0, 0)",
                         (name, name, f"$scrypt$ln=14,r=8,p=1${salt.hex()}${key.hex()}", NT_HASH))
    database.close()


def password_file(lab, password=PASSWORD):
    file = lab.folder("password") / NAME
    file.write_text(password + "\n")
    file.chmod(0o600)
    return file
