# The program itself is main.c; all else is in libauthd.a, which the tests link too. A line for each
# part.
libauthd_a_SOURCES += %D%/aaa.c %D%/aaa.h
libauthd_a_SOURCES += %D%/account_desk.c %D%/account_desk.h
libauthd_a_SOURCES += %D%/accounting.h
libauthd_a_SOURCES += %D%/accounts_registry.c %D%/accounts_registry.h
libauthd_a_SOURCES += %D%/arm_enrol.c %D%/arm_enrol.h %D%/worker_enrol.c
libauthd_a_SOURCES += %D%/account_hash.c %D%/accounts.c %D%/accounts.h
libauthd_a_SOURCES += %D%/address.c %D%/address.h
libauthd_a_SOURCES += %D%/authd.h
libauthd_a_SOURCES += %D%/cmp_client.c %D%/cmp_client.h %D%/ca_behind.c %D%/ca_behind.h
libauthd_a_SOURCES += %D%/config.h
libauthd_a_SOURCES += %D%/http.c %D%/http.h
libauthd_a_SOURCES += %D%/ocsp.c %D%/ocsp.h
libauthd_a_SOURCES += %D%/config.c %D%/config.h
libauthd_a_SOURCES += %D%/config_client.c
libauthd_a_SOURCES += %D%/config_keys.c
libauthd_a_SOURCES += %D%/ca_keeper.c %D%/ca_keeper.h %D%/ca_keeper_parts.h
libauthd_a_SOURCES += %D%/ca_keeper_rollover.c %D%/command_ca.c
libauthd_a_SOURCES += %D%/lists.c %D%/lists.h %D%/lists_http.c %D%/lists_http.h
libauthd_a_SOURCES += %D%/lists_parts.h %D%/lists_read.c %D%/lists_view.c
libauthd_a_SOURCES += %D%/authority.c %D%/authority.h
libauthd_a_SOURCES += %D%/revoked.c %D%/revoked.h %D%/putting_out.c %D%/putting_out.h
libauthd_a_SOURCES += %D%/wished.c %D%/wished.h %D%/wishes.c %D%/wishes.h
libauthd_a_SOURCES += %D%/config_profile.c
libauthd_a_SOURCES += %D%/config_port.c %D%/port_config.h
libauthd_a_SOURCES += %D%/config_rule.c
libauthd_a_SOURCES += %D%/config_types.c %D%/config_types.h
libauthd_a_SOURCES += %D%/conversation.c %D%/conversation.h
libauthd_a_SOURCES += %D%/message.c %D%/message.h
libauthd_a_SOURCES += %D%/outcome.c %D%/outcome.h
libauthd_a_SOURCES += %D%/pool.c %D%/pool.h
libauthd_a_SOURCES += %D%/port.c %D%/port.h %D%/port_gate.c %D%/port_gate.h
libauthd_a_SOURCES += %D%/port_session.c %D%/port_session.h
libauthd_a_SOURCES += %D%/port_session_open.c %D%/port_session_parts.h
libauthd_a_SOURCES += %D%/ports.c %D%/ports.h %D%/ports_parts.h %D%/ports_view.c
libauthd_a_SOURCES += %D%/enrolment.c %D%/enrolment_ca.c %D%/enrolment_ask.c %D%/enrolment.h %D%/enrolment_parts.h \
	%D%/enrolment_authorise.c %D%/enrolment_registry.c %D%/enrolment_revoke.c %D%/enrolment_verifier.c %D%/registry_enrol.h
libauthd_a_SOURCES += %D%/guard.c %D%/guard.h %D%/ports_keeper.c
libauthd_a_SOURCES += %D%/queue.c %D%/queue.h
libauthd_a_SOURCES += %D%/server_config.c %D%/server_config.h
libauthd_a_SOURCES += %D%/rules.c %D%/rules.h
libauthd_a_SOURCES += %D%/worker.c %D%/worker.h %D%/worker_conversations.c %D%/worker_radius.c
libauthd_a_SOURCES += %D%/staple.c %D%/staple.h

