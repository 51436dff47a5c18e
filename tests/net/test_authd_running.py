"""latchkey-authd while it runs: reload, end, restart, its control socket, metrics, who may ask."""
import json
import signal
import sqlite3
import sys

from authd import Authd
from lab import Skip, each, main, need, run, test
from radius import ACCEPT, QUIET, REJECT, Nas, Talk


def server(lab, **kwargs):
    authd = Authd(lab, lab.namespace("server"), **kwargs)
    return authd, lab.owns(Nas(authd.ns, "127.0.0.1", authd.port, authd.secret))


def talk(lab, nas, **kwargs):
    pki = lab.pki()
    return Talk(nas, pki.client, pki.root, **kwargs)


# ---- reload -------------------------------------------------------------------------------------------

@each("1.2", "1.3")
def a_conversation_survives_a_reload(lab, version):
    authd, nas = server(lab)
    conversation = talk(lab, nas, tls=version)
    conversation.begin()
    conversation.step()
    authd.add("rule", "later", {"Decision.Action": "accept", "Decision.Vlan": 7})
    authd.reload()
    lab.equal(conversation.finish().code, ACCEPT, "the answer to who had begun before")
    lab.equal(talk(lab, nas).finish().vlan, 7, "the VLAN of who came after")


@each(*((v, r) for v in ("1.2", "1.3") for r in ("memory", "tickets")))
def a_session_is_resumed_after_a_reload(lab, case):
    version, resumption = case
    authd, nas = server(lab, settings={"Tls.Resumption": resumption})
    first = talk(lab, nas, tls=version)
    lab.equal(first.finish().code, ACCEPT, "the first answer")
    authd.add("rule", "new", {"Decision.Action": "accept", "Decision.Vlan": 9})
    authd.reload()
    second = talk(lab, nas, after=first.supplicant)
    lab.equal(second.finish().code, ACCEPT, "the second answer")
    lab.check(second.supplicant.tls.session_reused, "the session was resumed")
    lab.equal(second.last.vlan, 9, "by the new rule")


@test
def with_an_error_all_stays_as_it_was(lab):
    authd, nas = server(lab)
    authd.add("rule", "wrong", {"Decision.Action": "perhaps"})
    mark = authd.mark()
    authd.process.signal(signal.SIGHUP)
    authd.expect(r"config\.error .*wrong\.rule", mark)
    authd.expect(r"service\.reload", mark)
    lab.equal(talk(lab, nas).finish().code, ACCEPT, "the answer")
    lab.equal(authd.ctl("check").returncode, 1, "the exit status of check")
    authd.remove("rule", "wrong")
    authd.reload()
    lab.equal(authd.ctl("check").returncode, 0, "the exit status of check when it is right again")


@test
def without_its_keystore_it_goes_on(lab):
    authd, nas = server(lab)
    gone = authd.keystore.rename(authd.dir / "gone")
    mark = authd.mark()
    authd.process.signal(signal.SIGHUP)
    authd.expect(r"service\.reload result=.the old configuration stays", mark)
    lab.check(not authd.said("not all of the old configuration", mark), "nothing was lost")
    lab.equal(talk(lab, nas).finish().code, ACCEPT, "the answer")
    gone.rename(authd.keystore)
    authd.reload()


@test
def a_start_with_an_error_says_so(lab):
    authd = Authd(lab, lab.namespace("server"), settings={"Tls.ClientAnchors": "/nowhere.pem"}, start=False)
    authd.start(wait=False)
    lab.check(authd.process.wait() != 0, "it does not start")
    authd.expect("/nowhere.pem")


@test
def a_new_credential_is_used_after_a_reload(lab):
    authd, nas = server(lab)
    pki = lab.pki()
    pki.root.issue("radius.example.org", server=True).keep(authd.keystore, "server")
    authd.reload()
    lab.equal(talk(lab, nas).finish().code, ACCEPT, "the answer")


# ---- end and beginning ----------------------------------------------------------------------------------

@test
def killed_in_the_middle_it_starts_again(lab):
    authd, nas = server(lab)
    conversation = talk(lab, nas)
    conversation.begin()
    conversation.step()
    authd.kill()
    authd.start()
    answer = nas.ask(conversation.next_packet(), QUIET)
    lab.check(answer is None or answer.code == REJECT, "what was begun before leads nowhere")
    lab.equal(talk(lab, nas).finish().code, ACCEPT, "the answer to who begins anew")
    lab.check(authd.json("status"), "the control socket is there")


@test
def it_ends_when_it_is_told(lab):
    authd, nas = server(lab)
    conversation = talk(lab, nas)
    conversation.begin()
    conversation.step()
    lab.equal(authd.stop(), 0, "its exit status")
    lab.check(not authd.socket.exists(), "the control socket is gone")


