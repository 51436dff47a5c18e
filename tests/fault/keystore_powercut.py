#!/usr/bin/env python3
"""The power fails while a credential is imported, enrolled, renewed, tried and taken back.

One life of a credential is led under strace.  Then every state that a disk may be left in is made
again and looked at: after each operation, with each number of those that nobody had asked to be
durable yet, in their order, and with nothing in files that were not brought to the disk.  What a
step had promised when it returned has to be there, complete, and nothing else."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CALLS = "openat,open,creat,mkdirat,mkdir,write,renameat,renameat2,rename,symlinkat,symlink," \
        "unlinkat,unlink,rmdir,fsync,fdatasync"
LINE = re.compile(r"^(\w+)\((.*)\)\s+= (-?\d+)(?:<(.*)>)?(?: .*)?$")
LOOKED_AT_ONCE = 200


def main():
    build = Path(os.environ.get("top_builddir", "."))
    program = build / "tests/fault/keystore_life"
    if not shutil.which("strace"):
        print("1..0 # SKIP strace is not installed")
        return 0
    shared = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="latchkey-powercut-", dir=shared) as name:
        top = Path(name)
        lived = record(program, top)
        if not lived:
            print("1..0 # SKIP strace may not trace here")
            return 0
        wanted, found = {}, {}
        for number, (disk, allowed, where) in enumerate(disks(lived, top / "keystore")):
            path = top / f"disk{number}"
            write_out(disk, path)
            wanted[path] = (allowed, where)
            if len(wanted) % LOOKED_AT_ONCE == 0:
                found.update(look(program, [p for p in wanted if p not in found]))
        found.update(look(program, [p for p in wanted if p not in found]))
        wrong = [(p, allowed, where) for p, (allowed, where) in wanted.items()
                 if found.get(p) not in {str(a) for a in allowed}]
        return report(wrong, found, len(wanted), lived)


def report(wrong, found, count, lived):
    """Two results: that all is right, and that there was enough to look at."""
    print("1..2")
    for path, allowed, where in wrong[:10]:
        print(f"# after {where}: {found.get(path)}, and not one of {sorted(allowed)}")
    print(f"{'not ' if wrong else ''}ok 1 - what was promised is there after a power cut ({count} states of the disk)")
    steps = sum(op[0] == "done" for op in lived)
    print(f"{'' if count >= 500 and steps >= 15 else 'not '}ok 2 - there are at least 500 states, of {steps} steps")
    return bool(wrong)


def record(program, top):
    """The operations of one life, in their order."""
    log = top / "strace"
    subprocess.run(["strace", "-o", log, "-y", "-s", "1000000", "-e", f"trace={CALLS}", program, "live", top / "keystore"],
                   env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"), stdout=subprocess.DEVNULL,
                   stderr=subprocess.PIPE, check=False)
    ops = []
    for line in log.read_text().splitlines() if log.exists() else []:
        match = LINE.match(line)
        if match and int(match[3]) >= 0:
            ops += operation(match[1], split(match[2]), match[4] or "", str(top / "keystore"))
    return ops


def split(text):
    """The arguments of a call: a comma inside of a string separates nothing."""
    return re.findall(r'(?:"(?:[^"\\]|\\.)*"|[^,"])+', text)


def unquote(text):
    return text.strip().strip('"').encode().decode("unicode_escape").encode("latin-1")


def at(directory, name):
    """The path of a name below a descriptor."""
    below = re.search(r"<(.*)>", directory)
    return os.path.normpath(os.path.join(below[1] if below else "", os.fsdecode(unquote(name))))


def operation(call, args, result, top):
    """What one call does to the disk, in our words: a list of one, or none."""
    described = re.search(r"<(.*)>", args[0])
    path = described[1] if described else ""
    if call == "write" and args[0].startswith("1<"):
        return [("done", int(unquote(args[1]).split()[1]))]
    if call == "write":
        done = ("write", path, unquote(args[1]))
    elif call in ("fsync", "fdatasync"):
        done = ("sync", path)
    elif call == "openat" and "O_CREAT" in args[2]:
        done = ("create", result)
    elif call == "mkdirat":
        done = ("mkdir", at(args[0], args[1]))
    elif call == "symlinkat":
        done = ("symlink", at(args[1], args[2]), os.fsdecode(unquote(args[0])))
    elif call in ("renameat", "renameat2"):
        done = ("rename", at(args[2], args[3]), at(args[0], args[1]))
    elif call == "unlinkat":
        done = ("unlink", at(args[0], args[1]))
    elif call in ("openat", "open"):
        return []
    else:
        raise ValueError(f"{call}: a call that was not there when this was written")
    ours = done[1] in (top, os.path.dirname(top)) or done[1].startswith(top + "/")
    return [done] if ours else []


class Disk:
    """Directories, files and links by their numbers; each change of a name is remembered with the
    directory that has to be synced for it."""

    def __init__(self, top):
        self.names = {0: {}}  # of each directory
        self.content = {}     # of each file: octets, or what a link says
        self.top = os.path.dirname(top)
        self.next = 1

    def place(self, path):
        """The number of the directory, and the name in it."""
        parts = os.path.relpath(path, self.top).split("/")
        directory = 0
        for part in parts[:-1]:
            directory = self.names[directory][part]
        return directory, parts[-1]

    def number(self, path):
        if path == self.top:
            return 0
        directory, name = self.place(path)
        return self.names[directory][name]

    def new(self):
        self.next += 1
        return self.next


def resolve(ops, top):
    """The same operations with numbers in place of paths, which mean something only in the moment."""
    disk, resolved = Disk(str(top)), []
    for op in ops:
        kind = op[0]
        if kind == "done":
            resolved.append(op)
            continue
        if kind in ("write", "sync"):
            resolved.append((kind, disk.number(op[1]), *op[2:]))
            continue
        directory, name = disk.place(op[1])
        if kind == "unlink":
            resolved.append(("unlink", directory, name))
            del disk.names[directory][name]
            continue
        if kind == "rename":
            source, old = disk.place(op[2])
            number = disk.names[source].pop(old)
            resolved.append(("rename", directory, name, number, source, old))
        else:
            number = disk.new()
            if kind == "mkdir":
                disk.names[number] = {}
            resolved.append((kind, directory, name, number, *op[2:]))
        disk.names[directory][name] = number
    return resolved


def disks(lived, top):
    """Each disk with what may be current on it, and the words for where this is."""
    ops = resolve(lived, top)
    for cut in range(len(ops) + 1):
        before = [op[1] for op in ops[:cut] if op[0] == "done"]
        after = next((op[1] for op in ops[cut:] if op[0] == "done"), None)
        allowed = {before[-1] if before else 0, after if after is not None else before[-1]}
        durable = {op[1]: i for i, op in enumerate(ops[:cut]) if op[0] == "sync"}
        loose = [i for i, op in enumerate(ops[:cut])
                 if op[0] not in ("done", "write", "sync") and durable.get(op[1], -1) < i]
        for kept in range(len(loose) + 1):
            lost = set(loose[kept:])
            where = f"operation {cut} of {len(ops)} ({ops[cut - 1][0] if cut else 'none'}), {kept} of {len(loose)} kept"
            yield replay(ops[:cut], lost, durable), allowed, where


def replay(ops, lost, durable):
    """Directories and contents as they would be found."""
    names, content = {0: {}}, {}
    for i, op in enumerate(ops):
        kind = op[0]
        if kind == "write" and durable.get(op[1], -1) > i:
            content[op[1]] = content.get(op[1], b"") + op[2]
        if kind == "mkdir":
            names[op[3]] = {}
        if kind == "symlink":
            content[op[3]] = op[4]
        if kind == "create":
            content[op[3]] = b""
        if i in lost or kind in ("done", "write", "sync"):
            continue
        if kind == "unlink":
            names[op[1]].pop(op[2], None)
        elif kind == "rename":
            if names[op[4]].pop(op[5], None) is not None:
                names[op[1]][op[2]] = op[3]
        else:
            names[op[1]][op[2]] = op[3]
    return names, content


def write_out(disk, path):
    names, content = disk
    path.mkdir(mode=0o700)

    def below(directory, where):
        for name, number in names[directory].items():
            full = where / name
            if number in names:
                full.mkdir(mode=0o700)
                below(number, full)
            elif isinstance(content[number], str):
                full.symlink_to(content[number])
            else:
                full.write_bytes(content[number])
                full.chmod(0o600)
    below(0, path)


def look(program, paths):
    """What is current on each disk."""
    done = subprocess.run([program, "look", *(p / "keystore" for p in paths)], stdout=subprocess.PIPE, text=True,
                          check=False)
    for path in paths:
        shutil.rmtree(path)
    return dict(zip(paths, done.stdout.splitlines()))


if __name__ == "__main__":
    sys.exit(main())
