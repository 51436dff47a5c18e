# What every program of ours that runs as a service needs.
libshell_a_SOURCES += \
	%D%/notify.c %D%/notify.h \
	%D%/process.c %D%/process.h \
	%D%/report.c %D%/report.h \
	%D%/sandbox.c %D%/sandbox.h
