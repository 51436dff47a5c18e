"""Runs a program behind the system call filter of the unit: under_unit.py UNIT PROGRAM [ARGUMENT…]

The lines SystemCallFilter= are read as systemd.exec(5) says: the first says what is allowed, those that
follow add, or with ~ take away."""
import ctypes
import os
import subprocess
import sys

EPERM_OTHERWISE, ALLOW = 0x00050001, 0x7fff0000


def members(name):
    """The system calls that a word of the filter stands for."""
    if not name.startswith("@"):
        return {name}
    lines = subprocess.run(["systemd-analyze", "syscall-filter", name], check=True, text=True,
                           stdout=subprocess.PIPE).stdout.splitlines()[1:]
    words = {line.strip() for line in lines if not line.strip().startswith("#")}
    return set().union(*(members(word) for word in words if word))


def allowed(unit):
    calls = set()
    with open(unit, encoding="utf-8") as file:
        for line in file:
            if not line.startswith("SystemCallFilter="):
                continue
            words = line.strip().partition("=")[2]
            change = set().union(*(members(word) for word in words.lstrip("~").split()))
            calls = calls - change if words.startswith("~") else calls | change
    return calls


def confine(calls):
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    rules = ctypes.c_void_p(library.seccomp_init(EPERM_OTHERWISE))
    for call in calls:
        number = library.seccomp_syscall_resolve_name(call.encode())
        if number >= 0:
            library.seccomp_rule_add(rules, ALLOW, number, 0)
    if library.seccomp_load(rules) < 0:
        sys.exit("the filter cannot be set")


confine(allowed(sys.argv[1]))
os.execv(sys.argv[2], sys.argv[2:])
