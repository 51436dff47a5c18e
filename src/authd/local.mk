# The program itself is main.c; all else is in libauthd.a, which the tests link too.
libauthd_a_SOURCES += \
	%D%/aaa.c %D%/aaa.h \
	%D%/accounting.h
