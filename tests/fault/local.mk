# What must hold when something fails or dies in the middle.  fault_AREA.c: the nth allocation fails,
# for every n (fault.h).
FAULT_TESTS =
check_PROGRAMS += $(FAULT_TESTS)
TESTS += $(FAULT_TESTS)
check_LIBRARIES += libfault.a
libfault_a_SOURCES = %D%/fault.c %D%/fault.h
FAULT_LINK = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc \
	-Wl,--wrap=reallocarray,--wrap=strdup,--wrap=asprintf,--wrap=open_memstream

FAULT_TESTS += %D%/fault_eap %D%/fault_eap_authenticator
%C%_fault_eap_authenticator_LDFLAGS = $(FAULT_LINK)
%C%_fault_eap_authenticator_LDADD = libfault.a libscript.a $(PROTO_LIBS)
%C%_fault_eap_LDFLAGS = $(FAULT_LINK)
%C%_fault_eap_LDADD = libfault.a libscript.a $(PROTO_LIBS)

FAULT_TESTS += %D%/fault_tls %D%/fault_trust %D%/fault_bundle
%C%_fault_tls_LDFLAGS = $(FAULT_LINK)
%C%_fault_tls_LDADD = libfault.a $(TEST_PKI) $(PROTO_LIBS)
%C%_fault_trust_LDFLAGS = $(FAULT_LINK)
%C%_fault_trust_LDADD = libfault.a $(TEST_PKI) $(PROTO_LIBS)
%C%_fault_bundle_LDFLAGS = $(FAULT_LINK)
%C%_fault_bundle_LDADD = libfault.a $(TEST_PKI) $(PROTO_LIBS)

FAULT_TESTS += %D%/fault_keystore %D%/fault_config %D%/fault_bus
%C%_fault_bus_LDFLAGS = $(FAULT_LINK)
%C%_fault_bus_LDADD = libfault.a $(SHELL_LIBS)
%C%_fault_keystore_LDFLAGS = $(FAULT_LINK)
%C%_fault_keystore_LDADD = libfault.a $(TEST_PKI) $(SHELL_LIBS)
%C%_fault_config_CPPFLAGS = $(AM_CPPFLAGS) $(PATHS_CPPFLAGS)
%C%_fault_config_LDFLAGS = $(FAULT_LINK)
%C%_fault_config_LDADD = libfault.a $(TEST_PKI) $(SHELL_LIBS)

if CUNIT
FAULT_TESTS += %D%/keystore_kill
%C%_keystore_kill_LDADD = $(TAP_LIBS) $(TEST_PKI) $(SHELL_LIBS)
endif

FAULT_TESTS += %D%/fault_enrol
%C%_fault_enrol_SOURCES = %D%/fault_enrol.c tests/enrol_duo.c tests/enrol_duo.h
%C%_fault_enrol_LDFLAGS = $(FAULT_LINK)
%C%_fault_enrol_LDADD = libfault.a $(TEST_PKI) $(PROTO_LIBS)

FAULT_TESTS += %D%/fault_radius
%C%_fault_radius_LDFLAGS = $(FAULT_LINK)
%C%_fault_radius_LDADD = libfault.a $(PROTO_LIBS)

if AUTHD
FAULT_TESTS += %D%/fault_registry
%C%_fault_registry_LDFLAGS = $(FAULT_LINK)
%C%_fault_registry_LDADD = libfault.a $(AUTHD_LIBS)
endif
FAULT_TESTS += %D%/fault_tls_server
%C%_fault_tls_server_LDFLAGS = $(FAULT_LINK)
%C%_fault_tls_server_LDADD = libfault.a $(TEST_PKI) $(PROTO_LIBS)

if AUTHD
FAULT_TESTS += %D%/fault_authd
%C%_fault_authd_LDFLAGS = $(FAULT_LINK)
%C%_fault_authd_LDADD = libfault.a $(TEST_PKI) $(AUTHD_LIBS)
endif

if AUTHD
FAULT_TESTS += %D%/fault_ports
%C%_fault_ports_LDFLAGS = $(FAULT_LINK)
%C%_fault_ports_LDADD = libfault.a $(AUTHD_LIBS)
endif

# The power fails under the keystore.
check_PROGRAMS += %D%/keystore_life
%C%_keystore_life_LDADD = $(TEST_PKI) $(SHELL_LIBS)
TESTS += %D%/keystore_powercut.py
EXTRA_DIST += %D%/keystore_powercut.py

FAULT_TESTS += %D%/fault_tunnel
%C%_fault_tunnel_SOURCES = %D%/fault_tunnel.c tests/tunnel_rig.c tests/tunnel_rig.h tests/legacy.h
%C%_fault_tunnel_LDFLAGS = $(FAULT_LINK)
%C%_fault_tunnel_LDADD = libfault.a $(TEST_PKI) $(PROTO_LIBS)

FAULT_TESTS += %D%/fault_cprom
%C%_fault_cprom_SOURCES = %D%/fault_cprom.c $(CPROM_DUO)
%C%_fault_cprom_LDFLAGS = $(FAULT_LINK)
%C%_fault_cprom_LDADD = libfault.a $(TEST_PKI) $(PROTO_LIBS)

FAULT_TESTS += %D%/fault_teap
%C%_fault_teap_SOURCES = %D%/fault_teap.c tests/fuzz/teap_ends.c tests/fuzz/teap_ends.h
%C%_fault_teap_LDFLAGS = $(FAULT_LINK)
%C%_fault_teap_LDADD = libfault.a $(TEST_PKI) $(PROTO_LIBS)

FAULT_TESTS += %D%/fault_tunnel_server
%C%_fault_tunnel_server_SOURCES = %D%/fault_tunnel_server.c tests/tunnel_guest.c tests/tunnel_guest.h tests/legacy.h
%C%_fault_tunnel_server_LDFLAGS = $(FAULT_LINK)
%C%_fault_tunnel_server_LDADD = libfault.a $(TEST_PKI) $(PROTO_LIBS)

FAULT_TESTS += %D%/fault_ca
%C%_fault_ca_LDFLAGS = $(FAULT_LINK)
%C%_fault_ca_LDADD = libfault.a $(TEST_PKI) $(PROTO_LIBS)

if AUTHD
FAULT_TESTS += %D%/fault_lists
%C%_fault_lists_LDFLAGS = $(FAULT_LINK)
%C%_fault_lists_LDADD = libfault.a $(TEST_PKI) $(AUTHD_LIBS)
endif
