
# The peer's half of an authentication in instructions: make bench-programs, then handshake.sh.
EXTRA_PROGRAMS += %D%/handshake
EXTRA_DIST += %D%/handshake.sh
%C%_handshake_LDADD = $(TEST_PKI) $(PROTO_LIBS)
bench-programs: %D%/handshake$(EXEEXT)
.PHONY: bench-programs

# ./dev bench: each part can be run alone.
EXTRA_DIST += %D%/bench.py %D%/contest.py %D%/report.py %D%/times.py %D%/instructions.py \
	%D%/system.py %D%/memory.py %D%/ports.py
