"""Attacks on an enrolment, and what both sides have to say of each: the table is in doc/testing.md.

    attacks = Attacks("rogue server")          # the rows of one table, by the words above it

    @attacks.on("a certificate for another key")
    def _(host):
        …

    attacks.run(lab, against)                  # each, in the order of the file: against(attack) → (machine, server)

A row without a test fails, and so does a test without a row.
"""
from lab import SRC, Failed

PAGE = SRC / "doc/testing.md"


def rows(title):
    """{attack: (what the machine says, what the server says)} of the table below this heading."""
    part = PAGE.read_text().split(f"### {title}\n")[1].split("\n#")[0]
    cells = [[c.strip().strip("`") for c in line.strip("|").split("|")] for line in part.splitlines()
             if line.startswith("|")]
    return {attack: (machine, server) for attack, machine, server in cells[2:]}


class Attacks:
    def __init__(self, title):
        self.title, self.wanted, self.attacks = title, rows(title), {}

    def on(self, name):
        def mark(function):
            self.attacks[name] = function
            return function
        return mark

    def complete(self, lab):
        lab.equal(sorted(self.attacks), sorted(self.wanted), f"the rows of {self.title!r} in {PAGE.name}")

    def run(self, lab, against):
        wrong = []
        for name, attack in self.attacks.items():
            try:
                got = against(attack)
            except Failed as error:
                raise Failed(f"{name}: {error}") from error
            if got != self.wanted.get(name):
                wrong.append(name)
                print(f"# | {name} | `{got[0]}` | `{got[1]}` |", flush=True)
        lab.equal(wrong, [], "attacks that ended otherwise")
        self.complete(lab)
