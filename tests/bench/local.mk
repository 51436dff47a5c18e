
# The peer's half of an authentication in instructions: make bench-programs, then handshake.sh.
EXTRA_PROGRAMS += %D%/handshake
EXTRA_DIST += %D%/handshake.sh
%C%_handshake_LDADD = $(TEST_PKI) $(PROTO_LIBS)
bench-programs: %D%/handshake$(EXEEXT)
.PHONY: bench-programs
