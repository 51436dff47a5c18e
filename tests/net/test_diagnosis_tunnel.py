"""The diagnoses of tunnels that a real server brings about."""
from diagnosed import diagnosed, machine, shows
from lab import main

NAME = "user@example.org"
USERS = f'* PEAP\n"{NAME}" MSCHAPV2 "correct-horse" [2]\n'


def profile(password):
    return {"EAP.Method": "peap", "Inner.Method": "mschapv2", "Inner.Identity": NAME,
            "Inner.Password": password, "TLS.Credential": None}


@shows("inner-refused")
def a_wrong_password(lab):
    daemon = machine(lab, lab.port(users=USERS, tls=["1.2"]), profile=profile("wrong"))
    diagnosed(lab, daemon, "inner-refused", identity=NAME, inner="EAP-MSCHAPv2", code="691")


@shows("tunnel-binding")
def a_binding_that_does_not_fit(lab):
    """hostapd 2.10 with TLS 1.3: see test_tunnels.py."""
    daemon = machine(lab, lab.port(users=USERS, tls=["1.3"]), profile=profile("correct-horse"))
    diagnosed(lab, daemon, "tunnel-binding", detail="its MAC is wrong")


if __name__ == "__main__":
    main()
