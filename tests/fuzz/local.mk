# One target for each parser and machine: tests/fuzz/fuzz_NAME.c with LLVMFuzzerTestOneInput.
FUZZ_TARGETS =
EXTRA_DIST += %D%/seeds
if FUZZERS
noinst_PROGRAMS += $(FUZZ_TARGETS)
endif

FUZZ_TARGETS += %D%/fuzz_eap_packet %D%/fuzz_eap_peer
if FUZZERS
%C%_fuzz_eap_packet_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_eap_packet_LDADD = $(PROTO_LIBS)
%C%_fuzz_eap_peer_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_eap_peer_LDADD = libscript.a $(PROTO_LIBS)
endif

FUZZ_TARGETS += %D%/fuzz_eap_authenticator
EXTRA_DIST += tests/vectors/eap_authenticator.txt
if FUZZERS
%C%_fuzz_eap_authenticator_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_eap_authenticator_LDADD = libscript.a $(PROTO_LIBS)
endif

FUZZ_TARGETS += %D%/fuzz_eapol_frame %D%/fuzz_supplicant
if FUZZERS
%C%_fuzz_eapol_frame_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_eapol_frame_LDADD = $(PROTO_LIBS)
%C%_fuzz_supplicant_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_supplicant_LDADD = libscript.a $(PROTO_LIBS)
endif

FUZZ_TARGETS += %D%/fuzz_bundle
EXTRA_DIST += tests/vectors/bundle.txt
if FUZZERS
%C%_fuzz_bundle_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_bundle_LDADD = $(PROTO_LIBS)
endif

EXTRA_DIST += tests/vectors/ini.txt
if AUTHD
FUZZ_TARGETS += %D%/fuzz_ini
if FUZZERS
%C%_fuzz_ini_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_ini_LDADD = $(AUTHD_LIBS)
endif
endif

FUZZ_TARGETS += %D%/fuzz_cmp_peer %D%/fuzz_cmp_server %D%/fuzz_est_peer %D%/fuzz_est_server \
	%D%/fuzz_enrol %D%/fuzz_cmp_message
EXTRA_DIST += tests/vectors/cmp.txt tests/vectors/est.txt tests/vectors/enrol.txt
if FUZZERS
ENROL_FUZZ = %D%/enrol_ends.c %D%/enrol_ends.h %D%/meddle.c %D%/meddle.h tests/enrol_duo.c tests/enrol_duo.h
%C%_fuzz_cmp_peer_SOURCES = %D%/fuzz_cmp_peer.c $(ENROL_FUZZ)
%C%_fuzz_cmp_peer_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_cmp_peer_LDADD = $(TEST_PKI) $(PROTO_LIBS)
%C%_fuzz_cmp_server_SOURCES = %D%/fuzz_cmp_server.c $(ENROL_FUZZ)
%C%_fuzz_cmp_server_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_cmp_server_LDADD = $(TEST_PKI) $(PROTO_LIBS)
%C%_fuzz_est_peer_SOURCES = %D%/fuzz_est_peer.c $(ENROL_FUZZ)
%C%_fuzz_est_peer_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_est_peer_LDADD = $(TEST_PKI) $(PROTO_LIBS)
%C%_fuzz_est_server_SOURCES = %D%/fuzz_est_server.c $(ENROL_FUZZ)
%C%_fuzz_est_server_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_est_server_LDADD = $(TEST_PKI) $(PROTO_LIBS)
%C%_fuzz_cmp_message_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_cmp_message_LDADD = $(PROTO_LIBS)
%C%_fuzz_enrol_SOURCES = %D%/fuzz_enrol.c $(ENROL_FUZZ)
%C%_fuzz_enrol_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_enrol_LDADD = $(TEST_PKI) $(PROTO_LIBS)
endif

FUZZ_TARGETS += %D%/fuzz_trust
if FUZZERS
%C%_fuzz_trust_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_trust_LDADD = $(TEST_PKI) $(PROTO_LIBS)
endif

FUZZ_TARGETS += %D%/fuzz_tls_frame %D%/fuzz_tls_peer
if FUZZERS
%C%_fuzz_tls_frame_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_tls_frame_LDADD = $(PROTO_LIBS)
%C%_fuzz_tls_peer_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_tls_peer_LDADD = $(TEST_PKI) $(PROTO_LIBS)
endif

