libproto_a_SOURCES += \
	%D%/ca.h \
	%D%/csr.h \
	%D%/proof.h \
	%D%/protocol.c %D%/protocol.h \
	%D%/question.h \
	%D%/store.h \
	%D%/token.h
