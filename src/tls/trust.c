#include "tls/trust_parts.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define DNS_NAME_MAX 253

static enum status config_fault(struct diagnosis *why, enum status status, const char *detail)
{
	diagnosis_say(why, DIAG_CONFIG, "%s", detail);
	return status;
}

static enum status no_memory(struct diagnosis *why)
{
	diagnosis_say(why, DIAG_INTERNAL, "out of memory");
	return NO_MEMORY;
}

/* ---- the policy ---- */

/* A rule that anybody's certificate fulfils is not a rule. */
static const char *accepts_anybody(const struct trust_settings *s)
{
	if (s->role == CERT_CLIENT)
		return s->anchor_count == 0 ? "without ClientAnchors= any client would be accepted"
					    : NULL;
	if (s->insecure_no_check)
		return s->anchor_count || s->crl_count || s->name_count || s->pin_count
			       ? "InsecureNoServerCheck=yes excludes TrustAnchor=, ServerName=, "
				 "ServerPin= and CRL="
			       : NULL;
	if (s->anchor_count == 0 && s->pin_count == 0)
		return "without TrustAnchor= or ServerPin= any server would be accepted";
	if (s->name_count == 0 && !s->one_network)
		return "without ServerName= any certificate of the authority would be accepted";
	return NULL;
}

/* A certificate file never asks for a passphrase. */
static int no_passphrase(char *buffer, int size, int writing, void *arg)
{
	(void)buffer;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static bool is_pem(struct slice file)
{
	return memmem(file.p, file.len, "-----BEGIN ", 11) != NULL;
}

/* Reading PEM ends with an error: the one that says there is no more is fine. */
static bool pem_ended(void)
{
	return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
}

static bool add_anchor(struct trust *trust, X509 *cert)
{
	/* Whatever can be learned from it is learned now, the strength of its key too: without
	 * memory the library makes a key that it takes for a weak one ever after. */
	if (!cert || X509_check_purpose(cert, -1, 0) != 1 ||
	    EVP_PKEY_get_security_bits(X509_get0_pubkey(cert)) <= 0)
		return false;
	trust->has_anchors = true;
	return X509_STORE_add_cert(trust->store, cert) == 1;
}

static bool add_crl(struct trust *trust, X509_CRL *crl)
{
	trust->has_crls = true;
	return crl && X509_STORE_add_crl(trust->store, crl) == 1;
}

static bool add_anchor_der(struct trust *trust, struct slice file)
{
	const unsigned char *p = file.p;
	AUTO(X509) cert = d2i_X509(NULL, &p, (long)file.len);

	return p == file.p + file.len && add_anchor(trust, cert);
}

static bool add_crl_der(struct trust *trust, struct slice file)
{
	const unsigned char *p = file.p;
	AUTO(X509_CRL) crl = d2i_X509_CRL(NULL, &p, (long)file.len);

	return p == file.p + file.len && add_crl(trust, crl);
}

static bool add_anchors_pem(struct trust *trust, struct slice file)
{
	AUTO(BIO) bio = BIO_new_mem_buf(file.p, (int)file.len);

	for (int count = 0; bio; count++) {
		AUTO(X509) cert = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);

		if (!cert)
			return count > 0 && pem_ended();
		if (!add_anchor(trust, cert))
			return false;
	}
	return false;
}

static bool add_crls_pem(struct trust *trust, struct slice file)
{
	AUTO(BIO) bio = BIO_new_mem_buf(file.p, (int)file.len);

	for (int count = 0; bio; count++) {
		AUTO(X509_CRL) crl = PEM_read_bio_X509_CRL(bio, NULL, no_passphrase, NULL);

		if (!crl)
			return count > 0 && pem_ended();
		if (!add_crl(trust, crl))
			return false;
	}
	return false;
}

static enum status add_files(struct trust *trust, const struct slice *files, size_t count,
			     const char *kind, const char *what,
			     bool (*add_pem)(struct trust *, struct slice),
			     bool (*add_der)(struct trust *, struct slice), struct diagnosis *why)
{
	for (size_t i = 0; i < count; i++) {
		bool added;

		ERR_set_mark();
		added = files[i].len > 0 && files[i].len <= INT32_MAX &&
			(is_pem(files[i]) ? add_pem : add_der)(trust, files[i]);
		ERR_pop_to_mark();
		if (added)
			continue;
		config_fault(why, MALFORMED, what);
		diagnosis_add(why, kind, "%zu", i + 1);
		return MALFORMED;
	}
	return OK;
}

