"""What every test of a diagnosis asks: is it the same everywhere, complete, and true?

    @shows("server-cert-expired")
    def a_server_whose_certificate_expired(lab):
        port = lab.port(server=lab.pki().expired_server)
        daemon = machine(lab, port)
        diagnosed(lab, daemon, "server-cert-expired", not_after="2026-.*Z")

The test fails if it does not show each id that it claims to, so that the list of what is covered can
be taken from these lines; test_diagnosis.py compares it with the table in src/base/diagnosis.c.
"""
import functools
import glob
import os
import json
import re
import time

import lab as laboratory
from lab import Failed, Skip

OBJECTS = "/org/latchkey/Supplicant1"
DAY = 86400
shown = set()


def shows(*ids):
    """Marks a test that shows these ids."""
    def decorate(function):
        @functools.wraps(function)
        def run(lab):
            shown.clear()
            function(lab)
            missing = set(ids) - shown
            lab.check(not missing, f"the test shows {missing}")
        return laboratory.test(run)
    return decorate


def machine(lab, port, **kwargs):
    """latchkeyd on a bus, with a profile that is quick to lose patience."""
    profile = {"EAPOL.StartFirst": "100ms", "EAPOL.AuthPeriod": "3s", **kwargs.pop("profile", {})}
    return lab.latchkeyd(port, bus=lab.bus(), profile=profile, **kwargs)


def day(offset):
    """A pattern for this day from now."""
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() + offset * DAY)) + "T.*Z"


def at(offset):
    """Environment for a program whose clock is wrong by so many seconds."""
    if os.environ.get("LATCHKEYD_FLAGS"):
        raise Skip("libfaketime hangs now and then before a sanitizer's runtime; built without, it runs")
    library = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
    if not library:
        raise Skip("libfaketime is not installed")
    return {"LD_PRELOAD": library[0], "FAKETIME": f"{offset:+d}", "DONT_FAKE_MONOTONIC": "1"}


def in_the_log(lab, daemon, name, since=0):
    """The diagnosis as the log has it: cause and next."""
    line = daemon.expect(rf'port\.diagnosis port=\S+ id={name} cause="(.*)" next="(.*)"', since)
    shown.add(name)
    for text in line.groups():
        complete(lab, name, text)
    return {"id": name, "cause": line[1], "next": line[2]}


def complete(lab, name, text):
    lab.check("…" not in text and not re.search("[{}]", text), f"{name} is complete: {text}")


def on_the_bus(lab, daemon, path):
    """The same from D-Bus itself, laid flat: evidence stands beside id and cause."""
    answer = daemon.bus.call(path, "org.latchkey.Supplicant1.Port.Diagnose")
    pairs = re.findall(r'string "(\w+)"\s+(?:variant\s+)?(?:string "(.*)"|int64 (\d+)|boolean (\w+))',
                       answer.stdout)
    lab.check(pairs, f"the bus has a diagnosis: {answer.stdout}{answer.stderr}")
    return {key: text or number or flag for key, text, number, flag in pairs}


def flat(diagnosis):
    values = {k: v for k, v in diagnosis.items() if k != "evidence"} | diagnosis["evidence"]
    return {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in values.items()}


def check_evidence(lab, diagnosis, wanted):
    """Each wanted value is a pattern that the whole of the evidence matches."""
    evidence = diagnosis["evidence"]
    for key, pattern in wanted.items():
        lab.check(key in evidence, f"{diagnosis['id']} has {key}: {evidence}")
        lab.check(re.fullmatch(str(pattern), evidence[key]),
                  f"{key} of {diagnosis['id']} is like {pattern!r}: {evidence[key]!r}")


def diagnosed(lab, daemon, name, since=0, authorised=False, clock=time.time, **evidence):
    """Waits for the diagnosis in the log, and checks it wherever it can be seen. Returns it."""
    logged = in_the_log(lab, daemon, name, since)
    port, = lab.until(lambda: [p for p in daemon.json("status") if p["Diagnosis"].get("id") == name],
                      f"the status shows {name}")
    seen = port["Diagnosis"]
    told = daemon.ctl("--json", "diagnose")
    people = " ".join(daemon.ctl("status").stdout.split())
    lab.equal(json.loads(told.stdout)["Diagnosis"], seen, "diagnose shows the same")
    lab.equal(told.returncode, 1, "diagnose has found something")
    lab.equal(flat(seen), on_the_bus(lab, daemon, port["ObjectPath"]), "the bus shows the same")
    lab.equal({k: seen[k] for k in logged}, logged, "the log shows the same")
    for text in (seen["cause"], seen["next"]):
        lab.check(" ".join(text.split()) in people, f"people read it in status: {people}")
    lab.equal((port["Authorised"], seen["reduced"]), (authorised, authorised), "the port's state")
    lab.check(abs(seen["time"] - clock()) < 60, f"it tells when: {seen['time']}")
    if len(seen["evidence"]) < 8:  # DIAGNOSIS_EVIDENCE_MAX: what does not fit is left out
        evidence = {"interface": port["Interface"], **evidence}
    check_evidence(lab, seen, evidence)
    return seen


def ended(monitor, name, since=0):
    """The diagnosis of an AttemptEnded signal, for a port that is no more."""
    event = json.loads(monitor.expect(rf'.*"AttemptEnded".*"{name}".*', since)[0])
    if event["Success"] and not event["Diagnosis"]["reduced"]:
        raise Failed(f"a success with {name}")
    return event["Diagnosis"]
