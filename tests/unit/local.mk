# One program for each area: tests/unit/test_AREA.c, linked with the protocol code alone where
# it can be.
if CUNIT
check_LIBRARIES += libtap.a
libtap_a_SOURCES = %D%/tap.c tests/test.h tests/radius.h
libtap_a_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
TAP_LIBS = libtap.a $(CUNIT_LIBS)

UNIT_TESTS = %D%/test_base
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
%C%_test_base_LDADD = $(TAP_LIBS) $(PROTO_LIBS)

UNIT_TESTS += %D%/test_eap
%C%_test_eap_LDADD = libscript.a $(TAP_LIBS) $(PROTO_LIBS)
UNIT_TESTS += %D%/test_eap_authenticator
%C%_test_eap_authenticator_LDADD = libscript.a $(TAP_LIBS) $(PROTO_LIBS)
endif

if CUNIT
UNIT_TESTS += %D%/test_life %D%/test_key_shelf
%C%_test_key_shelf_SOURCES = %D%/test_key_shelf.c %D%/scratch.h \
	src/daemon/key_shelf.c src/daemon/key_shelf.h
%C%_test_key_shelf_LDADD = $(TAP_LIBS) $(TEST_PKI) $(SHELL_LIBS)
%C%_test_life_SOURCES = %D%/test_life.c src/daemon/life.c src/daemon/life.h \
	src/daemon/renewal.c src/daemon/renewal.h
%C%_test_life_LDADD = $(TAP_LIBS) $(PROTO_LIBS)
UNIT_TESTS += %D%/test_config %D%/test_config_errors %D%/test_config_files
%C%_test_config_CPPFLAGS = $(AM_CPPFLAGS) $(PATHS_CPPFLAGS)
%C%_test_config_SOURCES = %D%/test_config.c %D%/profile_text.h
%C%_test_config_LDADD = $(TAP_LIBS) $(SHELL_LIBS)
%C%_test_config_errors_SOURCES = %D%/test_config_errors.c %D%/profile_text.h
%C%_test_config_errors_LDADD = $(TAP_LIBS) $(SHELL_LIBS)
%C%_test_config_files_CPPFLAGS = $(AM_CPPFLAGS) $(PATHS_CPPFLAGS)
%C%_test_config_files_SOURCES = %D%/test_config_files.c %D%/profile_text.h %D%/scratch.h
%C%_test_config_files_LDADD = $(TAP_LIBS) $(SHELL_LIBS)
EXTRA_DIST += tests/vectors/trust.txt
ARM_RIG = %D%/arm_rig.c %D%/arm_rig.h %D%/scratch.h
UNIT_TESTS += %D%/test_arm %D%/test_arm_enrol %D%/test_arm_tunnel
%C%_test_arm_SOURCES = %D%/test_arm.c $(ARM_RIG)
%C%_test_arm_LDADD = $(TAP_LIBS) $(TEST_PKI) $(SHELL_LIBS)
%C%_test_arm_enrol_SOURCES = %D%/test_arm_enrol.c $(ARM_RIG)
%C%_test_arm_enrol_LDADD = $(TAP_LIBS) $(TEST_PKI) $(SHELL_LIBS)
%C%_test_arm_tunnel_SOURCES = %D%/test_arm_tunnel.c $(ARM_RIG)
%C%_test_arm_tunnel_LDADD = $(TAP_LIBS) $(TEST_PKI) $(SHELL_LIBS)
UNIT_TESTS += %D%/test_cert %D%/test_trust %D%/test_trust_policy %D%/test_revocation
%C%_test_trust_SOURCES = %D%/test_trust.c %D%/judge.h
%C%_test_trust_policy_LDADD = $(TAP_LIBS) $(TEST_PKI) $(PROTO_LIBS)
%C%_test_revocation_LDADD = $(TAP_LIBS) $(TEST_PKI) $(PROTO_LIBS)
%C%_test_trust_LDADD = $(TAP_LIBS) $(TEST_PKI) $(PROTO_LIBS)
%C%_test_cert_LDADD = $(TAP_LIBS) $(TEST_PKI) $(PROTO_LIBS)
endif

