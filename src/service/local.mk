# What every program of ours that runs as a service needs.
libshell_a_SOURCES += \
	%D%/key_shelf.c %D%/key_shelf.h \
	%D%/notify.c %D%/notify.h \
	%D%/process.c %D%/process.h \
	%D%/report.c %D%/report.h \
	%D%/sandbox.c %D%/sandbox.h
