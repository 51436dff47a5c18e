#include "authd/radsec_tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/files.h"
#include "keystore/keystore.h"
#include "tls/engine_parts.h"
#include "tls/trust.h"

/* Forward secrecy only, RFC 9325, section 4.1. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:!aNULL:!PSK:!SRP"
/* The same with a pre-shared key, where OpenSSL has nothing better than CBC with ECDHE. */
#define CIPHERS_PSK	"kECDHEPSK+CHACHA20:kDHEPSK+AESGCM:kDHEPSK+CHACHA20:kECDHEPSK+AES"
#define CIPHERS_PSK_1_3 "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256"

struct radsec_tls {
	unsigned references;
	SSL_CTX *ctx;
	struct trust *trust; /* NULL: no certificate is good enough */
	enum cert_role role;
};

static int complain(struct diagnosis *why, enum diagnosis_id id, const char *detail)
{
	diagnosis_say(why, id, "%s", detail);
	return id == DIAG_INTERNAL ? -ENOMEM : -EINVAL;
}

/* ---- judging ---- */

/* A name that begins with a dot stands for any host below: X509_check_host reads it so too. */
static bool has_name(X509 *cert, const struct words *names)
{
	for (size_t i = 0; i < names->count; i++)
		if (X509_check_host(cert, names->word[i], 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
				    NULL) == 1)
			return true;
	return false;
}

/* A client has to be the one whose address it comes from. */
static bool is_meant(struct radsec_judgement *j, X509_STORE_CTX *ctx)
{
	X509 *cert = X509_STORE_CTX_get0_cert(ctx);
	struct cert_info info;

	if (j->tls->role == CERT_CLIENT || has_name(cert, j->peer->names))
		return true;
	cert_info_of(cert, &info);
	diagnosis_set(&j->why, DIAG_RADSEC_NAME);
	diagnosis_add(&j->why, "client", "%s", j->peer->name);
	diagnosis_add(&j->why, "subject", "%s", info.subject);
	diagnosis_add(&j->why, "names", "%s", info.names);
	X509_STORE_CTX_set_error(ctx, X509_V_ERR_HOSTNAME_MISMATCH);
	return false;
}

static int judge(X509_STORE_CTX *ctx, void *unused)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct radsec_judgement *j = SSL_get_app_data(ssl);

	(void)unused;
	diagnosis_set(&j->why, DIAG_NONE);
	if (!j->tls->trust || j->peer->psk_identity) {
		diagnosis_say(&j->why, DIAG_TLS_FAILED,
			      "it showed a certificate and was to use the pre-shared key");
		X509_STORE_CTX_set_error(ctx, X509_V_ERR_APPLICATION_VERIFICATION);
		return 0;
	}
	if (trust_check(j->tls->trust, X509_STORE_CTX_get0_untrusted(ctx), time(NULL), &j->why) !=
	    OK) {
		X509_STORE_CTX_set_error(ctx, tls_verify_error(j->why.id));
		return 0;
	}
	diagnosis_set(&j->why, DIAG_NONE);
	if (!is_meant(j, ctx))
		return 0;
	X509_STORE_CTX_set_error(ctx, X509_V_OK);
	return 1;
}

static unsigned give_key(const struct radsec_peer *peer, unsigned char *key, unsigned most)
{
	if (!peer->psk || peer->psk->len > most)
		return 0;
	memcpy(key, peer->psk->p, peer->psk->len);
	return (unsigned)peer->psk->len;
}

static unsigned as_client(SSL *ssl, const char *hint, char *identity, unsigned identity_most,
			  unsigned char *key, unsigned key_most)
{
	const struct radsec_judgement *j = SSL_get_app_data(ssl);

	(void)hint;
	if (!j->peer->psk_identity || strlen(j->peer->psk_identity) >= identity_most)
		return 0;
	strcpy(identity, j->peer->psk_identity);
	return give_key(j->peer, key, key_most);
}

static unsigned as_server(SSL *ssl, const char *identity, unsigned char *key, unsigned most)
{
	struct radsec_judgement *j = SSL_get_app_data(ssl);

	if (j->peer->psk_identity && strcmp(identity, j->peer->psk_identity) == 0)
		return give_key(j->peer, key, most);
	diagnosis_say(&j->why, DIAG_TLS_FAILED, "it offered the pre-shared key of %s", identity);
	return 0;
}

/* ---- making it ---- */

static int read_anchors(const struct radsec_tls_settings *s, struct files *anchors,
			struct diagnosis *why)
{
	for (size_t i = 0; i < s->anchors->count; i++) {
		int r = files_add_anchors(anchors, s->anchors->word[i]);

		if (r == 0)
			continue;
		diagnosis_say(why, DIAG_CONFIG, "%s: %s: %s", s->file, s->anchors->word[i],
			      files_problem(r));
		return r;
	}
	return 0;
}

static int make_trust(struct radsec_tls *tls, const struct radsec_tls_settings *s,
		      struct diagnosis *why)
{
	AUTO_VALUE(files) anchors = { 0 };
	bool of_server = s->role == CERT_CLIENT;
	int r = read_anchors(s, &anchors, why);
	const struct trust_settings settings = {
		.role = of_server ? CERT_SERVER : CERT_CLIENT,
		.anchors = anchors.view,
		.anchor_count = anchors.count,
		.names = of_server ? (const char *const *)s->names->word : NULL,
		.name_count = of_server ? s->names->count : 0,
		.built = BUILD_EPOCH,
	};

