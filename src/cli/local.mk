bin_PROGRAMS += latchkeyctl
latchkeyctl_SOURCES = \
	%D%/check.c \
	%D%/cli.h \
	%D%/client.c %D%/client.h \
	%D%/command.h %D%/commands.c \
	%D%/control.c \
	%D%/credentials.c %D%/credentials.h \
	%D%/diagnose.c \
	%D%/enroll.c \
	%D%/help.c \
	%D%/import.c \
	%D%/main.c \
	%D%/monitor.c \
	%D%/passphrase.c %D%/passphrase.h \
	%D%/ports.c %D%/ports.h \
	%D%/secret.c \
	%D%/service.c
latchkeyctl_CPPFLAGS = $(AM_CPPFLAGS) $(PATHS_CPPFLAGS)
latchkeyctl_LDADD = $(SHELL_LIBS)
