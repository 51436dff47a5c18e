/* Questions of an enrolment and their answers as values that own what they hold. */
#include <stdio.h>
#include <string.h>

#include "authd/enrolment.h"
#include "authd/rules.h"
#include "enrol/protocol.h"
#include "tls/cert.h"

#define COPY(to, from) ((void)snprintf((to), sizeof(to), "%s", (from)))
#define CHAIN_MAX      ENROLMENT_MESSAGE_MAX

void enrolment_ask_done(struct enrolment_ask *ask)
{
	bytes_done(&ask->token);
	bytes_done(&ask->account);
	bytes_done(&ask->claim.certificate);
	bytes_done(&ask->key);
	bytes_done(&ask->csr);
	bytes_done(&ask->old);
	bytes_done(&ask->message);
	bytes_done(&ask->certificate);
	secret_done(&ask->secret);
	secret_done(&ask->nt);
	*ask = (struct enrolment_ask){ 0 };
}

void enrolment_told_done(struct enrolment_told *told)
{
	secret_done(&told->secret);
	bytes_done(&told->certificate);
	bytes_done(&told->chain);
	bytes_done(&told->anchors);
	bytes_done(&told->message);
	*told = (struct enrolment_told){ 0 };
}

/* ---- the claim ---- */

/* The serialNumber of the subject: what a manufacturer names a machine by (IEEE 802.1AR). */
static void note_serial_number(const struct tls_claim *claim, registry_text ret)
{
	const unsigned char *p = claim->subject_der.p, *text;
	AUTO(X509_NAME) name = d2i_X509_NAME(NULL, &p, (long)claim->subject_der.len);
	int at = name ? X509_NAME_get_index_by_NID(name, NID_serialNumber, -1) : -1;
	const ASN1_STRING *value =
		at < 0 ? NULL : X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));

	if (!value)
		return;
	text = ASN1_STRING_get0_data(value);
	printable(slice_of(text, (size_t)ASN1_STRING_length(value)), ret, sizeof(registry_text));
}

static bool is_anchor(const X509_VIEW *anchors, struct slice issuer, struct slice serial)
{
	for (int i = 0; anchors && i < sk_X509_num(anchors); i++) {
		const X509 *anchor = sk_X509_value(anchors, i);
		const ASN1_INTEGER *number = X509_get0_serialNumber(anchor);
		struct slice mine =
			slice_of(ASN1_STRING_get0_data(number), (size_t)ASN1_STRING_length(number));
		unsigned char *der = NULL;
		int len = i2d_X509_NAME(X509_get_issuer_name(anchor), &der);
		bool same = len > 0 && slice_eq(issuer, slice_of(der, (size_t)len)) &&
			    slice_eq(serial, mine);

		OPENSSL_free(der);
		if (same)
			return true;
	}
	return false;
}

/* The anchor is the last of the path; TLS has checked all of it. */
bool enrolment_is_factory(const X509_VIEW *anchors, const struct tls_claim *claim)
{
	struct slice issuer = { 0 }, serial = { 0 };

	for (size_t at = 0; tls_claim_authority(claim, &at, &issuer, &serial);)
		;
	return issuer.len > 0 && is_anchor(anchors, issuer, serial);
}

static enum status note_claim(const struct tls_claim *claim, const struct enrolment_policy *policy,
			      struct enrolment_ask *ask)
{
	struct enrolment_claim *to = &ask->claim;
	const struct rule *rule;

	to->shown = true;
	printable(claim->issuer, to->issuer, sizeof to->issuer);
	printable(claim->subject, to->subject, sizeof to->subject);
	cert_hex(claim->serial, to->serial, sizeof to->serial);
	cert_hex(claim->fingerprint, to->fingerprint, sizeof to->fingerprint);
	cert_hex(claim->spki, to->spki, sizeof to->spki);
	note_serial_number(claim, to->serial_number);
	to->factory = enrolment_is_factory(policy->factory, claim);
	rule = to->factory ? rules_enroll(policy->config, claim, &ask->where) : NULL;
	if (rule) {
		COPY(ask->rule, rule->object.name);
		COPY(ask->rule_profile, rule->profile ? rule->profile : "");
	}
	return bytes_set(&to->certificate, claim->certificate);
}

