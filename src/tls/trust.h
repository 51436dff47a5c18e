/* Whom we believe: the checks on the certificate of a server, or of a client, and their verdict.
 *
 * A trust policy is made once, when a profile is loaded: anchors and revocation lists are parsed
 * then, never on the path of an authentication.  It is immutable afterwards and may be shared by
 * any number of connections.  Checks, all of them always on: chain to an anchor (RFC 5280, section
 * 6) at a time that is an argument; extended key usage serverAuth or, for EAP, id-kp-eapOverLAN
 * (RFC 4334); names (RFC 6125 on subjectAltName dNSName; the common name only where there is no
 * such name); pins; lists; stapled OCSP (RFC 6960).  The verdict is a diagnosis.
 *
 * Of a client it is asked whether it may be one (clientAuth, or what RFC 5216, section 5.3, allows
 * in its place), and nothing of names: what they permit is the business of rules. */
#ifndef TLS_TRUST_H
#define TLS_TRUST_H

#include "base/diagnosis.h"
#include "base/moment.h"
#include "tls/cert.h"
#include "tls/ssl.h"

enum ocsp_mode { OCSP_OFF, OCSP_IF_OFFERED, OCSP_REQUIRE };

/* For a machine whose clock is before the build date of the program (clock-wrong). */
enum clock_policy {
	CLOCK_STRICT,	   /* refuse: the default */
	CLOCK_BUILD_DATE,  /* what had expired then is refused; reduced assurance */
	CLOCK_IGNORE_DATES /* do not check dates while the clock is that wrong; reduced assurance */
};

#define TRUST_NAMES_MAX 16
#define TRUST_PINS_MAX	16
#define TRUST_DEPTH_MAX 10 /* intermediate certificates */

struct trust_settings {
	enum cert_role role;	     /* of a client there are anchors and lists alone */
	const struct slice *anchors; /* each PEM (any number of certificates) or DER */
	size_t anchor_count;
	const struct slice *crls; /* the same; then each certificate of the chain needs one */
	size_t crl_count;
	const char *const *names; /* "radius.example.org" exact; ".example.org" any host below it */
	size_t name_count;
	/* SHA-256 of a SubjectPublicKeyInfo in the chain, 64 hex digits; or 32 of them, its first
	 * half, as an enrolment token has it. */
	const char *const *pins;
	size_t pin_count;
	/* Anchors and pins are of one network alone, which has told us itself, and its authority
	 * vouches for nobody else.  Then names may be left out; in return a server's certificate
	 * has to say outright that it is one (serverAuth or id-kp-eapOverLAN), since the machines
	 * of the network have theirs from the same authority. */
	bool one_network;
	enum ocsp_mode ocsp;
	enum clock_policy clock;
	int64_t built;		/* the build date: a clock before it is wrong */
	bool insecure_no_check; /* accept any server; nothing else is then looked at */
};

struct trust;

/* Everything is copied. UNTRUSTED when the settings would accept anybody (neither anchor nor pin,
 * or no name rule and neither one_network nor insecure_no_check), MALFORMED when an input does not
 * parse; of a file, the evidence `anchor` or `crl` then is its number, from 1. */
CHECKED enum status trust_new(const struct trust_settings *settings, struct trust **ret_trust,
			      struct diagnosis *why);
void trust_free(struct trust *trust);
DEFINE_AUTO_STRUCT(trust);

bool trust_is_insecure(const struct trust *trust);
/* Its key is one of the pins. */
bool trust_pinned(const struct trust *trust, const X509 *cert);
/* It takes a name or a pin to satisfy it, and not an authority alone. */
bool trust_is_named(const struct trust *trust);

/* Everything but the stapled response. chain is what the server sent, its own certificate first.
 * OK, or UNTRUSTED with the verdict in *why (NO_MEMORY, CRYPTO likewise). When dates were not
 * really checked, OK with DIAG_REDUCED_CLOCK in *why. */
CHECKED enum status trust_check(const struct trust *trust, STACK_OF(X509) * chain, int64_t now,
				struct diagnosis *why);

/* The same, and the path that was found, from the certificate to its anchor; not touched when the
 * policy is insecure. */
CHECKED enum status trust_check_path(const struct trust *trust, STACK_OF(X509) * chain, int64_t now,
				     X509_STACK **ret_path, struct diagnosis *why);

/* Whether a stapled response is to be asked for, and the check on it.  These stand apart because
 * TLS 1.2 brings the response in a message of its own, after the certificates (RFC 6066, section
 * 8). ocsp is empty if the server sent none.  chain passed trust_check before. */
bool trust_wants_ocsp(const struct trust *trust);
CHECKED enum status trust_check_ocsp(const struct trust *trust, STACK_OF(X509) * chain,
				     struct slice ocsp, int64_t now, struct diagnosis *why);

/* A response about cert, which issuer has issued, that was fetched from a responder: RFC 6960,
 * section 3.2.  OK, or UNTRUSTED with the verdict in *why; until is when it has to be fetched again
 * (also of a revoked certificate; unchanged when the response is worth nothing). */
CHECKED enum status trust_ocsp_answer(X509 *cert, X509 *issuer, struct slice response, int64_t now,
				      int64_t *ret_until, struct diagnosis *why);

/* The clock and the dates of the server's certificate again, before a session is resumed.  All else
 * was checked when the session was made, by this same policy, to which it is bound.  UNTRUSTED
 * means no more than that a full handshake has to tell. */
CHECKED enum status trust_recheck(const struct trust *trust, int64_t not_before, int64_t not_after,
				  int64_t now, struct diagnosis *why);

/* Whether the lists have anything against a certificate that is known by its issuer (DER) and
 * serial number (content octets) alone, of a session that is resumed: its own, or that of an
 * authority above it, which is asked about by itself. */
CHECKED enum status trust_recheck_lists(const struct trust *trust, struct slice issuer,
					struct slice serial, int64_t now, struct diagnosis *why);

/* What the policy rests on: two with the same anchors have the same. */
CHECKED enum status trust_digest(const struct trust *trust, uint8_t ret_digest[CERT_HASH_LEN]);

#endif
