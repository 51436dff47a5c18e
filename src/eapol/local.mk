libproto_a_SOURCES += \
	%D%/frame.h \
	%D%/supplicant.h
