# One target for each parser and machine: tests/fuzz/fuzz_NAME.c with LLVMFuzzerTestOneInput.
FUZZ_TARGETS =
if FUZZERS
noinst_PROGRAMS += $(FUZZ_TARGETS)
endif
