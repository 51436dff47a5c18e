EXTRA_DIST += %D%/test.h

# Certificates for tests and fuzzers, made in memory: link $(TEST_PKI) before $(PROTO_LIBS).
check_LIBRARIES += libtestpki.a
libtestpki_a_SOURCES = %D%/pki.c %D%/pki.h
TEST_PKI = libtestpki.a

# An EAP-TLS server in memory, on top of it.
libtestpki_a_SOURCES += %D%/tls_server.c %D%/tls_server.h

# The rules of the house, and of those who read what we install, as programs.
dist_check_SCRIPTS += %D%/check-layers %D%/check-pure %D%/check-install
TESTS += %D%/check-layers %D%/check-pure %D%/check-install