FUZZ_TARGETS += %D%/fuzz_teap_peer %D%/fuzz_teap_server %D%/fuzz_teap_provision
EXTRA_DIST += tests/vectors/teap_provision.txt
EXTRA_DIST += tests/vectors/teap_peer.txt tests/vectors/teap_server.txt
if FUZZERS
FAKE_TLS = %D%/fake_tls.c %D%/fake_tls.h %D%/fake_tls_parts.h %D%/fake_tls_server.c
TUNNEL_ENDS = %D%/tunnel_ends.c %D%/tunnel_ends.h %D%/meddle.c %D%/meddle.h tests/legacy.h $(FAKE_TLS) \
	$(CPROM_DUO)
TEAP_ENDS = %D%/teap_ends.c %D%/teap_ends.h $(FAKE_TLS)
%C%_fuzz_teap_provision_SOURCES = %D%/fuzz_teap_provision.c $(TUNNEL_ENDS)
%C%_fuzz_teap_provision_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_teap_provision_LDADD = $(TEST_PKI) $(PROTO_LIBS)
%C%_fuzz_teap_peer_SOURCES = %D%/fuzz_teap_peer.c $(TEAP_ENDS)
%C%_fuzz_teap_peer_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_teap_peer_LDADD = $(TEST_PKI) $(PROTO_LIBS)
%C%_fuzz_teap_server_SOURCES = %D%/fuzz_teap_server.c $(TEAP_ENDS)
%C%_fuzz_teap_server_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_teap_server_LDADD = $(TEST_PKI) $(PROTO_LIBS)
endif

FUZZ_TARGETS += %D%/fuzz_teap_tlv
if FUZZERS
%C%_fuzz_teap_tlv_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_teap_tlv_LDADD = $(PROTO_LIBS)
endif

FUZZ_TARGETS += %D%/fuzz_bus
if FUZZERS
%C%_fuzz_bus_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_bus_LDADD = $(SHELL_LIBS)
endif

FUZZ_TARGETS += %D%/fuzz_key_uri %D%/fuzz_meta
EXTRA_DIST += tests/vectors/bus.txt tests/vectors/tls_peer.txt tests/vectors/key_uri.txt tests/vectors/meta.txt
if FUZZERS
%C%_fuzz_key_uri_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_key_uri_LDADD = $(SHELL_LIBS)
%C%_fuzz_meta_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_meta_LDADD = $(SHELL_LIBS)
endif

FUZZ_TARGETS += %D%/fuzz_authenticator_pae
EXTRA_DIST += tests/vectors/authenticator_pae.txt
if FUZZERS
%C%_fuzz_authenticator_pae_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_authenticator_pae_LDADD = $(PROTO_LIBS)
endif

if AUTHD
FUZZ_TARGETS += %D%/fuzz_control
endif
EXTRA_DIST += tests/vectors/control.txt
if FUZZERS
%C%_fuzz_control_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_control_LDADD = $(AUTHD_LIBS)
endif

FUZZ_TARGETS += %D%/fuzz_radius_packet %D%/fuzz_radius_server %D%/fuzz_radius_client \
	%D%/fuzz_radius_dynauth
EXTRA_DIST += tests/vectors/radius_server.txt tests/vectors/radius_client.txt \
	tests/vectors/radius_dynauth.txt
if FUZZERS
%C%_fuzz_radius_packet_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_radius_packet_LDADD = $(PROTO_LIBS)
%C%_fuzz_radius_server_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_radius_server_LDADD = $(PROTO_LIBS)
%C%_fuzz_radius_client_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_radius_client_LDADD = $(PROTO_LIBS)
%C%_fuzz_radius_dynauth_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_radius_dynauth_LDADD = $(PROTO_LIBS)
endif

FUZZ_TARGETS += %D%/fuzz_tls_server %D%/fuzz_tls_claim
EXTRA_DIST += tests/vectors/tls_server.txt tests/vectors/tls_claim.txt
if FUZZERS
%C%_fuzz_tls_server_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_tls_server_LDADD = $(TEST_PKI) $(PROTO_LIBS)
%C%_fuzz_tls_claim_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_tls_claim_LDADD = $(PROTO_LIBS)
endif

EXTRA_DIST += tests/vectors/ports.txt tests/vectors/radsec_stream.txt
if AUTHD
FUZZ_TARGETS += %D%/fuzz_ports %D%/fuzz_radsec_stream
if FUZZERS
%C%_fuzz_radsec_stream_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_radsec_stream_LDADD = $(AUTHD_LIBS)
%C%_fuzz_ports_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_ports_LDADD = $(AUTHD_LIBS)
endif
endif