/* ---- certificate tokens ---- */

static X509_STACK *certificates_of(struct slice der)
{
	AUTO(X509_STACK) certs = sk_X509_new_null();
	const unsigned char *p = der.p, *end = der.p + der.len;

	while (certs && p < end && sk_X509_num(certs) < ENROL_CERTS_MAX) {
		AUTO(X509) cert = d2i_X509(NULL, &p, end - p);

		if (!cert || !sk_X509_push(certs, cert))
			return NULL;
		(void)TAKE(cert);
	}
	return certs && p == end && sk_X509_num(certs) > 0 ? TAKE(certs) : NULL;
}

/* The chain of a Token Type 4 as a claim: what is believed is what a handshake would believe.  A
 * chain that is not leaves the claim empty, for a refusal by those who say why. */
static enum status note_token_chain(struct slice der, const struct enrolment_policy *policy,
				    int64_t now, struct enrolment_ask *ask)
{
	AUTO(X509_STACK) chain = certificates_of(der);
	AUTO(X509_STACK) path = NULL;
	AUTO_VALUE(bytes) row = { 0 };
	struct diagnosis why;
	struct tls_claim claim;
	enum status status;

	if (!chain || !policy->factory_trust ||
	    trust_check_path(policy->factory_trust, chain, now, &path, &why) != OK)
		return OK;
	status = tls_claim_build(sk_X509_value(chain, 0), path, now, &row);
	if (status == OK)
		status = tls_claim_parse(bytes_slice(&row), &claim);
	return status == OK ? note_claim(&claim, policy, ask) : status;
}

/* ---- the question ---- */

static enum status copy_slices(const struct enrol_question *q, struct enrolment_ask *ask)
{
	const struct {
		struct slice from;
		struct bytes *to;
	} all[] = {
		{ q->token, &ask->token },     { q->account, &ask->account },
		{ q->csr, &ask->csr },	       { q->old, &ask->old },
		{ q->message, &ask->message }, { q->certificate, &ask->certificate },
	};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		enum status status = all[i].from.len > ENROLMENT_MESSAGE_MAX
					     ? MALFORMED
					     : bytes_set(all[i].to, all[i].from);

		if (status != OK)
			return status;
	}
	ask->after = q->after;
	return secret_set(&ask->secret, q->secret);
}

static enum status copy_key(EVP_PKEY *key, struct bytes *ret)
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(key, &der);
	enum status status = len > 0 ? bytes_set(ret, slice_of(der, (size_t)len)) : NO_MEMORY;

	OPENSSL_free(der);
	return status;
}

static enum status fill(const struct enrol_question *q, const struct enrolment_policy *policy,
			int64_t now, struct enrolment_ask *ask)
{
	enum status status = copy_slices(q, ask);

	if (status == OK && q->key && !policy->signs)
		status = copy_key(q->key, &ask->key);
	if (status != OK)
		return status;
	/* What was shown in the tunnel has not signed for a certificate token, and stands for none.
	 */
	if (q->kind == ENROL_ASKS_AUTHORISE && q->by == ENROL_BY_CERTIFICATE_TOKEN)
		return note_token_chain(q->token, policy, now, ask);
	return q->claim ? note_claim(q->claim, policy, ask) : OK;
}

enum status enrolment_ask_of(const struct enrol_question *question,
			     const struct enrolment_policy *policy, const struct aaa_where *where,
			     int64_t now, struct enrolment_ask *ret_ask)
{
	AUTO_VALUE(enrolment_ask)
	ask = { .kind = question->kind,
		.action = question->action,
		.type = question->type,
		.where = *where,
		.now = now,
		.by = question->by };
	enum status status;

	if (question->grant)
		ask.grant = *question->grant;
	if (question->names)
		ask.names = *question->names;
	printable(question->mud_url, ask.mud_url, sizeof ask.mud_url);
	printable(question->profile_wanted, ask.profile_wanted, sizeof ask.profile_wanted);
	printable(question->username, ask.username, sizeof ask.username);
	status = fill(question, policy, now, &ask);
	if (status == OK) {
		*ret_ask = ask;
		ask = (struct enrolment_ask){ 0 };
	}
	return status;
}

/* ---- signing ---- */

