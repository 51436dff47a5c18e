"""Figures for people: medians, ratios, tables of 80 columns, and what became of the aims."""
from statistics import median

WIDTH = 80


def milliseconds(seconds):
    return f"{seconds * 1000:.1f}"


def kib(octets):
    return f"{octets / 1024:,.0f}"


def mega(count):
    return f"{count / 1e6:.2f}"


def plain(value):
    return f"{value:,}" if isinstance(value, int) else f"{value:.2f}"


def spread(values, form=plain):
    return f"{form(median(values))} ({form(min(values))} to {form(max(values))})"


def ratio(ours, theirs):
    """Of medians; None where there is nothing to compare with."""
    if not ours or not theirs:
        return None
    ours, theirs = (median(v) if isinstance(v, list) else v for v in (ours, theirs))
    return ours / theirs if theirs else None


class Table:
    def __init__(self, title, columns, note=None):
        self.title, self.columns, self.note, self.rows = title, columns, note, []

    def row(self, *cells):
        self.rows.append([self.cell(c) for c in cells])

    @staticmethod
    def cell(value):
        return "-" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)

    def print(self):
        lines = [list(self.columns), *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.columns))]
        print(f"\n{self.title}")
        if self.note:
            print(f"  {self.note}")
        for line in lines:
            cells = [line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:]))]
            print(("  " + "  ".join(cells)).rstrip())


def verdicts(aims):
    """Each aim is (what, at most, got)."""
    print("\nAims")
    for what, most, got in aims:
        if got is None:
            word, figure = "?", "not measured"
        else:
            word, figure = ("met" if got <= most else "MISSED"), f"{got:.3g}"
        print(f"  {word:<7}{what}: {figure} (aim: at most {most:g})")
