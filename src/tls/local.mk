libproto_a_SOURCES += \
	%D%/cert.c %D%/cert.h \
	%D%/claim.c %D%/claim.h \
	%D%/config.c \
	%D%/engine.c %D%/engine.h %D%/engine_parts.h \
	%D%/identity.c \
	%D%/server.c %D%/server.h %D%/server_config.c %D%/server_session.c \
	%D%/session.c \
	%D%/ssl.h \
	%D%/tunnel.c \
	%D%/trust.c %D%/trust.h \
	%D%/trust_again.c \
	%D%/trust_chain.c \
	%D%/trust_ocsp.c \
	%D%/trust_parts.h \
	%D%/verdict.c