@test
def it_ends_with_a_question_under_way(lab):
    authd, _ = server(lab, settings={"Tls.Resumption": "tickets"})
    authd.stop()  # the tables are there
    database = sqlite3.connect(authd.dir / "registry.sqlite", isolation_level=None)
    authd.start(wait=False)
    authd.expect("registry.open")
    database.execute("BEGIN EXCLUSIVE")
    authd.expect("service.start")
    authd.process.signal(signal.SIGTERM)
    authd.expect("service.stop")
    database.execute("ROLLBACK")  # now the ticket keys are found
    lab.equal(authd.process.wait(), 0, "its exit status")


@each("1.2", "1.3")
def tickets_outlive_a_restart_with_their_file(lab, version):
    authd, nas = server(lab, start=False)
    authd.configure({"Tls.Resumption": "tickets", "Tls.TicketKeyFile": authd.dir / "tickets"})
    authd.start()
    first = talk(lab, nas, tls=version)
    lab.equal(first.finish().code, ACCEPT, "the first answer")
    lab.equal((authd.dir / "tickets").stat().st_mode & 0o077, 0, "what others may do with the keys")
    authd.restart()
    second = talk(lab, nas, after=first.supplicant)
    lab.equal(second.finish().code, ACCEPT, "the answer after the restart")
    lab.check(second.supplicant.tls.session_reused, "the session was resumed")


# ---- what it tells ----------------------------------------------------------------------------------------

@test
def the_control_socket_tells_what_there_is(lab):
    authd, nas = server(lab)
    lab.equal(talk(lab, nas).finish().code, ACCEPT, "the answer")
    status = authd.json("status")
    lab.equal(status["config"], str(authd.file), "the configuration")
    client, = authd.json("clients")
    lab.equal((client["name"], client["accepts"]), ("local", 1), "the client, and its accepts")
    session, = lab.until(authd.sessions, "a session")
    lab.equal(session["identity"], "laptop.example.org", "whose session it is")
    machine, = lab.until(lambda: authd.json("machines"), "a machine in the registry")
    lab.equal(machine["identifier"], "CN=laptop.example.org", "the machine")
    lab.equal(authd.json("audit", "verify")["intact"], True, "the audit trail")
    for command in ("status", "sessions", "clients", "workers", "counters", "machines", "audit"):
        done = authd.ctl(command)
        lab.equal((done.returncode, done.stderr), (0, ""), f"latchkey-authd {command}")
        lab.check(done.stdout, "it says something")


@test
def a_switch_that_is_not_known_any_more_is_not_asked(lab):
    authd, nas = server(lab)
    lab.equal(talk(lab, nas).finish().code, ACCEPT, "the answer")
    session, = lab.until(authd.sessions, "a session")
    authd.remove("client", "local")
    authd.reload()
    done = authd.ctl("disconnect", session["station"])
    lab.equal(done.returncode, 1, "the exit status")
    lab.check("RADIUS client local, which cannot be asked to end it" in " ".join(done.stderr.split()), done.stderr)


@test
def others_learn_nothing(lab):
    authd, nas = server(lab)
    for path in (authd.dir.parent, authd.dir):
        path.chmod(0o755)
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if run(*nobody, "true", check=False).returncode:
        raise Skip("there is no other user in this user namespace")
    done = run(*nobody, *authd.argv("--socket", authd.socket, "status"), ns=authd.ns, check=False)
    lab.equal((done.returncode, done.stdout), (3, ""), "the exit status for a stranger, and what it is shown")
    ask = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); print(s.recv(4096).decode())"
    done = run(*nobody, sys.executable, "-c", ask, authd.socket, ns=authd.ns)
    lab.equal(json.loads(done.stdout)["error"], "forbidden", "the answer to a stranger who asks by hand")
    often = "import socket, sys\nfor _ in range(50): socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
    run(*nobody, sys.executable, "-c", often, authd.socket, ns=authd.ns)
    lab.equal(authd.ctl("status").returncode, 0, "the exit status for us")
    told = sum("control.refused user=65534" in line for line in authd.process.lines)
    lab.check(1 <= told <= 5, f"{told} lines of the log are about it")


@test
def without_a_service_commands_say_so(lab):
    authd, _ = server(lab)
    authd.stop()
    lab.equal(authd.ctl("status").returncode, 4, "the exit status")


@test
def metrics_and_health_can_be_had(lab):
    need("curl")
    authd, nas = server(lab, settings={"Metrics.Listen": "127.0.0.1:9812"})
    lab.equal(talk(lab, nas).finish().code, ACCEPT, "the answer")

    def get(path):
        return run("curl", "-sS", "-w", "\n%{http_code}", f"http://127.0.0.1:9812{path}", ns=authd.ns).stdout

    text, _, code = get("/metrics").rpartition("\n")
    lab.equal(code, "200", "the status of /metrics")
    lab.check("latchkey_authd_" in text and "# TYPE" in text, "it is the text format of Prometheus")
    text, _, code = get("/health").rpartition("\n")
    lab.equal((code, json.loads(text)), ("200", {"status": "ok"}), "/health")


if __name__ == "__main__":
    main()
