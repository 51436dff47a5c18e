libproto_a_SOURCES += \
	%D%/bundle.h \
	%D%/cert.h
