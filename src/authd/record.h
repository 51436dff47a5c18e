/* What has happened, as the registry keeps it.
 *
 * A machine that was let in is remembered by the certificate that it has shown, one that was not by
 * nothing: a name that is merely claimed would fill the registry.  A session begins with the answer
 * that let the machine in, and accounting adds to it when it brings our own name of the session
 * along in its Class; otherwise it is a session of its own, named by its Acct-Session-Id, which a
 * NAS is to choose so that it does not come again (RFC 2866, section 5.5). */
#ifndef AUTHD_RECORD_H
#define AUTHD_RECORD_H

#include "authd/accounting.h"
#include "authd/outcome.h"
#include "authd/recorder.h"

void record_outcome(struct recorder *recorder, const struct outcome *outcome);
/* Whether receipt will be told, or why not. */
enum record_fate {
	RECORD_NOTHING, /* there is nothing to keep */
	RECORD_PUT,	/* receipt is told when it is kept */
	RECORD_DROPPED,
};
/* RECORD_DROPPED: it is not kept, since the database is not there or has too much to do; the NAS,
 * which goes on to send it, is a better place to wait than our memory. */
enum record_fate record_nas_accounting(struct recorder *recorder,
				       const struct nas_accounting *accounting,
				       struct receipt *receipt);
/* Of a port of our own. */
void record_accounting(struct recorder *recorder, const struct accounting_event *event);

/* An entry of the audit trail, now. */
bool record_audit(struct recorder *recorder, const char *event, const char *actor,
		  const char *subject, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* The values themselves; false: there is nothing to remember. */
bool record_machine_of(const struct outcome *outcome, struct registry_machine *ret_machine);
bool record_session_of(const struct outcome *outcome, struct registry_session *ret_session);
bool record_session_of_nas(const struct nas_accounting *accounting,
			   struct registry_session *ret_session);
void record_session_of_port(const struct accounting_event *event,
			    struct registry_session *ret_session);

/* "lost-carrier"; "" for 0, a number for what has no name. */
const char *terminate_cause_word(uint32_t cause, char *buffer, size_t size);

#endif
