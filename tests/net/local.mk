# Network tests, in namespaces: lab.py says how one is written.

# The other end: latchkey-authd. Those that take longest begin first.
AUTHD_NET_TESTS = %D%/test_authd_port.py %D%/test_authd_tls.py %D%/test_enroll_faults.py %D%/test_enroll_attacks.py %D%/test_enroll_loss.py \
	%D%/test_enroll_middle.py %D%/test_enroll_machines.py %D%/test_authd_tunnels.py %D%/test_teap_machines.py \
	%D%/test_authd_radius_client.py %D%/test_diagnosis_enroll.py %D%/test_renewal.py %D%/test_enroll.py \
	%D%/test_enroll_protocols.py %D%/test_enroll_tokens.py %D%/test_enroll_kinds.py %D%/test_teap.py %D%/test_authd_radius.py %D%/test_authd_nas.py \
	%D%/test_authd_radsec.py %D%/test_authd_running.py
if AUTHD
NET_TESTS = $(AUTHD_NET_TESTS)
else
NET_TESTS =
EXTRA_DIST += $(AUTHD_NET_TESTS)
endif

# And the machine.
NET_TESTS += %D%/test_port.py %D%/test_tls.py %D%/test_tunnels.py %D%/test_ctl.py %D%/test_lab.py %D%/test_running.py \
	%D%/test_frames.py %D%/test_demo.py %D%/test_service.py
NET_LAB = %D%/lab.py %D%/pki.py %D%/switch.py %D%/machine.py %D%/wire.py %D%/under_unit.py \
	%D%/authd.py %D%/radius.py %D%/eapol_test.py %D%/ocsp.py %D%/relay.py %D%/enrolling.py %D%/dying.py
TESTS += $(NET_TESTS)
EXTRA_DIST += $(NET_TESTS) $(NET_LAB) tests/demo

# Every diagnosis, with its injected cause.
NET_TESTS += %D%/test_diagnosis.py %D%/test_diagnosis_tls.py %D%/test_diagnosis_credential.py \
	%D%/test_diagnosis_tunnel.py %D%/test_teap_attacks.py
NET_LAB += %D%/diagnosed.py %D%/authenticator.py %D%/attacks.py %D%/accounts.py %D%/cprom.py %D%/ossl.py %D%/rogue.py \
	%D%/teap.py

# Guarded ports, by a program that holds a gate and does as it is told.
if AUTHD
check_PROGRAMS += %D%/gate_box
%C%_gate_box_LDADD = $(AUTHD_LIBS)
NET_TESTS += %D%/test_gate.py
else
EXTRA_DIST += %D%/gate_box.c %D%/test_gate.py
endif

# A NAS without ports, for what we ask of RADIUS servers and they of us.
if AUTHD
check_PROGRAMS += %D%/client_box
%C%_client_box_LDADD = $(AUTHD_LIBS)
NET_TESTS += %D%/test_passthrough.py %D%/test_radsec.py
else
EXTRA_DIST += %D%/client_box.c %D%/test_passthrough.py %D%/test_radsec.py
endif
NET_LAB += %D%/client_box.py

# The authority of latchkey-authd, by a program that issues and revokes beside the service, as another
# server would.
if AUTHD
check_PROGRAMS += %D%/authority_box
%C%_authority_box_LDADD = $(AUTHD_LIBS)
NET_TESTS += %D%/test_authority.py
else
EXTRA_DIST += %D%/authority_box.c %D%/test_authority.py
endif

# A CA behind latchkey-authd, which speaks CMP.
if AUTHD
check_PROGRAMS += %D%/ca_box
%C%_ca_box_CPPFLAGS = $(AM_CPPFLAGS) $(AUTHD_CFLAGS)
%C%_ca_box_LDADD = $(AUTHD_LIBS)
NET_TESTS += %D%/test_authd_ca.py
else
EXTRA_DIST += %D%/ca_box.c %D%/test_authd_ca.py
endif
