"""A laboratory for network tests: namespaces, cables, processes, and a runner that speaks TAP.

    from lab import main, test

    @test
    def a_certificate_opens_the_port(lab):
        port = lab.port(tls=["1.3"])            # a cable, a switch port, hostapd behind it
        daemon = lab.latchkeyd(port)            # configured for that port, and running
        port.authenticator.expect("CTRL-EVENT-EAP-SUCCESS")
        lab.check(port.passes(), "the peer gets through")

    if __name__ == "__main__":
        main()

Each test gets a Lab of its own. Nothing waits for a fixed time: `expect` returns as soon as a line
that matches is there, and fails at a generous ceiling with what was said instead. A network
namespace here is only an open file, and every process dies with the test program, so that nothing is
left behind, however it ends. Without root all of it runs in a user namespace.

What is in the lab: pki.py makes certificates, switch.py the authenticators and their ports,
machine.py the supplicants, wire.py cables that lose things and raw frames.
"""
import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

SRC = Path(os.environ.get("top_srcdir", Path(__file__).parent.parent.parent)).resolve()
BUILD = Path(os.environ.get("top_builddir", SRC / "build" / "gcc")).resolve()

# How long anything may take before it counts as failed. Nothing waits as long as that, but on a machine that is
# slow and has much else to do.
CEILING = float(os.environ.get("LAB_CEILING", "120"))

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


class Failed(Exception):
    """What was expected did not come."""


class Skip(Exception):
    """The test cannot run here; says why."""


# ---- lines that someone says ----------------------------------------------------------------------

class Lines:
    """Lines that arrive, and a way to wait for one."""

    def __init__(self, name):
        self.name = name
        self.lines = []
        self.at_end = False
        self._changed = threading.Condition()

    def add(self, line):
        with self._changed:
            self.lines.append(line)
            self._changed.notify_all()

    def end(self):
        with self._changed:
            self.at_end = True
            self._changed.notify_all()

    def mark(self):
        """Now; give it to expect as `since` to leave out what was said before."""
        return len(self.lines)

    def expect(self, pattern, since=0, timeout=None):
        """Waits for a line that the pattern is found in; returns the match."""
        wanted = re.compile(pattern)
        deadline = time.monotonic() + (CEILING if timeout is None else timeout)
        at = since
        with self._changed:
            while True:
                for line in self.lines[at:]:
                    at += 1
                    if found := wanted.search(line):
                        return found
                left = deadline - time.monotonic()
                if self.at_end or left <= 0:
                    why = "ended" if self.at_end else "in time"
                    raise Failed(f"{self.name}: no line like {pattern!r} ({why})")
                self._changed.wait(left)

    def said(self, pattern, since=0):
        """Whether there is such a line by now."""
        return any(re.search(pattern, line) for line in self.lines[since:])


class Process(Lines):
    """A program that runs in a namespace; its output is its lines. It dies with us."""

    def __init__(self, lab, argv, ns=None, name=None, env=None, input=None):
        super().__init__(name or Path(str(argv[0])).name)
        self.argv = [str(a) for a in argv]
        self.ns = ns
        self._input = subprocess.PIPE if input is not None else subprocess.DEVNULL
        self.popen = subprocess.Popen(
            [*within(ns), *self.argv], stdin=self._input, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", env={**os.environ, **(env or {})})
        if input is not None:
            self.popen.stdin.write(input)
            self.popen.stdin.close()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        lab.owns(self)

    def _read(self):
        with self.popen.stdout as out:
            for line in out:
                self.add(line.rstrip("\n"))
        self.end()

    def at_end_also(self, function):
        """Calls it when the program has said its last word."""
        def wait():
            self._reader.join()
            function()
        threading.Thread(target=wait, daemon=True).start()

    @property
    def pid(self):
        return self.popen.pid

    def running(self):
        return self.popen.poll() is None

    def signal(self, number):
        self.popen.send_signal(number)

    def wait(self, timeout=None):
        """Waits for its end; returns the exit status."""
        try:
            status = self.popen.wait(CEILING if timeout is None else timeout)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name} does not end") from None
        self._reader.join(CEILING)
        return status

    def stop(self):
        """Asks it to end, and makes it. Returns the exit status."""
        if self.running():
            self.signal(signal.SIGTERM)
            self.signal(signal.SIGCONT)
            try:
                return self.wait()
            except Failed:
                self.kill()
        return self.popen.returncode

    def kill(self):
        if self.running():
            self.popen.kill()
        return self.wait()

    close = stop


