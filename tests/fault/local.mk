# What must hold when something fails or dies in the middle.
if CUNIT
FAULT_TESTS = %D%/keystore_kill
check_PROGRAMS += $(FAULT_TESTS)
TESTS += $(FAULT_TESTS)
%C%_keystore_kill_LDADD = $(TAP_LIBS) $(TEST_PKI) $(SHELL_LIBS)
endif