FUZZ_TARGETS += %D%/fuzz_cprom_tlv %D%/fuzz_spp %D%/fuzz_cprom_peer %D%/fuzz_cprom_server \
	%D%/fuzz_cprom_x509
if FUZZERS
%C%_fuzz_cprom_tlv_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_cprom_tlv_LDADD = $(PROTO_LIBS)
%C%_fuzz_spp_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_spp_LDADD = $(TEST_PKI) $(PROTO_LIBS)
CPROM_ENDS = %D%/cprom_ends.c %D%/cprom_ends.h %D%/meddle.c %D%/meddle.h $(CPROM_DUO)
%C%_fuzz_cprom_peer_SOURCES = %D%/fuzz_cprom_peer.c $(CPROM_ENDS)
%C%_fuzz_cprom_peer_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_cprom_peer_LDADD = $(TEST_PKI) $(PROTO_LIBS)
%C%_fuzz_cprom_server_SOURCES = %D%/fuzz_cprom_server.c $(CPROM_ENDS)
%C%_fuzz_cprom_server_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_cprom_server_LDADD = $(TEST_PKI) $(PROTO_LIBS)
%C%_fuzz_cprom_x509_SOURCES = %D%/fuzz_cprom_x509.c $(CPROM_ENDS)
%C%_fuzz_cprom_x509_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_cprom_x509_LDADD = $(TEST_PKI) $(PROTO_LIBS)
endif

FUZZ_TARGETS += %D%/fuzz_ttls_avp %D%/fuzz_peap_tlv %D%/fuzz_mschapv2
FUZZ_TARGETS += %D%/fuzz_ttls_peer %D%/fuzz_peap_peer %D%/fuzz_tunnel_peer
EXTRA_DIST += tests/vectors/ttls_peer.txt tests/vectors/peap_peer.txt tests/vectors/tunnel_peer.txt
EXTRA_DIST += tests/vectors/tunnel_server.txt tests/vectors/cprom_x509.txt
if FUZZERS
%C%_fuzz_tunnel_peer_SOURCES = %D%/fuzz_tunnel_peer.c $(TUNNEL_ENDS)
%C%_fuzz_tunnel_peer_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_tunnel_peer_LDADD = $(TEST_PKI) $(PROTO_LIBS)
FAKE_TUNNEL = %D%/fake_tunnel.c %D%/fake_tunnel.h tests/legacy.h
%C%_fuzz_ttls_avp_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_ttls_avp_LDADD = $(PROTO_LIBS)
%C%_fuzz_peap_tlv_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_peap_tlv_LDADD = $(PROTO_LIBS)
%C%_fuzz_mschapv2_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_mschapv2_LDADD = $(PROTO_LIBS)
%C%_fuzz_ttls_peer_SOURCES = %D%/fuzz_ttls_peer.c $(FAKE_TUNNEL)
%C%_fuzz_ttls_peer_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_ttls_peer_LDADD = $(PROTO_LIBS)
%C%_fuzz_peap_peer_SOURCES = %D%/fuzz_peap_peer.c $(FAKE_TUNNEL)
%C%_fuzz_peap_peer_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_peap_peer_LDADD = $(PROTO_LIBS)
endif

FUZZ_TARGETS += %D%/fuzz_tunnel_server %D%/fuzz_mschapv2_server
%C%_fuzz_tunnel_server_SOURCES = %D%/fuzz_tunnel_server.c $(TUNNEL_ENDS)
%C%_fuzz_mschapv2_server_SOURCES = %D%/fuzz_mschapv2_server.c tests/legacy.h
if FUZZERS
%C%_fuzz_tunnel_server_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_tunnel_server_LDADD = $(TEST_PKI) $(PROTO_LIBS)
%C%_fuzz_mschapv2_server_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_mschapv2_server_LDADD = $(PROTO_LIBS)
endif

FUZZ_TARGETS += %D%/fuzz_token %D%/fuzz_ca
EXTRA_DIST += tests/vectors/ca.txt
if FUZZERS
%C%_fuzz_token_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_token_LDADD = $(PROTO_LIBS)
%C%_fuzz_ca_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_ca_LDADD = $(TEST_PKI) $(PROTO_LIBS)
endif
