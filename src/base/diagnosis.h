/* A diagnosis: the one plain answer to "why is this port not (properly) open".
 *
 * Every attempt that fails, and every success with reduced assurance, ends in one: a stable id, a
 * cause in a sentence, the evidence, what to do next, the time.  Whoever finds the cause fills it:
 * the trust check a certificate that expired, the PAE an authenticator that is silent; the port
 * carries it; D-Bus, --json, `status` and the log all show this value.
 *
 * It is plain data, may be copied, and owns nothing.  Evidence comes from the wire as often as
 * not: diagnosis_add keeps only what is printable UTF-8, makes of '"' a '\'' for the sake of the
 * log, and cuts what is too long. */
#ifndef BASE_DIAGNOSIS_H
#define BASE_DIAGNOSIS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

enum diagnosis_id {
	DIAG_NONE,

	/* nobody, or nobody who answers us */
	DIAG_NO_AUTHENTICATOR,
	DIAG_RESPONSE_IGNORED,
	DIAG_METHOD_NOT_AGREED,
	DIAG_TIMEOUT,
	DIAG_TOO_MANY_ROUNDS,
	DIAG_MALFORMED,
	DIAG_CARRIER_LOST,
	DIAG_INTERFACE_GONE,
	DIAG_PORT_TAKEN,

	/* the server, as its certificate presents it */
	DIAG_SERVER_UNTRUSTED,
	DIAG_SERVER_CERT_EXPIRED,
	DIAG_SERVER_CERT_NOT_YET_VALID,
	DIAG_CLOCK_WRONG,
	DIAG_SERVER_NAME_MISMATCH,
	DIAG_SERVER_PIN_MISMATCH,
	DIAG_SERVER_CERT_USAGE,
	DIAG_SERVER_CERT_WEAK,
	DIAG_SERVER_CERT_REVOKED,
	DIAG_CRL_UNUSABLE,
	DIAG_OCSP_MISSING,
	DIAG_OCSP_INVALID,
	DIAG_SERVER_CERT_INVALID,

	/* TLS itself */
	DIAG_TLS_VERSION,
	DIAG_TLS_CIPHER,
	DIAG_TLS_ALERT,
	DIAG_TLS_FAILED,

	/* the server's opinion of us, alert by alert */
	DIAG_CLIENT_CERT_REFUSED,
	DIAG_CLIENT_CERT_EXPIRED,
	DIAG_CLIENT_CERT_REVOKED,
	DIAG_CLIENT_CERT_UNSUPPORTED,
	DIAG_CLIENT_CA_UNKNOWN,
	DIAG_CLIENT_ACCESS_DENIED,
	DIAG_CLIENT_CERT_REQUIRED,
	DIAG_CLIENT_SIGNATURE,

	/* tunnels, and what runs inside of them */
	DIAG_INNER_REFUSED,
	DIAG_INNER_PASSWORD_EXPIRED,
	DIAG_INNER_SERVER_UNPROVEN,
	DIAG_INNER_UNPROTECTED,
	DIAG_TUNNEL_BINDING,
	DIAG_TUNNEL_CLOSED,
	DIAG_TUNNEL_ERROR,
	DIAG_INNER_SKIPPED,

	/* to us as the server: the peer, as its certificate presents it */
	DIAG_PEER_CERT_MISSING,
	DIAG_PEER_UNTRUSTED,
	DIAG_PEER_CERT_EXPIRED,
	DIAG_PEER_CERT_NOT_YET_VALID,
	DIAG_PEER_CERT_USAGE,
	DIAG_PEER_CERT_WEAK,
	DIAG_PEER_CERT_REVOKED,
	DIAG_PEER_CERT_INVALID,
	DIAG_PEER_OCSP,
	DIAG_PEER_SIGNATURE,
	DIAG_PEER_DENIED,

