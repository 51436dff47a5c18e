libproto_a_SOURCES += \
	%D%/ca.h \
	%D%/ca_keys.c \
	%D%/ca_names.c \
	%D%/ca_parts.h \
	%D%/csr.h \
	%D%/names.h \
	%D%/proof.h \
	%D%/protocol.c %D%/protocol.h \
	%D%/question.h \
	%D%/store.h \
	%D%/token.c \
	%D%/token.h
