libproto_a_SOURCES += \
	%D%/cert.c %D%/cert.h \
	%D%/engine.h \
	%D%/ssl.h \
	%D%/trust.c %D%/trust.h \
	%D%/trust_chain.c \
	%D%/trust_ocsp.c \
	%D%/trust_parts.h