static const char *name_fault(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > DNS_NAME_MAX)
		return "a ServerName= is empty or longer than 253 octets";
	if (strstr(name, "..") || name[len - 1] == '.')
		return "a ServerName= has an empty label, or ends in a dot";
	if (strchr(name, '*'))
		return "ServerName= knows no '*': all hosts below a domain are \".example.org\"";
	for (size_t i = 0; i < len; i++) {
		if (!isascii((unsigned char)name[i]))
			return "a ServerName= is not ASCII: write international names as xn--";
		if (!isprint((unsigned char)name[i]))
			return "a ServerName= has a control character";
	}
	return NULL;
}

static enum status add_names(struct trust *trust, const struct trust_settings *settings,
			     struct diagnosis *why)
{
	if (settings->name_count > TRUST_NAMES_MAX)
		return config_fault(why, MALFORMED, "more than 16 ServerName=");
	for (size_t i = 0; i < settings->name_count; i++) {
		const char *fault = name_fault(settings->names[i]);

		if (fault)
			return config_fault(why, MALFORMED, fault);
		trust->names[i] = strdup(settings->names[i]);
		if (!trust->names[i])
			return no_memory(why);
		trust->name_count++;
	}
	return OK;
}

static bool parse_pin(const char *hex, uint8_t pin[CERT_HASH_LEN], size_t *ret_len)
{
	return OPENSSL_hexstr2buf_ex(pin, CERT_HASH_LEN, ret_len, hex, '\0') == 1 &&
	       (*ret_len == CERT_HASH_LEN || *ret_len == CERT_HASH_LEN / 2);
}

static enum status add_pins(struct trust *trust, const struct trust_settings *settings,
			    struct diagnosis *why)
{
	if (settings->pin_count > TRUST_PINS_MAX)
		return config_fault(why, MALFORMED, "more than 16 ServerPin=");
	for (size_t i = 0; i < settings->pin_count; i++) {
		bool parsed;

		ERR_set_mark();
		parsed = parse_pin(settings->pins[i], trust->pins[i].hash, &trust->pins[i].len);
		ERR_pop_to_mark();
		if (!parsed)
			return config_fault(why, MALFORMED, "a ServerPin= is not 64 hex digits");
		trust->pin_count++;
	}
	return OK;
}

enum status trust_new(const struct trust_settings *settings, struct trust **ret_trust,
		      struct diagnosis *why)
{
	AUTO_STRUCT(trust) trust = calloc(1, sizeof *trust);
	const char *fault = accepts_anybody(settings);
	enum status status;

	diagnosis_set(why, DIAG_NONE);
	if (fault)
		return config_fault(why, UNTRUSTED, fault);
	if (!trust || !(trust->store = X509_STORE_new()))
		return no_memory(why);
	trust->role = settings->role;
	trust->insecure = settings->insecure_no_check;
	trust->one_network = settings->one_network;
	trust->ocsp = settings->ocsp;
	trust->clock = settings->clock;
	trust->built = settings->built;
	status = add_files(
		trust, settings->anchors, settings->anchor_count, "anchor",
		settings->role == CERT_CLIENT
			? "a ClientAnchors= holds no certificate, or one that does not parse"
			: "a TrustAnchor= holds no certificate, or one that does not parse",
		add_anchors_pem, add_anchor_der, why);
	if (status == OK)
		status = add_files(trust, settings->crls, settings->crl_count, "crl",
				   "a CRL= holds no revocation list, or one that does not parse",
				   add_crls_pem, add_crl_der, why);
	if (status == OK)
		status = add_names(trust, settings, why);
	if (status == OK)
		status = add_pins(trust, settings, why);
	if (status == OK)
		*ret_trust = TAKE(trust);
	return status;
}

void trust_free(struct trust *trust)
{
	if (!trust)
		return;
	for (size_t i = 0; i < trust->name_count; i++)
		free(trust->names[i]);
	X509_STORE_free(trust->store);
	free(trust);
}

bool trust_is_insecure(const struct trust *trust)
{
	return trust->insecure;
}

bool trust_is_named(const struct trust *trust)
{
	return trust->name_count > 0 || trust->pin_count > 0;
}

/* ---- the check ---- */

