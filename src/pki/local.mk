libproto_a_SOURCES += \
	%D%/bundle.c %D%/bundle.h \
	%D%/cert.c %D%/cert.h \
	%D%/decrypt.c \
	%D%/intake.c %D%/intake.h \
	%D%/pkcs12.c