	/* the same, as it presents itself inside of a tunnel */
	DIAG_INNER_VERSION,
	DIAG_INNER_NOTHING,
	DIAG_INNER_ANONYMOUS,
	DIAG_INNER_METHOD,
	DIAG_INNER_BINDING,
	DIAG_INNER_RESULT,
	DIAG_INNER_AVP,
	DIAG_INNER_ERROR,
	DIAG_ACCOUNT_UNKNOWN,
	DIAG_ACCOUNT_DISABLED,
	DIAG_ACCOUNT_UNREACHABLE,
	DIAG_ACCOUNT_PASSWORD,
	DIAG_ACCOUNT_NO_SECRET,
	DIAG_ACCOUNT_GUESSED,
	DIAG_ACCOUNT_CHANGE,
	DIAG_ACCOUNT_PROOF,

	/* the peer's opinion of us as its server, alert by alert */
	DIAG_OWN_CERT_REFUSED,
	DIAG_OWN_CERT_EXPIRED,
	DIAG_OWN_CERT_REVOKED,
	DIAG_OWN_CERT_UNSUPPORTED,
	DIAG_OWN_CA_UNKNOWN,
	DIAG_OWN_OCSP_REFUSED,

	/* our own credential */
	DIAG_CREDENTIAL_MISSING,
	DIAG_CREDENTIAL_AWAITED,
	DIAG_CREDENTIAL_EXPIRED,
	DIAG_CREDENTIAL_NOT_YET_VALID,
	DIAG_CREDENTIAL_EXPIRING,
	DIAG_CREDENTIAL_CHAIN,
	DIAG_CREDENTIAL_UNUSABLE,
	DIAG_KEY_MISMATCH,
	DIAG_KEY_UNREADABLE,
	DIAG_PASSPHRASE_WRONG,
	DIAG_KEYSTORE,

	/* EAP-Success before its time; EAP-Failure, for which EAP gives no reason */
	DIAG_EAP_SUCCESS_EARLY,
	DIAG_EAP_FAILURE_EARLY,
	DIAG_EAP_FAILURE_DURING,
	DIAG_EAP_FAILURE_AFTER,

	/* RADIUS, between who guards the port and who answers */
	DIAG_RADIUS_SILENT,
	DIAG_RADIUS_UNSIGNED,
	DIAG_RADIUS_SECRET,
	DIAG_RADIUS_NO_EAP,
	DIAG_RADIUS_STALE,
	DIAG_RADSEC_NAME,

	/* seen from the authenticator: the peer, and the AAA server behind us */
	DIAG_PEER_SILENT,
	DIAG_PEER_IDENTITY_MISSING,
	DIAG_PEER_IDENTITY_TOO_LONG,
	DIAG_PEER_IDENTITY_UNKNOWN,
	DIAG_PEER_REFUSED_METHODS,
	DIAG_PEER_TOO_MANY_ROUNDS,
	DIAG_PEER_NOT_ADMITTED,
	DIAG_AAA_SILENT,
	DIAG_AAA_REFUSED,
	DIAG_AAA_REQUEST_UNUSABLE,

	/* enrollment, one for each error of doc/cprom.md and in its order */
	DIAG_ENROL_MALFORMED,
	DIAG_ENROL_UNEXPECTED,
	DIAG_ENROL_VERSION,
	DIAG_ENROL_NO_PROTOCOL,
	DIAG_ENROL_TOKEN_MISSING,
	DIAG_ENROL_TOKEN_REFUSED,
	DIAG_ENROL_PROOF,
	DIAG_ENROL_ACTION_REFUSED,
	DIAG_ENROL_UNKNOWN_CREDENTIAL,
	DIAG_ENROL_PARAMETERS,
	DIAG_ENROL_KEY_GENERATION,
	DIAG_ENROL_CA_REFUSED,
	DIAG_ENROL_NOT_ACCEPTABLE,
	DIAG_ENROL_STORAGE,
	DIAG_ENROL_VALIDATION,
	DIAG_ENROL_LIMIT,
	DIAG_ENROL_INTERNAL,
	DIAG_ENROL_NOT_OFFERED,
	DIAG_ENROL_OTHER_NETWORK,
	DIAG_ENROL_NOTHING_DONE,
	DIAG_ENROLLED,

	/* a credential that the network gives */
	DIAG_ENROL_NO_MEANS,
	DIAG_RENEWAL_FAILED,
	DIAG_RENEWAL_FELL_BACK,
	DIAG_ANCHORS_EXPIRING,

