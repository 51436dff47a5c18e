libproto_a_SOURCES += \
	%D%/cert.c %D%/cert.h \
	%D%/claim.h \
	%D%/config.c \
	%D%/engine.c %D%/engine.h %D%/engine_parts.h \
	%D%/identity.c \
	%D%/server.h \
	%D%/session.c \
	%D%/ssl.h \
	%D%/trust.c %D%/trust.h \
	%D%/trust_chain.c \
	%D%/trust_ocsp.c \
	%D%/trust_parts.h \
	%D%/verdict.c
