libproto_a_SOURCES += \
	%D%/ca.h \
	%D%/ca_authority.c \
	%D%/ca_issue.c \
	%D%/ca_keys.c \
	%D%/ca_lists.c \
	%D%/ca_names.c \
	%D%/ca_parts.h \
	%D%/csr.h \
	%D%/names.c %D%/names.h \
	%D%/proof.h \
	%D%/protocol.c %D%/protocol.h \
	%D%/question.h \
	%D%/store.h \
	%D%/token.c \
	%D%/token.h