if CUNIT
UNIT_TESTS += %D%/test_eapol
%C%_test_eapol_LDADD = $(TAP_LIBS) libscript.a $(PROTO_LIBS)
endif
EXTRA_DIST += tests/vectors/eapol.txt tests/vectors/supplicant.txt

if CUNIT
UNIT_TESTS += %D%/test_token %D%/test_ca %D%/test_ca_lists %D%/test_ca_names
%C%_test_token_LDADD = $(TAP_LIBS) $(PROTO_LIBS)
%C%_test_ca_SOURCES = %D%/test_ca.c %D%/ca_rig.h
%C%_test_ca_LDADD = $(TAP_LIBS) $(TEST_PKI) $(PROTO_LIBS)
%C%_test_ca_lists_SOURCES = %D%/test_ca_lists.c %D%/ca_rig.h
%C%_test_ca_lists_LDADD = $(TAP_LIBS) $(TEST_PKI) $(PROTO_LIBS)
%C%_test_ca_names_SOURCES = %D%/test_ca_names.c %D%/ca_rig.h
%C%_test_ca_names_LDADD = $(TAP_LIBS) $(TEST_PKI) $(PROTO_LIBS)
endif
EXTRA_DIST += tests/vectors/token.txt

if CUNIT
UNIT_TESTS += %D%/test_loop
%C%_test_loop_LDADD = $(TAP_LIBS) $(SHELL_LIBS)
UNIT_TESTS += %D%/test_tls_frame %D%/test_tls_peer %D%/test_tls_resume %D%/test_tls_verdicts
TLS_CAST = tests/tls_cast.c tests/tls_cast.h
%C%_test_tls_frame_LDADD = $(TAP_LIBS) libscript.a $(PROTO_LIBS)
%C%_test_tls_peer_SOURCES = %D%/test_tls_peer.c $(TLS_CAST)
%C%_test_tls_peer_LDADD = $(TAP_LIBS) $(TEST_PKI) $(PROTO_LIBS)
%C%_test_tls_resume_SOURCES = %D%/test_tls_resume.c $(TLS_CAST)
%C%_test_tls_resume_LDADD = $(TAP_LIBS) $(TEST_PKI) $(PROTO_LIBS)
%C%_test_tls_verdicts_SOURCES = %D%/test_tls_verdicts.c $(TLS_CAST)
%C%_test_tls_verdicts_LDADD = $(TAP_LIBS) $(TEST_PKI) $(PROTO_LIBS)
UNIT_TESTS += %D%/test_tls_server %D%/test_tls_claim %D%/test_eap_tls
UNIT_TESTS += %D%/test_tls_refusals
%C%_test_tls_refusals_SOURCES = %D%/test_tls_refusals.c $(TLS_CAST) tests/tls_duo.c tests/tls_duo.h
%C%_test_tls_refusals_LDADD = $(TAP_LIBS) $(TEST_PKI) $(PROTO_LIBS)
%C%_test_eap_tls_SOURCES = %D%/test_eap_tls.c $(TLS_CAST) tests/tls_duo.c tests/tls_duo.h
%C%_test_eap_tls_LDADD = $(TAP_LIBS) $(TEST_PKI) $(PROTO_LIBS)
%C%_test_tls_claim_SOURCES = %D%/test_tls_claim.c $(TLS_CAST) tests/tls_duo.c tests/tls_duo.h
%C%_test_tls_claim_LDADD = $(TAP_LIBS) $(TEST_PKI) $(PROTO_LIBS)
%C%_test_tls_server_SOURCES = %D%/test_tls_server.c $(TLS_CAST) tests/tls_duo.c tests/tls_duo.h
%C%_test_tls_server_LDADD = $(TAP_LIBS) $(TEST_PKI) $(PROTO_LIBS)
UNIT_TESTS += %D%/test_tunnel_server
TUNNEL_GUEST = tests/tunnel_guest.c tests/tunnel_guest.h tests/legacy.h
%C%_test_tunnel_server_SOURCES = %D%/test_tunnel_server.c $(TUNNEL_GUEST)
%C%_test_tunnel_server_LDADD = $(TAP_LIBS) $(TEST_PKI) $(PROTO_LIBS)
endif


