# Every page is written by hand but for what is a table in the code: a line "@RUN program argument"
# is replaced by what the program prints, so that page and code cannot differ. Where programs
# cannot be run, because they are built for another machine, the finished pages of the tarball are
# taken.  A new sentence begins a new line, as mandoc(1) wants it.
MAN_PAGES = \
	%D%/latchkeyctl.1 \
	%D%/latchkeyd.8 \
	%D%/latchkeyd.conf.5 \
	%D%/latchkey-dbus.7 \
	%D%/latchkey-profile.5
MAN_MAKERS = %D%/keys-man$(EXEEXT) dbus/dbus-man$(EXEEXT)
if AUTHD
MAN_PAGES += %D%/latchkey-authd.8 %D%/latchkey-authd.conf.5
MAN_MAKERS += %D%/authd-man$(EXEEXT)
noinst_PROGRAMS += %D%/authd-man
endif
%C%_authd_man_SOURCES = %D%/authd-man.c %D%/mdoc.c %D%/mdoc.h
%C%_authd_man_CPPFLAGS = $(AM_CPPFLAGS) $(PATHS_CPPFLAGS)
%C%_authd_man_LDADD = $(AUTHD_LIBS)
dist_man_MANS += $(MAN_PAGES)
EXTRA_DIST += $(MAN_PAGES:=.in)

noinst_PROGRAMS += %D%/keys-man
%C%_keys_man_SOURCES = %D%/keys-man.c %D%/mdoc.c %D%/mdoc.h
%C%_keys_man_CPPFLAGS = $(AM_CPPFLAGS) $(PATHS_CPPFLAGS)
%C%_keys_man_LDADD = $(SHELL_LIBS)

if !CROSS_COMPILING
CLEANFILES += $(MAN_PAGES)

MAN_ASSEMBLE = { \
	gsub("@confdir[@]", confdir); gsub("@keystoredir[@]", keystoredir); \
	gsub("@user[@]", user); gsub("@authdstatedir[@]", authdstatedir); \
	if ($$1 != "@RUN") { print; next } \
	command = "./" $$2 " " $$3; \
	while ((command | getline line) > 0) { \
		if (line !~ /^[.]/) gsub(/[.] +/, ".\n", line); \
		print line }; \
	if (close(command) != 0) exit 1 }

$(MAN_PAGES): %D%/local.mk $(MAN_MAKERS)
	$(AM_V_GEN)$(MKDIR_P) %D% && $(AWK) -v confdir='$(confdir)' \
		-v keystoredir='$(keystoredir)' -v user='$(latchkey_user)' \
		-v authdstatedir='$(authdstatedir)' '$(MAN_ASSEMBLE)' \
		'$(srcdir)/$@.in' >$@.tmp && mv $@.tmp $@

%D%/latchkeyctl.1: %D%/latchkeyctl.1.in
%D%/latchkey-authd.8: %D%/latchkey-authd.8.in
%D%/latchkey-authd.conf.5: %D%/latchkey-authd.conf.5.in
%D%/latchkeyd.8: %D%/latchkeyd.8.in
%D%/latchkeyd.conf.5: %D%/latchkeyd.conf.5.in
%D%/latchkey-profile.5: %D%/latchkey-profile.5.in
%D%/latchkey-dbus.7: %D%/latchkey-dbus.7.in
endif