void enrolment_refuse_ask(struct enrolment_ask *ask, unsigned error, const char *detail)
{
	const struct enrol_fault fault = { .error = error };

	ask->refused = error;
	enrol_fault_explain(&fault, ENROL_US, NULL, &ask->why);
	diagnosis_add(&ask->why, "detail", "%s", detail);
}

static void refuse(struct enrolment_ask *ask, enum enrol_error error, const struct diagnosis *why)
{
	if (why->id == DIAG_NONE) {
		enrolment_refuse_ask(ask, error, "no certificate could be made");
		return;
	}
	ask->refused = error;
	ask->why = *why;
}

/* What the profile gives, or a refusal. */
static bool judge_names(struct enrolment_ask *ask, const struct ca_profile *profile,
			struct enrol_names *ret_names)
{
	struct enrol_names wanted = ask->names;
	struct diagnosis why = { 0 };
	enum status status;

	/* A token that names its machine names it, whatever the machine asks for. */
	if (ask->grant.by == ENROL_BY_TOKEN && ask->grant.names.common_name[0])
		wanted.common_name[0] = '\0';
	status = ca_names(profile, &ask->grant, &wanted, ret_names, &why);
	if (status == UNTRUSTED || status == MALFORMED)
		refuse(ask, ENROL_ERROR_ACTION_REFUSED, &why);
	else if (status != OK)
		refuse(ask, ENROL_ERROR_INTERNAL, &why);
	return status == OK;
}

static bool same_names(const struct enrol_names *a, const struct enrol_names *b)
{
	if (strcmp(a->common_name, b->common_name) != 0 || a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (a->alternative[i].kind != b->alternative[i].kind ||
		    strcmp(a->alternative[i].text, b->alternative[i].text) != 0)
			return false;
	}
	return true;
}

void enrolment_name(struct enrolment_ask *ask, const struct ca_profile *profile)
{
	struct enrol_names names;

	if (!judge_names(ask, profile, &names))
		return;
	if (!same_names(&names, &ask->names))
		bytes_clear(&ask->csr);
	ask->names = names;
}

void enrolment_sign(struct enrolment_ask *ask, const struct enrol_authority *authority,
		    const struct ca_profile *profile, EVP_PKEY *key)
{
	AUTO(X509) cert = NULL;
	struct enrol_names names;
	struct diagnosis why = { 0 };
	enum status status;

	if (!judge_names(ask, profile, &names))
		return;
	status = ca_issue(authority, profile, key, &names, ask->now, &cert, &why);
	if (status == UNSUPPORTED) {
		refuse(ask, ENROL_ERROR_PARAMETERS, &why);
		return;
	}
	bytes_clear(&ask->certificate);
	if (status == OK)
		status = cert_append_der(&ask->certificate, cert, SIZE_MAX);
	if (status != OK) {
		refuse(ask, ENROL_ERROR_INTERNAL, &why);
		return;
	}
	cert_info_of(cert, &ask->info);
	ask->described = true;
}

/* ---- the reply ---- */

static enum status take_certificates(const struct bytes *der, X509_STACK **ret)
{
	if (der->len == 0)
		return OK;
	*ret = certificates_of(bytes_slice(der));
	return *ret ? OK : NO_MEMORY;
}

enum status enrolment_reply_of(const struct enrolment_told *told, struct enrol_reply *ret_reply)
{
	struct enrol_reply reply = {
		.accept = told->accept,
		.error = told->error,
		.secondary = told->secondary,
		.why = told->accept ? NULL : &told->why,
		.grant = told->grant,
		.secret = secret_slice(&told->secret),
		.certificate = bytes_slice(&told->certificate),
		.message = bytes_slice(&told->message),
		.username = slice_str(told->username),
	};
	enum status status = take_certificates(&told->chain, &reply.chain);

	if (status == OK)
		status = take_certificates(&told->anchors, &reply.anchors);
	if (status == OK)
		*ret_reply = reply;
	else
		enrolment_reply_done(&reply);
	return status;
}

void enrolment_reply_done(struct enrol_reply *reply)
{
	x509_stack_free(reply->chain);
	x509_stack_free(reply->anchors);
	*reply = (struct enrol_reply){ 0 };
}