if CUNIT
UNIT_TESTS += %D%/test_bus
%C%_test_bus_SOURCES = %D%/test_bus.c %D%/bus_model.c %D%/bus_rig.c %D%/bus_rig.h
%C%_test_bus_LDADD = $(TAP_LIBS) $(SHELL_LIBS)
endif

if CUNIT
UNIT_TESTS += %D%/test_bundle %D%/test_keystore %D%/test_key_uri %D%/test_credentials
%C%_test_bundle_LDADD = $(TAP_LIBS) $(TEST_PKI) $(PROTO_LIBS)
%C%_test_credentials_LDADD = $(TAP_LIBS) $(TEST_PKI) $(SHELL_LIBS)
%C%_test_key_uri_LDADD = $(TAP_LIBS) $(TEST_PKI) $(SHELL_LIBS)
%C%_test_keystore_LDADD = $(TAP_LIBS) $(TEST_PKI) $(SHELL_LIBS)
UNIT_TESTS += %D%/test_generations
%C%_test_generations_SOURCES = %D%/test_generations.c %D%/scratch.h
%C%_test_generations_LDADD = $(TAP_LIBS) $(TEST_PKI) $(SHELL_LIBS)
endif
EXTRA_DIST += tests/vectors/tls_frame.txt

if CUNIT
UNIT_TESTS += %D%/test_cli
%C%_test_cli_SOURCES = %D%/test_cli.c %D%/bus_model.c %D%/bus_rig.c %D%/bus_rig.h
%C%_test_cli_LDADD = $(TAP_LIBS) $(SHELL_LIBS)
%C%_test_cli_DEPENDENCIES = latchkeyctl $(TAP_LIBS) libshell.a libproto.a
endif

if CUNIT
if AUTHD
UNIT_TESTS += %D%/test_ocsp
%C%_test_ocsp_LDADD = $(TAP_LIBS) $(TEST_PKI) $(AUTHD_LIBS)
endif
endif

# Provisioning protocols.
EXTRA_DIST += tests/vectors/cmp.txt tests/vectors/cmp.py tests/vectors/est.txt
if CUNIT
ENROL_DUO = tests/enrol_duo.c tests/enrol_duo.h
UNIT_TESTS += %D%/test_cmp %D%/test_est
%C%_test_cmp_SOURCES = %D%/test_cmp.c $(ENROL_DUO)
%C%_test_cmp_LDADD = $(TAP_LIBS) libscript.a $(TEST_PKI) $(PROTO_LIBS)
%C%_test_est_SOURCES = %D%/test_est.c $(ENROL_DUO)
%C%_test_est_LDADD = $(TAP_LIBS) $(TEST_PKI) $(PROTO_LIBS)
if AUTHD
UNIT_TESTS += %D%/test_cmp_client %D%/test_cmp_openssl
%C%_test_cmp_openssl_SOURCES = %D%/test_cmp_openssl.c $(ENROL_DUO) %D%/scratch.h
%C%_test_cmp_openssl_LDADD = $(TAP_LIBS) $(TEST_PKI) $(AUTHD_LIBS)
%C%_test_cmp_client_SOURCES = %D%/test_cmp_client.c $(ENROL_DUO)
%C%_test_cmp_client_LDADD = $(TAP_LIBS) $(TEST_PKI) $(AUTHD_LIBS)
endif
endif

