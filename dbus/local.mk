libshell_a_SOURCES += \
	%D%/access.c %D%/access.h \
	%D%/bus.c %D%/bus.h \
	%D%/calls.c %D%/calls.h \
	%D%/connection.c %D%/connection.h \
	%D%/interface.c %D%/interface.h \
	%D%/marshal.c %D%/marshal.h \
	%D%/model.h \
	%D%/objects.c %D%/objects.h

# The middle of latchkey-dbus(7).
noinst_PROGRAMS += %D%/dbus-man
%C%_dbus_man_LDADD = $(SHELL_LIBS)
