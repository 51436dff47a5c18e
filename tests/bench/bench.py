#!/usr/bin/env python3
"""Figures of latchkeyd beside wpa_supplicant, on the same veth and hostapd, and of latchkey-authd
beside FreeRADIUS and hostapd, under the same load; of enrolments beside EST: run by `./dev bench`."""
import argparse
import importlib
import json
import os
import sys
from pathlib import Path

here = Path(__file__).resolve().parent
PARTS = ("times", "instructions", "system", "memory", "ports", "server", "enroll")


def arguments():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of: {', '.join(PARTS)}")
    parser.add_argument("--json", metavar="FILE", help="all figures, for programs")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, to see that it works")
    parser.add_argument("--build", default="build/bench", help="where the programs are")
    args = parser.parse_args()
    unknown = set(args.parts) - set(PARTS)
    if unknown:
        parser.error(f"there is no part {', '.join(unknown)}: choose of {', '.join(PARTS)}")
    return args


def main():
    args = arguments()
    os.environ["top_builddir"] = str(Path(args.build).resolve())
    sys.path.insert(0, str(here.parent / "net"))
    sys.dont_write_bytecode = True
    from lab import Failed, Lab, Skip, prepare
    from report import verdicts

    prepare()
    results, aims = {}, []
    for name in [p for p in PARTS if p in args.parts or not args.parts]:
        part = importlib.import_module(name)
        print(f"… {name}", file=sys.stderr, flush=True)
        try:
            with Lab() as lab:
                results[name] = part.measure(lab, args.quick)
        except (Failed, Skip) as why:
            print(f"\n{name}: could not be measured: {why}")
            continue
        part.show(results[name])
        sys.stdout.flush()
        aims += part.aims(results[name])
    verdicts(aims)
    if args.json:
        Path(args.json).write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
