"""A thousand ports in one process: do they all come up, and does their CPU time stay linear?"""
import time

from contest import Credentials, Latchkey, cpu_seconds, memory
from memory import Crowd
from report import Table, kib

CROWDS = (250, 500, 1000)


def measure(lab, quick=False):
    sizes = [n // 5 for n in CROWDS] if quick else CROWDS
    credentials = Credentials("P-256")
    crowd = Crowd(lab, sizes, credentials)
    results = {}
    for count in sizes:
        latchkey = Latchkey(lab, crowd.ports[:count], credentials)
        begun = time.monotonic()
        up = crowd.all_up(latchkey, count)
        results[count] = {"up": up, "seconds": time.monotonic() - begun, **memory(latchkey.pid),
                          "cpu": cpu_seconds(latchkey.pid) / count}
        latchkey.stop()
    return results


def show(results):
    table = Table("Many ports in one process", ("ports", "authorised", "CPU ms per port", "private KiB per port",
                                                "all up after s"))
    for count, got in results.items():
        table.row(count, got["up"], f"{got['cpu'] * 1000:.2f}", kib(got["private"] / count),
                  f"{got['seconds']:.1f}")
    table.print()


def aims(results):
    fewest, most = results[min(results)], results[max(results)]
    return [(f"ports of {max(results)} that stayed closed", 0, max(results) - most["up"]),
            (f"CPU time per port, {max(results)} ports to {min(results)}", 1.15,
             most["cpu"] / fewest["cpu"])]