# The registry on SQLite, then on PostgreSQL.
if CUNIT
if AUTHD
UNIT_TESTS += %D%/test_registry %D%/test_ticket_keys
%C%_test_registry_SOURCES = %D%/test_registry.c %D%/registry_rig.h %D%/scratch.h
%C%_test_registry_LDADD = $(TAP_LIBS) $(AUTHD_LIBS)
UNIT_TESTS += %D%/test_registry_enrol
%C%_test_registry_enrol_SOURCES = %D%/test_registry_enrol.c %D%/registry_rig.h %D%/scratch.h
%C%_test_registry_enrol_LDADD = $(TAP_LIBS) $(AUTHD_LIBS)
EXTRA_DIST += %D%/registry-1.sql
%C%_test_ticket_keys_SOURCES = %D%/test_ticket_keys.c %D%/scratch.h
%C%_test_ticket_keys_LDADD = $(TAP_LIBS) $(AUTHD_LIBS)
UNIT_TESTS += %D%/test_wishes %D%/test_lists
%C%_test_lists_SOURCES = %D%/test_lists.c %D%/registry_rig.h %D%/scratch.h
%C%_test_lists_LDADD = $(TAP_LIBS) $(AUTHD_LIBS)
%C%_test_wishes_SOURCES = %D%/test_wishes.c %D%/registry_rig.h %D%/scratch.h
%C%_test_wishes_LDADD = $(TAP_LIBS) $(AUTHD_LIBS)
UNIT_TESTS += %D%/test_recorder %D%/test_record
%C%_test_record_LDADD = $(TAP_LIBS) $(AUTHD_LIBS)
%C%_test_recorder_SOURCES = %D%/test_recorder.c %D%/registry_rig.h %D%/scratch.h
%C%_test_recorder_LDADD = $(TAP_LIBS) $(AUTHD_LIBS)
UNIT_TESTS += %D%/test_command %D%/test_control %D%/test_metrics
%C%_test_command_SOURCES = %D%/test_command.c %D%/scratch.h
%C%_test_command_LDADD = $(TAP_LIBS) $(AUTHD_LIBS)
%C%_test_metrics_LDADD = $(TAP_LIBS) $(AUTHD_LIBS)
%C%_test_control_SOURCES = %D%/test_control.c %D%/control_bench.h %D%/scratch.h
%C%_test_control_LDADD = $(TAP_LIBS) $(AUTHD_LIBS)
UNIT_TESTS += %D%/test_control_enroll
%C%_test_control_enroll_SOURCES = %D%/test_control_enroll.c %D%/control_bench.h %D%/scratch.h
%C%_test_control_enroll_LDADD = $(TAP_LIBS) $(AUTHD_LIBS)
TESTS += %D%/test_postgres.py %D%/test_authd_watch.py %D%/test_authd_command.py
endif
endif
EXTRA_DIST += %D%/test_postgres.py %D%/test_authd_watch.py %D%/test_authd_command.py tests/postgres.py

if CUNIT
RADIUS_WORLD = %D%/radius_world.c %D%/radius_world.h
UNIT_TESTS += %D%/test_radius %D%/test_radius_client %D%/test_radius_connections
UNIT_TESTS += %D%/test_radius_dynauth %D%/test_radius_server
%C%_test_radius_server_LDADD = $(TAP_LIBS) $(PROTO_LIBS)
%C%_test_radius_dynauth_LDADD = $(TAP_LIBS) $(PROTO_LIBS)
%C%_test_radius_client_SOURCES = %D%/test_radius_client.c $(RADIUS_WORLD)
%C%_test_radius_client_LDADD = $(TAP_LIBS) $(PROTO_LIBS)
%C%_test_radius_connections_SOURCES = %D%/test_radius_connections.c $(RADIUS_WORLD)
%C%_test_radius_connections_LDADD = $(TAP_LIBS) $(PROTO_LIBS)
%C%_test_radius_LDADD = $(TAP_LIBS) libscript.a $(PROTO_LIBS)
endif
EXTRA_DIST += tests/vectors/radius.txt

if CUNIT
if AUTHD
PORTS_RIG = %D%/ports_rig.c %D%/ports_rig.h
UNIT_TESTS += %D%/test_ports %D%/test_ports_several %D%/test_ports_orders
%C%_test_ports_SOURCES = %D%/test_ports.c $(PORTS_RIG)
%C%_test_ports_LDADD = $(TAP_LIBS) $(AUTHD_LIBS)
%C%_test_ports_several_SOURCES = %D%/test_ports_several.c $(PORTS_RIG)
%C%_test_ports_several_LDADD = $(TAP_LIBS) $(AUTHD_LIBS)
%C%_test_ports_orders_SOURCES = %D%/test_ports_orders.c $(PORTS_RIG)
%C%_test_ports_orders_LDADD = $(TAP_LIBS) $(AUTHD_LIBS)
endif
endif