def within(ns):
    """What to put before a command that runs in this namespace, and that must not outlive us."""
    enter = ["nsenter", f"--net={ns.path}"] if ns else []
    return [*enter, "setpriv", "--pdeathsig", "KILL"]


# ---- namespaces and cables ------------------------------------------------------------------------

class Namespace:
    """A network namespace that is nothing but an open file."""

    def __init__(self, name):
        self.name = name
        self._fd = in_thread(self._make)
        self.path = f"/proc/{os.getpid()}/fd/{self._fd}"
        self.ip("link set lo up")

    @staticmethod
    def _make():
        if libc.unshare(CLONE_NEWNET) < 0:
            raise OSError(ctypes.get_errno(), "no new network namespace")
        return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def close(self):
        os.close(self._fd)

    def inside(self, function, *args):
        """Calls a function inside, to open a socket there."""
        def call():
            if libc.setns(self._fd, CLONE_NEWNET) < 0:
                raise OSError(ctypes.get_errno(), "cannot enter the namespace")
            return function(*args)
        return in_thread(call)

    def run(self, *argv, check=True, **kwargs):
        """Runs a command to its end."""
        return run(*argv, ns=self, check=check, **kwargs)

    def ip(self, line):
        return self.run("ip", *line.split())

    def mac(self, interface):
        return self.run("ip", "-br", "link", "show", interface).stdout.split()[2]


def in_thread(function):
    result = []

    def call():
        try:
            result.append((function(), None))
        except Exception as error:  # raised again below, where someone can see it
            result.append((None, error))

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    value, error = result[0]
    if error:
        raise error
    return value


def run(*argv, ns=None, check=True, timeout=None, **kwargs):
    """Runs a command to its end; its output is text."""
    done = subprocess.run([*within(ns), *map(str, argv)], stdin=kwargs.pop("stdin", subprocess.DEVNULL),
                          stdout=kwargs.pop("stdout", subprocess.PIPE), stderr=kwargs.pop("stderr", subprocess.PIPE),
                          text=True, timeout=timeout or CEILING * 3, **kwargs)
    if check and done.returncode:
        raise Failed(f"{' '.join(map(str, argv))}: {done.stderr.strip() or done.stdout.strip()}")
    return done


class Cable:
    """Two interfaces, each in its namespace, and what is sent into one comes out of the other."""

    def __init__(self, peer, peer_if, switch, switch_if):
        self.peer, self.peer_if = peer, peer_if
        self.switch, self.switch_if = switch, switch_if
        peer.ip(f"link add {peer_if} type veth peer name {switch_if} netns {switch.path}")
        peer.ip(f"link set {peer_if} up")
        switch.ip(f"link set {switch_if} up")

    def unplug(self):
        """The peer's interface loses its carrier."""
        self.switch.ip(f"link set {self.switch_if} down")

    def plug(self):
        self.switch.ip(f"link set {self.switch_if} up")


# ---- the laboratory -------------------------------------------------------------------------------

