# Conversations with a machine: talk_MACHINE runs tests/talk/MACHINE*.txt (script.h has the form).
TALK_TESTS =
check_PROGRAMS += $(TALK_TESTS)
TESTS += $(TALK_TESTS)

check_LIBRARIES += libscript.a
libscript_a_SOURCES = %D%/script.c %D%/script.h