if CUNIT
if AUTHD
UNIT_TESTS += %D%/test_authd_config %D%/test_authd_pool
AUTHD_RIG = %D%/authd_rig.c %D%/authd_rig.h %D%/scratch.h
%C%_test_authd_config_SOURCES = %D%/test_authd_config.c %D%/scratch.h
%C%_test_authd_config_LDADD = $(TAP_LIBS) $(TEST_PKI) $(AUTHD_LIBS)
UNIT_TESTS += %D%/test_authd_service
%C%_test_authd_service_SOURCES = %D%/test_authd_service.c $(AUTHD_RIG)
%C%_test_authd_service_LDADD = $(TAP_LIBS) $(TEST_PKI) $(AUTHD_LIBS)
%C%_test_authd_pool_SOURCES = %D%/test_authd_pool.c $(AUTHD_RIG)
%C%_test_authd_pool_LDADD = $(TAP_LIBS) $(TEST_PKI) $(AUTHD_LIBS)
UNIT_TESTS += %D%/test_authd_resumed
%C%_test_authd_resumed_SOURCES = %D%/test_authd_resumed.c $(AUTHD_RIG)
%C%_test_authd_resumed_LDADD = $(TAP_LIBS) $(TEST_PKI) $(AUTHD_LIBS)
AUTHD_SITE = %D%/authd_site.c %D%/authd_site.h tests/cprom_duo.c tests/cprom_duo.h $(AUTHD_RIG)
UNIT_TESTS += %D%/test_authd_enrol %D%/test_authd_enrol_ask %D%/test_authd_missed
%C%_test_authd_missed_SOURCES = %D%/test_authd_missed.c $(AUTHD_SITE)
%C%_test_authd_missed_LDADD = $(TAP_LIBS) $(TEST_PKI) $(AUTHD_LIBS)
%C%_test_authd_enrol_SOURCES = %D%/test_authd_enrol.c $(AUTHD_SITE)
%C%_test_authd_enrol_LDADD = $(TAP_LIBS) $(TEST_PKI) $(AUTHD_LIBS)
%C%_test_authd_enrol_ask_SOURCES = %D%/test_authd_enrol_ask.c $(AUTHD_SITE)
%C%_test_authd_enrol_ask_LDADD = $(TAP_LIBS) $(TEST_PKI) $(AUTHD_LIBS)
endif
endif

if CUNIT
UNIT_TESTS += %D%/test_mschap %D%/test_tunnel_codecs
%C%_test_mschap_SOURCES = %D%/test_mschap.c tests/legacy.h
%C%_test_mschap_LDADD = $(TAP_LIBS) libscript.a $(PROTO_LIBS)
%C%_test_tunnel_codecs_LDADD = $(TAP_LIBS) libscript.a $(PROTO_LIBS)
endif
EXTRA_DIST += tests/vectors/mschapv2.txt tests/vectors/peap_tlv.txt tests/vectors/ttls_avp.txt

if CUNIT
UNIT_TESTS += %D%/test_teap_codec
%C%_test_teap_codec_LDADD = $(TAP_LIBS) libscript.a $(PROTO_LIBS)
endif
EXTRA_DIST += tests/vectors/teap_tlv.txt tests/vectors/teap_keys.txt tests/vectors/teap_keys.py

if CUNIT
UNIT_TESTS += %D%/test_teap
TEAP_DUO = tests/teap_duo.c tests/teap_duo.h tests/legacy.h $(TLS_CAST)
%C%_test_teap_SOURCES = %D%/test_teap.c $(TEAP_DUO)
%C%_test_teap_LDADD = $(TAP_LIBS) $(TEST_PKI) $(PROTO_LIBS)
endif

