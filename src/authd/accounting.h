/* What a session of a port was, as values: RFC 2866, with the causes of RFC 3580, section 2.1.
 *
 * A session that is open says so when it begins, from time to time if it was asked to (RFC 2869,
 * section 2.1), and when it ends.  The RADIUS client sends it, the registry writes it down; neither
 * is waited for. */
#ifndef AUTHD_ACCOUNTING_H
#define AUTHD_ACCOUNTING_H

#include "authd/aaa.h"
#include "drivers/packet.h"

/* Acct-Status-Type: RFC 2866, section 5.1. */
enum accounting_kind { ACCOUNTING_START = 1, ACCOUNTING_STOP = 2, ACCOUNTING_INTERIM = 3 };

/* Acct-Terminate-Cause: RFC 2866, section 5.10, and RFC 3580, section 2.1. */
enum terminate_cause {
	TERMINATE_NOT = 0, /* it goes on */
	TERMINATE_USER_REQUEST = 1,
	TERMINATE_LOST_CARRIER = 2,
	TERMINATE_SESSION_TIMEOUT = 5,
	TERMINATE_ADMIN_RESET = 6,
	TERMINATE_ADMIN_REBOOT = 7,
	TERMINATE_NAS_ERROR = 9,
	TERMINATE_SUPPLICANT_RESTART = 19,
	TERMINATE_REAUTH_FAILURE = 20,
	TERMINATE_PORT_REINITIALIZED = 21,
	TERMINATE_PORT_DISABLED = 22,
};

struct accounting_event {
	enum accounting_kind kind;
	int64_t when;		       /* Event-Timestamp: seconds since 1970-01-01 UTC */
	const struct aaa_where *where; /* where->session_id is Acct-Session-Id; borrowed */
	const struct aaa_grant *grant; /* Class, the name to use, the VLAN; borrowed */
	uint8_t mac[MAC_SIZE];
	uint32_t session_time; /* seconds: of Interim and Stop */
	/* The interface's, since the session began; false in host mode multi, where they are not
	 * the machine's alone. */
	bool counted;
	uint64_t octets_in, octets_out, packets_in, packets_out; /* in: from the machine */
	enum terminate_cause cause;				 /* of Stop */
};

struct accountant {
	void (*note)(struct accountant *accountant, const struct accounting_event *event);
};

#endif
