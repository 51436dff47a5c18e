sbin_PROGRAMS += latchkeyd
latchkeyd_SOURCES = \
	%D%/enrolment.c %D%/enrolment.h \
	%D%/expiry.c %D%/expiry.h \
	%D%/held.h \
	%D%/key_shelf.c %D%/key_shelf.h \
	%D%/life.c %D%/life.h \
	%D%/main.c \
	%D%/port.c %D%/port.h %D%/port_attempt.c %D%/port_course.c %D%/port_method.c \
	%D%/port_parts.h %D%/port_view.c \
	%D%/profiles.c %D%/profiles.h \
	%D%/renewal.c %D%/renewal.h \
	%D%/service.c %D%/service.h %D%/service_parts.h \
	%D%/service_bus.c %D%/service_config.c %D%/service_lives.c %D%/service_trials.c \
	%D%/service_wishes.c
latchkeyd_CPPFLAGS = $(AM_CPPFLAGS) $(PATHS_CPPFLAGS)
latchkeyd_LDADD = $(SHELL_LIBS)
