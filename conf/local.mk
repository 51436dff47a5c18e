# The service as an operating system knows it.
CONF_IN = %D%/latchkeyd.service.in %D%/sysusers.conf.in %D%/tmpfiles.conf.in \
	%D%/org.latchkey.Supplicant1.conf.in %D%/org.latchkey.Supplicant1.service.in \
	%D%/latchkeyd.conf.in %D%/org.latchkey.supplicant1.policy.in
AUTHD_CONF_IN = %D%/latchkey-authd.service.in %D%/latchkey-authd.conf.in \
	%D%/authd-sysusers.conf.in %D%/authd-tmpfiles.conf.in
EXTRA_DIST += $(AUTHD_CONF_IN)
CONF_MADE = $(CONF_IN:.in=)
if AUTHD
CONF_MADE += $(AUTHD_CONF_IN:.in=)
endif
EXTRA_DIST += $(CONF_IN)
CLEANFILES += $(CONF_MADE)
all-local: $(CONF_MADE)

$(CONF_MADE): %: %.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && sed -e 's,@sbindir[@],$(sbindir),g' \
		-e 's,@confdir[@],$(confdir),g' -e 's,@keystoredir[@],$(keystoredir),g' \
		-e 's,@localstatedir[@],$(localstatedir),g' \
		-e 's,@latchkey_user[@],$(latchkey_user),g' -e 's,@authd_user[@],$(authd_user),g' \
		-e 's,@authdstatedir[@],$(authdstatedir),g' $< >$@

dbuspolicy_DATA = %D%/org.latchkey.Supplicant1.conf
dbusservice_DATA = %D%/org.latchkey.Supplicant1.service
dist_profiles_DATA = %D%/wired.profile.example %D%/wired-lab.profile.example \
	%D%/wired-enroll.profile.example \
	%D%/wired-enroll-password.profile.example \
	%D%/wired-password.profile.example \
	%D%/wired-strict.profile.example
profilesdir = $(confdir)/profiles.d
if SYSTEMD
systemdsystemunit_DATA = %D%/latchkeyd.service
if AUTHD
systemdsystemunit_DATA += %D%/latchkey-authd.service
endif
endif
AUTHD_EXAMPLES = %D%/switches.client.example %D%/wired.port.example %D%/printers.rule.example %D%/lost.rule.example \
	%D%/guests.rule.example %D%/machine.profile.example \
	%D%/campus.server.example %D%/radsec.server.example
EXTRA_DIST += $(AUTHD_EXAMPLES)

install-data-local:
	$(MKDIR_P) $(DESTDIR)$(sysusersdir) $(DESTDIR)$(tmpfilesdir) $(DESTDIR)$(confdir)
	$(INSTALL_DATA) %D%/sysusers.conf $(DESTDIR)$(sysusersdir)/latchkey.conf
	$(INSTALL_DATA) %D%/tmpfiles.conf $(DESTDIR)$(tmpfilesdir)/latchkey.conf
	test -e $(DESTDIR)$(confdir)/latchkeyd.conf || \
		$(INSTALL_DATA) %D%/latchkeyd.conf $(DESTDIR)$(confdir)/latchkeyd.conf
if AUTHD
	$(MKDIR_P) $(DESTDIR)$(confdir)/authd/clients.d $(DESTDIR)$(confdir)/authd/rules.d \
		$(DESTDIR)$(confdir)/authd/servers.d $(DESTDIR)$(confdir)/authd/ports.d \
		$(DESTDIR)$(confdir)/authd/profiles.d
	$(INSTALL_DATA) $(srcdir)/%D%/machine.profile.example $(DESTDIR)$(confdir)/authd/profiles.d
	$(INSTALL_DATA) %D%/authd-sysusers.conf $(DESTDIR)$(sysusersdir)/latchkey-authd.conf
	$(INSTALL_DATA) %D%/authd-tmpfiles.conf $(DESTDIR)$(tmpfilesdir)/latchkey-authd.conf
	test -e $(DESTDIR)$(confdir)/authd/latchkey-authd.conf || \
		$(INSTALL_DATA) %D%/latchkey-authd.conf $(DESTDIR)$(confdir)/authd/latchkey-authd.conf
	$(INSTALL_DATA) $(srcdir)/%D%/switches.client.example $(DESTDIR)$(confdir)/authd/clients.d
	$(INSTALL_DATA) $(srcdir)/%D%/printers.rule.example $(srcdir)/%D%/lost.rule.example \
		$(srcdir)/%D%/guests.rule.example \
		$(DESTDIR)$(confdir)/authd/rules.d
	$(INSTALL_DATA) $(srcdir)/%D%/wired.port.example $(DESTDIR)$(confdir)/authd/ports.d
	$(INSTALL_DATA) $(srcdir)/%D%/campus.server.example $(srcdir)/%D%/radsec.server.example \
		$(DESTDIR)$(confdir)/authd/servers.d
endif
uninstall-local:
	rm -f $(DESTDIR)$(sysusersdir)/latchkey-authd.conf $(DESTDIR)$(tmpfilesdir)/latchkey-authd.conf
	rm -f $(DESTDIR)$(confdir)/authd/clients.d/switches.client.example \
		$(DESTDIR)$(confdir)/authd/ports.d/wired.port.example \
		$(DESTDIR)$(confdir)/authd/profiles.d/machine.profile.example \
		$(DESTDIR)$(confdir)/authd/servers.d/campus.server.example \
		$(DESTDIR)$(confdir)/authd/servers.d/radsec.server.example \
		$(DESTDIR)$(confdir)/authd/rules.d/printers.rule.example \
		$(DESTDIR)$(confdir)/authd/rules.d/lost.rule.example \
		$(DESTDIR)$(confdir)/authd/rules.d/guests.rule.example
	cmp -s %D%/latchkey-authd.conf $(DESTDIR)$(confdir)/authd/latchkey-authd.conf && \
		rm -f $(DESTDIR)$(confdir)/authd/latchkey-authd.conf || :
	rm -f $(DESTDIR)$(sysusersdir)/latchkey.conf $(DESTDIR)$(tmpfilesdir)/latchkey.conf
	cmp -s %D%/latchkeyd.conf $(DESTDIR)$(confdir)/latchkeyd.conf && \
		rm -f $(DESTDIR)$(confdir)/latchkeyd.conf || :

# Completion, which asks the program; polkit's consent for those who are neither root nor in netdev.
dist_bashcompletion_DATA = %D%/completion/bash/latchkeyctl
dist_zshcompletion_DATA = %D%/completion/zsh/_latchkeyctl
AUTHD_COMPLETION = %D%/completion/bash/latchkey-authd %D%/completion/zsh/_latchkey-authd
EXTRA_DIST += $(AUTHD_COMPLETION)
if AUTHD
bashcompletion_DATA = %D%/completion/bash/latchkey-authd
zshcompletion_DATA = %D%/completion/zsh/_latchkey-authd
endif
polkitactions_DATA = %D%/org.latchkey.supplicant1.policy
polkitactionsdir = $(datadir)/polkit-1/actions