	if (r == 0 && trust_new(&settings, &tls->trust, why) != OK) {
		if (why->id == DIAG_NONE)
			return complain(why, DIAG_INTERNAL, "there is no memory left");
		diagnosis_say(why, DIAG_CONFIG, "%s: the anchors of RadSec cannot be used",
			      s->file);
		return -EINVAL;
	}
	return r;
}

static int use_credential(struct radsec_tls *tls, const struct config *config, const char *name,
			  struct diagnosis *why)
{
	AUTO_STRUCT(keystore) keystore = NULL;
	AUTO_STRUCT(credential) c = NULL;
	int r = keystore_open(config->settings.keystore, false, &keystore, why);

	if (r == 0)
		r = keystore_get(keystore, name, &c, why);
	if (r < 0 || !c)
		return r;
	if (SSL_CTX_use_cert_and_key(tls->ctx, c->cert, c->key, c->chain, 1) != 1) {
		diagnosis_set(why, DIAG_KEY_MISMATCH);
		diagnosis_add(why, "credential", "%s", name);
		return -EINVAL;
	}
	return 0;
}

static int set_rules(struct radsec_tls *tls)
{
	SSL_CTX *ctx = tls->ctx;

	SSL_CTX_set_security_level(ctx, 2);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					 SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, judge, NULL);
	SSL_CTX_set_dh_auto(ctx, 1);
	/* For a server a pre-shared key is a session that is resumed, and so has a context. */
	if (tls->role == CERT_SERVER)
		SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"radsec", 6);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
			       SSL_CTX_set_num_tickets(ctx, 0) == 1 &&
			       SSL_CTX_set_cipher_list(ctx, CIPHERS) == 1
		       ? 0
		       : -EINVAL;
}

int radsec_tls_new(const struct config *config, const struct radsec_tls_settings *settings,
		   struct radsec_tls **ret_tls, struct diagnosis *why)
{
	AUTO_STRUCT(radsec_tls) tls = calloc(1, sizeof *tls);
	int r = 0;

	diagnosis_set(why, DIAG_NONE);
	if (!tls)
		return complain(why, DIAG_INTERNAL, "there is no memory left");
	tls->references = 1;
	tls->role = settings->role;
	tls->ctx = SSL_CTX_new(settings->role == CERT_CLIENT ? TLS_client_method()
							     : TLS_server_method());
	if (!tls->ctx || set_rules(tls) < 0)
		return complain(why, DIAG_INTERNAL, "TLS cannot be set up");
	if (settings->credential)
		r = use_credential(tls, config, settings->credential, why);
	if (r == 0 && settings->anchors && settings->anchors->count > 0)
		r = make_trust(tls, settings, why);
	if (r < 0)
		return r;
	*ret_tls = TAKE(tls);
	return 0;
}

struct radsec_tls *radsec_tls_ref(struct radsec_tls *tls)
{
	tls->references++;
	return tls;
}

void radsec_tls_free(struct radsec_tls *tls)
{
	if (!tls || --tls->references > 0)
		return;
	SSL_CTX_free(tls->ctx);
	trust_free(tls->trust);
	free(tls);
}

/* ---- a connection ---- */

/* A key that was agreed on for TLS 1.2 goes with SHA-256 in TLS 1.3 (RFC 8446, section 4.2.11). */
static bool use_key(SSL *ssl, enum cert_role role)
{
	if (role == CERT_CLIENT)
		SSL_set_psk_client_callback(ssl, as_client);
	else
		SSL_set_psk_server_callback(ssl, as_server);
	return SSL_set_cipher_list(ssl, CIPHERS_PSK) == 1 &&
	       SSL_set_ciphersuites(ssl, CIPHERS_PSK_1_3) == 1;
}

SSL *radsec_tls_connection(struct radsec_judgement *judgement)
{
	AUTO(SSL) ssl = SSL_new(judgement->tls->ctx);

	if (!ssl || (judgement->peer->psk_identity && !use_key(ssl, judgement->tls->role)))
		return NULL;
	diagnosis_set(&judgement->why, DIAG_NONE);
	SSL_set_app_data(ssl, judgement);
	return TAKE(ssl);
}

void radsec_tls_explain(struct radsec_judgement *judgement, unsigned long error)
{
	int reason = ERR_GET_REASON(error);
	const char *words = error ? ERR_reason_error_string(error) : NULL;

	/* Our own verdict is the better reason. */
	if (judgement->why.id == DIAG_NONE && ERR_GET_LIB(error) == ERR_LIB_SSL &&
	    reason > SSL_AD_REASON_OFFSET) {
		diagnosis_set(&judgement->why, DIAG_TLS_ALERT);
		diagnosis_add(&judgement->why, "alert", "%s",
			      SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET));
	} else if (judgement->why.id == DIAG_NONE) {
		diagnosis_say(&judgement->why, DIAG_TLS_FAILED, "%s",
			      words && reason != SSL_R_UNEXPECTED_EOF_WHILE_READING
				      ? words
				      : "the connection was closed");
	}
	diagnosis_add(&judgement->why, "with", "%s", judgement->peer->name);
}