	/* this machine */
	DIAG_NAS_NOT_ASKED,
	DIAG_CONFIG,
	DIAG_NO_PROFILE,
	DIAG_DISCONNECTED,
	DIAG_INTERNAL,
	DIAG_REGISTRY,

	/* the ports that we guard */
	DIAG_PORT_NOT_GUARDED,
	DIAG_VLAN_NOT_SET,

	/* the authority that issues certificates, and what is asked of it */
	DIAG_TOKEN_TEXT,
	DIAG_REQUEST_MALFORMED,
	DIAG_NAME_REFUSED,
	DIAG_KEY_REFUSED,
	DIAG_AUTHORITY,
	DIAG_AUTHORITY_EXPIRING,
	DIAG_AUTHORITY_OVERLAP,
	DIAG_REVOCATION_UNKNOWN,
	DIAG_CA_UNREACHABLE,

	/* open, but with less assurance than it should have */
	DIAG_REDUCED_NO_SERVER_CHECK,
	DIAG_REDUCED_OLD_TLS,
	DIAG_REDUCED_CLOCK,

	DIAG_COUNT
};

#define DIAGNOSIS_EVIDENCE_MAX 8
#define DIAGNOSIS_VALUE_MAX    192 /* octets with the NUL */
#define DIAGNOSIS_TEXT_MAX     640 /* the same, of all values together */

/* A port holds several of these, most of them empty. */
struct diagnosis {
	enum diagnosis_id id;
	unsigned evidence_count;
	int64_t when; /* seconds since 1970-01-01 UTC; the port sets it when the attempt ends */
	const char *key[DIAGNOSIS_EVIDENCE_MAX]; /* static */
	char text[DIAGNOSIS_TEXT_MAX];		 /* the values in the order of their keys */
};

/* What is the same for every diagnosis of one id; the table also makes the manual page. */
struct diagnosis_text {
	const char *name;  /* the stable id, "server-cert-expired" */
	const char *cause; /* one sentence; {key} stands for evidence, "…" when it is not there */
	const char *next;  /* what to do about it, one or two sentences, with {key} as well */
	bool reduced;	   /* the port is open all the same */
};

const struct diagnosis_text *diagnosis_text(enum diagnosis_id id);
bool diagnosis_by_name(const char *name, enum diagnosis_id *ret_id);

/* Starts afresh: the id, no evidence. */
void diagnosis_set(struct diagnosis *d, enum diagnosis_id id);

/* Adds one piece of evidence, which is cut where the room ends, or left out when there is none. key
 * is static, a lower case word; a key that is there already is replaced. */
void diagnosis_add(struct diagnosis *d, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Starts afresh with one piece of evidence, `detail`: for the ids whose cause is a sentence about
 * one thing that can be wrong in many ways. */
void diagnosis_say(struct diagnosis *d, enum diagnosis_id id, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void diagnosis_vsay(struct diagnosis *d, enum diagnosis_id id, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));

void diagnosis_add_time(struct diagnosis *d, const char *key, int64_t when); /* as RFC 3339, UTC */

/* NULL when there is none.  The text is good until the next addition. */
const char *diagnosis_evidence(const struct diagnosis *d, const char *key);
/* The nth of evidence_count, with its key. */
const char *diagnosis_value(const struct diagnosis *d, size_t n);

/* The same id, time and evidence. */
bool diagnosis_same(const struct diagnosis *a, const struct diagnosis *b);

/* The cause with its evidence filled in; always ends in a NUL. Returns buffer. */
const char *diagnosis_sentence(const struct diagnosis *d, char *buffer, size_t size);
/* What to do about it, in the same way. */
const char *diagnosis_next(const struct diagnosis *d, char *buffer, size_t size);

/* "2026-11-21T22:04:00Z"; the buffer holds at least 32 octets and is returned. */
const char *rfc3339(int64_t when, char *buffer, size_t size);

/* Copies text for people to read: control characters, and what is not UTF-8, become '?' ; cut at a
 * character boundary.  Returns buffer. */
const char *printable(struct slice text, char *buffer, size_t size);

#endif