CPROM_DUO = tests/cprom_duo.c tests/cprom_duo.h
EXTRA_DIST += tests/vectors/cprom_tlv.txt tests/vectors/cprom_peer.txt
EXTRA_DIST += tests/vectors/cprom_server.txt tests/vectors/spp.txt
EXTRA_DIST += tests/vectors/cprom_proofs.txt tests/vectors/cprom_talk.txt
if CUNIT
UNIT_TESTS += %D%/test_enrolment
%C%_test_enrolment_SOURCES = %D%/test_enrolment.c %D%/scratch.h $(CPROM_DUO) \
	src/daemon/enrolment.c src/daemon/enrolment.h src/daemon/key_shelf.c src/daemon/key_shelf.h
%C%_test_enrolment_CPPFLAGS = $(AM_CPPFLAGS) $(PATHS_CPPFLAGS)
%C%_test_enrolment_LDADD = $(TAP_LIBS) $(TEST_PKI) $(SHELL_LIBS)
UNIT_TESTS += %D%/test_cprom %D%/test_cprom_attacks %D%/test_cprom_limits %D%/test_cprom_tlv
UNIT_TESTS += %D%/test_cprom_vectors
%C%_test_cprom_vectors_SOURCES = %D%/test_cprom_vectors.c $(CPROM_DUO)
%C%_test_cprom_vectors_LDADD = libscript.a $(TAP_LIBS) $(TEST_PKI) $(PROTO_LIBS)
%C%_test_cprom_SOURCES = %D%/test_cprom.c %D%/cprom_check.h $(CPROM_DUO)
%C%_test_cprom_LDADD = $(TAP_LIBS) $(TEST_PKI) $(PROTO_LIBS)
%C%_test_cprom_attacks_SOURCES = %D%/test_cprom_attacks.c %D%/cprom_check.h $(CPROM_DUO)
%C%_test_cprom_attacks_LDADD = $(TAP_LIBS) $(TEST_PKI) $(PROTO_LIBS)
%C%_test_cprom_limits_SOURCES = %D%/test_cprom_limits.c %D%/cprom_check.h $(CPROM_DUO)
%C%_test_cprom_limits_LDADD = $(TAP_LIBS) $(TEST_PKI) $(PROTO_LIBS)
%C%_test_cprom_tlv_LDADD = libscript.a $(TAP_LIBS) $(TEST_PKI) $(PROTO_LIBS)

TUNNEL_RIG = tests/tunnel_rig.c tests/tunnel_rig.h tests/legacy.h
UNIT_TESTS += %D%/test_peap_peer %D%/test_ttls_peer
%C%_test_peap_peer_SOURCES = %D%/test_peap_peer.c $(TUNNEL_RIG)
%C%_test_peap_peer_LDADD = $(TAP_LIBS) $(TEST_PKI) $(PROTO_LIBS)
%C%_test_ttls_peer_SOURCES = %D%/test_ttls_peer.c $(TUNNEL_RIG)
%C%_test_ttls_peer_LDADD = $(TAP_LIBS) $(TEST_PKI) $(PROTO_LIBS)
endif

if CUNIT
UNIT_TESTS += %D%/test_teap_provision
%C%_test_teap_provision_SOURCES = %D%/test_teap_provision.c $(TEAP_DUO) $(CPROM_DUO)
%C%_test_teap_provision_LDADD = $(TAP_LIBS) $(TEST_PKI) $(PROTO_LIBS)
UNIT_TESTS += %D%/test_teap_hostile %D%/test_teap_provision_hostile
%C%_test_teap_provision_hostile_SOURCES = %D%/test_teap_provision_hostile.c $(TEAP_HOSTILE) $(CPROM_DUO)
%C%_test_teap_provision_hostile_LDADD = $(TAP_LIBS) $(TEST_PKI) $(PROTO_LIBS)
TEAP_HOSTILE = tests/teap_hostile.c tests/teap_hostile.h $(TEAP_DUO)
%C%_test_teap_hostile_SOURCES = %D%/test_teap_hostile.c $(TEAP_HOSTILE)
%C%_test_teap_hostile_LDADD = $(TAP_LIBS) $(TEST_PKI) $(PROTO_LIBS)
endif
