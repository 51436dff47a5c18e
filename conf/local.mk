# The service as an operating system knows it.
CONF_IN = %D%/latchkeyd.service.in %D%/sysusers.conf.in %D%/tmpfiles.conf.in \
	%D%/org.latchkey.Supplicant1.conf.in %D%/org.latchkey.Supplicant1.service.in \
	%D%/latchkeyd.conf.in %D%/org.latchkey.supplicant1.policy.in
CONF_MADE = $(CONF_IN:.in=)
EXTRA_DIST += $(CONF_IN)
CLEANFILES += $(CONF_MADE)
all-local: $(CONF_MADE)

$(CONF_MADE): %: %.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && sed -e 's,@sbindir[@],$(sbindir),g' \
		-e 's,@confdir[@],$(confdir),g' -e 's,@keystoredir[@],$(keystoredir),g' \
		-e 's,@localstatedir[@],$(localstatedir),g' \
		-e 's,@latchkey_user[@],$(latchkey_user),g' $< >$@

dbuspolicy_DATA = %D%/org.latchkey.Supplicant1.conf
dbusservice_DATA = %D%/org.latchkey.Supplicant1.service
dist_profiles_DATA = %D%/wired.profile.example %D%/wired-lab.profile.example \
	%D%/wired-strict.profile.example
profilesdir = $(confdir)/profiles.d
if SYSTEMD
systemdsystemunit_DATA = %D%/latchkeyd.service
endif

install-data-local:
	$(MKDIR_P) $(DESTDIR)$(sysusersdir) $(DESTDIR)$(tmpfilesdir) $(DESTDIR)$(confdir)
	$(INSTALL_DATA) %D%/sysusers.conf $(DESTDIR)$(sysusersdir)/latchkey.conf
	$(INSTALL_DATA) %D%/tmpfiles.conf $(DESTDIR)$(tmpfilesdir)/latchkey.conf
	test -e $(DESTDIR)$(confdir)/latchkeyd.conf || \
		$(INSTALL_DATA) %D%/latchkeyd.conf $(DESTDIR)$(confdir)/latchkeyd.conf
uninstall-local:
	rm -f $(DESTDIR)$(sysusersdir)/latchkey.conf $(DESTDIR)$(tmpfilesdir)/latchkey.conf
	cmp -s %D%/latchkeyd.conf $(DESTDIR)$(confdir)/latchkeyd.conf && \
		rm -f $(DESTDIR)$(confdir)/latchkeyd.conf || :

# Completion, which asks the program; polkit's consent for those who are neither root nor in netdev.
dist_bashcompletion_DATA = %D%/completion/bash/latchkeyctl
dist_zshcompletion_DATA = %D%/completion/zsh/_latchkeyctl
polkitactions_DATA = %D%/org.latchkey.supplicant1.policy
polkitactionsdir = $(datadir)/polkit-1/actions
