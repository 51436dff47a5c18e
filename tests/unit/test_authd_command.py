#!/usr/bin/env python3
"""latchkey-authd as whoever sets it up meets it, without a service: help, completion, and what
`check` finds in a configuration that is wrong."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAM = Path(os.environ.get("top_builddir", ".")).resolve() / "latchkey-authd"
SOURCE = Path(os.environ.get("top_srcdir", "."))
COMMANDS = ("run check status sessions clients servers ports workers counters machines token machine account "
            "disconnect reauth reload ca audit").split()
failed = []


def run(*words):
    return subprocess.run([PROGRAM, *words], text=True, capture_output=True, timeout=240,
                          env={**os.environ, "NO_COLOR": "1"}, check=False)


def expect(condition, claim):
    if not condition:
        failed.append(claim)


def fits(text, claim):
    """But for a word that is too long by itself, such as the path of where this was built."""
    long = [line for line in text.splitlines() if len(line) > 80 and len(max(line.split(), key=len)) < 40]
    expect(not long, f"{claim} fits 80 columns: {long}")


class Files:
    """A configuration, by its parts; what is not said is right."""
    def __init__(self):
        self.dir = tempfile.TemporaryDirectory()
        self.where = Path(self.dir.name)
        self.config = self.where / "latchkey-authd.conf"
        for folder in ("clients.d", "rules.d", "ports.d", "servers.d", "profiles.d", "keystore"):
            (self.where / folder).mkdir(mode=0o700)

    def write(self, main="", mode=0o600, database="off", **objects):
        self.config.write_text(f"[Service]\nKeystore={self.where}/keystore\n[Registry]\nDatabase={database}\n{main}")
        for name, text in objects.items():
            file = self.where / f"{name}s.d" / f"a.{name}"
            file.write_text(text)
            file.chmod(mode)

    def check(self):
        people, machine = run("--config", self.config, "check"), run("--config", self.config, "--json", "check")
        expect(people.returncode == machine.returncode, "with --json the exit status is the same")
        fits(people.stdout, "what check says")
        return people, json.loads(machine.stdout)


def found(claim, pattern, status=1, **written):
    files = Files()
    files.write(**written)
    people, machine = files.check()
    said = " ".join(people.stdout.split())
    expect(people.returncode == status and re.search(pattern, said),
           f"{claim}: exit status {people.returncode}, said: {said}")
    expect(machine["usable"] == (status == 0), f"{claim}: usable is {machine['usable']}")


def help_fits():
    done = run("--help")
    expect(done.returncode == 0, "--help succeeds")
    fits(done.stdout, "--help")
    for command in COMMANDS:
        expect(re.search(rf"^  {command}\b", done.stdout, re.M), f"--help has {command}")


def help_of_each_command():
    for command in COMMANDS:
        done = run(command, "--help")
        expect(done.returncode == 0 and f"latchkey-authd [OPTION…] {command}" in done.stdout, f"{command} --help: {done}")
        fits(done.stdout, f"{command} --help")
    for command, word in (("token", "revoke TOKEN"), ("ca", "rollover"), ("machine", "revoke MACHINE"),
                          ("account", "nt-hash")):
        said = " ".join(run(command, "--help").stdout.split())
        expect(word in said and "`" not in said, f"{command} --help: {said}")


def the_command_line():
    for words, status, pattern in (
            (["statsu"], 2, "Did you mean status"), (["--nonsense"], 2, "nonsense"),
            (["status", "x"], 2, "no argument"), (["check", "x"], 2, "no argument"),
            (["disconnect"], 2, "name of a session"), (["audit", "x"], 2, "how many"),
            (["--log-level", "loud", "run"], 2, "debug"), (["run", "x"], 2, "no argument"),
            (["--socket", "/nonexistent/socket", "status"], 4, "there is no service at /nonexistent/socket")):
        done = run(*words)
        expect(done.returncode == status, f"{words}: exit status {done.returncode} instead of {status}")
        expect(re.search(pattern, " ".join(done.stderr.split())), f"{words} is explained: {done.stderr}")
        fits(done.stderr, f"the error of {words}")
    done = run("--json", "--socket", "/nonexistent/socket", "status")
    expect("Error" in json.loads(done.stdout), "with --json an error is an object")


def completion():
    for words, wanted in (([""], COMMANDS), (["re"], ["reauth", "reload"]), (["--js"], ["--json"]),
                          (["--soc"], ["--socket="]), (["audit", ""], ["verify"]), (["status", ""], [])):
        done = run("--complete", *words)
        expect(sorted(done.stdout.split()) == sorted(wanted), f"{words} is completed: {done.stdout}")


def check_finds_mistakes():
    client = "[Client]\nPrefix=192.0.2.0/24\nSecret=correct-horse\n"
    found("nothing to do", "Note: There is nothing to do", status=0)
    found("an unknown key", r"latchkey-authd.conf:6: \[Tls\] Credental=: there is no such key .*Did you mean Credential=",
          main="[Tls]\nCredental=x\n")
    found("no versions left", "MinimumVersion=: is newer", main="[Tls]\nMinimumVersion=1.3\nMaximumVersion=1.2\n")
    found("no credential", "Credential=: is missing", main="[Radius]\nListen=127.0.0.1\n")
    found("no anchors", "ClientAnchors=: is missing", main="[Tls]\nCredential=x\n")
    found("anchors that are not there", "/nonexistent.pem: No such file",
          main="[Tls]\nCredential=x\nClientAnchors=/nonexistent.pem\n")
    found("a credential that is not there", "nothere", main=f"[Tls]\nCredential=nothere\nClientAnchors={__file__}\n")
    found("an address of others", "203.0.113.9: this machine has no such address",
          main="[Metrics]\nListen=203.0.113.9\n")
    found("a group that is not there", "no-such-group: there is no such group",
          main="[Service]\nControlGroup=no-such-group\n")
    found("a database nowhere", "/nonexistent/r.sqlite: there is no such directory", database="/nonexistent/r.sqlite")
    found("ticket keys nowhere", "/nonexistent/k: there is no such directory",
          main="[Tls]\nResumption=tickets\nTicketKeyFile=/nonexistent/k\n")
    found("a secret for everybody", r"a\.client:3: \[Client\] Secret=: can be read by everybody",
          client=client, mode=0o644)
    found("no secret", "Secret=: is missing", client="[Client]\nPrefix=192.0.2.1\n")
    found("clients without a listener", "Note: The files in clients.d are of no use", status=0, client=client)
    found("an interface that is not there", "Note: port a: there is no interface nothere0", status=0,
          port="[Match]\nInterface=nothere0\n")
    found("a port without a credential", "Note: port a: nobody is let in without", status=0,
          port="[Match]\nInterface=lo\n")
    found("a port without a server", "Note: port a: Server=radius, and there is no file in servers.d", status=0,
          port="[Match]\nInterface=lo\n[Eap]\nServer=radius\n")
    found("a server without anchors", "Anchors=: is missing", main="",
          server="[Server]\nAddress=192.0.2.1\nTransport=tls\n[RadSec]\nCredential=x\n")
    found("a rule that contradicts itself", "Vlan=: contradicts Action=reject",
          rule="[Decision]\nAction=reject\nVlan=4\n")


def the_manual_has_all():
    page = (SOURCE / "man/latchkey-authd.8.in").read_text()
    for command in COMMANDS:
        expect("@RUN man/authd-man commands" in page or re.search(rf"^\.It Cm {command}\b", page, re.M),
               f"the manual has {command}")


def credentials(where):
    """A keystore with what the examples name, and a certificate that may stand for any authority."""
    for name, usage in (("server", "serverAuth"), ("radsec", "clientAuth")):
        cert, key = where / f"{name}.pem", where / f"{name}.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "90", "-subj", f"/CN={name}", "-addext", f"extendedKeyUsage={usage}",
                        "-addext", f"subjectAltName=DNS:{name}.example.org", "-keyout", key, "-out", cert],
                       check=True, capture_output=True)
        subprocess.run([PROGRAM.parent / "latchkeyctl", "credentials", "import", name, cert, key,
                        f"--keystore={where}/keystore"], check=True, capture_output=True)
    (where / "secret").write_text("correct-horse-battery\n")
    (where / "secret").chmod(0o600)


def examples_of(page):
    """The files of each subsection under EXAMPLES, by their names."""
    for section in re.split(r"^\.Ss ", page.split(".Sh EXAMPLES")[1].split("\n.Sh ")[0], flags=re.M)[1:]:
        blocks = re.findall(r"^\.Bd -literal.*?\n# (\S+)\n(.*?)^\.Ed$", section, re.M | re.S)
        yield section.splitlines()[0], {name: text for name, text in blocks if "." in name}


def the_examples_can_be_used():
    page = (SOURCE / "man/latchkey-authd.conf.5.in").read_text()
    examples = list(examples_of(page))
    expect(len(examples) >= 8, f"there are examples: {[name for name, _ in examples]}")
    usual = examples[0][1]["latchkey-authd.conf"]
    for title, written in examples:
        files = Files()
        credentials(files.where)
        for name, text in ({"latchkey-authd.conf": usual} | written).items():
            text = re.sub(r"^(SecretFile)=.*", rf"\1={files.where}/secret", text, flags=re.M)
            text = re.sub(r"^(\w*Anchors)=.*", rf"\1={files.where}/server.pem", text, flags=re.M)
            if name == files.config.name:
                text += f"[Service]\nKeystore={files.where}/keystore\n"
                database = f"{files.where}/registry.sqlite" if "[Authority]" in text else "off"
                text += "" if "[Registry]" in text else f"[Registry]\nDatabase={database}\n"
            (files.where / name).write_text(text)
            (files.where / name).chmod(0o640)
        if any("[Authority]" in text for text in written.values()):
            shutil.rmtree(files.where / "keystore/server")
            made = run("--config", files.config, "ca", "init", "name=Example", "server=radius.example.org")
            expect(made.returncode == 0, f"the authority of {title} is made: {made.stderr}")
        done = run("--config", files.config, "check")
        notes = [note for note in re.findall(r"^Note: (.*(?:\n(?!Note).*)*)", done.stdout, re.M)
                 if "no interface" not in note and "no bridge" not in note and "nothing to do" not in note]
        expect(done.returncode == 0 and not notes, f"the example {title} is right: {done.stdout}{done.stderr}")


def main():
    tests = [("help has every command and fits 80 columns", help_fits),
             ("each command has a help of its own", help_of_each_command),
             ("wrong command lines are explained, with their exit status", the_command_line),
             ("the shell is offered commands, options and arguments", completion),
             ("check finds what is wrong", check_finds_mistakes),
             ("the manual has every command", the_manual_has_all),
             ("the examples of the manual can be used", the_examples_can_be_used)]

    print(f"1..{len(tests)}")
    for number, (name, test) in enumerate(tests, 1):
        failed.clear()
        test()
        for claim in failed:
            print("# " + claim.replace("\n", "\n# "))
        print(f"{'not ok' if failed else 'ok'} {number} - {name}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
