# The program itself is main.c; all else is in libauthd.a, which the tests link too.
libauthd_a_SOURCES += \
	%D%/aaa.c %D%/aaa.h \
	%D%/accounting.h

# What it remembers, and how it is controlled and watched.
libauthd_a_SOURCES += \
	%D%/control.h %D%/metrics.h %D%/recorder.h %D%/registry.h %D%/ticket_keys.h %D%/view.h
