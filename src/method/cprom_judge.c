#include "method/cprom_judge.h"

#include <string.h>
#include <strings.h>

#include "enrol/names.h"
#include "pki/bundle.h"
#include "tls/cert.h"

#define ANCHORS_MAX 64

static enum status refuse(const struct enrol_result *result, const char *what,
			  struct enrol_fault *fault, struct diagnosis *why)
{
	char subject[CERT_TEXT_MAX], issuer[CERT_TEXT_MAX];

	enrol_fault_set(fault, ENROL_ERROR_NOT_ACCEPTABLE, "%s", what);
	enrol_fault_explain(fault, ENROL_US, NULL, why);
	if (result->cert) {
		cert_subject(result->cert, subject, sizeof subject);
		cert_name(X509_get_issuer_name(result->cert), issuer, sizeof issuer);
		diagnosis_add(why, "subject", "%s", subject);
		diagnosis_add(why, "issuer", "%s", issuer);
	}
	return UNTRUSTED;
}

/* ---- names --------------------------------------------------------------------------- */

/* '*' stands for any octets. */
static bool glob(const char *pattern, const char *text)
{
	const char *star = NULL, *back = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = pattern++;
			back = text;
		} else if (strncasecmp(pattern, text, 1) == 0) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star + 1;
			text = ++back;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == 0;
}

static bool allowed(const struct cprom_credential *credential, const char *text)
{
	for (size_t i = 0; i < credential->allowed_count; i++) {
		if (glob(credential->allowed[i], text))
			return true;
	}
	return false;
}

static bool has_alternative(const struct enrol_names *names, unsigned kind, const char *text)
{
	for (size_t i = 0; i < names->count; i++) {
		if ((unsigned)names->alternative[i].kind == kind &&
		    strcasecmp(names->alternative[i].text, text) == 0)
			return true;
	}
	return false;
}

static bool is_common_name(const struct enrol_names *names, const char *text)
{
	return names->common_name[0] && strcasecmp(names->common_name, text) == 0;
}

static bool empty(const struct enrol_names *names)
{
	return !names->common_name[0] && names->count == 0;
}

/* Every name is one that was asked for or is allowed, and one of these is there.  A host
 * name may stand as the common name too, and the other way round, as authorities have it. */
static bool names_fit(const struct cprom_credential *credential, const struct enrol_names *asked,
		      const struct enrol_names *got)
{
	bool found = is_common_name(asked, got->common_name);

	if (got->common_name[0] && !found && !allowed(credential, got->common_name) &&
	    !has_alternative(asked, ENROL_NAME_DNS, got->common_name))
		return false;
	for (size_t i = 0; i < got->count; i++) {
		unsigned kind = (unsigned)got->alternative[i].kind;
		const char *text = got->alternative[i].text;
		bool ours = has_alternative(asked, kind, text) ||
			    (kind == ENROL_NAME_DNS && is_common_name(asked, text));

		if (!ours && !allowed(credential, text))
			return false;
		found = found || ours;
	}
	/* What is allowed may take the place of what was asked for. */
	return found || empty(asked) ||
	       (got->common_name[0] && allowed(credential, got->common_name));
}

static enum status judge_names(const struct cprom_credential *credential,
			       const struct enrol_result *result, struct enrol_fault *fault,
			       struct diagnosis *why)
{
	struct enrol_names asked = credential->names, got;

	if (names_of_cert(result->cert, &got, why) != OK)
		return refuse(result, "its names cannot be read", fault, why);
	/* A renewal that asks for nothing is to keep its names. */
	if (empty(&asked) && credential->cert && names_of_cert(credential->cert, &asked, why) != OK)
		return refuse(result, "the names of the old certificate cannot be read", fault,
			      why);
	if (empty(&asked) && credential->allowed_count == 0)
		return OK;
	return names_fit(credential, &asked, &got)
		       ? OK
		       : refuse(result, "it has names that were neither asked for nor allowed",
				fault, why);
}

/* ---- the chain ----------------------------------------------------------------------- */

struct anchors {
	struct bytes der[ANCHORS_MAX];
	struct slice slices[ANCHORS_MAX];
	size_t count;
};