enum diagnosis_id trust_id(const struct trust *trust, enum diagnosis_id of_server)
{
	static const enum diagnosis_id of_client[][2] = {
		{ DIAG_SERVER_UNTRUSTED, DIAG_PEER_UNTRUSTED },
		{ DIAG_SERVER_CERT_EXPIRED, DIAG_PEER_CERT_EXPIRED },
		{ DIAG_SERVER_CERT_NOT_YET_VALID, DIAG_PEER_CERT_NOT_YET_VALID },
		{ DIAG_SERVER_CERT_USAGE, DIAG_PEER_CERT_USAGE },
		{ DIAG_SERVER_CERT_WEAK, DIAG_PEER_CERT_WEAK },
		{ DIAG_SERVER_CERT_REVOKED, DIAG_PEER_CERT_REVOKED },
		{ DIAG_SERVER_CERT_INVALID, DIAG_PEER_CERT_INVALID },
		{ DIAG_OCSP_MISSING, DIAG_PEER_OCSP },
		{ DIAG_OCSP_INVALID, DIAG_PEER_OCSP },
	};

	for (size_t i = 0; i < sizeof of_client / sizeof of_client[0]; i++) {
		if (trust->role == CERT_CLIENT && of_client[i][0] == of_server)
			return of_client[i][1];
	}
	return of_server;
}

enum status trust_refuse(struct diagnosis *why, enum diagnosis_id id, const X509 *cert)
{
	struct cert_info info;

	cert_info_of(cert, &info);
	diagnosis_set(why, id);
	diagnosis_add(why, "subject", "%s", info.subject[0] ? info.subject : info.names);
	diagnosis_add(why, "issuer", "%s", info.issuer);
	diagnosis_add(why, "fingerprint", "%s", info.fingerprint);
	return UNTRUSTED;
}

void trust_add_now(struct diagnosis *why, const struct trust_time *time)
{
	char now[32], built[32];

	diagnosis_add_time(why, "now", time->now);
	if (time->at != time->now)
		diagnosis_add(why, "now", "%s, before this program was built on %s",
			      rfc3339(time->now, now, sizeof now),
			      rfc3339(time->at, built, sizeof built));
}

enum status trust_clock(const struct trust *trust, int64_t now, struct trust_time *ret_time,
			struct diagnosis *why)
{
	struct trust_time time = { now, now, true, true };

	diagnosis_set(why, trust->insecure ? DIAG_REDUCED_NO_SERVER_CHECK : DIAG_NONE);
	if (!trust->insecure && now < trust->built) {
		diagnosis_set(why,
			      trust->clock == CLOCK_STRICT ? DIAG_CLOCK_WRONG : DIAG_REDUCED_CLOCK);
		diagnosis_add_time(why, "now", now);
		diagnosis_add_time(why, "built", trust->built);
		time.at = trust->built;
		time.not_before = false;
		time.not_after = trust->clock == CLOCK_BUILD_DATE;
	}
	*ret_time = time;
	return why->id == DIAG_CLOCK_WRONG ? UNTRUSTED : OK;
}

/* RFC 5216, section 5.3; for an authority in the path, what it may issue. */
static enum status check_usage(const struct trust *trust, STACK_OF(X509) * path,
			       struct diagnosis *why)
{
	for (int i = 0; i < sk_X509_num(path); i++) {
		const char *misuse = cert_misuse(sk_X509_value(path, i), trust->role);

		if (!misuse)
			continue;
		trust_refuse(why, trust_id(trust, DIAG_SERVER_CERT_USAGE), sk_X509_value(path, i));
		diagnosis_add(why, "detail", "%s", misuse);
		return UNTRUSTED;
	}
	return OK;
}

static void join_names(const struct trust *trust, char *buffer, size_t size)
{
	size_t used = 0;

	buffer[0] = '\0';
	for (size_t i = 0; i < trust->name_count && used < size; i++)
		used += (size_t)snprintf(buffer + used, size - used, "%s%s", i ? ", " : "",
					 trust->names[i]);
}

static enum status check_names(const struct trust *trust, X509 *server, struct diagnosis *why)
{
	struct cert_info info;
	char wanted[DIAGNOSIS_VALUE_MAX];

	if (trust->name_count == 0 && cert_is_server(server))
		return OK;
	/* Exact, or below the domain when the name begins with a dot; RFC 6125, section 6.4.3 for
	 * wildcards in the certificate, section 6.4.4 for the common name. */
	for (size_t i = 0; i < trust->name_count; i++) {
		if (X509_check_host(server, trust->names[i], strlen(trust->names[i]),
				    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1)
			return OK;
	}
	if (trust->name_count == 0) {
		trust_refuse(why, DIAG_SERVER_CERT_USAGE, server);
		diagnosis_add(why, "detail",
			      "it does not say that it is a server's, and no ServerName= is set");
		return UNTRUSTED;
	}
	cert_info_of(server, &info);
	join_names(trust, wanted, sizeof wanted);
	trust_refuse(why, DIAG_SERVER_NAME_MISMATCH, server);
	diagnosis_add(why, "names", "%s", info.names[0] ? info.names : info.subject);
	diagnosis_add(why, "wanted", "%s", wanted);
	return UNTRUSTED;
}

static enum status check_pins(const struct trust *trust, STACK_OF(X509) * certs,
			      struct diagnosis *why)
{
	struct cert_info info;

