libshell_a_SOURCES += \
	%D%/keystore.h \
	%D%/uri.h
