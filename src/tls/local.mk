libproto_a_SOURCES += \
	%D%/engine.h \
	%D%/ssl.h \
	%D%/trust.h