	for (int i = 0; i < sk_X509_num(certs); i++) {
		if (trust_pinned(trust, sk_X509_value(certs, i)))
			return OK;
	}
	if (trust->pin_count == 0)
		return OK;
	cert_info_of(sk_X509_value(certs, 0), &info);
	trust_refuse(why, DIAG_SERVER_PIN_MISMATCH, sk_X509_value(certs, 0));
	diagnosis_add(why, "fingerprint", "%s", info.spki);
	return UNTRUSTED;
}

static enum status check_path(const struct trust *trust, STACK_OF(X509) * presented,
			      const struct trust_time *time, X509_STACK **ret_path,
			      struct diagnosis *why)
{
	AUTO(X509_STACK) path = NULL;
	enum status status = OK;

	/* Where only pins are trusted the pinned certificates are the anchors, so there must be
	 * one; otherwise the path decides which certificates count. */
	if (!trust->has_anchors)
		status = check_pins(trust, presented, why);
	if (status == OK)
		status = trust_chain(trust, presented, time, &path, why);
	if (status == OK)
		status = check_usage(trust, path, why);
	if (status == OK && trust->role == CERT_SERVER)
		status = check_names(trust, sk_X509_value(path, 0), why);
	if (status == OK)
		status = check_pins(trust, path, why);
	if (status == OK && ret_path)
		*ret_path = TAKE(path);
	return status;
}

enum status trust_check_path(const struct trust *trust, STACK_OF(X509) * chain, int64_t now,
			     X509_STACK **ret_path, struct diagnosis *why)
{
	struct trust_time time;
	struct diagnosis fault;
	enum status status = trust_clock(trust, now, &time, why);

	if (status != OK || trust->insecure)
		return status;
	if (sk_X509_num(chain) <= 0) {
		diagnosis_set(why, trust_id(trust, DIAG_SERVER_CERT_INVALID));
		diagnosis_add(why, "detail", "none was sent");
		return UNTRUSTED;
	}
	ERR_set_mark();
	status = check_path(trust, chain, &time, ret_path, &fault);
	ERR_pop_to_mark();
	if (status == NO_MEMORY)
		return no_memory(why);
	if (status != OK)
		*why = fault;
	return status;
}

enum status trust_check(const struct trust *trust, STACK_OF(X509) * chain, int64_t now,
			struct diagnosis *why)
{
	return trust_check_path(trust, chain, now, NULL, why);
}

bool trust_wants_ocsp(const struct trust *trust)
{
	return !trust->insecure && trust->ocsp != OCSP_OFF;
}

/* Who issued the server's certificate is only known from the path: a certificate that the server
 * sent may carry the issuer's name, and even a key that fits the signature, without being it. */
static enum status check_response(const struct trust *trust, STACK_OF(X509) * presented,
				  struct slice ocsp, const struct trust_time *time,
				  struct diagnosis *why)
{
	AUTO(X509_STACK) path = NULL;
	enum status status = trust_chain(trust, presented, time, &path, why);

	return status == OK ? trust_ocsp(trust, path, ocsp, time, why) : status;
}

enum status trust_check_ocsp(const struct trust *trust, STACK_OF(X509) * chain, struct slice ocsp,
			     int64_t now, struct diagnosis *why)
{
	struct trust_time time;
	struct diagnosis fault;
	enum status status = trust_clock(trust, now, &time, why);

	if (status != OK || !trust_wants_ocsp(trust) ||
	    (ocsp.len == 0 && trust->ocsp == OCSP_IF_OFFERED))
		return status;
	if (sk_X509_num(chain) <= 0) {
		diagnosis_set(why, DIAG_OCSP_MISSING);
		return UNTRUSTED;
	}
	if (ocsp.len == 0)
		return trust_refuse(why, DIAG_OCSP_MISSING, sk_X509_value(chain, 0));
	ERR_set_mark();
	status = check_response(trust, chain, ocsp, &time, &fault);
	ERR_pop_to_mark();
	if (status == NO_MEMORY)
		return no_memory(why);
	if (status != OK)
		*why = fault;
	return status;
}