# What it remembers, and how it is controlled and watched.
libauthd_a_SOURCES += %D%/control.h %D%/metrics.h %D%/recorder.h %D%/registry.h
libauthd_a_SOURCES += %D%/ticket_keys.h %D%/view.h
libauthd_a_SOURCES += %D%/control.c %D%/control_parts.h
libauthd_a_SOURCES += %D%/control_answer.c %D%/control_enroll.c %D%/control_enroll.h %D%/control_enroll_ask.c
libauthd_a_SOURCES += %D%/control_request.c
libauthd_a_SOURCES += %D%/command_control.c
libauthd_a_SOURCES += %D%/command_show.c %D%/command_show.h
libauthd_a_SOURCES += %D%/metrics.c %D%/http_server.c %D%/http_server.h
libauthd_a_SOURCES += %D%/record.c %D%/record.h
libauthd_a_SOURCES += %D%/recorder.c %D%/recorder_parts.h %D%/recorder_thread.c

libauthd_a_SOURCES += %D%/arm.c %D%/arm.h %D%/arm_parts.h
libauthd_a_SOURCES += %D%/arm_tunnel.c %D%/arm_tunnel.h
libauthd_a_SOURCES += %D%/authd.c %D%/authd_events.c %D%/authd_parts.c
libauthd_a_SOURCES += %D%/authd_counters.c %D%/authd_orders.c %D%/authd_view.c
libauthd_a_SOURCES += %D%/sessions.c %D%/sessions.h
libauthd_a_SOURCES += %D%/revocation.c %D%/revocation.h
libauthd_a_SOURCES += %D%/tally.c %D%/tally.h
libauthd_a_SOURCES += %D%/tickets.c %D%/tickets.h
libauthd_a_SOURCES += %D%/client_counts.c %D%/client_counts.h
libauthd_a_SOURCES += %D%/radius_server.c %D%/radius_server.h
libauthd_a_SOURCES += %D%/check.c
libauthd_a_SOURCES += %D%/command_enroll.c %D%/qr.c %D%/qr.h
libauthd_a_SOURCES += %D%/command.h %D%/commands.c %D%/complete.c
libauthd_a_SOURCES += %D%/packet.c %D%/packet.h
libauthd_a_SOURCES += %D%/run.c

if AUTHD
sbin_PROGRAMS += latchkey-authd
latchkey_authd_SOURCES = %D%/main.c
latchkey_authd_CPPFLAGS = $(AM_CPPFLAGS) $(PATHS_CPPFLAGS)
latchkey_authd_LDADD = $(AUTHD_LIBS)
endif
libauthd_a_SOURCES += %D%/registry.c %D%/registry_parts.h %D%/registry_db.h
libauthd_a_SOURCES += %D%/registry_sql.c %D%/registry_sql.h
libauthd_a_SOURCES += %D%/registry_sqlite.c %D%/registry_postgres.c
libauthd_a_SOURCES += %D%/registry_credentials.c %D%/registry_enrol.c
libauthd_a_SOURCES += %D%/registry_sessions.c %D%/registry_audit.c %D%/ticket_keys.c

# We as a client: who asks elsewhere, RADIUS over TLS, and what servers change of sessions.
libauthd_a_SOURCES += %D%/passthrough.c %D%/passthrough.h %D%/passthrough_parts.h
libauthd_a_SOURCES += %D%/passthrough_accounting.c %D%/passthrough_view.c
libauthd_a_SOURCES += %D%/upstream.c %D%/upstream.h
libauthd_a_SOURCES += %D%/radsec_link.c %D%/radsec_link.h
libauthd_a_SOURCES += %D%/radsec_server.c %D%/radsec_server.h
libauthd_a_SOURCES += %D%/radsec_stream.c %D%/radsec_stream.h
libauthd_a_SOURCES += %D%/radsec_tls.c %D%/radsec_tls.h
libauthd_a_SOURCES += %D%/dynauth.c %D%/dynauth.h %D%/dynauth_asks.c %D%/dynauth_parts.h
