libproto_a_SOURCES += \
	%D%/bundle.h \
	%D%/cert.c %D%/cert.h