class Lab:
    """One test's laboratory. What it makes goes when the test ends."""

    def __init__(self):
        self.dir = Path(tempfile.mkdtemp(prefix="lk-"))
        self._owned = []
        self._numbers = {}

    def owns(self, thing):
        self._owned.append(thing)
        return thing

    def disowns(self, thing):
        self._owned.remove(thing)

    def number(self, kind):
        """1, 2, 3 … for each kind of thing."""
        self._numbers[kind] = self._numbers.get(kind, 0) + 1
        return self._numbers[kind]

    def folder(self, name):
        path = self.dir / f"{name}{self.number(name)}"
        path.mkdir(mode=0o700)
        return path

    def namespace(self, name):
        return self.owns(Namespace(name))

    def process(self, argv, **kwargs):
        return Process(self, argv, **kwargs)

    @staticmethod
    def check(condition, claim):
        if not condition:
            raise Failed(f"not so: {claim}")

    @staticmethod
    def equal(got, wanted, claim):
        if got != wanted:
            raise Failed(f"{claim}: it is {got!r}, not {wanted!r}")

    @staticmethod
    def until(condition, claim, timeout=None):
        """For the few things that tell nobody when they change (counters, a file, a neighbour)."""
        deadline = time.monotonic() + (CEILING if timeout is None else timeout)
        while not (value := condition()):
            if time.monotonic() > deadline:
                raise Failed(f"not in time: {claim}")
            time.sleep(0.01)
        return value

    # The parts of the laboratory, by their usual names; each says more in its own file.

    def pki(self):
        import pki
        return pki.shared()

    def port(self, **kwargs):
        import switch
        return switch.Port(self, **kwargs)

    def radius(self, ns, **kwargs):
        import switch
        return switch.FreeRadius(self, ns, **kwargs)

    def bus(self):
        import machine
        return machine.Bus(self)

    def latchkeyd(self, *ports, **kwargs):
        import machine
        return machine.Latchkeyd(self, ports, **kwargs)

    def wpa_supplicant(self, port, **kwargs):
        import machine
        return machine.WpaSupplicant(self, port, **kwargs)

    def close(self):
        for thing in reversed(self._owned):
            try:
                thing.close()
            except (Failed, OSError) as error:
                print("# while cleaning up:", error, flush=True)
        self._owned.clear()
        shutil.rmtree(self.dir, ignore_errors=True)

    def tell(self, lines=60):
        """What everyone said last, for a test that failed."""
        for thing in self._owned:
            if isinstance(thing, Lines) and thing.lines:
                print(f"# ---- {thing.name}")
                for line in thing.lines[-lines:]:
                    print("#", line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


# ---- the runner -----------------------------------------------------------------------------------

tests = []


def test(function):
    """Marks a function as a test; its name is the name of the test."""
    tests.append(function)
    return function


def named(value):
    """A function by its name, and what begins with one as well."""
    first = value[0] if isinstance(value, tuple) else value
    return getattr(first, "__name__", str(value))


def each(*cases):
    """Marks a function as one test for each case; the case is its second argument and ends its name."""
    def mark(function):
        for case in cases:
            def one_case(lab, case=case):
                function(lab, case)
            words = case if isinstance(case, tuple) else (case,)
            one_case.__name__ = " ".join([function.__name__, *map(named, words)])
            tests.append(one_case)
        return function
    return mark


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skip(f"{program} is not installed")


def become_root():
    """Root here, or at least in a user namespace of our own."""
    if os.geteuid() == 0:
        return
    if subprocess.run(["unshare", "-Urn", "true"], stderr=subprocess.DEVNULL).returncode:
        print("1..0 # SKIP neither root nor allowed to make a user namespace")
        sys.exit(0)
    os.execvp("unshare", ["unshare", "-Urn", sys.executable, *sys.argv])


def interrupted(number, _frame):
    raise KeyboardInterrupt(signal.Signals(number).name)


def prepare():
    """What every program of the laboratory does first."""
    become_root()
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGHUP, interrupted)


def one(function):
    """Runs one test; returns what is to be put after `ok`."""
    with Lab() as lab:
        try:
            function(lab)
            return True, ""
        except Skip as why:
            return True, f" # SKIP {why}"
        except Exception:
            for line in traceback.format_exc().splitlines():
                print("#", line)
            lab.tell(int(os.environ.get("LAB_LINES", "60")))
            return False, ""


def main():
    """Runs the tests of this file, or those whose names contain the argument."""
    prepare()
    chosen = [t for t in tests if len(sys.argv) < 2 or sys.argv[1] in t.__name__]
    failed = 0
    print(f"1..{len(chosen)}", flush=True)
    for n, function in enumerate(chosen, 1):
        begun = time.monotonic()
        ok, remark = one(function)
        failed += not ok
        print(f"{'' if ok else 'not '}ok {n} - {function.__name__}{remark}")
        print(f"# {time.monotonic() - begun:.2f} s", flush=True)
    sys.exit(1 if failed else 0)