static void anchors_done(struct anchors *anchors)
{
	for (size_t i = 0; i < anchors->count; i++)
		bytes_done(&anchors->der[i]);
}

static enum status add_anchors(struct anchors *anchors, const STACK_OF(X509) * certs)
{
	for (int i = 0; i < sk_X509_num(certs) && anchors->count < ANCHORS_MAX; i++) {
		struct bytes *to = &anchors->der[anchors->count];
		enum status status = cert_append_der(to, sk_X509_value(certs, i), SIZE_MAX);

		if (status != OK)
			return status;
		anchors->slices[anchors->count++] = bytes_slice(to);
	}
	return OK;
}

static const char *verdict(const struct diagnosis *why)
{
	/* Those of a client's certificate that a chain can fail by. */
	if (why->id == DIAG_PEER_UNTRUSTED)
		return "it does not chain to an anchor of this network";
	if (why->id == DIAG_PEER_CERT_EXPIRED)
		return "it has expired";
	if (why->id == DIAG_PEER_CERT_NOT_YET_VALID)
		return "it is not valid yet";
	if (why->id == DIAG_PEER_CERT_USAGE)
		return "it may not be used by a TLS client";
	if (why->id == DIAG_PEER_CERT_WEAK)
		return "it is too weak";
	return "it or its chain did not pass";
}

static enum status check_chain(const struct cprom_peer_settings *settings, struct anchors *anchors,
			       const struct enrol_result *result, int64_t now,
			       struct diagnosis *why)
{
	struct trust_settings wanted = { .role = CERT_CLIENT,
					 .anchors = anchors->slices,
					 .anchor_count = anchors->count,
					 .clock = CLOCK_IGNORE_DATES,
					 .built = settings->built };
	AUTO_STRUCT(trust) trust = NULL;
	AUTO(X509_VIEW) chain = sk_X509_new_null();
	enum status status = add_anchors(anchors, settings->anchors);

	if (status == OK && settings->accept_anchors)
		status = add_anchors(anchors, result->anchors);
	if (status != OK || !chain || sk_X509_push(chain, result->cert) <= 0)
		return NO_MEMORY;
	for (int i = 0; i < sk_X509_num(result->chain); i++) {
		if (sk_X509_push(chain, sk_X509_value(result->chain, i)) <= 0)
			return NO_MEMORY;
	}
	diagnosis_set(why, DIAG_PEER_UNTRUSTED);
	wanted.anchor_count = anchors->count;
	if (anchors->count == 0)
		return UNTRUSTED;
	status = trust_new(&wanted, &trust, why);
	return status == OK ? trust_check(trust, chain, now, why) : status;
}

static enum status judge_chain(const struct cprom_peer_settings *settings,
			       const struct enrol_result *result, int64_t now,
			       struct enrol_fault *fault, struct diagnosis *why,
			       struct diagnosis *reduced)
{
	struct anchors *anchors = calloc(1, sizeof *anchors);
	enum status status =
		anchors ? check_chain(settings, anchors, result, now, reduced) : NO_MEMORY;

	if (anchors)
		anchors_done(anchors);
	free(anchors);
	if (status == OK)
		return OK;
	if (status == NO_MEMORY) {
		enrol_fault_set(fault, ENROL_ERROR_INTERNAL, "no memory");
		return status;
	}
	return refuse(result, verdict(reduced), fault, why);
}

enum status cprom_judge(const struct cprom_peer_settings *settings,
			const struct cprom_credential *credential, EVP_PKEY *key,
			const struct enrol_result *result, int64_t now, struct enrol_fault *fault,
			struct diagnosis *why, struct diagnosis *reduced)
{
	enum status status;

	diagnosis_set(reduced, DIAG_NONE);
	if (!result->cert)
		return refuse(result, "there is no certificate", fault, why);
	if (!key_matches(result->cert, key))
		return refuse(result, "it is for another key than ours", fault, why);
	if (cert_misuse(result->cert, CERT_CLIENT))
		return refuse(result, cert_misuse(result->cert, CERT_CLIENT), fault, why);
	status = judge_chain(settings, result, now, fault, why, reduced);
	return status == OK ? judge_names(credential, result, fault, why) : status;
}
