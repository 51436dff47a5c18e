
# The peer's half of an authentication in instructions: make bench-programs, then handshake.sh.
EXTRA_PROGRAMS += %D%/handshake
EXTRA_DIST += %D%/handshake.sh
%C%_handshake_LDADD = $(TEST_PKI) $(PROTO_LIBS)
bench-programs: %D%/handshake$(EXEEXT)
.PHONY: bench-programs

# ./dev bench: each part can be run alone.
EXTRA_DIST += %D%/bench.py %D%/contest.py %D%/report.py %D%/times.py %D%/instructions.py \
	%D%/system.py %D%/memory.py %D%/ports.py %D%/server.py %D%/servers.py

# RADIUS servers side by side: the load, and who measures.
EXTRA_PROGRAMS += %D%/radius_load
%C%_radius_load_SOURCES = %D%/radius_load.c %D%/radius_nas.c %D%/radius_nas.h \
	%D%/radius_wire.c %D%/radius_wire.h
%C%_radius_load_LDADD = $(PROTO_LIBS) -lm
bench-programs: %D%/radius_load$(EXEEXT)
EXTRA_PROGRAMS += %D%/openssl_server
%C%_openssl_server_LDADD = $(PROTO_LIBS)
bench-programs: %D%/openssl_server$(EXEEXT)

# Enrolments: machines by the hundred, a registry that fills, and EST over HTTPS beside them.
EXTRA_DIST += %D%/enroll.py
EXTRA_PROGRAMS += %D%/enrol_load %D%/registry_fill %D%/est_https %D%/est_load
%C%_enrol_load_SOURCES = %D%/enrol_load.c %D%/radius_nas.c %D%/radius_nas.h \
	%D%/radius_wire.c %D%/radius_wire.h
%C%_enrol_load_LDADD = $(PROTO_LIBS) -lm
%C%_registry_fill_LDADD = $(AUTHD_LIBS)
%C%_est_https_LDADD = $(AUTHD_LIBS)
%C%_est_load_LDADD = $(PROTO_LIBS) $(CURL_LIBS) -lpthread
bench-programs: %D%/enrol_load$(EXEEXT) %D%/registry_fill$(EXEEXT) %D%/est_https$(EXEEXT) \
	%D%/est_load$(EXEEXT)
